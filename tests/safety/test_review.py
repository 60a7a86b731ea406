"""What a reviewer is shown, what a study lacks, and a signature: it holds for one row, and is read back as written."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from drivers.errors import ConfigError, OperatorError
from safety.asking import Use
from safety.limits import load_limits
from safety.protocols import load_protocols
from safety.review import Reviewable, Signature, load_reviewed, reviewed_text, sign, study_lacks, to_review, unsigned
from safety.site import Study, load_site

LIMITS = load_limits()
LIBRARY = load_protocols()
SLOW = LIBRARY["lf-right-1hz"]
EIGHT_US = 1_780_300_800_000_000
"""2026-06-01 08:00 UTC."""
NO_STUDY = load_site(Path(__file__).parents[2] / "examples" / "site.toml")
A_STUDY = replace(NO_STUDY, use=Use.STUDY, study=Study("EC 1/26", "a physician", date(2026, 12, 31), None))
YEAR_ENDS_US = int(datetime(2027, 1, 1, tzinfo=A_STUDY.zone).timestamp()) * 1_000_000
ALL_SIGNED = [sign(row, "a reviewer", EIGHT_US) for row in to_review(LIMITS, LIBRARY.values())]


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


def test_a_study_lacks_a_signature_under_every_unverified_row_it_uses() -> None:
    rows = [f"{row.name} is not signed" for row in to_review(LIMITS, ())]

    assert study_lacks(A_STUDY, None, (), EIGHT_US) == tuple(rows)
    assert study_lacks(A_STUDY, SLOW, (), EIGHT_US) == (*rows, "protocol lf-right-1hz is not signed")
    assert study_lacks(A_STUDY, LIBRARY["mdd-10hz-37"], (), EIGHT_US) == tuple(rows)  # verified
    assert study_lacks(A_STUDY, SLOW, ALL_SIGNED, EIGHT_US) == ()


def test_a_study_ends_with_its_last_day_in_the_room() -> None:
    over = study_lacks(A_STUDY, SLOW, ALL_SIGNED[1:], YEAR_ENDS_US)

    assert study_lacks(A_STUDY, SLOW, ALL_SIGNED, YEAR_ENDS_US - 1) == ()
    assert over == ("the study ended on 2026-12-31", f"{ALL_SIGNED[0].row} is not signed")


def test_other_uses_lack_nothing() -> None:
    assert study_lacks(NO_STUDY, SLOW, (), YEAR_ENDS_US) == ()
