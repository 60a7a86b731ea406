"""The report of a session whose daemon was killed: made from its journal, wherever that breaks off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from daemon.app import serve
from daemon.config import Site
from daemon.journal import FILE_NAME
from daemon.json_lines import Row, read_rows
from daemon.report import differences, make_report, report_the_last, rows_of
from daemon.runtime import Runtime
from drivers.errors import OperatorError
from tests.daemon.stage import Stage, report_of
from tests.daemon.test_treat_trains import SLOW

looptime = pytest.mark.looptime(noop_cycles=0)
OPENED: dict[str, Any] = {"kind": "opened", "at_us": 1, "wall_us": 2, "session": "ab" * 8, "protocol": "demo",
                          "subject": "sim-0001", "by": "operator", "planned": 60}  # fmt: skip
BEGUN = {"train": 1, "attempt": 1, "how": "device", "pulses": 20, "rate_tenths": 100, "level_tenths": 500,
         "intensity_tenths": 1000, "coil": "coil-1"}  # fmt: skip


def after(opened: Row, kind: str, **fields: Any) -> Row:
    return {"kind": kind, "at_us": 3, "wall_us": 4, "session": opened["session"], **fields}


def pulses_told(rows: Sequence[Row], kind: str) -> int:
    """By the watchdog's own events."""
    told = [row["told"] for row in rows if row["kind"] == "watchdog" and row["event"] == kind]
    return sum(event["pulses"] for event in told)


@looptime
@pytest.mark.parametrize("plan", [None, SLOW], ids=["trains", "single pulses"])
async def test_a_journal_cut_anywhere_gives_a_report_that_loses_no_pulse_and_makes_none_up(
    stage: Stage, plan: Any, tmp_path: Path
) -> None:
    stage.guard.plan = plan or stage.guard.plan
    await stage.begun()
    await stage.over()
    lines, cut = stage.sink.lines, tmp_path / "cut.jsonl"
    opened_at = next(at for at, line in enumerate(lines) if json.loads(line)["kind"] == "opened")
    opened = json.loads(lines[opened_at])
    wholes = 0

    for at in range(opened_at, len(lines)):
        half = lines[at + 1][: len(lines[at + 1]) // 2] if at + 1 < len(lines) else b""
        cut.write_bytes(b"".join(lines[: at + 1]) + half)
        rows = rows_of(read_rows(cut).rows, opened)
        report = make_report(rows)

        settled, whole = pulses_told(rows, "settled"), any(row["kind"] == "ended" for row in rows)
        assert report.outcome == ("completed" if whole else "never_ended")
        assert report.settled - report.unknown == report.low == settled
        assert settled <= report.settled == report.high <= pulses_told(rows, "granted")
        assert sum(1 for row in report.pulses if not row["flags"]) == settled
        assert [row["seq"] for row in report.pulses] == list(range(1, len(report.pulses) + 1))
        wholes += whole

    assert wholes == 1, "the end is the session's last row"
    assert report.summary()["pulses"] == report_of(stage)["pulses"]


def test_a_train_that_was_triggered_and_not_settled_is_unknown_and_has_its_rows() -> None:
    granted = {"kind": "granted", "permit": 7, "pulses": 20, "train": 1}
    trigger = {"kind": "trigger", "permit": 7, "index": 0, "planned_us": 5, "at_us": 6, "late": False}
    rows = [OPENED, after(OPENED, "begun", **BEGUN)]
    assert make_report(rows).settled == 0
    rows += [after(OPENED, "watchdog", event=told["kind"], told=told) for told in (granted, trigger)]

    report = make_report(rows)

    assert (report.commanded, report.settled, report.unknown, report.low, report.high) == (20, 20, 20, 0, 20)
    assert [row["pulse"] for row in report.pulses] == list(range(20))
    assert {tuple(row["flags"]) for row in report.pulses} == {("unknown",)}
    assert {(row["level_set_tenths"], row["intensity_tenths"], row["coil"]) for row in report.pulses} == {
        (500, 1000, "coil-1")
    }


@pytest.mark.parametrize(("tracked", "counted"), [(True, (0, 20)), (False, (None, None))])
def test_where_the_coil_was_is_unknown_once_the_daemon_that_heard_it_is_gone(
    *, tracked: bool, counted: tuple[int | None, int | None]
) -> None:
    granted = {"kind": "granted", "permit": 7, "pulses": 20, "train": 1}
    trigger = {"kind": "trigger", "permit": 7, "index": 0, "planned_us": 5, "at_us": 6, "late": False}
    rows = [OPENED, after(OPENED, "begun", **BEGUN, tracked=tracked)]
    rows += [after(OPENED, "watchdog", event=told["kind"], told=told) for told in (granted, trigger)]

    report = make_report(rows)

    assert {row.get("target") for row in report.pulses} == {"unknown" if tracked else None}
    assert (report.course()["off_target"], report.course()["target_unknown"]) == counted


def test_an_end_that_was_written_is_taken_at_its_word() -> None:
    granted = {"kind": "granted", "permit": 7, "pulses": 20, "train": 1}
    rows = [OPENED, after(OPENED, "begun", **BEGUN), after(OPENED, "watchdog", event="granted", told=granted)]
    assert make_report(rows).settled == 20
    assert make_report([*rows, after(OPENED, "ended", outcome="stopped")]).settled == 0


def test_the_report_of_the_last_session_is_made_once(tmp_path: Path) -> None:
    begun = after(OPENED, "begun", **BEGUN)
    path = report_the_last([OPENED, begun], tmp_path)
    assert path is not None
    document = json.loads(path.read_text())
    assert document["outcome"] == "never_ended"
    assert differences(document, [OPENED, begun]) == []
    assert "never ended: its control program was gone first" in path.with_suffix(".html").read_text()

    assert report_the_last([OPENED, begun], tmp_path) is None
    continued = OPENED | {"at_us": 9}
    assert report_the_last([OPENED, begun, continued], tmp_path) is not None, "a segment of its own"
    assert report_the_last([begun], tmp_path) is None, "its opening lies too far back"
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".html", ".html", ".json", ".json"]


def test_a_file_in_the_reports_place_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / f"{OPENED['session']}.json").write_text("{}")
    with pytest.raises(OperatorError, match="is no report of coilward"):
        report_the_last([OPENED], tmp_path)


@pytest.mark.parametrize("in_the_way", [False, True])
async def test_a_daemon_begins_with_the_report_its_killed_predecessor_owes(
    site: Site, tmp_path: Path, *, in_the_way: bool
) -> None:
    state = site.daemon.state
    (state / "reports").mkdir(parents=True)
    report = state / "reports" / f"{OPENED['session']}.json"
    if in_the_way:
        report.write_text("{}")
    (state / FILE_NAME).write_text(json.dumps(OPENED) + "\n")
    waiting = asyncio.Event()

    async def operators(_room: object, _site: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    serving = asyncio.create_task(serve(site, Runtime(tmp_path), operators))
    async with asyncio.timeout(5):
        await waiting.wait()
    serving.cancel()
    await asyncio.wait([serving])

    _opened, _started, told, *_ = read_rows(state / FILE_NAME).rows
    if in_the_way:
        assert told["kind"] == "trouble"
        assert told["what"].startswith(f"the last session's report cannot be made: {report} is no report of coilward.")
    else:
        assert (told["kind"], told["report"]) == ("reported", str(report))
        assert json.loads(report.read_text())["outcome"] == "never_ended"
