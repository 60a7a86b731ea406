"""The daemon: built in one place, started in order, stopped in reverse.

Journal, room, session task, beats, the link to the watchdog with the stimulator behind it, and last the operators.
Whatever goes away is waited for and comes back disarmed; nothing starts by itself. When one of the tasks fails the
whole daemon ends, which makes the watchdog disarm: half a daemon is worse than none.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from daemon.arm_keeper import ArmKeeper, TrackerFeed, polaris_of
from daemon.arm_side import ArmSide
from daemon.config import Site, read_secret
from daemon.config_robot import RobotSection, TrackerSection
from daemon.front import serve_operators
from daemon.guard_link import GuardLink
from daemon.journal import FILE_NAME, Journal, open_journal
from daemon.json_lines import Row, read_rows
from daemon.opening import Opener
from daemon.placement_files import PlacementFiles
from daemon.rapid_room import RapidInTheRoom
from daemon.records import Records
from daemon.registrations import Registrations
from daemon.report import read_report, report_the_last
from daemon.retrying import Kept
from daemon.room import Done
from daemon.runtime import Runtime
from daemon.slow_tracker import cut_later
from daemon.targets import Targets
from daemon.thresholds import Thresholds
from daemon.treatment_room import TreatmentRoom
from drivers.catalogue import dialect
from drivers.errors import CoilwardError, ConfigError, OperatorError
from drivers.magstim.rapid import RapidDriver
from drivers.magstim.rapid_connection import ANSWER_S
from drivers.polaris.models import model as polaris_model
from safety.protocols import load_protocols
from safety.realtime import Notifier

BEAT_S: Final = 0.05
"""The watchdog's limit is 250 ms: four beats may be lost."""
ANSWER_SIMULATED_S: Final = 2 * ANSWER_S
"""Simulators share their machine with whatever else runs on it (engineering choice, like the watchdog's slack)."""
HISTORY_BYTES: Final = 8 * 1024 * 1024
"""Of the journal, read at the start: several days, and what may be continued is hours old at most."""
Operators = Callable[[TreatmentRoom, Site], Awaitable[None]]
Work = Callable[[], Awaitable[None]]


def clock() -> tuple[int, int]:
    """(BOOTTIME µs, unix µs), read together."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000, time.time_ns() // 1000


async def serve(site: Site, runtime: Runtime, operators: Operators = serve_operators) -> None:
    """Runs the room until SIGTERM or SIGINT. Raises ConfigError, and OSError when the journal cannot be opened."""
    journal = open_journal(site.daemon.state, clock, practice=site.site.practice)
    try:
        device = site.stimulator
        opener = Opener(
            site,
            dialect(device.model, device.firmware, device.supply_volts),
            load_protocols(),
            Thresholds(site.daemon.state),
        )
        arm = _arm_of(site, site.tracker, site.robot, journal) if site.tracker and site.robot else None
        room = TreatmentRoom(opener, journal, clock, arm)
        history = read_rows(site.daemon.state / FILE_NAME, HISTORY_BYTES).rows
        room.remember(history)
        journal.write("daemon-started", room=site.site.room, use=site.site.use)
        _report_the_last(history, site.daemon.state, journal)
        beside = [] if arm is None else _keepers(room, arm, site, runtime, journal)
        await _run(room, opener, runtime, journal, [*beside, lambda: operators(room, site)])
        journal.write("daemon-ended")
    finally:
        journal.close()


def _arm_of(site: Site, tracker: TrackerSection, robot: RobotSection, journal: Journal) -> ArmSide:
    state, use, hours, now_s = site.daemon.state, site.site.use, tracker.registration_hours, lambda: clock()[1] / 1e6
    registrations = Registrations(state, use == "simulation", hours, now_s)
    targets = Targets(state, use == "simulation", use == "study", hours, now_s)
    files = PlacementFiles(registrations, targets, robot.calibration, robot.simulated, journal)
    slow_tracker = cut_later(polaris_model(tracker.model).capabilities)
    return ArmSide(journal, lambda: clock()[0], files=files, slow_tracker=slow_tracker)


def _report_the_last(history: Sequence[Row], state: Path, journal: Journal) -> None:
    try:
        path = report_the_last(history, state / "reports")
        if path is not None:
            Records(state).add(read_report(path), path)
    except (OSError, OperatorError) as wrong:
        journal.write("trouble", what=f"the last session's report cannot be made: {wrong}")
        return
    if path is not None:
        journal.write("reported", report=str(path))


def _keepers(room: TreatmentRoom, arm: ArmSide, site: Site, runtime: Runtime, journal: Journal) -> list[Work]:
    """What a room with an arm has besides."""
    keepers: list[Work] = [ArmKeeper(room, arm, runtime.arm_control, journal).keep]
    if site.tracker is not None:
        keepers.append(TrackerFeed(polaris_of(site.tracker), arm, journal).keep)
    return keepers


async def _run(room: TreatmentRoom, opener: Opener, runtime: Runtime, journal: Journal, beside: Sequence[Work]) -> None:
    stopping = asyncio.Event()
    notifier = Notifier()
    link = Linked(room, opener, runtime, journal)
    with _signals_set(stopping):
        async with asyncio.TaskGroup() as tasks:
            started = [
                tasks.create_task(room.run(), name="session"),
                tasks.create_task(_beat(room, notifier), name="beats"),
                tasks.create_task(link.keep(), name="watchdog"),
                *(tasks.create_task(_done(work)) for work in beside),
            ]
            notifier.say("READY=1")
            await stopping.wait()
            notifier.say("STOPPING=1")
            await _leave_in_order(room, journal)
            for task in reversed(started):
                task.cancel()


async def _done(work: Work) -> None:
    await work()


async def _leave_in_order(room: TreatmentRoom, journal: Journal) -> None:
    """A session that is open ends as by STOP, with its report; the watchdog would disarm in any case."""
    answer = await room.end("coilward-daemon")
    if isinstance(answer, Done):
        journal.write("daemon-ended-session", **answer.detail)


@contextlib.contextmanager
def _signals_set(event: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, event.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _beat(room: TreatmentRoom, notifier: Notifier) -> None:
    """The counters do not come from here: a blocked session or driver task stands still in every beat."""
    turns = -1
    while True:
        with contextlib.suppress(CoilwardError):  # a lost link is the reader's to tell
            room.beat()
        if room.turns.count != turns:
            turns = room.turns.count
            notifier.turned(clock()[0])
        await asyncio.sleep(BEAT_S)


class Linked:
    """The link to the watchdog and, behind its door, the stimulator: kept; each loss and each return is told once."""

    def __init__(self, room: TreatmentRoom, opener: Opener, runtime: Runtime, journal: Journal) -> None:
        self._room = room
        self._site = opener.site
        self._dialect = opener.dialect
        self._path = runtime.watchdog_control
        self._kept = Kept(journal)

    async def keep(self) -> None:
        """For ever: connects, serves, and connects again."""
        await self._kept.again_and_again(self._serve_link)

    async def _serve_link(self) -> None:
        link, hello = await GuardLink.connect(self._path)
        try:
            self._same_unit(hello.get("model"), hello.get("firmware"))
            self._kept.back("watchdog")
            self._room.linked(link)
            stimulator = asyncio.create_task(self._kept.again_and_again(lambda: self._serve_stimulator(link)))
            try:
                async for push in link.pushes():
                    self._room.hear(push)
            finally:
                await _ended(stimulator)
                self._room.unlinked(str(link.lost or "the daemon ends"))
        finally:
            link.close()

    def _same_unit(self, model: object, firmware: object) -> None:
        ours = self._site.stimulator
        if (model, firmware) != (ours.model, ours.firmware):
            raise ConfigError(
                f"The watchdog guards a {model} with firmware {firmware}, the daemon's site file names {ours.model} "
                f"with {ours.firmware}. Give both the same file."
            )

    async def _serve_stimulator(self, link: GuardLink) -> None:
        file = self._site.stimulator.unlock_code_file
        code = read_secret(file) if file else None
        lost: asyncio.Future[CoilwardError] = asyncio.get_running_loop().create_future()

        def lose(why: CoilwardError) -> None:
            if not lost.done():
                lost.set_result(why)

        driver = RapidDriver(
            await link.attach(),
            self._dialect,
            unlock_code=code,
            answer_s=ANSWER_SIMULATED_S if self._site.site.use == "simulation" else ANSWER_S,
            on_lost=lose,
        )
        await driver.connect()
        try:
            self._kept.back("stimulator")
            self._room.equipped(RapidInTheRoom(driver, lose))
            raise await lost
        finally:
            self._room.equipped(None)
            await driver.close()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
