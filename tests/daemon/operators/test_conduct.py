"""What a person in the foreground decided, and what has come between it and the room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.cli.conduct import begin
from daemon.cli.summary import report_of, summary_of
from daemon.messages import Code
from daemon.room import Counts

HASH = "ab" * 16


@pytest.fixture
async def olga(house: Any) -> Any:
    """In control, before a session that waits for its release."""
    client = await house.client("olga")
    assert (await client.ask("take")).ok
    house.room.show(phase="positioning", hash=HASH)
    await client.until(lambda view: view.state.phase == "positioning", 5)
    return client


def released(house: Any) -> int:
    return [call[0] for call in house.room.asked].count("release")


async def test_a_hold_that_came_meanwhile_is_no_new_decision(house: Any, olga: Any) -> None:
    house.room.show(holds=("lease-missing",))  # the desk knows of it, olga's view does not yet
    assert (await begin(olga, "release", HASH)).ok
    assert released(house) == 1


@pytest.mark.parametrize(
    "changes",
    [{"phase": "paused"}, {"hash": "cd" * 16}, {"trip": {"reason": "beats-lost"}}, {"subject": "S-02"}],
    ids=["a stop", "another session", "a trip", "another subject"],
)
async def test_anything_else_that_came_meanwhile_is_theirs_to_see(house: Any, olga: Any, changes: Any) -> None:
    house.room.show(**changes, holds=("lease-missing",))
    assert (await begin(olga, "release", HASH)).code is Code.CONFLICT
    assert released(house) == 0


async def test_another_hand_that_took_over_meanwhile_is_not_acted_for(house: Any, olga: Any) -> None:
    otto = await house.client("otto")
    assert (await olga.ask("hand-over", to="otto")).ok
    await otto.until(lambda view: view.state.offered_to == "otto", 5)
    assert (await otto.ask("take")).ok
    assert not (await begin(olga, "release", HASH)).ok
    assert released(house) == 0


async def test_a_report_that_is_the_daemon_s_alone_does_not_spoil_the_end_of_a_session(
    house: Any, olga: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.json"
    file.write_text('{"outcome": "completed"}')
    house.room.show(phase="done", report=str(file))
    view = await olga.until(lambda view: view.state.report is not None, 5)
    assert await report_of(olga, view) == {"outcome": "completed"}

    def forbid(_file: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", forbid)
    assert await report_of(olga, view) is None


@pytest.mark.parametrize(
    ("shown", "counts", "stopped", "outcome"),
    [
        ({"phase": "done"}, Counts(60, 60, 60), False, "completed"),
        ({"phase": "ended-early"}, Counts(60, 20, 20), False, "ended_early"),
        ({"phase": "ended-early"}, Counts(60, 20, 20), True, "stopped"),
        ({"phase": "ended-early", "trip": {"reason": "beats-lost"}}, Counts(60, 20, 20), True, "tripped"),
        ({"phase": "ended-early"}, Counts(60, 20, 20, 20), False, "unknown_pulses"),
        ({"phase": "refused"}, Counts(60), False, "refused"),
    ],
)
async def test_a_session_whose_report_is_garbage_is_summed_up_as_the_room_shows_it(
    house: Any, olga: Any, tmp_path: Path, shown: Any, counts: Counts, *, outcome: str, stopped: bool
) -> None:
    file = tmp_path / "report.json"
    file.write_text('{"outcome": ')
    house.room.show(**shown, protocol="demo", train=1, trains=3, counts=counts, report=str(file))
    view = await olga.until(lambda view: view.state.report is not None, 5)
    back = {"low": 0, "high": counts.commanded, "by": "none"}
    assert await summary_of(olga, view, stopped=stopped) == {
        "outcome": outcome,
        "protocol": "demo",
        "trains": 1,
        "pulses": {
            "planned": 60,
            "commanded": counts.commanded,
            "settled": counts.settled,
            "read_back": back,
            "sensed": None,
            "unknown": counts.unknown,
        },
        "report": str(file),
    }
