"""Each refusal of the daemon's own comes about, and reads as `tests.daemon.situations` says."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

from daemon.room import Refused
from tests.daemon import situations
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.situations import SITUATIONS
from tests.daemon.stage import Stage

pytestmark = pytest.mark.looptime(noop_cycles=0)
DAEMON = Path(__file__).parents[2] / "daemon"
for module in pkgutil.iter_modules(situations.__path__, f"{situations.__name__}."):
    importlib.import_module(module.name)


def refusals_in_the_daemon() -> list[ast.Call]:
    return [
        node
        for path in DAEMON.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Refused", "Refusal")
    ]


def raised_in_the_daemon() -> set[str]:
    """First argument of every Refused and Refusal there; `…-away` and `…-overtaken` are made of what is away."""
    names = (made.args[0] for made in refusals_in_the_daemon())
    return {str(name.value) for name in names if isinstance(name, ast.Constant)}


def test_every_refusal_of_the_daemon_has_its_situation_and_its_sentence() -> None:
    assert set(SITUATIONS) == raised_in_the_daemon() | {"pause-overtaken"}


@pytest.mark.parametrize("reason", SITUATIONS)
async def test_a_refusal_of_the_daemon_reads(stage: Stage, reason: str) -> None:
    sentence, situation = SITUATIONS[reason]

    answer = await situation(stage)

    assert isinstance(answer, Refused)
    assert (answer.reason, answer.sentence) == (reason, sentence.format(state=stage.site.daemon.state))


def test_a_refusal_whose_sentence_is_filled_carries_what_fills_it_for_other_languages() -> None:
    filled = [
        made
        for made in refusals_in_the_daemon()
        if any(isinstance(n, ast.FormattedValue) for n in ast.walk(made.args[1]))
    ]
    bare = [ast.unparse(made) for made in filled if len(made.args) < 3]

    assert len(filled) > 20
    assert bare == []


@pytest.mark.parametrize(("who", "what"), [("watchdog", "The watchdog does not answer"),
                                           ("stimulator", "No stimulator is connected")])  # fmt: skip
async def test_who_is_away_is_named_with_what_to_do(stage: Stage, who: str, what: str) -> None:
    stage.room.equipped(None)
    if who == "watchdog":
        stage.room.unlinked("killed")

    answer = await stage.room.start(stage.order, "operator")

    remedy = "Wait until it is back; if it stays away, see `coilward doctor`."
    assert answer == Refused(f"{who}-away", f"Nothing was done. {what}. {remedy}", {"problem": f"{what}."})


async def test_the_arm_does_not_move_while_the_stimulator_is_not_in_standby(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    stage.guard.condition = "ready"
    stage.guard.show()
    refused = await stage.room.park("operator")
    stage.guard.condition = "standby"
    stage.guard.show()

    assert refused == Refused("not-at-rest", "Nothing was moved. The stimulator is not in standby. Press STOP first.")
    assert not isinstance(await stage.room.park("operator"), Refused)
