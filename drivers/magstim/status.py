"""The status bytes that nearly every reply carries, by their bits (sources: NOTES.md)."""

from __future__ import annotations

from enum import IntFlag


class Instrument(IntFlag):
    """The instrument status, second byte of a reply. Standby, armed and ready exclude each other."""

    STANDBY = 0x01
    ARMED = 0x02
    READY = 0x04
    COIL_PRESENT = 0x08
    REPLACE_COIL = 0x10
    ERROR = 0x20
    FATAL = 0x40
    """Kind of the error: set for one that only a service technician clears."""
    REMOTE = 0x80


class Rapid(IntFlag):
    """The Rapid status, third byte of the replies that have it."""

    ENHANCED_POWER = 0x01
    TRAIN_RUNNING = 0x02
    WAIT = 0x04
    """After a train: parameters cannot be changed."""
    SINGLE_PULSE = 0x08
    HIGH_VOLTAGE_CONNECTED = 0x10
    COIL_READY = 0x20
    THETA = 0x40
    MODIFIED_COIL = 0x80


class Extended(IntFlag):
    """The extended status of firmware 9 and later: two bytes, high byte first."""

    PLUS1_MODULE = 0x0001
    SPECIAL_TRIGGER = 0x0002
    CHARGE_DELAY_SET = 0x0004
