"""What a Polaris means by the number after ERROR, and what a person can do about it. Numbers from ndicapi.h."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Error(IntEnum):
    """Refusals that somebody here acts on or sends; the other numbers stay numbers."""

    INVALID_COMMAND = 0x01
    TOO_LONG = 0x02
    TOO_SHORT = 0x03
    WRONG_CHECKSUM = 0x04
    TIMEOUT = 0x05
    COMM = 0x06
    PARAMETERS = 0x07
    HANDLE = 0x08
    PRIORITY = 0x09
    WHILE_TRACKING = 0x0C
    NO_TOOL = 0x0D
    PORT_NOT_INITIALISED = 0x0E
    NOT_INITIALISED = 0x10
    NOT_TRACKING = 0x11
    CANNOT_TRACK = 0x12
    CANNOT_INITIALISE_PORT = 0x13
    TOO_MANY_TOOLS = 0x28
    UNOCCUPIED = 0x2C
    NO_HANDLES_LEFT = 0x2D
    TOO_MUCH_INFRARED = 0xF1


_MEANINGS: Final = {
    0x01: "it does not know this command. Is it a Polaris, and its firmware current?",
    0x02: "the command is too long. Report this as a fault of coilward.",
    0x03: "the command is too short. Report this as a fault of coilward.",
    0x04: "the command came with a wrong checksum. Check the cable and its length.",
    0x05: "the command took too long. Switch the tracker off and on.",
    0x06: "it cannot use these settings of its serial line. Give [tracker] port another ?baud=.",
    0x07: "it does not take these parameters. Does [tracker] model name this unit?",
    0x08: "it does not know this tool handle. Connect again.",
    0x0C: "it is tracking, and takes only questions meanwhile. Connect again.",
    0x0D: "there is no tool at this handle. Connect again.",
    0x0E: "the tool is not initialised. Is the tool file the right one?",
    0x0F: "the tool is not enabled. Connect again.",
    0x10: "it was not initialised: it restarted. Connect again.",
    0x11: "it cannot stop tracking. Switch the tracker off and on.",
    0x12: "it cannot start tracking. Look at its lights, and switch it off and on.",
    0x13: "it cannot use this tool file. Is the file whole, and made for this model?",
    0x1A: "it has an internal fault. Switch the tracker off and on; call its service if this comes back.",
    0x28: "more tools are loaded than it can track. Leave one out of [tracker] tools.",
    0x2B: "the tool handle is not its own. Connect again.",
    0x2C: "the tool handle is not in use. Connect again.",
    0x2D: "it has no tool handles left. Switch the tracker off and on.",
    0x33: "it lacks this feature. Does [tracker] model name this unit?",
    0x39: "this is not permitted to users. Report this as a fault of coilward.",
    0xF1: "there is too much other infrared light. Shade windows and lamps.",
}


def meaning(code: int) -> str:
    """A clause that ends as a sentence: what it means, and what to do."""
    return _MEANINGS.get(code, "the manual of the tracker knows the number. Connect again.")
