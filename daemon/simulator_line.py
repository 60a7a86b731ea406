"""The simulator's back door, from a process that imports nothing of it: one JSON line out, one back."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Final

from drivers.errors import DeadlinePassed, OperatorError

ANSWER_S: Final = 5.0
_LONGEST: Final = 65_536


def turn(control: Path, do: str, **arguments: object) -> dict[str, Any]:
    """Turns a switch (`coilward-simulator ctl --help`) and gives what it tells. Blocks.

    Raises DeadlinePassed when the simulator does not answer, OperatorError when it will not.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.settimeout(ANSWER_S)
        try:
            end.connect(str(control))
            end.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n") and (more := end.recv(_LONGEST)):
                data += more
        except OSError as wrong:
            raise DeadlinePassed(f"{control}: the simulator does not answer {do}: {wrong}.") from None
    told: dict[str, Any] = json.loads(data)
    if not told.pop("ok"):
        raise OperatorError(f"The simulator did not do {do}: {told['error']}. Look at `coilward-simulator ctl --help`.")
    return told
