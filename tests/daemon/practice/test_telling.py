"""What a trainee reads at the end, and the journal as it is read while it grows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.kept import forget_unless_reported
from daemon.messages import Both, PracticeResult, PracticeStep
from daemon.practice.runner import Tail
from daemon.practice.scenario import load
from daemon.practice.telling import text, write

SNEEZE = load("sneeze")


def step(outcome: str, seconds: float | None, within_s: float | None = 8) -> PracticeStep:
    return PracticeStep(what=SNEEZE.steps[1].what, outcome=outcome, seconds=seconds, within_s=within_s)


FLAWED = PracticeResult(
    stop_s=3.4,
    steps=(step("done", 3.4), step("late", 12), step("missed", None)),
    read=Both(en="Pause", it="Pausa"),
)
PERFECT = PracticeResult(stop_s=None, steps=(step("done", 2),), read=Both(en="Pause", it="Pausa"))


def test_what_was_missed_is_counted_and_what_to_read_is_named() -> None:
    told = text(SNEEZE, FLAWED, "en")

    assert told.startswith("TRAINING: nobody is stimulated\n\nResult: Sneeze\nTime to STOP: 3.4 s\nSteps missed: 2\n")
    assert told.splitlines()[6:9] == [
        "  Done        Pause: 3.4 s (limit 8 s)",
        "  Late        Pause: 12.0 s (limit 8 s)",
        "  Missed      Pause (limit 8 s)",
    ]
    assert told.endswith("Read in the guide: Pause\n")


def test_who_missed_nothing_is_sent_to_read_nothing() -> None:
    told = text(SNEEZE, PERFECT, "it")

    assert told.startswith("ESERCITAZIONE: ")
    assert "Nessun passo mancato" in told
    assert "Leggere nella guida" not in told
    assert "STOP" not in told


def test_it_stays_as_a_file_that_says_what_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "kept", SNEEZE, FLAWED, "en")
    document = json.loads(path.with_suffix(".json").read_text())

    assert path.read_text() == text(SNEEZE, FLAWED, "en")
    assert (document["practice"], document["scenario"], document["stop_s"]) == (True, "sneeze", 3.4)
    forget_unless_reported(tmp_path / "kept")
    assert path.exists()


@pytest.mark.parametrize("torn", [b"", b'{"kind": "pul'])
def test_a_journal_is_read_line_by_line_as_it_grows_and_what_a_power_cut_tore_is_passed_over(
    torn: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "journal"
    tail = Tail(path)
    assert tail.read() == []
    path.write_bytes(b'{"n": 1}\n{"n": ')
    assert tail.read() == [{"n": 1}]
    with path.open("ab") as file:
        file.write(b"2}\n" + torn)
        file.flush()
        assert tail.read() == [{"n": 2}]
        file.write(b"\n" + b'{"n": 3}\n')
    assert tail.read() == [{"n": 3}]
    assert tail.read() == []
