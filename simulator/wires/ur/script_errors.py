"""What is wrong with a script: the line it stands on belongs to every complaint."""

from __future__ import annotations

from drivers.errors import DeviceRefused


class ScriptError(DeviceRefused):
    """The controller does not take the script, or stops in the middle of it."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what if line is None else f"line {line}: {what}")
