"""A whole simulated room on this machine: broker, simulator, watchdog, arm, daemon and panel as real processes.

Nothing of the simulator is imported here: it is one more process on the other end of a serial port.
"""

from __future__ import annotations

import asyncio
import secrets
import stat
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.broker import Person, free_port, listening, start_mosquitto, write_files
from daemon.children import DAEMON_PRIORITY, DEVICE_PRIORITY, Child, stop_all
from daemon.client import Address, RoomClient, RoomUnknown, connect
from daemon.config import Site, load_site, read_secret
from daemon.messages import Role
from daemon.runtime import Runtime
from daemon.simulated_arm import SimulatedArm, recorded_target, register_simulated, write_placement
from daemon.watchdog_line import WatchdogLine
from drivers.errors import CoilwardError, OperatorError

OPERATOR = "operator"
ROOM = "room1"
HOST = "127.0.0.1"
READY_S = 20.0
"""For one process to be ready, on a loaded machine (engineering choice)."""
SIMULATED_RMT_TENTHS = 450
"""0.1 % MSO; a usual resting motor threshold (engineering choice: nobody was measured)."""
_FIRST_WITH_CODE = 9
OTHERS = (Role.VIEWER, Role.PHYSICIAN, Role.ENGINEER)
"""Who may sign in besides the operators, each under the name of the role."""
PANEL = """
[panel]
port = {port}
red_button = {{ en = "On the wall behind you, beside the door.", it = "Sulla parete alle spalle, accanto alla porta." }}
[panel.emergency]
en = ["Protect the head. Put nothing into the mouth.", "Call for help.", "Note when it began."]
it = ["Proteggi la testa. Non mettere nulla in bocca.", "Chiama aiuto.", "Annota quando è iniziata."]
[[panel.telephones]]
name = "Emergency / Emergenza"
number = "112"
"""
"""What hangs in a simulated room is made up."""

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What to simulate. `stimulator` is MODEL:FIRMWARE."""

    stimulator: str = "magstim-rapid2:11"
    pacing: bool = True
    """Bytes take as long as at the device's own baud rate."""
    slack: int = 4
    arm: SimulatedArm | None = None
    """None: a room without tracker and arm."""
    operators: tuple[str, ...] = (OPERATOR,)
    """One alone resets what takes two elsewhere. Besides them there are the `OTHERS`."""
    panel: bool = False
    """Whether a browser can be let in."""
    panel_port: int = 0
    """0: one that is free, so that rooms run side by side."""
    practice: bool = False
    """A room to practise in: marked as one everywhere."""
    records: Path | None = None
    """Where journal, thresholds and reports stay; None: with the ledger in the runtime folder."""

    @property
    def model(self) -> str:
        """Model name. OperatorError when the whole is not MODEL:FIRMWARE."""
        return self._parts()[0]

    @property
    def firmware(self) -> int:
        """Major firmware version."""
        return self._parts()[1]

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who may sign in."""
        others = (Person(role.value, role) for role in OTHERS)
        return *(Person(each, Role.OPERATOR) for each in self.operators), *others

    def _parts(self) -> tuple[str, int]:
        model, _, firmware = self.stimulator.partition(":")
        if not model or not firmware.isdecimal():
            raise OperatorError(
                f"{self.stimulator!r} names no stimulator. Write MODEL:FIRMWARE, such as magstim-rapid2:11"
            )
        return model, int(firmware)


@dataclass(frozen=True, slots=True)
class RunningRoom:
    """A simulated room that answers."""

    runtime: Runtime
    site: Site
    children: tuple[Child, ...]

    @property
    def address(self) -> Address:
        """How its operator signs in."""
        return self.address_of(OPERATOR)

    def address_of(self, user: str) -> Address:
        """How one of its operators signs in."""
        return Address(self.site.broker.host, self.site.broker.port, user, read_secret(self.runtime.password(user)))

    def ended(self) -> Child | None:
        """The first process that is gone although it is needed."""
        return next((child for child in self.children if not child.running), None)


@asynccontextmanager
async def simulated_room(runtime: Runtime, what: Simulated, tell: Told) -> AsyncIterator[RunningRoom]:
    """Starts everything in order, each proven ready before the next; ends it in reverse.

    Raises what says which process failed, with the end of its log.
    """
    code = _unlock_code() if what.firmware >= _FIRST_WITH_CODE else None
    port = free_port(HOST)
    runtime.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_files(runtime.broker, room=ROOM, host=HOST, port=port, people=what.people, practice=what.practice)
    children: list[Child] = []
    try:
        tell("broker")
        children.append(await start_mosquitto(runtime.broker))
        tell("simulator")
        await _start(children, runtime, "simulator", _simulator(runtime, what, code))
        children[-1].outranks(DEVICE_PRIORITY)
        placed = await asyncio.to_thread(write_placement, runtime, what.arm) if what.arm else ""
        runtime.site.write_text(site_text(runtime, what, port, code) + placed)
        site = load_site(runtime.site)
        tell("watchdog")
        await _start(children, runtime, "watchdog", _ours("safety", runtime))
        if what.arm:
            tell("arm")
            await _start(children, runtime, "arm", _ours("daemon.arm", runtime))
        tell("daemon")
        await _start(children, runtime, "daemon", _ours("daemon", runtime))
        children[-1].outranks(DAEMON_PRIORITY)
        await _daemon_ready(children[-1], RunningRoom(runtime, site, ()))
        if what.panel:
            tell("panel")
            runtime.panel_address.unlink(missing_ok=True)  # of a room that was killed here
            await _start(children, runtime, "panel", _ours("daemon.panel", runtime))
        yield RunningRoom(runtime, site, tuple(children))
    finally:
        await stop_all(children)


def new_name() -> str:
    """A pseudonym nobody has had."""
    return f"sim-{secrets.token_hex(4)}"


async def new_subject(room: RoomClient, site: Site, name: str | None = None) -> str:
    """A pseudonym nobody has had, or `name`, with threshold on file, and in a room with an arm registration and target.

    Raises OperatorError: the room refused it.
    """
    subject, coil = name or new_name(), site.stimulator.coil
    threshold = {"value_tenths": SIMULATED_RMT_TENTHS, "method": "emg", "pulses": 20, "coil": coil}
    await _file(room, "file-threshold", subject=subject, **threshold)
    await asyncio.to_thread(register_simulated, site, subject)
    if site.robot is not None:
        await _file(room, "file-target", subject=subject, **recorded_target(site.robot))
    return subject


async def _file(room: RoomClient, verb: str, **fields: Any) -> None:
    answer = await room.ask(verb, **fields)
    if answer.sentence is not None:
        raise OperatorError(f"{answer.sentence.what} {answer.sentence.why} {answer.sentence.next}")


def site_text(runtime: Runtime, what: Simulated, port: int, code: str | None) -> str:
    """The site file of a simulated room; writes the unlock code beside it when there is one."""
    state = runtime.folder / "state"
    unlock = ""
    if code is not None:
        file = runtime.folder / "unlock-code"
        file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        file.write_text(code + "\n")
        unlock = f'unlock_code_file = "{file}"\n'
    people = "".join(f'\n[[operators]]\nuser = "{one.user}"\nrole = "{one.role}"\n' for one in what.people)
    return f"""\
# Written for one run of a simulated room.
[site]
room = "{ROOM}"
use = "simulation"
practice = {"true" if what.practice else "false"}
timezone = "UTC"
profile = "{"robot" if what.arm else "fixed"}"
one_person = {"true" if len(what.operators) == 1 else "false"}

[stimulator]
model = "{what.model}"
firmware = {what.firmware}
port = "pty:{runtime.stimulator}"
coil = "coil-1"
{unlock}
[watchdog]
state = "{state / "watchdog"}"
slack = {what.slack}

[daemon]
state = "{what.records or state / "daemon"}"

[broker]
host = "{HOST}"
port = {port}
username = "daemon"
password_file = "{runtime.password("daemon")}"
{PANEL.format(port=what.panel_port)}{people}"""


def _unlock_code() -> str:
    """Invented, in the form of a real one: cccc-cccccccc-hh."""
    return f"{secrets.token_hex(2)}-{secrets.token_hex(4)}-{secrets.token_hex(1)}"


def _simulator(runtime: Runtime, what: Simulated, code: str | None) -> list[str]:
    command = [sys.executable, "-m", "simulator", "--runtime", str(runtime.folder), "--stimulator", what.stimulator]
    command += ["--pacing", "on" if what.pacing else "off"]
    command += what.arm.arguments if what.arm else []
    return [*command, "--unlock", code] if code else command


def _ours(package: str, runtime: Runtime) -> list[str]:
    return [sys.executable, "-m", package, "--runtime", str(runtime.folder), "--site", str(runtime.site)]


Probe = Callable[[], bool]


async def _start(children: list[Child], runtime: Runtime, name: str, command: list[str]) -> None:
    child = Child.start(name, command, runtime.log(name))
    children.append(child)
    await _ready(child, runtime)


async def _ready(child: Child, runtime: Runtime) -> None:
    """A daemon is asked apart, over the broker."""
    probe = PROBES[child.name](runtime) if child.name in PROBES else None

    async def ready() -> bool:
        return probe is None or await asyncio.to_thread(probe)

    await child.ready(ready, READY_S)


async def start_again(room: RunningRoom, child: Child) -> None:
    """One that has ended, as whoever supervises it does. Returns once it is ready."""
    child.again()
    if child.name == "mosquitto":
        await listening(child)
        return
    await _ready(child, room.runtime)
    if child.name == "daemon":
        await _daemon_ready(child, room)


def _simulator_ready(runtime: Runtime) -> Probe:
    return lambda: runtime.stimulator.exists() and runtime.simulator_control.exists()


def _watchdog_ready(runtime: Runtime) -> Probe:
    """It listens, and it has brought the stimulator to standby: before that no door is open."""

    def ready() -> bool:
        try:
            with WatchdogLine(runtime.watchdog_control) as line:
                return str(line.status()["phase"]).lower() != "boot"
        except CoilwardError:
            return False

    return ready


PROBES: Mapping[str, Callable[[Runtime], Probe]] = {
    "simulator": _simulator_ready,
    "watchdog": _watchdog_ready,
    "arm": lambda runtime: runtime.arm_control.exists,
    "panel": lambda runtime: runtime.panel_address.exists,
}
"""By name of the process: whether it is ready."""


async def _daemon_ready(daemon: Child, room: RunningRoom) -> None:
    """Its heartbeat is heard, and the stimulator stands ready behind it."""
    async with connect(room.address, ROOM) as client:

        async def known() -> bool:
            try:
                view = await client.known(0.2)
            except RoomUnknown:
                return False
            arm = room.site.robot is None or (view.arm is not None and view.arm.linked)
            return arm and view.state.linked and view.state.stimulator not in ("away", "connecting")

        await daemon.ready(known, READY_S)


def check_runtime_path(folder: Path) -> None:
    """A unix socket's path has 108 bytes; a deep runtime folder would only fail later, and say so badly."""
    longest = Runtime(folder).watchdog_control
    if len(str(longest).encode()) > 100:  # noqa: PLR2004  sun_path, with room for a link's temporary name
        raise OperatorError(f"{folder} is too deep for a unix socket. Choose a shorter --runtime.")
