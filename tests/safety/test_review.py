"""What a reviewer is shown; and a signature: it holds for one row's very numbers, and is read back as written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import ConfigError, OperatorError
from safety.limits import load_limits
from safety.protocols import load_protocols
from safety.review import Reviewable, Signature, load_reviewed, reviewed_text, sign, to_review, unsigned

LIMITS = load_limits()
LIBRARY = load_protocols()
SLOW = LIBRARY["lf-right-1hz"]
EIGHT_US = 1_780_300_800_000_000
"""2026-06-01 08:00 UTC."""


def test_a_reviewer_sees_what_a_row_says_beside_its_source() -> None:
    rows = {row.name: row for row in to_review(LIMITS, LIBRARY.values())}

    assert rows["cell_10hz_120"] == Reviewable(
        "cell_10hz_120",
        "3.2 s (hard 4.2)",
        "Chen 1997 part B; hard: Rossi 2009 Table 4",
        LIMITS.rows["cell_10hz_120"].digest,
    )
    assert rows["protocol lf-right-1hz"] == Reviewable(
        "protocol lf-right-1hz",
        "version 1",
        "1 Hz right DLPFC at 120 % rMT as in MAINT-R, JAMA Netw Open 2025;8(6):e2515881 (900 pulses); 1200 recalled",
        SLOW.digest,
    )
    assert "protocol mdd-10hz-37" not in rows


def test_a_signature_ends_with_the_number_it_stands_under() -> None:
    rows = to_review(load_limits(), ())
    signatures = [sign(row, "a reviewer", 0) for row in rows]
    assert unsigned(rows, signatures) == ()
    assert unsigned(to_review(load_limits().tightened({"intensity": 110}), ()), signatures) == ("intensity",)


def test_a_signature_ends_with_the_text_of_the_protocol_it_stands_under() -> None:
    rows = to_review(LIMITS, (SLOW,))
    signatures = [sign(row, "a reviewer", 0) for row in rows]
    edited = to_review(LIMITS, (replace(SLOW, digest="0" * 32),))

    assert unsigned(rows, signatures) == ()
    assert unsigned(edited, signatures) == ("protocol lf-right-1hz",)


@pytest.mark.parametrize("who", ["", "  ", "two\nlines"])
def test_a_signature_needs_a_name(who: str) -> None:
    row = to_review(load_limits(), ())[0]
    with pytest.raises(OperatorError) as refused:
        sign(row, who, 0)

    assert str(refused.value) == f"{who!r} is no name to sign with; say who reviewed the row"
    assert sign(row, "Anna", 0).who == "Anna"


def test_signatures_are_written_as_a_person_would_write_them() -> None:
    first = Signature("intensity", "3b490200e0e221ea", 'reviewer "π" \\ 😀', EIGHT_US + 900_000)
    second = Signature("rate", "3932e15a29d86f84", "Anna", EIGHT_US + 1_000_000)

    assert reviewed_text((first, second)) == (
        "[[signed]]\n"
        'row = "intensity"\n'
        'digest = "3b490200e0e221ea"\n'
        'who = "reviewer \\"π\\" \\\\ 😀"\n'
        "at = 2026-06-01T08:00:00+00:00\n"
        "\n"
        "[[signed]]\n"
        'row = "rate"\n'
        'digest = "3932e15a29d86f84"\n'
        'who = "Anna"\n'
        "at = 2026-06-01T08:00:01+00:00\n"
    )


def test_signatures_survive_their_file(tmp_path: Path) -> None:
    rows = to_review(load_limits(), ())[:3]
    signatures = tuple(sign(row, 'reviewer "π" \\ 😀', EIGHT_US) for row in rows)
    path = tmp_path / "reviewed.toml"
    path.write_text(reviewed_text(signatures), "utf-8")
    assert load_reviewed(path) == signatures
    assert load_reviewed(None) == ()


def test_a_damaged_file_of_signatures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviewed.toml"
    path.write_text('[[signed]]\nrow = "intensity"\n', "utf-8")
    with pytest.raises(ConfigError, match="digest is missing"):
        load_reviewed(path)
    path.write_text("signed = [1]\n", "utf-8")
    with pytest.raises(ConfigError, match="must be an array of tables"):
        load_reviewed(path)
