"""The report: from journal rows alone, for programs and browsers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from daemon.report import differences, make_report, rows_of, write_report


def row(kind: str, session: str = "aa", **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "at_us": 0, "wall_us": 0, "session": session, **fields}


def pulse(at_us: int, verdict: str = "delivered", **fields: Any) -> dict[str, Any]:
    return row("pulse", planned_us=at_us, level_set_tenths=500, flags=[], verdict=verdict, **fields)


ROWS = (
    row("opened", protocol="demo", subject="<b>s-1</b>", planned=60),
    row("train", train=1, commanded=20, pulses=20, low=18, high=21, by="running", unknown=0),
    pulse(1_000_000),
    pulse(1_100_000),
    row("refused", reason="gap-too-short"),
    row("train", train=2, commanded=20, pulses=12, low=11, high=13, by="running", unknown=0),
    row("train", train=3, commanded=1, pulses=1, low=1, high=1, by="accepted", unknown=1),
    row("ended", outcome="stopped"),
)


def test_the_summary_adds_up_the_trains_and_names_the_weakest_evidence() -> None:
    assert make_report(ROWS).summary("/r.json") == {
        "outcome": "stopped",
        "protocol": "demo",
        "trains": 3,
        "pulses": {
            "planned": 60,
            "commanded": 41,
            "settled": 33,
            "read_back": {"low": 30, "high": 35, "by": "accepted"},
            "sensed": None,
            "unknown": 1,
        },
        "report": "/r.json",
    }


def test_a_session_whose_end_is_missing_is_never_called_complete() -> None:
    assert make_report(ROWS[:-1]).outcome == "never_ended"
    assert make_report(()).outcome == "never_ended"


def test_the_page_stands_alone_escapes_what_it_shows_and_draws_every_pulse(tmp_path: Path) -> None:
    path = write_report(make_report(ROWS), tmp_path, "aa")
    page = path.with_suffix(".html").read_text()

    assert "<b>s-1" not in page
    assert "&lt;b&gt;s-1" in page
    assert "http" not in page
    assert "<script" not in page
    plot = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])  # noqa: S314  our own
    assert len(plot.findall("path")) == 1 + 2  # the axis, and two pulses


def test_the_page_says_what_is_known_of_disarming_and_nothing_where_an_older_journal_does_not(tmp_path: Path) -> None:
    def disarming(**opened: Any) -> str:
        rows = (row("opened", protocol="demo", planned=60, **opened), *ROWS[1:])
        path = write_report(make_report(rows), tmp_path, "aa").with_suffix(".html")
        (line,) = [line for line in path.read_text().splitlines() if "Disarming" in line]
        return line.partition("<td>")[2]

    assert disarming(understood={"disarm_cuts_train": "proven"}) == "cuts a running train, shown by this lab"
    assert disarming() == ""


def test_a_report_is_never_overwritten(tmp_path: Path) -> None:
    first, second = (write_report(make_report(ROWS), tmp_path, "aa") for _ in range(2))

    assert first != second
    assert json.loads(first.read_text())["report"] == str(first)


def test_a_segment_is_picked_out_of_a_journal_by_its_opening() -> None:
    again = row("opened", protocol="demo") | {"at_us": 7}
    journal = (*ROWS, row("opened", "bb"), again, row("train", "bb"), row("ended", outcome="completed"))

    assert [one["kind"] for one in rows_of(journal, again)] == ["opened", "ended"]
    assert rows_of(journal, ROWS[0]) == ROWS
    assert rows_of(journal, row("opened", "cc")) == ()


def test_a_report_that_says_otherwise_than_its_journal_is_found(tmp_path: Path) -> None:
    document = json.loads(write_report(make_report(ROWS), tmp_path, "aa").read_text())
    assert differences(document, ROWS) == []

    document["pulses"]["settled"] = 60
    [found] = differences(document, ROWS)
    assert found.startswith("pulses: the report says")


def stood(at_us: int, target: str, mm: float | None = None, **fields: Any) -> dict[str, Any]:
    named = {"train": 3, "pulse": 0, "coil_off_mm": mm, "coil_off_deg": mm, "coil_why": "head-fast"}
    return pulse(at_us) | named | {"target": target} | fields


ASTRAY = (
    *ROWS[:-1],
    stood(2_000_000, "on", 0.2),
    stood(2_100_000, "off", 5.16, pulse=7),
    stood(2_200_000, "unknown", pulse=8),
    stood(2_300_000, "off", 9.0, pulse=9, flags=["missed"]),
    ROWS[-1],
)


def test_each_pulse_off_target_is_counted_and_shown_and_one_that_did_not_go_out_is_not(tmp_path: Path) -> None:
    document = json.loads((path := write_report(make_report(ASTRAY), tmp_path, "aa")).read_text())
    page = path.with_suffix(".html").read_text()

    assert (document["off_target"], document["target_unknown"]) == (1, 1)
    lines = [line for line in page.splitlines() if line.startswith("<tr><td>train")]
    assert lines == [
        "<tr><td>train 3<td>pulse 8<td>5.2 mm, 5.2° off<td>head fast",
        "<tr><td>train 3<td>pulse 9<td>not known<td>head fast",
    ]


def test_a_room_that_does_not_know_where_its_coil_is_counts_no_pulse_off_target(tmp_path: Path) -> None:
    document = json.loads((path := write_report(make_report(ROWS), tmp_path, "aa")).read_text())

    assert (document["off_target"], document["target_unknown"]) == (None, None)
    assert "Pulses off target</h2>" not in path.with_suffix(".html").read_text()


def test_a_count_of_pulses_off_target_that_the_rows_do_not_bear_out_is_found(tmp_path: Path) -> None:
    document = json.loads(write_report(make_report(ASTRAY), tmp_path, "aa").read_text())
    assert differences(document, ASTRAY) == []

    document["off_target"] = 0
    assert differences(document, ASTRAY) == ["off_target: the report says 0, the journal 1"]


def test_a_reason_it_waited_for_again_and_again_is_said_once_with_its_times_and_seconds() -> None:
    def wait(coil: str, seconds: float) -> Any:
        return {"kind": "wait", "state": "held", "reason": "lease-missing", "coil": coil, "seconds": seconds}

    rows = [wait("head-lost", 0.25), wait("coil-approaching", 1.0), wait("head-lost", 0.5)]
    assert make_report(rows).course()["waits"] == [
        {"state": "held", "reason": "lease-missing", "coil": "head-lost", "times": 2, "seconds": 0.75},
        {"state": "held", "reason": "lease-missing", "coil": "coil-approaching", "times": 1, "seconds": 1.0},
    ]
