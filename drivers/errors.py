"""Every error of coilward, and who erred.

    CoilwardError
    ├── OurError               we did what our own code forbids: a bug, report it
    ├── OperatorError          a person asked for something that cannot be: the message says what to change
    │   └── ConfigError        a file a person wrote does not hold
    ├── DeviceError            the device understood and said no, or is in the wrong state
    │   ├── DeviceRefused      it answered with its own refusal
    │   └── DeviceSilent       it does not answer at all: cable, port, power, remote state or unlock code
    ├── LedgerError            the record of pulses cannot vouch for what was delivered (safety/ledger_errors.py)
    └── WireError              what is between us and the device
        ├── PortNotFound       no such port
        ├── PortBusy           another program holds it
        ├── PortLost           it went away while open
        ├── DeadlinePassed     nothing came, or nothing could be sent, in time
        └── BadFrame           bytes that are no frame of this protocol

Raised with one sentence each: what happened, why, what to do next.
"""


class CoilwardError(Exception):
    """Root of the tree above; never raised itself."""


class OurError(CoilwardError):
    """We broke a rule of our own code."""


class OperatorError(CoilwardError):
    """A person asked for something that cannot be."""


class ConfigError(OperatorError):
    """A file a person wrote does not hold: names file, section, key, value, bound and remedy."""


class DeviceError(CoilwardError):
    """The device is there and does not do it."""


class DeviceRefused(DeviceError):
    """The device answered with its own refusal."""


class DeviceSilent(DeviceError):
    """The device does not answer."""


class WireError(CoilwardError):
    """Something between us and the device."""


class PortNotFound(WireError):
    """No such port."""


class PortBusy(WireError):
    """Another program holds the port."""


class PortLost(WireError):
    """The port went away while open."""


class DeadlinePassed(WireError):
    """Nothing came, or nothing could be sent, before the deadline."""


class BadFrame(WireError):
    """Bytes that are no frame of this protocol."""
