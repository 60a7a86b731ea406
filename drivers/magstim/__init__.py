"""Magstim Rapid², Super Rapid² and Super Rapid² Plus¹ on their serial port: NOTES.md gives the source of each byte."""
