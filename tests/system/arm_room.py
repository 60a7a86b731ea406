"""A robot's room of real processes: simulated head, tracker and arm, `coilward-arm`, a daemon that can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from daemon.calibration_file import Calibration, Misfit, Spread
from drivers.polaris.tool_files import made_up
from drivers.poses import Pose
from simulator.control import Control
from tests.system.processes import ANSWER_S, START_S, end, until

SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "UTC"
profile = "robot"
one_person = true
[stimulator]
model = "magstim-rapid2"
firmware = 11
port = "pty:{folder}/sim/stimulator"
coil = "coil-1"
[watchdog]
state = "{folder}/state"
slack = {slack}
[daemon]
state = "{folder}/daemon"
[tracker]
model = "polaris-vega"
port = "pty:{folder}/sim/tracker"
tools = {{ head = "head.rom", coil = "coil.rom" }}
[robot]
model = "ur5e"
host = "{host}"
rate_hz = {rate_hz}
park = {park}
tool = {tool}
calibration = "calibration.json"
"""
NO_MISFIT = Misfit(rms_mm=0.0, rms_deg=0.0, worst_mm=0.0, worst_deg=0.0)
NO_SPREAD = Spread(turns_deg=(0.0, 0.0, 0.0), shifts_mm=(0.0, 0.0, 0.0))
HOLD_S = 60.0
"""From the order to the coil on its target: 8 s of way, on a machine that may be busy (engineering choice)."""


class Listener:
    """A client of the arm's socket that only listens, and may say stop."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self.states: list[dict[str, Any]] = []
        assert self.ask("hello", role="cli")["ok"]

    def ask(self, do: str, **fields: object) -> dict[str, Any]:
        """The answer to one message."""
        self._socket.send(json.dumps({"do": do, **fields}).encode())
        while True:
            body = json.loads(self._socket.recv(8192))
            if body.get("re") == do:
                return dict(body)
            self.states.append(body)

    def listen(self) -> None:
        """Takes in all there is."""
        while select.select([self._socket], [], [], 0)[0] and (data := self._socket.recv(8192)):
            self.states.append(json.loads(data))

    @property
    def newest(self) -> dict[str, Any]:
        """What the arm last said of itself."""
        self.listen()
        return self.states[-1] if self.states else {"state": None, "why": None, "lease": None, "robot": {}}

    def wait(self, true: Callable[[dict[str, Any]], bool], what: str, deadline_s: float = ANSWER_S) -> dict[str, Any]:
        """The first state that is `true`."""
        give_up = time.monotonic() + deadline_s
        while not true(self.newest):
            assert time.monotonic() < give_up, f"{what}: not within {deadline_s:g} s; last {self.newest}"
            time.sleep(0.005)
        return self.newest

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()


class ArmRoom:
    """Built by `arm_room`."""

    def __init__(self, folder: Path, control: Control) -> None:
        self.folder = folder
        self.simulator = control
        self.arm: subprocess.Popen[bytes] | None = None
        self.daemon: subprocess.Popen[str] | None = None
        self.watchdog: subprocess.Popen[bytes] | None = None
        self.listener: Listener | None = None
        self._starts = 0

    def start_arm(self) -> Listener:
        """Starts the arm's process, again where one has died; who listens to it, once the controller's program runs."""
        if self.arm is not None:
            end(self.arm)
        command = [sys.executable, "-m", "daemon.arm", "--runtime", str(self.folder), "--site", str(self.site)]
        with (self.folder / "arm.log").open("ab") as log:
            self.arm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._starts += 1
        self._ready()
        listener = self.listen_again()
        listener.wait(lambda said: said["robot"].get("program") == "idle", f"an arm: {self.said()}", START_S)
        return listener

    def listen_again(self) -> Listener:
        """A new listener in place of the one before."""
        if self.listener is not None:
            self.listener.close()
        self.listener = Listener(self.folder / "arm" / "control")
        return self.listener

    def _ready(self) -> None:
        assert self.arm is not None

        def there() -> bool:
            assert self.arm is not None
            assert self.arm.poll() is None, self.said()
            return self.said().count("ready in") == self._starts

        until(there, START_S, "the arm's process")

    def start_watchdog(self) -> None:
        """Starts the watchdog, again where one has died, and returns once it answers."""
        if self.watchdog is not None:
            end(self.watchdog)
        command = [sys.executable, "-m", "safety", "--runtime", str(self.folder), "--site", str(self.site)]
        with (self.folder / "watchdog.log").open("ab") as log:
            self.watchdog = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        path = self.folder / "watchdog" / "control"
        until(path.exists, START_S, "a watchdog")

    def start_daemon(self) -> None:
        """Starts whoever passes the frames on, again where one has died; returns once the arm has taken its target."""
        if self.daemon is not None:
            end(self.daemon)
        command = [sys.executable, "-m", "tests.system.arm_daemon", str(self.site), str(self.folder)]
        with (self.folder / "daemon.log").open("ab") as log:
            pipe = subprocess.PIPE
            self.daemon = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True)
        never_wait(self.daemon.pid, 5)
        assert self.answer()["ok"]

    def go(self, to: str) -> dict[str, Any]:
        """An order through the daemon."""
        assert self.daemon is not None
        assert self.daemon.stdin is not None
        self.daemon.stdin.write(to + "\n")
        self.daemon.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """What the arm answered."""
        assert self.daemon is not None
        assert self.daemon.stdout is not None
        assert select.select([self.daemon.stdout], [], [], START_S)[0], "no answer"
        line = self.daemon.stdout.readline()
        assert line, (self.folder / "daemon.log").read_text()
        return dict(json.loads(line))

    def hold(self) -> Listener:
        """The coil on its target, with everything running."""
        listener = self.start_arm()
        self.start_daemon()
        listener.wait(lambda said: said["frame_age_ms"] is not None, "frames", START_S)
        self.to_target(listener)
        return listener

    def to_target(self, listener: Listener) -> None:
        """The coil on its target, with everything running already."""
        try:
            until(lambda: self._is_held(listener), HOLD_S, "the coil on its target")
        except AssertionError as late:
            late.add_note(f"{listener.newest}\n{self.logs()}")
            raise

    def unlock(self) -> str:
        """An operator unlocks a protective stop; what is wrong with that, empty when it was done."""
        done = self.coilward("arm", "unlock", "--by", "operator1")
        return "" if done.returncode == 0 else done.stderr

    def doctor(self) -> dict[str, bool]:
        """What the doctor finds good, and what not."""
        found = map(json.loads, self.coilward("doctor", "--json").stdout.splitlines())
        return {one["check"]: one["ok"] for one in found}

    def coilward(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """What the command says and how it ends."""
        coilward = [Path(sys.executable).with_name("coilward"), "--runtime", self.folder, "--site", self.site]
        return subprocess.run(
            list(map(str, (*coilward, *arguments))), capture_output=True, text=True, timeout=2 * ANSWER_S, check=False
        )

    def _is_held(self, listener: Listener) -> bool:
        """Sends the coil, again where a machine that stalled has made it leave, as an operator would."""
        said = listener.newest
        if said["state"] not in ("approach", "track", "freeze"):
            self.go("target")
        return bool(said["lease"] == "begin")

    @property
    def site(self) -> Path:
        """The site file."""
        return self.folder / "site.toml"

    @property
    def truth(self) -> dict[str, Any]:
        """How the coil really stands to the head."""
        return dict(self.simulator("room")["coil"])

    def said(self) -> str:
        """What the arm's process printed."""
        return (self.folder / "arm.log").read_text()

    def logs(self) -> str:
        """What everybody printed, for whoever reads of a failure."""
        logs = (self.folder / name for name in ("arm.log", "daemon.log", "watchdog.log"))
        return "\n".join(log.read_text() for log in logs if log.exists())

    def close(self) -> None:
        """Ends what runs."""
        if self.listener is not None:
            self.listener.close()
        for process in (self.daemon, self.arm, self.watchdog):
            if process is not None:
                end(process)


@contextlib.contextmanager
def arm_room(*, head: str = "rest", seed: int = 1, rate_hz: int = 125, slack: int = 4) -> Iterator[ArmRoom]:
    """A simulated room that runs, calibrated with the truth; neither the arm's process nor a daemon yet."""
    folder = Path(tempfile.mkdtemp(prefix="cw-", dir="/tmp"))  # short: a socket's path has 108 bytes
    host = f"127.{random.randrange(64, 128)}.{random.randrange(256)}.{random.randrange(2, 255)}"
    command = [sys.executable, "-m", "simulator", "--runtime", str(folder), "--die-with-parent", "--room", "robot"]
    command += ["--arm-host", host, "--head", head, "--seed", str(seed), "--pacing", "off"]
    command += ["--log", str(folder / "simulator.jsonl")]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert select.select([process.stdout], [], [], START_S)[0], "no simulator"
                assert process.stdout.readline().startswith("ready")
                never_wait(process.pid, 15)
                room = ArmRoom(folder, Control(folder))
                _furnish(room, host, rate_hz, slack)
                try:
                    yield room
                finally:
                    room.close()
            finally:
                end(process)
    finally:
        shutil.rmtree(folder)


def never_wait(pid: int, priority: int) -> None:
    """A room has a machine of its own, and its devices wait for no core; where we may, other tests wait instead."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(priority))


def _furnish(room: ArmRoom, host: str, rate_hz: int, slack: int) -> None:
    """Writes the files of the room from what the simulator knows of itself."""
    truth = room.simulator("room-truth")
    for tool in ("head", "coil"):
        (room.folder / f"{tool}.rom").write_bytes(made_up(tool))
    Calibration(
        made="2026-01-01T00:00:00+00:00",
        by="test",
        simulated=True,
        robot_from_camera=_pose(truth["robot_from_camera"]),
        tcp_from_coil=_pose(truth["tcp_from_coil"]),
        poses=1,
        residual=NO_MISFIT,
        held_out=NO_MISFIT,
        spread=NO_SPREAD,
        condition=1.0,
    ).write(room.folder / "calibration.json")
    scalp = {name: truth["scalp"][name] for name in ("centre", "radii")}
    order = {"do": "target", "id": "left-m1", "head_from_target": truth["head_from_target"], "scalp": scalp}
    (room.folder / "target.json").write_text(json.dumps(order))
    park, tool_pose = _pose(truth["robot_from_parked"]), _pose(truth["flange_from_tcp"])
    room.site.write_text(
        SITE.format(
            folder=room.folder,
            host=host,
            rate_hz=rate_hz,
            slack=slack,
            park=[*park.translation, *park.rotation_vector],
            tool=[*tool_pose.translation, *tool_pose.rotation_vector],
        )
    )


def _pose(numbers: list[float]) -> Pose:
    return Pose.of(numbers[:4], numbers[4:])
