"""Opening a session, and whoever is away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from daemon.guard_link import GuardLost
from daemon.room import Measured, Order
from daemon.thresholds import FILE_NAME
from drivers.errors import DeviceError
from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.situations import comes_about

DEVICE_TRAIN = {"trains": 1, "pulses": 60, "rate_tenths": 100, "level_tenths": 500, "gap_us": 0}


@comes_about(
    "placement-missing",
    "No session was opened. This room has no tracker, so only you know where the coil is. "
    "Say where it is placed and by which mark (--placement).",
)
async def _(stage: Any) -> Any:
    return await stage.room.start(replace(stage.order, placement=" "), "operator")


@comes_about(
    "threshold-missing",
    "No session was opened. There is no motor threshold of S-9 with coil-1. "
    "File one with `coilward subject threshold S-9 …`.",
)
async def _(stage: Any) -> Any:
    return await stage.room.start(Order("S-9", "demo", "mark F3"), "operator")


@comes_about(
    "thresholds-unread",
    "No session was opened. {state}/thresholds.jsonl: 1 damaged lines. "
    "File the threshold of whoever was measured last again, then remove the damaged lines.",
)
async def _(stage: Any) -> Any:
    (stage.site.daemon.state / FILE_NAME).write_text("half a li")
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "threshold-not-filed",
    "The threshold was not filed. {state}/thresholds.jsonl cannot be written: Is a directory. "
    "Check its owner, the user of coilward-daemon, and the space on its disk.",
)
async def _(stage: Any) -> Any:
    path = stage.site.daemon.state / FILE_NAME
    path.unlink()
    path.mkdir()
    return stage.room._opener.file(Measured("S-9", 425, "emg", 20, "coil-1"), "operator", 1)


@comes_about(
    "not-deliverable",
    "No session was opened. 60 pulses at 10 Hz run 5.9 s on the device's own, and without a cut-off 5 s and 50 pulses "
    "are the most. Choose a protocol with shorter trains.",
)
async def _(stage: Any) -> Any:
    stage.guard.plan = [DEVICE_TRAIN]
    return await stage.room.start(stage.order, "operator")


@comes_about("session-open", "A session is open already. The coil is being placed. Place the coil, then release.")
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.start(stage.order, "operator")


@comes_about("no-report", "Nothing was read. This session has no report. Look at the list of sessions.")
async def _(stage: Any) -> Any:
    return await stage.room.read_report("cd" * 8, "vera")


@comes_about(
    "record-unread",
    "Nothing was read. The record cannot be read: Is a directory. Ask an engineer to look at the disk.",
)
async def _(stage: Any) -> Any:
    (stage.site.daemon.state / "sessions.jsonl").mkdir()
    return await stage.room.history(None, 50, "vera")


@comes_about(
    "journal-not-written",
    "No session was opened. The journal cannot be written: No space left on device. Free space on its disk.",
)
async def _(stage: Any) -> Any:
    stage.sink.trouble = "No space left on device"
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "nothing-to-continue",
    "Nothing was continued. The session completed, is unknown here, or ended too long ago. Start a new one.",
)
async def _(stage: Any) -> Any:
    return await stage.room.continue_session(None, "a break", "mark F3", "operator")


@comes_about("reason-missing", "Nothing was continued. No reason was given. Say why it was interrupted.")
async def _(stage: Any) -> Any:
    await stage.opened()
    await stage.room.end("operator")
    return await stage.room.continue_session(None, " ", "mark F3", "operator")


@comes_about("watchdog-away", "The watchdog does not answer: its connection ended. Start it again.")
async def _(stage: Any) -> Any:
    async def lost(*_: Any) -> Any:
        raise GuardLost("The watchdog does not answer: its connection ended. Start it again.")

    stage.guard.ask = lost
    return await stage.room.start(stage.order, "operator")


@comes_about(
    "stimulator-away",
    "Nothing was released. The stimulator has taken back remote control. Release when the stimulator is back.",
)
async def _(stage: Any) -> Any:
    await stage.opened()

    async def gone() -> None:
        raise DeviceError("The stimulator has taken back remote control.")

    stage.stimulator.confirm = gone
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about("port-absent", "No stimulator. Its port is missing or it does not answer. Check power, cable and the port "
             "in the site file.")  # fmt: skip
async def _(stage: Any) -> Any:
    await stage.opened()
    stage.room.hear({"say": "status", "device": {"present": False}})
    stage.guard.show = lambda: None
    return await stage.room.release(HASH, NONCE, "operator")
