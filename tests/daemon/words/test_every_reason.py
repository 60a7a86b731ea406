"""What a person reads at the panel for every reason there is, in both languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest

from daemon.arm.reasons import ArmReason
from daemon.messages import Sentence
from daemon.showing import _OURS
from daemon.verbs import VERBS
from daemon.words import ENGLISH, LANGUAGES
from daemon.words.document import document
from daemon.words.figures import in_language
from daemon.words.reasons import COIL_ROWS, ROWS, told
from safety.reasons import Reason
from tests.daemon.words.reasons_given import DAEMON, carried, given
from tests.daemon.words.wording import FOR_ENGINEERS, LONGEST, OURS, SAFE, braces


def sentences() -> Iterator[tuple[str, str, Sentence]]:
    """(language, reason, sentence) of all there are."""
    for language in LANGUAGES:
        for reason, sentence in told({**ROWS, **COIL_ROWS}, language).items():
            yield language, reason, sentence


def whole(sentence: Sentence) -> str:
    return f"{sentence.what} {sentence.why} {sentence.next}"


def test_every_reason_of_the_watchdog_has_its_row() -> None:
    assert {reason.json for reason in Reason} <= set(ROWS)


def test_every_reason_of_the_arm_and_of_the_coil_has_its_row() -> None:
    assert {reason.json for reason in ArmReason} | set(ENGLISH.coil_reasons) == set(COIL_ROWS)


def test_every_reason_that_the_daemon_gives_anywhere_has_its_row() -> None:
    found = list(given())

    assert len(found) > 50, "the walk reads the source"
    missing = {(file, reason) for file, reason in found if reason and reason not in {**ROWS, **COIL_ROWS}}
    assert not missing
    assert {*_OURS, *ENGLISH.reasons} <= set(ROWS)


def test_no_row_is_of_a_reason_that_nobody_gives() -> None:
    known = {*(reason for _, reason in given()), *(reason.json for reason in Reason), *_OURS, *ENGLISH.reasons}
    stray = set(ROWS) - known
    sources = " ".join(path.read_text(encoding="utf-8") for path in DAEMON.glob("*.py"))
    assert {reason for reason in stray if f'"{reason}"' not in sources} == set()


def test_a_reason_is_in_one_group_only() -> None:
    assert not set(ROWS) & set(COIL_ROWS)
    groups = [path for path in (DAEMON / "words" / "reasons").glob("*.py") if path.stem not in ("__init__", "row")]
    rows = [name for path in groups for name in re.findall(r'^    "([a-z-]+)": Row\(', path.read_text(), re.MULTILINE)]
    assert sorted(rows) == sorted({**ROWS, **COIL_ROWS})


def test_a_message_has_at_most_thirty_words_and_says_what_why_and_what_next() -> None:
    for language, reason, sentence in sentences():
        assert len(whole(sentence).split()) <= LONGEST, (language, reason)
        for part in (sentence.what, sentence.why, sentence.next):
            assert re.fullmatch(r"[A-ZÀ-Ý{].*[.!?]", part), (language, reason, part)


def test_the_fields_are_the_same_in_both_languages_and_those_that_the_reason_carries() -> None:
    italian, english = (told({**ROWS, **COIL_ROWS}, language) for language in ("it", "en"))
    says = {
        **{each.json: str(each.sentence) for each in Reason},
        **{k: whole(v) for k, v in ENGLISH.reasons.items()},
    }
    for reason, sentence in english.items():
        assert braces(whole(sentence)) == braces(whole(italian[reason])), reason
        if reason in says:
            assert braces(whole(sentence)) <= braces(says[reason]), reason


def test_a_refusal_of_the_daemons_carries_every_field_that_its_sentence_names() -> None:
    watchdogs = {each.json for each in Reason}
    own = [(reason, fields) for reason, fields in carried() if reason not in watchdogs]

    assert len(own) > 20
    english = told({**ROWS, **COIL_ROWS}, "en")
    for reason, fields in own:
        assert braces(whole(english[reason])) <= fields, reason


@pytest.mark.parametrize("forbidden", [OURS, SAFE, FOR_ENGINEERS], ids=["our own words", "safe", "for engineers"])
def test_no_message_has_a_word_that_an_operator_does_not_need(forbidden: re.Pattern[str]) -> None:
    for language, reason, sentence in sentences():
        assert not forbidden.search(whole(sentence)), (language, reason, whole(sentence))


@pytest.mark.parametrize("outcome", ["STOP", "CUT", "TRIP", "TRIP_TWO"])
def test_what_ends_a_train_says_what_became_of_the_dose(outcome: str) -> None:
    of_no_train = {"armed-elsewhere"}
    dose = {"en": re.compile(r"puls|count|given|missing"), "it": re.compile(r"impuls|contat|dat[oi]|manca")}
    for language in LANGUAGES:
        rows = told(ROWS, language)
        for reason in Reason:
            if reason.outcome.name == outcome and reason.json not in of_no_train:
                assert dose[language].search(whole(rows[reason.json])), (language, reason)


def test_the_figures_of_a_refusal_read_in_italian() -> None:
    assert in_language("asked", "20 pulses at 10 Hz", "it") == "20 impulsi a 10 Hz"
    assert in_language("asked", "5 pulses, SD unknown", "it") == "5 impulsi, DS ignota"
    assert in_language("asked", "8.0 days", "it") == "8.0 giorni"
    assert in_language("verb", "release", "it") == "Avvia"
    assert in_language("asked", "20 pulses at 10 Hz", "en") == "20 pulses at 10 Hz"


def test_a_name_in_a_refusal_is_never_translated() -> None:
    assert in_language("user", "park", "it") == "park"
    for code in ("S-pulses", "pulses-1", "impulses"):
        assert in_language("cell", code, "it") == code


def test_every_verb_a_refusal_may_name_has_its_button_in_italian() -> None:
    assert {verb for verb in VERBS if in_language("verb", verb, "it") == verb} == set()


def test_every_situation_of_the_watchdogs_reads_without_english_in_italian() -> None:
    """Each refusal as the watchdog's own tests make it, its figures in place: no English word is left."""
    made = tomllib.loads((DAEMON.parent / "tests" / "safety" / "refusals.toml").read_text(encoding="utf-8"))
    rows = told(ROWS, "it")
    english = re.compile(r"\b(?:pulses?|days?|at|in which|most|unknown|there|none|differ|signed|needs|trains)\b")
    assert len(made) > 80
    for reason, said in made.items():
        pattern = re.escape(str(Reason.named(reason).sentence)).replace(r"\{", "{").replace(r"\}", "}")
        figures = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", pattern), said)
        assert figures is not None, reason
        shown = {name: in_language(name, value, "it") for name, value in figures.groupdict().items()}
        text = whole(rows[reason]).format(**shown)
        assert not english.search(text), (reason, text)


def test_the_document_has_them_all_in_one_table_and_the_coils_apart() -> None:
    for language in LANGUAGES:
        words = document(language)
        assert set(words["reasons"]) == {*ROWS, *COIL_ROWS}
        assert set(words["coil_reasons"]) == set(COIL_ROWS)
        assert all(set(row) == {"what", "why", "next"} for row in words["reasons"].values())
