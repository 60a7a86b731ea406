"""The watchdog: what may happen to a person. Standard library, pyserial and `drivers` only."""
