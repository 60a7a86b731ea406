"""Tool files (`.rom`): the geometry of a tool's spheres, written into the tracker before it can follow the tool.

Only their envelope is public: they begin with `NDI` and a NUL, and hold at most 1024 bytes (752 in every one seen).
The tracker checks the rest and refuses what it cannot use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from drivers.errors import ConfigError
from drivers.polaris.framing import Command

MAGIC: Final = b"NDI\0"
MOST_BYTES: Final = 1024
USUAL_BYTES: Final = 752
CHUNK: Final = 64
"""What one PVWR carries."""
MADE_UP: Final = b"coilward-simulated:"
"""Marks a file that `made_up` wrote; a real tracker refuses it."""


def read(path: Path) -> bytes:
    """The bytes of a tool file. ConfigError when it is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"[tracker] tools: {path} cannot be read ({error.strerror}). Name the tool's .rom file."
        ) from error
    if not data.startswith(MAGIC) or len(data) > MOST_BYTES:
        raise ConfigError(
            f"[tracker] tools: {path} is no tool file: those begin with NDI and hold at most {MOST_BYTES} bytes."
            " Take the one that came with the tool, or that its maker's software wrote."
        )
    return data


def writing(handle: int, data: bytes) -> list[Command]:
    """The commands that write `data` to a handle: all 1024 bytes, zeros at the end, as ndicapi does."""
    padded = data.ljust(MOST_BYTES, b"\0")
    chunks = [(at, padded[at : at + CHUNK]) for at in range(0, MOST_BYTES, CHUNK)]
    return [Command("PVWR", f"{handle:02X}{at:04X}{chunk.hex().upper()}") for at, chunk in chunks]


def made_up(name: str) -> bytes:
    """A tool file that means something to the simulator only: it says which tool it stands for."""
    return (MAGIC + MADE_UP + name.encode("ascii")).ljust(USUAL_BYTES, b"\0")


def made_up_name(data: bytes) -> str | None:
    """Which tool a made-up file stands for; None for a real one."""
    if not data.startswith(MAGIC + MADE_UP):
        return None
    return data[len(MAGIC + MADE_UP) :].partition(b"\0")[0].decode("ascii", "replace")
