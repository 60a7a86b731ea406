"""The tools loaded into a simulated Polaris: handles, the files written to them, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from drivers.polaris import tool_files
from drivers.polaris.refusals import Error
from drivers.trackers import Tool

FIRST_HANDLE: Final = 0x0A
"""As a real unit numbers its wireless tools: the lower ones are sockets for wired ones."""
MOST_HANDLES: Final = 16
"""Engineering choice; the real number differs by model."""
_OCCUPIED, _INITIALISED, _ENABLED = 0x01, 0x10, 0x20


class NoSuchPort(Exception):
    """A handle that is not in use, or that cannot do this now."""

    def __init__(self, code: Error) -> None:
        super().__init__(code.name)
        self.code: Final = code


@dataclass(slots=True)
class ToolPort:
    """One handle."""

    data: bytearray = field(default_factory=lambda: bytearray(tool_files.MOST_BYTES))
    tool: Tool = Tool.HEAD
    """Which body of the room it stands for, once it is initialised."""
    initialised: bool = False
    enabled: bool = False
    stale: bool = False
    """Left over from before the last INIT: nothing but PHF is left for it."""

    @property
    def status(self) -> int:
        """As PHSR tells it."""
        return _OCCUPIED | _INITIALISED * self.initialised | _ENABLED * self.enabled

    def write(self, at: int, chunk: bytes) -> None:
        """A piece of its tool file. ValueError when it does not fit."""
        if len(chunk) != tool_files.CHUNK or at + len(chunk) > len(self.data):
            raise ValueError("a piece of a tool file is 64 bytes within 1024")
        self.data[at : at + len(chunk)] = chunk

    def enable(self) -> None:
        """It is followed from the next start on."""
        if not self.initialised:
            raise NoSuchPort(Error.PORT_NOT_INITIALISED)
        self.enabled = True

    def disable(self) -> None:
        """It is no longer followed."""
        self.enabled = False

    def information(self) -> str:
        """As PHINF with option 0001 tells it."""
        name = (tool_files.made_up_name(bytes(self.data)) or "tool").upper()
        return f"02000000{name:12.12}001{'00000001'}{self.status:02X}"


class PortTable:
    """Every handle in use."""

    def __init__(self) -> None:
        self._ports: dict[int, ToolPort] = {}

    def __getitem__(self, handle: int) -> ToolPort:
        if handle not in self._ports:
            raise NoSuchPort(Error.UNOCCUPIED)
        return self._ports[handle]

    def request(self) -> int:
        """A new handle."""
        free = (handle for handle in range(FIRST_HANDLE, FIRST_HANDLE + MOST_HANDLES) if handle not in self._ports)
        handle = next(free, None)
        if handle is None:
            raise NoSuchPort(Error.NO_HANDLES_LEFT)
        self._ports[handle] = ToolPort()
        return handle

    def free(self, handle: int) -> None:
        """Gives a handle back."""
        self[handle]
        del self._ports[handle]

    def forsake(self) -> None:
        """INIT: what was loaded before waits to be freed (assumed)."""
        for port in self._ports.values():
            port.stale, port.initialised, port.enabled = True, False, False

    def initialise(self, handle: int) -> None:
        """Reads the tool file. A real one is taken for the next body that no handle stands for yet."""
        port = self[handle]
        name = tool_files.made_up_name(bytes(port.data))
        if port.stale or not port.data.startswith(tool_files.MAGIC):
            raise NoSuchPort(Error.CANNOT_INITIALISE_PORT)
        if name is not None and name not in {tool.value for tool in Tool}:
            raise NoSuchPort(Error.CANNOT_INITIALISE_PORT)
        taken = {other.tool for other in self._ports.values() if other.initialised and other is not port}
        port.tool = Tool(name) if name else next((tool for tool in Tool if tool not in taken), Tool.HEAD)
        port.initialised = True

    def listing(self, which: int) -> str:
        """As PHSR tells it: 0 all, 1 to be freed, 2 to be initialised, 3 to be enabled, 4 enabled. ValueError."""
        chosen = [(handle, port) for handle, port in sorted(self._ports.items()) if _asked(port, which)]
        return f"{len(chosen):02X}" + "".join(f"{handle:02X}{port.status:03X}" for handle, port in chosen)

    def tools(self) -> Iterator[tuple[int, ToolPort]]:
        """Those that a report tells of, by handle."""
        return ((handle, port) for handle, port in sorted(self._ports.items()) if port.initialised)


def _asked(port: ToolPort, which: int) -> bool:
    match which:
        case 0:
            return True
        case 1:
            return port.stale
        case 2:
            return not port.stale and not port.initialised
        case 3:
            return port.initialised and not port.enabled
        case 4:
            return port.enabled
    raise ValueError(f"PHSR:{which:02X}")


def write_tool_files(folder: Path) -> dict[Tool, Path]:
    """Writes the made-up tool file of every body into `folder`, for a site file to name. OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {tool: folder / f"{tool.value}.rom" for tool in Tool}
    for tool, path in paths.items():
        path.write_bytes(tool_files.made_up(tool.value))
    return paths
