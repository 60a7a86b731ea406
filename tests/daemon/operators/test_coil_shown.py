"""The coil as people see it: over MQTT, in a few words, and from the arm's own socket."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from daemon.arm_line import ArmLine
from daemon.arm_words import go
from daemon.cli.coil import _rows
from daemon.cli.show import coil, summary
from daemon.cli.told import line
from daemon.messages import ArmState, Event
from drivers.errors import DeadlinePassed, PortLost, PortNotFound
from tests.daemon.arm_stand_in import ArmStandIn

SHOWN: dict[str, Any] = {
    "linked": True, "target": "left-m1", "state": "track", "why": None, "sentence": "The coil follows the head.",
    "lease": "begin", "off_mm": 0.31, "off_deg": 0.24, "head_speed_mm_s": 1.2, "frame_age_ms": 21.0, "robot": {},
    "late_us": {},
}  # fmt: skip


async def test_the_arms_state_is_told_beside_the_rooms(house: Any) -> None:
    client = await house.client("olga")
    await client.known(5)
    assert client.view.arm is None
    house.room.show(arm=SHOWN)
    view = await client.until(lambda view: view.arm is not None, 5)

    assert (view.arm.off_mm, view.arm.lease, view.arm.state_seq) == (0.31, "begin", view.state.state_seq)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "on target, 0.3 mm 0.2° off"),
        ({"lease": "continue", "why": "head-fast"}, "following, 0.3 mm 0.2° off, head fast"),
        ({"lease": "none", "state": "retract", "why": "head-lost", "off_mm": None}, "taken off, head lost"),
        ({"lease": "none", "state": None, "off_mm": None}, "no arm"),
    ],
)
def test_a_few_words_say_whether_it_is_on_target_and_why_not(changes: dict[str, Any], words: str) -> None:
    assert coil(ArmState(state_seq=1, **(SHOWN | changes))) == words


@pytest.mark.parametrize(
    ("kind", "detail", "told"),
    [
        ("wait", {"seconds": 2.54, "state": "held", "reason": "lease-missing", "coil": "head-lost"},
         "waited 2.5 s, held: head lost"),
        ("coil", {"state": "freeze", "why": "head-lost"}, "coil: STANDING STILL, head lost"),
        ("coil", {"state": None, "why": "arm-lost"}, "coil: NO ARM, arm lost"),
        ("coil-asked", {"to": "away", "by": "olga"}, "coil sent to away, by olga"),
        ("coil-refused", {"to": "target", "why": "no-target"}, "the coil does not go to target: no-target"),
        ("arm", {"linked": True, "target": "left-m1"}, "the arm is there, target left-m1"),
        ("arm", {"linked": True, "target": None}, "the arm is there, target none yet"),
        ("target", {"name": "left-m1", "subject": "S-01", "by": "olga"}, "target left-m1 of S-01 filed, by olga"),
        ("arm", {"linked": False, "why": "killed"}, "the arm is lost: killed"),
    ],
)  # fmt: skip
def test_what_happens_to_it_is_one_line_each(kind: str, detail: dict[str, Any], told: str) -> None:
    said = line(Event(kind=kind, detail=detail))

    assert said is not None
    assert said.endswith(told)


@pytest.fixture
async def arm(tmp_path: Path) -> AsyncIterator[ArmStandIn]:
    stand_in = ArmStandIn(tmp_path / "control")
    yield stand_in
    stand_in.close()


async def test_a_command_line_speaks_to_the_arm_itself(arm: ArmStandIn) -> None:
    def talk() -> Any:
        with ArmLine(arm.path) as line:
            answer = line.ask(go("away"))
            asyncio.run_coroutine_threadsafe(said(), loop).result(2)
            return answer, line.view()

    async def said() -> None:
        arm.say(state="away", lease="none", error=None)

    loop = asyncio.get_running_loop()
    answer, view = await asyncio.to_thread(talk)

    assert answer.ok
    assert arm.heard == [{"do": "hello", "role": "cli"}, {"do": "go", "to": "away"}]
    assert ("lease", "no pulses") in _rows(view)


async def test_an_arm_that_is_not_there_does_not_answer_or_hangs_up_is_said(arm: ArmStandIn, tmp_path: Path) -> None:
    def talk(path: Path) -> None:
        with ArmLine(path) as line:
            line.view()

    with pytest.raises(PortNotFound, match="Start it"):
        await asyncio.to_thread(talk, tmp_path / "none")
    with pytest.raises(DeadlinePassed, match="did not answer"):
        await asyncio.to_thread(talk, arm.path)
    talking = asyncio.create_task(asyncio.to_thread(talk, arm.path))
    while len(arm.of("hello")) < 2:
        await asyncio.sleep(0.01)
    arm.hang_up()
    with pytest.raises(PortLost, match="hung up"):
        await talking


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        ({"off_target": 2, "target_unknown": 0}, "2 pulses  "),
        ({"off_target": 0, "target_unknown": 3}, "0 pulses, 3 more not known"),
        ({"off_target": None, "target_unknown": None}, None),
    ],
)
def test_a_summary_counts_pulses_off_target_and_those_of_which_it_is_not_known(
    counted: dict[str, int | None], told: str | None
) -> None:
    read_back = {"low": 60, "high": 60, "by": "running"}
    pulses = {"planned": 60, "commanded": 60, "settled": 60, "read_back": read_back, "sensed": None, "unknown": 0}
    report = {"outcome": "completed", "protocol": "demo", "trains": 3, "pulses": pulses, "report": None, **counted}
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(summary(report))
    page = console.export_text()

    assert "settled" in page
    assert ("off target" in page) is (told is not None)
    assert told is None or told in page
