"""Reading what a person wrote in TOML: every key asked for once, unknown keys refused, errors that help.

A `ConfigError` names the file, the section, the key, its value, the bound it misses and what to write instead.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.errors import ConfigError

NAME = re.compile(r"[a-z0-9-]{1,32}")
"""Rooms, protocols, coils: what may stand in a topic or a file name."""

_REQUIRED: Any = object()


class Table:
    """One table of one file. Ask for every key it may have, then call `done`."""

    def __init__(self, data: Mapping[str, Any], file: str, section: str) -> None:
        self._data = data
        self._asked: set[str] = set()
        self.file = file
        self.section = section

    def error(self, key: str, bound: str, remedy: str) -> ConfigError:
        """The error of `key`: it is `bound` that does not hold, and `remedy` that mends it."""
        value = f"{key} = {_shown(self._data[key])}" if key in self._data else f"{key} is missing"
        return ConfigError(f"{self.file}: [{self.section}] {value}: {bound}; {remedy}")

    def done(self) -> None:
        """Refuses keys nobody asked for: a misspelt limit must not look like a limit."""
        for key in self._data:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise self.error(key, "no such key here", f"remove it, or write one of: {known}")

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def _get(self, key: str, kind: type | tuple[type, ...], bound: str, default: object) -> Any:
        self._asked.add(key)
        if key not in self._data and default is not _REQUIRED:
            return default
        value = self._data.get(key)
        wrong_bool = isinstance(value, bool) and kind is not bool
        if wrong_bool or not isinstance(value, kind):
            raise self.error(key, f"must be {bound}", f"write {bound}")
        return value

    def text(self, key: str, default: str | None = _REQUIRED) -> str:
        """A string that says something."""
        value: str = self._get(key, str, "a text in quotes", default)
        if value is not None and not value.strip():
            raise self.error(key, "must not be empty", "write a text in quotes")
        return value

    def name(self, key: str) -> str:
        """A name of 1 to 32 of a-z, 0-9 and hyphen."""
        value = self.text(key)
        if not NAME.fullmatch(value):
            raise self.error(key, "must match [a-z0-9-]{1,32}", "use lower-case letters, digits and hyphens")
        return value

    def choice(self, key: str, choices: Sequence[Any], default: object = _REQUIRED) -> Any:
        """One of `choices`."""
        shown = "one of " + ", ".join(_shown(choice) for choice in choices)
        value = self._get(key, (str, int), shown, default)
        if value not in choices:
            raise self.error(key, f"must be {shown}", f"write {shown}")
        return value

    def flag(self, key: str, default: bool = _REQUIRED) -> bool:
        """Either true or false."""
        value: bool = self._get(key, bool, "true or false", default)
        return value

    def whole(self, key: str, least: int, most: int, default: int = _REQUIRED) -> int:
        """A whole number within bounds."""
        bound = f"a whole number from {least} to {most}"
        value: int = self._get(key, int, bound, default)
        if not least <= value <= most:
            raise self.error(key, f"must be {bound}", "choose a value inside")
        return value

    def number(self, key: str, default: Decimal = _REQUIRED) -> Decimal:
        """An exact number, never negative."""
        value = Decimal(self._get(key, (int, Decimal), "a number from 0", default))
        if not value.is_finite() or value < 0:
            raise self.error(key, "must be a number from 0", "choose a value inside")
        return value

    def numbers(self, key: str) -> tuple[Decimal, ...]:
        """A list of exact numbers, none negative."""
        raw = self._get(key, list, "a list of numbers", _REQUIRED)
        return tuple(Table({key: item}, self.file, self.section).number(key) for item in raw)

    def moment_us(self, key: str) -> int:
        """A date and time with its offset from UTC, as unix µs."""
        bound = "a date and time with an offset, as 2026-03-01T00:00:00+01:00"
        value: datetime = self._get(key, datetime, bound, _REQUIRED)
        if value.tzinfo is None:
            raise self.error(key, f"must be {bound}", "add the offset")
        return int(value.timestamp()) * 1_000_000

    def day(self, key: str) -> date:
        """A date alone."""
        value: date = self._get(key, date, "a date, as 2027-01-01", _REQUIRED)
        if isinstance(value, datetime):
            raise self.error(key, "must be a date alone", "leave out the time")
        return value

    def table(self, key: str, default: Mapping[str, Any] = _REQUIRED) -> Table:
        """The table below `key`."""
        data = self._get(key, dict, "a table", default)
        return Table(data, self.file, self._below(key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """The array of tables below `key`, empty when absent."""
        data = self._get(key, list, "an array of tables", [])
        for item in data:
            if not isinstance(item, dict):
                raise self.error(key, "must be an array of tables", f"write [[{key}]]")
        return tuple(Table(item, self.file, f"{self._below(key)} {n}") for n, item in enumerate(data, 1))

    def _below(self, key: str) -> str:
        return f"{self.section}.{key}" if self.section != "file" else key

    @property
    def raw(self) -> Mapping[str, Any]:
        """What TOML made of it, in the order of the file."""
        return self._data


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def read_table(path: Path) -> Table:
    """The whole file as one table; ConfigError when it cannot be read or is no TOML."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); give the path of a readable TOML file") from error
    return parse_table(text, str(path))


def parse_table(text: str, file: str) -> Table:
    """`text` as one table, numbers exact; ConfigError when it is no TOML."""
    try:
        return Table(tomllib.loads(text, parse_float=Decimal), file, "file")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML ({error}); correct that line") from error
