"""The operator's panel: its files, and the way from a browser to the broker and, for STOP, past it."""
