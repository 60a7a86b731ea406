"""What a person may write under each kind of key of a TOML file, and the sentence that answers anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from drivers.errors import ConfigError
from safety.tables import Table, parse_table, read_table

MARCH_US = 1_772_319_600_000_000
"""2026-02-28 23:00 UTC."""
MOMENT = "a date and time with an offset, as 2026-03-01T00:00:00+01:00"
INSIDE = "a whole number from 1 to 20"
LEFT = '"left", 5'

Question = Callable[[Table], object]


def text(table: Table) -> object:
    return table.text("x")


def name(table: Table) -> object:
    return table.name("x")


def choice(table: Table) -> object:
    return table.choice("x", ("left", 5))


def flag(table: Table) -> object:
    return table.flag("x")


def whole(table: Table) -> object:
    return table.whole("x", 1, 20)


def number(table: Table) -> object:
    return table.number("x")


def numbers(table: Table) -> object:
    return table.numbers("x")


def moment(table: Table) -> object:
    return table.moment_us("x")


def day(table: Table) -> object:
    return table.day("x")


def below(table: Table) -> object:
    return table.table("x").number("y")


def each_below(table: Table) -> object:
    return [each.number("y") for each in table.tables("x")]


@pytest.mark.parametrize(
    ("written", "ask", "value"),
    [
        ('x = "a word"', text, "a word"),
        ('x = "room-1"', name, "room-1"),
        (f'x = "{"a" * 32}"', name, "a" * 32),
        ('x = "left"', choice, "left"),
        ("x = 5", choice, 5),
        ("x = false", flag, False),
        ("x = true", flag, True),
        ("x = 1", whole, 1),
        ("x = 20", whole, 20),
        ("x = 0", number, 0),
        ("x = 0.1", number, Decimal("0.1")),
        ("x = [0, 0.1]", numbers, (0, Decimal("0.1"))),
        ("x = []", numbers, ()),
        ("x = 2026-03-01T00:00:00+01:00", moment, MARCH_US),
        ("x = 2027-01-01", day, date(2027, 1, 1)),
        ("x = { y = 1 }", below, 1),
        ("x = [{ y = 1 }, { y = 2 }]", each_below, [1, 2]),
        ("", each_below, []),
    ],
)
def test_what_may_stand_under_a_key_is_read(written: str, ask: Question, value: object) -> None:
    assert ask(parse_table(written, "a.toml")) == value


@pytest.mark.parametrize(
    ("ask", "default", "written", "value"),
    [
        (lambda table: table.text("x", "a"), "a", 'x = "b"', "b"),
        (lambda table: table.choice("x", ("left", 5), "left"), "left", "x = 5", 5),
        (lambda table: table.flag("x", True), True, "x = false", False),
        (lambda table: table.whole("x", 1, 20, 4), 4, "x = 5", 5),
        (lambda table: table.number("x", Decimal(4)), 4, "x = 5", 5),
        (lambda table: table.table("x", {"y": 4}).raw, {"y": 4}, "x = { y = 5 }", {"y": 5}),
    ],
)
def test_a_key_left_out_has_its_default_and_one_that_is_there_its_value(
    ask: Question, default: object, written: str, value: object
) -> None:
    assert ask(parse_table("", "a.toml")) == default
    assert ask(parse_table(written, "a.toml")) == value


def test_a_table_knows_which_keys_it_has() -> None:
    table = parse_table("x = 1", "a.toml")

    assert "x" in table
    assert "y" not in table


@pytest.mark.parametrize(
    ("written", "ask", "sentence"),
    [
        ("", text, "x is missing: must be a text in quotes; write a text in quotes"),
        ("x = 1", text, "x = 1: must be a text in quotes; write a text in quotes"),
        ('x = " "', text, 'x = " ": must not be empty; write a text in quotes'),
        ('x = "A"', name, 'x = "A": must match [a-z0-9-]{1,32}; use lower-case letters, digits and hyphens'),
        (
            f'x = "{"a" * 33}"',
            name,
            f'x = "{"a" * 33}": must match [a-z0-9-]{{1,32}}; use lower-case letters, digits and hyphens',
        ),
        ('x = "right"', choice, f'x = "right": must be one of {LEFT}; write one of {LEFT}'),
        ("x = 5.0", choice, f"x = 5.0: must be one of {LEFT}; write one of {LEFT}"),
        ("x = 0", flag, "x = 0: must be true or false; write true or false"),
        ("x = 0", whole, f"x = 0: must be {INSIDE}; choose a value inside"),
        ("x = 21", whole, f"x = 21: must be {INSIDE}; choose a value inside"),
        ("x = 1.0", whole, f"x = 1.0: must be {INSIDE}; write {INSIDE}"),
        ("x = true", whole, f"x = True: must be {INSIDE}; write {INSIDE}"),
        ("x = -0.1", number, "x = -0.1: must be a number from 0; choose a value inside"),
        ("x = inf", number, "x = Infinity: must be a number from 0; choose a value inside"),
        ("x = nan", number, "x = NaN: must be a number from 0; choose a value inside"),
        ('x = "1"', number, 'x = "1": must be a number from 0; write a number from 0'),
        ("", numbers, "x is missing: must be a list of numbers; write a list of numbers"),
        ("x = 1", numbers, "x = 1: must be a list of numbers; write a list of numbers"),
        ('x = [0.5, "1"]', numbers, 'x = "1": must be a number from 0; write a number from 0'),
        ('x = [0.5, "1"]', whole, f'x = [0.5, "1"]: must be {INSIDE}; write {INSIDE}'),
        ("", moment, f"x is missing: must be {MOMENT}; write {MOMENT}"),
        ("x = 2026-03-01", moment, f"x = 2026-03-01: must be {MOMENT}; write {MOMENT}"),
        ("x = 2026-03-01T00:00:00", moment, f"x = 2026-03-01 00:00:00: must be {MOMENT}; add the offset"),
        ("", day, "x is missing: must be a date, as 2027-01-01; write a date, as 2027-01-01"),
        ("x = 2027-01-01T00:00:00", day, "x = 2027-01-01 00:00:00: must be a date alone; leave out the time"),
        ("", below, "x is missing: must be a table; write a table"),
        ("x = 1", below, "x = 1: must be a table; write a table"),
        ("x = 1", each_below, "x = 1: must be an array of tables; write an array of tables"),
        ("x = [{ y = 1 }, 2]", each_below, "x = [{'y': 1}, 2]: must be an array of tables; write [[x]]"),
    ],
)
def test_what_may_not_is_answered_with_file_section_key_value_bound_and_remedy(
    written: str, ask: Question, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        ask(parse_table(written, "a.toml"))

    assert str(caught.value) == f"a.toml: [file] {sentence}"


@pytest.mark.parametrize(
    ("written", "ask", "where"),
    [
        ("[x]", below, "x"),
        ("[[x]]\ny = 1\n[[x]]", each_below, "x 2"),
        ("[z.x]", lambda table: below(table.table("z")), "z.x"),
        ("[[z.x]]", lambda table: each_below(table.table("z")), "z.x 1"),
    ],
)
def test_a_mistake_further_down_is_found_by_its_section(written: str, ask: Question, where: str) -> None:
    with pytest.raises(ConfigError, match="y is missing") as caught:
        ask(parse_table(written, "a.toml"))

    assert str(caught.value).startswith(f"a.toml: [{where}] y is missing: ")


def test_a_key_that_nobody_asks_for_is_refused_with_those_that_are_asked_for() -> None:
    table = parse_table("b = 1\na = 2\nc = 3", "a.toml")
    table.number("b")
    table.number("a")
    with pytest.raises(ConfigError) as caught:
        table.done()

    assert str(caught.value) == "a.toml: [file] c = 3: no such key here; remove it, or write one of: a, b"

    table.number("c")
    table.done()


def test_a_file_is_read_as_utf_8_and_one_that_is_not_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes('x = "µs"'.encode())
    assert read_table(file).text("x") == "µs"

    file.write_bytes('x = "µs"'.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        read_table(file)

    assert str(caught.value).startswith(f"{file}: cannot be read ('utf-8' codec can't decode byte 0xb5")
    assert str(caught.value).endswith("; give the path of a readable TOML file")


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("x = 1\ny\n", "utf-8")
    with pytest.raises(ConfigError, match=rf"^{file}: not TOML \(.*line 2.*\); correct that line$"):
        read_table(file)
