"""`coilward-watchdog ledger …`: what an engineer reads, and the exit codes scripts go by."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from safety import ledger_cli
from safety.instant import Instant
from safety.ledger import HEAD, LOG, open_ledger
from safety.ledger_bench import Spread, carries, spread
from safety.ledger_cli import BROKEN, NO_ANSWER, SOUND, TORN, add_ledger_commands
from safety.ledger_files import DiskFolder
from safety.ledger_format import RECORD_BYTES, By, Carry, Kind, Record, Settled, carried_note, key, settled_note

START = 1_767_600_000_000_000
RECORD = Record(Kind.OPEN, 100, 610, 100, key("anna"), key("morning"), key("coil"), key("demo"), simulated=True)
HISTORY = (
    replace(RECORD, wall_us=START),
    replace(RECORD, kind=Kind.RESERVE, pulses=20, wall_us=START + 1_000_000),
    replace(RECORD, kind=Kind.SETTLE, pulses=17, ref=3, note=settled_note(Settled(16, 17, By.RUNNING))),
    replace(RECORD, kind=Kind.RESERVE, pulses=20, wall_us=START + 2_000_000),
    replace(RECORD, kind=Kind.UNKNOWN, pulses=20, ref=5, wall_us=START + 3_000_000),
    replace(RECORD, kind=Kind.RESERVE, pulses=10, wall_us=START + 4_000_000),
    replace(RECORD, kind=Kind.RESOLVE, ref=7, wall_us=START + 5_000_000),
    replace(RECORD, kind=Kind.RESERVE, pulses=5, wall_us=START + 6_000_000),
    Record(Kind.EMERGENCY, subject=key("bruno"), simulated=True),
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return written(tmp_path, *HISTORY)


def written(tmp_path: Path, *records: Record) -> Path:
    folder = tmp_path / "state"
    ledger, _ = open_ledger(DiskFolder(folder), simulated=True, boot=key("boot"), now=Instant(0, START), growth=16)
    for record in records:
        ledger.append(record)
    ledger.keep_head()
    ledger.close()
    return folder


def ledger(*arguments: str) -> int:
    """Parse and run a command line as the watchdog's entry does."""
    parser = argparse.ArgumentParser()
    add_ledger_commands(parser.add_subparsers(required=True))
    args = parser.parse_args(["ledger", *arguments])
    code = args.run(args)
    assert isinstance(code, int)
    return code


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert ledger("show", "--json", *arguments) == SOUND
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_show_gives_each_record_how_it_ended_and_what_counts_from_there_on(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = shown(capsys, "--state", str(state))
    assert [row["kind"] for row in rows] == ["GENESIS", *(record.kind.name for record in HISTORY)]
    assert [row["settled"] for row in rows if row["kind"] == "RESERVE"] == [
        "17 (16-17 running)",
        "unknown",
        "resolved",
        "open",
    ]
    assert [row["session_total"] for row in rows[1:9]] == [0, 20, 17, 37, 37, 47, 47, 52]
    assert rows[8]["day_total"] == 52
    assert (rows[1]["level"], rows[1]["rate"], rows[1]["subject"]) == (61.0, 10.0, key("anna").hex())
    assert rows[0]["subject"] == ""


def test_show_is_a_table_in_the_rooms_time(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger("show", "--state", str(state), "--zone", "Europe/Rome") == SOUND
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["seq", "time", "kind", "subject", "session", "pulses", "settled", "session", "day"]
    assert lines[2].split()[:3] == ["2", "2026-01-05T09:00:00.000+01:00", "OPEN"]
    assert len(lines) == 11


def test_show_of_one_subject_has_what_counts_against_everybody_and_not_what_counts_against_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = Record(Kind.LOST, 600, wall_us=START, simulated=True)
    carried = replace(nobody, kind=Kind.CARRIED, pulses=30, code=Carry.EVERYBODY, note=carried_note(START))
    folder = written(
        tmp_path,
        Record(Kind.OPEN, 100, subject=key("anna"), session=key("morning"), wall_us=START, simulated=True),
        nobody,
        replace(nobody, kind=Kind.FOUND_ARMED, pulses=40),
        replace(nobody, session=key("morning"), pulses=50),
        replace(nobody, subject=key("anna"), pulses=60),
        carried,
        replace(nobody, kind=Kind.BOOT, pulses=0),
    )

    rows = shown(capsys, "--state", str(folder), "--subject", "bruno")
    assert [(row["kind"], row["pulses"]) for row in rows] == [("LOST", 600), ("FOUND_ARMED", 40), ("CARRIED", 30)]
    assert [row["day_total"] for row in rows] == [600, 640, 670]
    assert all(row["everybody"] and row["subject"] == "" for row in rows)

    assert ledger("show", "--state", str(folder), "--subject", "bruno") == SOUND
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[2:4] for line in lines] == [[kind, "everybody"] for kind in ("LOST", "FOUND_ARMED", "CARRIED")]


@pytest.mark.parametrize("subject", ["bruno", key("bruno").hex()])
def test_show_can_be_of_one_subject_by_pseudonym_or_key(
    state: Path, capsys: pytest.CaptureFixture[str], subject: str
) -> None:
    assert [row["kind"] for row in shown(capsys, "--state", str(state), "--subject", subject)] == ["EMERGENCY"]


def test_a_zone_that_does_not_exist_is_refused_by_name(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ledger("show", "--state", str(state), "--zone", "Mars/Olympus")
    assert "Mars/Olympus is no time zone" in capsys.readouterr().err


def tear(state: Path) -> None:
    log = bytearray((state / LOG).read_bytes())
    log[10 * RECORD_BYTES] = 1
    (state / LOG).write_bytes(log)


def damage(state: Path) -> None:
    log = bytearray((state / LOG).read_bytes())
    log[3 * RECORD_BYTES] ^= 1
    (state / LOG).write_bytes(log)


def test_verify_says_that_a_sound_ledger_is_sound_and_what_is_unknown(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ledger("verify", "--state", str(state)) == SOUND
    said = capsys.readouterr().out
    assert "records 1 to 10, simulated; chain, checksums and head agree" in said
    assert "unknown until resolved: 5" in said


def test_verify_and_show_tell_a_torn_last_record(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tear(state)
    assert ledger("verify", "--state", str(state)) == TORN
    assert "record 11 was cut" in capsys.readouterr().out
    assert ledger("show", "--state", str(state)) == SOUND
    assert "cut while being written" in capsys.readouterr().err


def test_verify_says_where_a_ledger_breaks_and_what_that_means(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage(state)
    assert ledger("verify", "--state", str(state)) == BROKEN
    said = capsys.readouterr().out
    assert "record 4 in the file is damaged" in said
    assert "stays locked out" in said


def test_show_of_a_broken_ledger_is_refused(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / HEAD).unlink()
    assert ledger("show", "--state", str(state)) == NO_ANSWER
    assert "ledger.head is missing" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["show"], ["verify"], ["unlock", "--by", "me", "--reason", "why"]])
def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert ledger(*command, "--state", str(tmp_path / "nowhere")) == NO_ANSWER
    assert "nowhere is no folder" in capsys.readouterr().err


def test_unlock_frees_a_sound_ledger_in_place(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger("unlock", "--state", str(state), "--by", "me", "--reason", "relay replaced") == SOUND
    said = capsys.readouterr().out
    assert "booked 600 pulses against the session opened last" in said
    assert "kept" not in said
    assert ledger("verify", "--state", str(state)) == SOUND


def test_unlock_begins_anew_behind_a_broken_ledger_and_verify_names_the_old_one(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(state)
    assert ledger("unlock", "--state", str(state), "--by", "me", "--reason", "disk replaced") == SOUND
    assert "cannot be continued" in capsys.readouterr().out
    assert ledger("verify", "--state", str(state)) == SOUND
    assert "goes on where a file ended with record 10" in capsys.readouterr().out


@pytest.mark.parametrize("simulated", [True, False])
def test_unlock_of_a_ledger_of_which_nothing_is_left_asks_whether_it_was_simulated(
    state: Path, capsys: pytest.CaptureFixture[str], *, simulated: bool
) -> None:
    (state / LOG).unlink()
    flag = ["--simulated"] if simulated else []
    assert ledger("unlock", "--state", str(state), "--by", "me", "--reason", "file gone", *flag) == SOUND
    assert "against everybody" in capsys.readouterr().out
    assert ledger("verify", "--state", str(state)) == SOUND
    assert f", {'simulated' if simulated else 'real'};" in capsys.readouterr().out


def test_unlock_needs_a_name_and_a_reason(state: Path) -> None:
    for missing in (["--by", "me"], ["--reason", "why"]):
        with pytest.raises(SystemExit):
            ledger("unlock", "--state", str(state), *missing)


def test_a_reading_out_of_step_with_a_running_watchdog_is_repeated(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, readings = (state / HEAD).read_bytes(), []

    def read(folder: DiskFolder, name: str) -> bytes:
        readings.append(name)
        if name == HEAD:
            return bytes(len(sound)) if readings.count(HEAD) < 3 else sound
        return (state / name).read_bytes()

    monkeypatch.setattr(DiskFolder, "read", read)
    assert ledger("verify", "--state", str(state)) == SOUND
    assert readings.count(HEAD) == 3
    assert "agree" in capsys.readouterr().out


def test_bench_measures_this_disk_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ledger_cli, "carries", lambda _: True)
    assert ledger("bench", "--state", str(tmp_path / "new"), "--commits", "20") == 0
    said = capsys.readouterr().out
    assert said.count("p99.9") == 2
    assert "carries" in said
    monkeypatch.setattr(ledger_cli, "carries", lambda _: False)
    assert ledger("bench", "--state", str(tmp_path / "new"), "--commits", "20") == 1
    assert "TOO SLOW" in capsys.readouterr().out
    assert list((tmp_path / "new").iterdir()) == []


def test_a_spread_names_durations_that_occurred() -> None:
    assert spread([float(n) for n in range(1000, 0, -1)]) == Spread(501.0, 991.0, 1000.0)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0)


def test_a_disk_carries_a_room_when_one_commit_in_a_thousand_leaves_half_a_permits_wait() -> None:
    assert carries(Spread(0, 0, 100_000))
    assert not carries(Spread(0, 0, 100_001))
