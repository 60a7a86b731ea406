"""What a simulated Polaris says: command lines in, replies out, through the codec of `drivers.polaris`.

The optics are another's: whoever implements `Eye` is asked what the camera has ready when a client asks for it. So a
frame is as old as that physics makes it, and asking faster than the camera sees gives the same frame again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from drivers.errors import BadFrame
from drivers.polaris import bx, bx2, tx
from drivers.polaris.framing import OKAY, RESET, Binary, Command, LineReader, Refused, Text
from drivers.polaris.models import BAUDS, FIRST_BAUD
from drivers.polaris.refusals import Error
from drivers.polaris.reports import NO_FAULT, PortStatus, Report, SystemStatus
from drivers.polaris.sights import tool_report
from drivers.trackers import Missing, Sight, Tool
from simulator.wires.polaris_tools import NoSuchPort, PortTable

BANNERS: Final = {
    "polaris-vicra": ("Polaris Vicra Control Firmware", "Polaris Vicra Rev 003"),
    "polaris-spectra": ("Polaris Spectra Control Firmware", "Polaris Spectra Rev 004"),
    "polaris-vega": ("Polaris Vega Control Firmware", "Polaris Vega 011"),
}
"""First line and freeze tag of VER:0. The tags are made up, and none that makes scikit-surgerynditracker avoid BX."""
UNSEEN: Final = Sight(None, missing=Missing.NOT_SEEN)
DISABLED: Final = Sight(None, missing=Missing.NOT_ENABLED)
_FOLLOWED: Final = PortStatus.OCCUPIED | PortStatus.INITIALISED | PortStatus.ENABLED
API_REVISIONS: Final = {"polaris-vicra": "G.001.004", "polaris-spectra": "G.001.005", "polaris-vega": "G.003.003"}


Said = Text | Refused | Binary


@dataclass(frozen=True, slots=True)
class Sights:
    """What the camera has ready at one time: its newest frame."""

    frame: int
    """Counts the camera's own frames, whether or not anybody asks."""
    tools: Mapping[Tool, Sight] = field(default_factory=dict)
    """A tool that is not in it is not seen."""
    system: SystemStatus = NO_FAULT


class Eye(Protocol):
    """The physics of a tracker: light, noise, latency, and what hides a tool."""

    def sights(self, at_us: int) -> Sights:
        """The newest frame whose report could leave the camera by `at_us`, the world's clock. Times never go back."""


@dataclass(slots=True)
class Defects:
    """What can be wrong with the unit itself, beside what `Eye` shows."""

    refuses: dict[str, Error] = field(default_factory=dict)
    """Commands it answers with this error."""
    highest_baud: int = 921600
    """COMM beyond it is refused."""
    knows_bx2: bool | None = None
    """None: as the model does."""


class PolarisWire:
    """One unit's interface: which state it is in, and its answer to every line."""

    def __init__(
        self, eye: Eye, now_us: Callable[[], int], model: str = "polaris-vega", *, serial: bool = True
    ) -> None:
        """`serial` False is the interface on Ethernet, which knows no COMM."""
        self._eye = eye
        self._now_us = now_us
        self._serial = serial
        self.model: Final = model
        self.defects = Defects()
        self.baud = FIRST_BAUD
        """What its serial line runs at: from the byte after COMM's reply on, another."""
        self.initialised = False
        self.tracking = False
        self._reader = LineReader()
        self.ports = PortTable()
        self._frame_zero = 0
        self._frame_told: int | None = None
        self._acts = self._table()
        self._parameters = {
            "Features.Firmware.Version": "011.004",
            "Features.Firmware.API Revision": API_REVISIONS[model],
        }

    # ── the calls of a port ─────────────────────────────────────────────────────────────────────────────────────────

    def split(self, data: bytes) -> list[bytes]:
        """The command lines that `data` completes."""
        return self._reader.feed(data)

    def forget(self) -> None:
        """Drops half a line."""
        self._reader.drop()

    def answer(self, line: bytes) -> bytes:
        """Does what a line says; the reply. An empty line is none."""
        if not line:
            return b""
        return self._reply(line).encode()

    def reset(self) -> bytes:
        """As by a BREAK or its mains switch: all is forgotten, frames are counted anew, and it says so at 9600 baud."""
        self.forget()
        self.initialised = self.tracking = False
        self.ports = PortTable()
        self._frame_zero, self._frame_told = self._eye.sights(self._now_us()).frame, None
        self.baud = FIRST_BAUD
        return RESET.encode()

    # ── who may say what when ───────────────────────────────────────────────────────────────────────────────────────

    def _reply(self, line: bytes) -> Said:
        try:
            command = Command.parse(line)
        except BadFrame:
            known = line.partition(b":")[0].decode("ascii", "replace") in self._acts
            return Refused(Error.WRONG_CHECKSUM if known else Error.INVALID_COMMAND)
        act = self._acts.get(command.name)
        if act is None:
            return Refused(Error.INVALID_COMMAND)
        if command.name in self.defects.refuses:
            return Refused(self.defects.refuses[command.name])
        if self.tracking and command.name not in _WHILE_TRACKING:
            return Refused(Error.WHILE_TRACKING)
        if not self.initialised and command.name not in _BEFORE_INIT:
            return Refused(Error.NOT_INITIALISED)
        if not self.tracking and command.name in _ONLY_TRACKING:
            return Refused(Error.INVALID_COMMAND)
        try:
            return act(command.parameters)
        except NoSuchPort as error:
            return Refused(error.code)
        except ValueError:
            return Refused(Error.PARAMETERS)

    def _table(self) -> Mapping[str, Callable[[str], Said]]:
        """What is done for each command; given its parameters."""
        return {
            "INIT": self._init,
            "COMM": self._comm,
            "RESET": self._reset,
            "VER": self._version,
            "APIREV": self._api_revision,
            "GET": self._get,
            "GETINFO": self._get_info,
            "PHSR": self._ports,
            "PHRQ": self._request_port,
            "PHF": self._free_port,
            "PVWR": self._write_port,
            "PINIT": self._initialise_port,
            "PENA": self._enable_port,
            "PDIS": self._disable_port,
            "PHINF": self._port_information,
            "TSTART": self._start,
            "TSTOP": self._stop,
            "TX": self._text,
            "BX": self._binary,
            "BX2": self._binary2,
        }

    # ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────

    def _init(self, _: str) -> Said:
        self.initialised = True
        self.ports.forsake()
        return OKAY

    def _comm(self, given: str) -> Said:
        if not self._serial:
            return Refused(Error.COMM)
        letters = {letter: baud for baud, letter in BAUDS.items()}
        baud = letters.get(given[:1], 0)
        if given[1:] != "0000" or not baud or baud > self.defects.highest_baud:
            return Refused(Error.COMM)
        self.baud = baud
        return OKAY

    def _reset(self, _: str) -> Said:
        self.reset()
        return RESET

    def _version(self, given: str) -> Said:
        if given == "4":
            return Text(f"{BANNERS[self.model][0]}\n{API_REVISIONS[self.model]}")
        name, tag = BANNERS[self.model]
        return Text(
            f"{name}\nNDI S/N: P9-00000\nCharacterization Date: 01/01/26\nFreeze Tag: {tag}\nFreeze Date: 01/01/26"
        )

    def _api_revision(self, _: str) -> Said:
        return Text(API_REVISIONS[self.model])

    def _get(self, given: str) -> Said:
        if given not in self._parameters:
            return Refused(Error.INVALID_COMMAND)
        return Text(f"{given}={self._parameters[given]}")

    def _get_info(self, given: str) -> Said:
        if given not in self._parameters:
            return Refused(Error.INVALID_COMMAND)
        return Text(f"{given}={self._parameters[given]};4;0;;;;")

    def _ports(self, given: str) -> Said:
        return Text(self.ports.listing(int(given or "0", 16)))

    def _request_port(self, _: str) -> Said:
        return Text(f"{self.ports.request():02X}")

    def _free_port(self, given: str) -> Said:
        self.ports.free(int(given, 16))
        return OKAY

    def _write_port(self, given: str) -> Said:
        self.ports[int(given[:2], 16)].write(int(given[2:6], 16), bytes.fromhex(given[6:]))
        return OKAY

    def _initialise_port(self, given: str) -> Said:
        self.ports.initialise(int(given, 16))
        return OKAY

    def _enable_port(self, given: str) -> Said:
        if given[2:] not in {"S", "D", "B"}:
            return Refused(Error.PARAMETERS)
        self.ports[int(given[:2], 16)].enable()
        return OKAY

    def _disable_port(self, given: str) -> Said:
        self.ports[int(given, 16)].disable()
        return OKAY

    def _port_information(self, given: str) -> Said:
        return Text(self.ports[int(given[:2], 16)].information())

    def _start(self, given: str) -> Said:
        if given not in {"", "40", "80"}:
            return Refused(Error.PARAMETERS)
        self.tracking = True
        self._frame_told = None
        if given == "80":
            self._frame_zero = self._eye.sights(self._now_us()).frame
        return OKAY

    def _stop(self, _: str) -> Said:
        self.tracking = False
        return OKAY

    # ── what it sees ────────────────────────────────────────────────────────────────────────────────────────────────

    def _report(self) -> tuple[Report, int]:
        seen = self._eye.sights(self._now_us())
        frame = (seen.frame - self._frame_zero) & 0xFFFFFFFF
        tools = []
        for handle, port in self.ports.tools():
            sight = seen.tools.get(port.tool, UNSEEN) if port.enabled else DISABLED
            tools.append(tool_report(handle, sight, _FOLLOWED, frame))
        return Report(tuple(tools), seen.system), frame

    def _text(self, given: str) -> Said:
        return Text(tx.encode(self._report()[0])) if _knows(given) else Refused(Error.PARAMETERS)

    def _binary(self, given: str) -> Said:
        return Binary(bx.encode(self._report()[0])) if _knows(given) else Refused(Error.PARAMETERS)

    def _binary2(self, _: str) -> Said:
        """A frame that was told already is not told again: assumed."""
        knows = self.model == "polaris-vega" if self.defects.knows_bx2 is None else self.defects.knows_bx2
        if not knows:
            return Refused(Error.INVALID_COMMAND)
        report, frame = self._report()
        if frame == self._frame_told:
            return Binary(bx2.encode(Report(())))
        self._frame_told = frame
        return Binary(bx2.encode(report))


def _knows(options: str) -> bool:
    """Transforms, with or without those out of the volume; other options are not simulated."""
    return int(options or "0001", 16) in {0x0001, 0x0801}


_ONLY_TRACKING: Final = {"TX", "BX", "BX2"}
_WHILE_TRACKING: Final = _ONLY_TRACKING | {"TSTOP", "VER", "APIREV", "GET", "GETINFO", "PHSR", "PHINF", "RESET"}
_BEFORE_INIT: Final = {"INIT", "COMM", "RESET", "VER", "APIREV", "GET", "GETINFO"}
