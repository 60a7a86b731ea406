"""What is on file, as people look it up: bounded, the newest first, and never from outside the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon import records
from daemon.json_lines import encode
from daemon.records import MOST_BYTES, Records
from daemon.report import add_note, document_of, make_report, write_report
from drivers.errors import OperatorError

KEY, OTHER = "ab" * 8, "cd" * 8
PLACED = {"placement": "C3"}


def row(kind: str, session: str | None = KEY, wall_us: int = 0, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "at_us": wall_us, "wall_us": wall_us, "session": session, **fields}


def rows(session: str = KEY, wall_us: int = 10, **opened: Any) -> list[dict[str, Any]]:
    return [
        row(
            "opened", session, wall_us, protocol="demo", subject="S-01", planned=60, by="olga", placement="C3", **opened
        ),
        row("train", session, wall_us, train=1, commanded=20, pulses=20, low=18, high=21, by="running", unknown=0),
        row("note", session, wall_us + 1, note="reason", what="sneeze", text="", by="olga"),
        row("ended", session, wall_us + 2, outcome="ended_early"),
    ]


def ended(state: Path, session: str = KEY, wall_us: int = 10, **opened: Any) -> Path:
    """A session on file as a daemon leaves it."""
    report = make_report(rows(session, wall_us, **opened))
    path = write_report(report, state / "reports", session)
    Records(state).add(document_of(report), path)
    return path


def journal(state: Path, lines: list[dict[str, Any]]) -> None:
    (state / "journal.jsonl").write_bytes(b"".join(encode(line) for line in lines))


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_the_list_has_the_newest_session_first_and_goes_back_from_any_time(tmp_path: Path) -> None:
    for at in (10, 20, 30):
        ended(tmp_path, f"{at:016x}", at)
    on_file = Records(tmp_path)

    assert [one["at_us"] for one in on_file.sessions(None, 2)["sessions"]] == [30, 20]
    assert [one["at_us"] for one in on_file.sessions(20, 5)["sessions"]] == [10]
    assert on_file.sessions(None, 1)["sessions"][0] == {
        "session": f"{30:016x}", "subject": "S-01", "placement": "C3", "by": "olga", "protocol": "demo",
        "outcome": "ended_early", "trains": 1, "pulses": {"planned": 60, "settled": 20, "unknown": 0}, "at_us": 30,
        "report": f"{30:016x}.json",
    }  # fmt: skip


def test_a_room_that_has_treated_nobody_has_an_empty_list(tmp_path: Path) -> None:
    assert Records(tmp_path).sessions(None, 50) == {"sessions": []}
    assert Records(tmp_path).journal(None, None, 50, None) == {"rows": []}
    assert Records(tmp_path).report(KEY) is None


def test_no_answer_is_larger_than_a_message(tmp_path: Path) -> None:
    for at in range(300):
        Records(tmp_path).add(document_of(make_report(rows(wall_us=at, understood="x" * 2000))), None)
    journal(tmp_path, [row("trouble", what="y" * 3000) for _ in range(100)])
    answers = [Records(tmp_path).sessions(None, 300), Records(tmp_path).journal(None, None, 100, None)]

    for answer in answers:
        assert len(encode(answer)) <= MOST_BYTES + 100
    assert len(answers[1]["rows"]) == 19


# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_is_told_with_its_notes_and_without_its_pulses(tmp_path: Path) -> None:
    ended(tmp_path, checks=[row("note", None, 1, note="check", what="screening", text="S-01", by="olga")])
    found = Records(tmp_path).report(KEY)

    assert found is not None
    told = found["report"]
    assert (told["outcome"], told["subject"], told["by"], told["placement"], told["at_us"]) == (
        "ended_early", "S-01", "olga", "C3", 10,
    )  # fmt: skip
    assert [(note["note"], note["what"]) for note in told["notes"]] == [("check", "screening"), ("reason", "sneeze")]
    assert "pulse_rows" not in told
    assert found["incident"] is None


def test_the_report_of_a_session_that_went_on_is_that_of_its_last_segment(tmp_path: Path) -> None:
    for at in range(11):
        ended(tmp_path, wall_us=at)
    found = Records(tmp_path).report(KEY)
    assert found is not None
    assert found["report"]["at_us"] == 10
    assert Records(tmp_path).report_of(KEY) == tmp_path / "reports" / f"{KEY}-11.json"


def test_a_report_too_long_for_a_message_loses_its_oldest_remarks(tmp_path: Path) -> None:
    remarks = [row("trouble", what=f"{n} {'z' * 200}") for n in range(1000)]
    write_report(make_report([*rows()[:3], *remarks, rows()[3]]), tmp_path / "reports", KEY)
    found = Records(tmp_path).report(KEY)

    assert found is not None
    assert len(encode(found)) <= MOST_BYTES + 200
    assert found["report"]["remarks"][-1]["what"].startswith("999 ")
    assert 100 < len(found["report"]["remarks"]) < 1000


def test_a_file_that_is_no_report_is_said_and_a_neighbour_is_never_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / f"{KEY}-old.json").write_text("{}")
    assert Records(tmp_path).report(KEY) is None
    (tmp_path / "reports" / f"{KEY}.json").write_text("{}")
    with pytest.raises(OperatorError, match="is no report"):
        Records(tmp_path).report(KEY)


def test_a_note_that_comes_later_is_in_the_data_and_on_the_page(tmp_path: Path) -> None:
    path = ended(tmp_path)
    before = json.loads(path.read_text())
    add_note(path, row("note", KEY, 99, note="adverse", what="headache", text="<b>left</b>", by="otto"))
    after, page = json.loads(path.read_text()), path.with_suffix(".html").read_text()

    assert [note["what"] for note in after["notes"]] == ["sneeze", "headache"]
    assert {**after, "notes": before["notes"]} == before
    assert "headache, &lt;b&gt;left&lt;/b&gt;" in page
    assert "<b>left" not in page
    assert sorted(path.parent.iterdir()) == [path.with_suffix(".html"), path]


# --- the journal ------------------------------------------------------------------------------------------------------


def test_the_journal_is_read_from_its_end_with_filters(tmp_path: Path) -> None:
    journal(tmp_path, [
        row("note", KEY, 1, what="a", previous="5e"), row("pulse", KEY, 2), row("train", OTHER, 3),
        row("note", OTHER, 4, what="b"), row("pulse", OTHER, 5),
    ])  # fmt: skip

    def read(session: str | None = None, before: int | None = None, most: int = 9, kinds: Any = None) -> list[int]:
        return [each["wall_us"] for each in Records(tmp_path).journal(session, before, most, kinds)["rows"]]

    assert read() == [4, 3, 1], "without the pulses"
    assert read(kinds=("pulse",)) == [5, 2]
    assert read(kinds=("note", "train")) == [4, 3, 1]
    assert read(session=KEY) == [1]
    assert read(before=4) == [3, 1]
    assert read(most=1) == [4]
    assert read(kinds=("not",)) == [], "a kind is a whole word"
    assert "previous" not in Records(tmp_path).journal(KEY, None, 9, None)["rows"][0]


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
def test_whatever_its_blocks_every_line_is_read_once(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK_BYTES", block)
    journal(tmp_path, [row("note", KEY, at, text="ünï" * at) for at in range(9)])
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"kind":"note","at_us":')  # a crash
    found = Records(tmp_path).journal(None, None, 99, None)["rows"]
    assert [each["wall_us"] for each in found] == [*reversed(range(9))]


def test_a_question_does_not_read_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK_BYTES", 100)
    monkeypatch.setattr(records, "SCANNED_BYTES", 1000)
    journal(tmp_path, [row("note", KEY, at) for at in range(1000)])
    found = Records(tmp_path).journal(None, None, 9999, None)["rows"]
    assert 5 < len(found) < 20
