"""A trainee practises: the room is real but for what is simulated in it, and the journal is what is judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from daemon.broker import TRAINER
from daemon.bus import Message
from daemon.cli.conduct import FINAL, begin, take_control
from daemon.client import RoomClient, View, connect
from daemon.json_lines import read_rows
from daemon.messages import Answer, Both, Code, Practice, PracticeResult
from daemon.mqtt_bus import MqttBus
from daemon.practice.runner import Exercise, run
from daemon.practice.scenario import FOLDER, Scenario, parse
from daemon.runtime import Runtime
from daemon.simulated_room import ROOM, RunningRoom, Simulated, new_subject, simulated_room
from daemon.topics import Topics
from tests.system.at_once import ANOTHER_ARM

pytestmark = [pytest.mark.system, pytest.mark.timeout(180), pytest.mark.xdist_group(ANOTHER_ARM)]


def soon(name: str, **limits: float) -> Scenario:
    """The scenario in less time: what waits there for a minute waits here for seconds."""
    path = next(FOLDER.glob(f"*-{name}.toml"))
    text = path.read_text(encoding="utf-8")
    for before, after in limits.items():
        text = text.replace(before.replace("_is_", " = "), f"{before.split('_is_')[0]} = {after}")
    return parse(text, name)


@dataclass
class Trainee:
    """One operator at the room's broker, and what the page shows them."""

    client: RoomClient
    room: RunningRoom
    subject: str
    shown: list[Practice] = field(default_factory=list)
    heard: list[Both] = field(default_factory=list)

    def see(self, message: Message) -> None:
        self.shown.append(Practice.model_validate_json(message.payload))

    async def hears(self, english: str) -> None:
        async with asyncio.timeout(60):
            while english not in [one.en for one in self.heard]:
                await asyncio.sleep(0.05)

    async def begins(self) -> None:
        await take_control(self.client)
        opened = await self.client.ask("start", subject=self.subject, protocol="demo", placement="vertex")
        await self.releases(opened)

    async def releases(self, opened: Answer) -> None:
        assert opened.ok, opened
        released = await begin(self.client, "release", str(opened.detail["hash"]))
        assert released.ok, released

    async def resolves(self) -> None:
        """What a dark moment has left in doubt, as an operator does before anything goes on; mostly nothing."""
        while (view := await self.client.known(5)).state.unknown:
            ref = view.state.unknown[0]
            answer = await self.client.ask("resolve", ref=ref, why="the power was cut")
            assert answer.ok or answer.code is Code.CONFLICT, answer
            await asyncio.sleep(0.2)

    async def stamps(self, what: str) -> None:
        assert (await self.client.ask("note", kind="stamp", what=what, text="")).ok


@asynccontextmanager
async def practising(
    runtime: Runtime, scenario: Scenario
) -> AsyncIterator[tuple[Trainee, asyncio.Task[PracticeResult]]]:
    what = Simulated("magstim-rapid2:8", pacing=False, practice=True, records=runtime.folder / "kept")
    async with (
        simulated_room(runtime, what, lambda _: None) as room,
        connect(room.address, ROOM) as client,
        MqttBus(room.address) as page,
        MqttBus(room.address_of(TRAINER)) as bus,
    ):
        await client.known(5)
        trainee = Trainee(client, room, await new_subject(client, room.site))
        await page.subscribe(Topics(ROOM).of("practice"), trainee.see)
        await bus.wait_connected(5)
        exercise = Exercise(scenario, room, trainee.subject)
        task = asyncio.create_task(run(exercise, bus, trainee.heard.append, asyncio.Event()))
        try:
            async with client.present():
                yield trainee, task
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def test_a_seizure_is_timed_from_its_onset_and_what_was_forgotten_is_told(runtime: Runtime) -> None:
    scenario = soon("seizure", seconds_is_45=2, seconds_is_20=1, within_s_is_60=4)
    async with practising(runtime, scenario) as (trainee, task):
        await trainee.begins()
        await trainee.hears("The patient stiffens, does not answer, then arms and legs jerk.")
        assert (await trainee.client.ask("emergency")).ok
        await trainee.stamps("onset")
        await trainee.hears("The doctor comes in.")
        await trainee.stamps("end")
        await trainee.stamps("doctor")
        result = await asyncio.wait_for(task, 30)
        async with asyncio.timeout(5):
            while trainee.shown[-1].result is None:
                await asyncio.sleep(0.02)
        room = trainee.room

    outcomes = {step.what.en: step.outcome for step in result.steps}
    assert outcomes == {
        "Open the session and start the trains": "done",
        "Press Emergency": "done",
        "Stamp the onset": "done",
        "Call for help and stamp it": "missed",
        "Stamp the end": "done",
        "Stamp the doctor's arrival": "done",
    }
    assert result.stop_s is not None
    assert result.stop_s < 5
    assert trainee.shown[-1].result == result
    assert [one.told.en for one in trainee.shown if one.told][-1] == "The doctor comes in."
    rows = read_rows(room.site.daemon.state / "journal.jsonl").rows
    assert all(row["practice"] is True for row in rows)
    reports = list((room.site.daemon.state / "reports").glob("*.html"))
    assert len(reports) == 2, "the session's, and the emergency's"
    assert all("ESERCITAZIONE / TRAINING" in page.read_text() for page in reports)


def rests(view: View) -> bool:
    return view.state.phase in ("paused", *FINAL)


def stands_ready(view: View) -> bool:
    return view.state.continuable is not None and view.state.stimulator not in ("away", "connecting")


async def test_after_a_power_cut_the_room_is_back_and_the_trainee_gives_what_is_missing(runtime: Runtime) -> None:
    async with practising(runtime, soon("power-cut")) as (trainee, task):
        await trainee.begins()
        await trainee.hears("The light goes out.")
        async with asyncio.timeout(30):
            while trainee.client.view is not None:
                await asyncio.sleep(0.05)
        back = await trainee.client.until(stands_ready, 60)
        await take_control(trainee.client)
        await trainee.resolves()
        wanted = {"session": back.state.continuable, "reason": "the power was cut", "placement": "vertex"}
        await trainee.releases(await trainee.client.ask("continue", **wanted))
        # Its watchdog counts the cut train as just ended: whoever is so quick is paused, and releases once more.
        while (view := await trainee.client.until(rests, 60)).state.phase == "paused":
            await begin(trainee.client, "resume", str(view.state.hash))
            await asyncio.sleep(1)
        result = await asyncio.wait_for(task, 30)

    assert [step.outcome for step in result.steps] == ["done"] * 4
