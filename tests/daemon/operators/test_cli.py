"""The command line as a person meets it: real processes, a real broker, a room that plays its part."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon.room import Counts, Done, Measured, Refused
from daemon.runtime import Runtime

HASH = "ab" * 16
SESSION = "0123456789abcdef"
SITE = """
[site]
room = "room1"
use = "simulation"
timezone = "UTC"
[stimulator]
model = "magstim-rapid2"
firmware = 8
port = "pty:/nowhere"
coil = "coil-1"
[watchdog]
state = "{state}"
[daemon]
state = "{state}"
[broker]
port = {port}
"""
REPORT: dict[str, Any] = {
    "outcome": "completed",
    "protocol": "demo",
    "trains": 3,
    "pulses": {
        "planned": 60,
        "commanded": 60,
        "settled": 60,
        "read_back": {"low": 60, "high": 62, "by": "running"},
        "sensed": None,
        "unknown": 0,
    },
}


@dataclass
class Result:
    code: int
    out: str
    err: str


class Terminal:
    """Runs `coilward` as a person would, with everything it prints."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from daemon.cli import main; main()", *arguments,
            env=os.environ | {"COILWARD_RUNTIME": str(self.runtime.folder), "COLUMNS": "200"},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def run(self, *arguments: str, user: str = "olga") -> Result:
        return await self.end(await self.start(*arguments, "--user", user))

    async def end(self, process: asyncio.subprocess.Process) -> Result:
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def terminal(house_on: Any, mosquitto_in: Any, tmp_path: Path) -> AsyncIterator[Any]:
    runtime = Runtime(tmp_path)
    async with AsyncExitStack() as stack:
        ground = await mosquitto_in(stack, runtime.broker)
        runtime.site.write_text(SITE.format(state=tmp_path / "state", port=ground.port))
        terminal = Terminal(runtime)
        terminal.house = await stack.enter_async_context(house_on(ground))
        yield terminal


def plays(house: Any, tmp_path: Path, *, to: str = "done") -> None:
    """The room opens, and after its release comes to its end by itself, or when it is stopped."""
    room = house.room
    report = tmp_path / "report.json"
    report.write_text(json.dumps(REPORT | {"report": str(report), "pulse_rows": []}))

    async def start(order: Any, by: str) -> Any:
        room.asked.append(("start", order, by))
        room.show(phase="positioning", session=SESSION, hash=HASH, trains=3, counts=Counts(planned=60))
        return Done({"session": SESSION, "hash": HASH, "understood": {"protocol": "demo", "ceiling_tenths": 450}})

    async def release(hash_: str, nonce: str, by: str) -> Any:
        room.asked.append(("release", hash_, by))
        room.show(phase="train", train=1)
        if to == "done":
            room.show(phase="done", train=3, counts=Counts(60, 60, 60), report=str(report))
        return Done()

    async def stop(by: str) -> Any:
        room.asked.append(("stop", by))
        room.show(phase="ended-early", report=str(report))
        return Done()

    room.start, room.release, room.resume, room.stop = start, release, release, stop


async def test_a_room_to_practise_in_says_so_before_anything_else(terminal: Any) -> None:
    real, site = await terminal.run("status"), terminal.runtime.site
    text = site.read_text().replace("[stimulator]", "practice = true\n[stimulator]")
    site.write_text(text.replace("pty:/nowhere", f"pty:{site.parent}/sim/stimulator"))
    practice = await terminal.run("status")

    assert (real.code, practice.code) == (0, 0), practice
    assert "TRAINING" not in real.out
    assert "TRAINING: nobody is stimulated" in practice.out.splitlines()[1]


async def test_a_session_is_opened_released_followed_and_summed_up(terminal: Any, tmp_path: Path) -> None:
    plays(terminal.house, tmp_path)
    result = await terminal.run("session", "start", "S-01", "demo", "--placement", "C3", "--yes", "--json")
    assert result.code == 0, result
    assert json.loads(result.out.splitlines()[-1])["pulses"]["settled"] == 60
    assert "45.0 % MSO" in result.err, "what the watchdog understood is shown before the release"
    assert [call[0] for call in terminal.house.room.asked] == ["start", "release"]
    assert set(terminal.house.room.seen) <= {"olga"}


@pytest.mark.parametrize(("typed", "passes"), [(b"y\n", True), (b"n\n", False), (b"\x03", False)])
async def test_a_person_at_the_terminal_releases_by_saying_yes(
    terminal: Any, tmp_path: Path, typed: bytes, *, passes: bool
) -> None:
    plays(terminal.house, tmp_path)
    ours, theirs = pty.openpty()
    code = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from daemon.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "session", "start", "S-01", "demo", "--user", "olga",
        env=os.environ | {"COILWARD_RUNTIME": str(terminal.runtime.folder)},
        stdin=theirs, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    assert process.stderr is not None
    async with asyncio.timeout(20):
        await process.stderr.readuntil(b"[y/N]")
    os.write(ours, typed)
    await terminal.end(process)
    os.close(ours)
    asked = [call[0] for call in terminal.house.room.asked]
    assert asked == (["start", "release"] if passes else ["start", "stop"])


async def test_ctrl_c_is_stop(terminal: Any, tmp_path: Path) -> None:
    plays(terminal.house, tmp_path, to="train")
    process = await terminal.start("session", "start", "S-01", "demo", "--yes", "--user", "olga")
    room = terminal.house.room
    async with asyncio.timeout(20):
        while ("release", HASH, "olga") not in room.asked:
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    result = await terminal.end(process)
    assert ("stop", "olga") in room.asked
    assert result.code == 0, "the report in this play says completed"
    assert "NOT CONFIRMED" not in result.err


async def test_a_ctrl_c_that_nobody_confirms_says_press_stop_on_the_stimulator(terminal: Any, tmp_path: Path) -> None:
    plays(terminal.house, tmp_path, to="train")
    room = terminal.house.room
    confirmed = room.stop

    async def stop(by: str) -> Any:
        await confirmed(by)
        await asyncio.sleep(0.5)  # the session is seen to be over before it is known whether the stimulator obeyed
        return Refused("port-lost", "Press STOP on the stimulator. The connection was lost. Check the cable.")

    room.stop = stop
    process = await terminal.start("session", "start", "S-01", "demo", "--yes", "--user", "olga")
    async with asyncio.timeout(20):
        while ("release", HASH, "olga") not in room.asked:
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    result = await terminal.end(process)
    assert "STOP is NOT CONFIRMED: press STOP on the stimulator." in result.err


@pytest.mark.parametrize("to", ["done", "train"])
async def test_whoever_resumes_is_present_until_the_session_ends_and_ctrl_c_is_stop(
    terminal: Any, tmp_path: Path, to: str
) -> None:
    plays(terminal.house, tmp_path, to=to)
    room = terminal.house.room
    room.show(phase="paused", session=SESSION, hash=HASH, trains=3)
    process = await terminal.start("session", "resume", "--json", "--user", "olga")
    async with asyncio.timeout(20):
        while ("release", HASH, "olga") not in room.asked:
            await asyncio.sleep(0.01)
        if to == "train":
            seen = len(room.seen)
            while len(room.seen) < seen + 8:  # 2 s
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGINT)
    result = await terminal.end(process)
    assert (("stop", "olga") in room.asked) == (to == "train")
    assert json.loads(result.out.splitlines()[-1])["pulses"]["settled"] == 60
    assert set(room.seen) <= {"olga"}


async def test_nothing_is_resumed_where_no_session_is_open_or_it_does_not_wait(terminal: Any) -> None:
    room = terminal.house.room
    none = await terminal.run("session", "resume")
    room.show(phase="train", session=SESSION, hash=HASH)
    room.answer = Refused("out-of-place", "Nothing was resumed. A train is running. Wait.")
    running = await terminal.run("session", "resume")
    assert (none.code, running.code) == (1, 1)
    assert "No session is open" in none.err
    assert "A train is running" in running.err


async def test_a_refusal_is_printed_as_what_why_and_next(terminal: Any) -> None:
    terminal.house.room.answer = Refused(
        "day-limit", "The session was not opened. The day is full. Come back tomorrow."
    )
    result = await terminal.run("session", "start", "S-01", "demo", "--yes")
    assert result.code == 1
    assert [line.strip() for line in result.err.splitlines() if line.strip()][-3:] == [
        "The session was not opened.",
        "why  The day is full.",
        "next Come back tomorrow.",
    ]


THRESHOLD = ("subject", "threshold", "S-01", "--value", "42.5", "--method", "emg", "--pulses", "20", "--coil", "coil-1")


async def test_a_subject_is_blocked_by_the_room_and_an_unblocking_takes_a_physician(terminal: Any) -> None:
    words = ("--reason", "seen and well")
    blocked = await terminal.run("subject", "block", "S-01", *words)
    refused = await terminal.run("subject", "unblock", "S-01", "--by", "Dr. Bianchi", *words)

    assert (blocked.code, refused.code) == (0, 1), (blocked.err, refused.err)
    assert "S-01 is blocked." in blocked.out
    assert "Not authorized" in refused.err, "by the broker already"
    assert [call[:3] for call in terminal.house.room.asked] == [("block", "S-01", "seen and well")]


async def test_a_threshold_is_filed_by_the_room_and_what_cannot_be_is_not_sent(terminal: Any) -> None:
    filed, no_number, no_method = await asyncio.gather(
        terminal.run(*THRESHOLD, "--sd", "1.2"),
        terminal.run(*THRESHOLD, "--sd", "wide"),
        terminal.run(*THRESHOLD, "--method", "felt"),
    )
    assert (filed.code, filed.out) == (0, "On file: S-01, 42.5 % MSO with coil-1, by emg.\n")
    assert no_number.code == no_method.code == 1
    assert "'wide' is no % MSO" in no_number.err
    assert "method: input should be 'emg' or 'visual'." in no_method.err
    assert terminal.house.room.asked == [("file-threshold", Measured("S-01", 425, "emg", 20, "coil-1", 12), "olga")]


async def test_the_intensity_is_lowered_and_raised_again_from_the_terminal(terminal: Any) -> None:
    room = terminal.house.room
    room.show(phase="gap", session=SESSION, hash=HASH, intensity_tenths=1000)
    lowered = await terminal.run("session", "lower", "90")
    room.show(intensity_tenths=900)
    not_lower = await terminal.run("session", "lower", "92.5")
    raised = await terminal.run("session", "raise", "92.5%")
    room.answer = Refused("raise-too-large", "98 % rMT is too far above the present 92.5 % rMT. Raise step by step.")
    too_far = await terminal.run("session", "raise", "98")
    nobody = await terminal.run("session", "raise", "95", user="vera")

    assert lowered.out == "Intensity is 90 % rMT from the next train on.\n"
    assert raised.out == "Intensity is 92.5 % rMT from the next train on.\n"
    assert (not_lower.code, too_far.code, nobody.code) == (1, 1, 1)
    assert "this verb only lowers" in not_lower.err
    assert "98 % rMT is too far above the present 92.5 % rMT." in too_far.err
    assert room.asked == [("lower", tenths, "olga") for tenths in (900, 925, 980)]


async def test_a_viewer_may_look_and_stop_and_no_more(terminal: Any) -> None:
    status, stop, pause = await asyncio.gather(
        terminal.run("status", "--json", user="vera"),
        terminal.run("stop", "--json", user="vera"),
        terminal.run("session", "pause", user="vera"),
    )
    assert status.code == 0
    assert json.loads(status.out)["state"]["phase"] == "idle"
    assert ("stop", "vera") in terminal.house.room.asked
    assert json.loads(stop.out)["mqtt"] is True
    assert pause.code == 1
    assert "refused" in pause.err


async def test_a_pulse_nobody_knows_the_fate_of_is_shown_with_what_resolves_it(terminal: Any) -> None:
    assert "resolve" not in (await terminal.run("status")).out
    terminal.house.room.show(unknown=(5,))
    assert "record 5: coilward resolve 5 --why" in (await terminal.run("status")).out


async def test_a_room_nobody_serves_is_unknown_and_a_broker_that_is_gone_unreachable(terminal: Any) -> None:
    terminal.house.stop()
    silent, threshold = await asyncio.gather(terminal.run("status"), terminal.run(*THRESHOLD))
    assert silent.code == threshold.code == 3
    assert "UNKNOWN" in silent.out
    assert "Is coilward-daemon running" in threshold.err
    await terminal.house.ground.stop()
    gone, stop = await asyncio.gather(terminal.run("status"), terminal.run("stop"))
    assert gone.code == 3
    assert "no connection to the broker" in gone.err
    assert stop.code == 3
    assert "press STOP on the stimulator" in stop.err


async def test_the_doctor_names_what_is_wrong_and_what_to_do(terminal: Any) -> None:
    result = await terminal.run("doctor", "--json")
    assert result.code == 1
    found = {one["check"]: one for one in map(json.loads, result.out.splitlines())}
    assert {name for name, one in found.items() if one["ok"]} >= {"site file", "runtime", "mosquitto", "broker"}
    assert not found["watchdog"]["ok"]
    assert "not running" in found["watchdog"]["why"]
    assert found["watchdog"]["next"] == "Start coilward-watchdog, or give --runtime."
