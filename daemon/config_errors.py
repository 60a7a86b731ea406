"""Turns pydantic's errors into sentences for the person who wrote the file.

Each names section, key and value, then the bound, then the remedy: what the key means, with an example.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_Context = dict[str, Any]
_BOUNDS: dict[str, Callable[[_Context], str]] = {
    "missing": lambda _: "is missing",
    "literal_error": lambda c: f"must be {c['expected']}",
    "greater_than_equal": lambda c: f"must be at least {c['ge']}",
    "less_than_equal": lambda c: f"must be at most {c['le']}",
    "string_pattern_mismatch": lambda c: f"must match {c['pattern']}",
    "string_too_short": lambda _: "must not be empty",
    "string_type": lambda _: "must be text in quotes",
    "int_type": lambda _: "must be a whole number without quotes",
    "int_parsing": lambda _: "must be a whole number without quotes",
    "int_from_float": lambda _: "must be a whole number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "path_type": lambda _: "must be a path in quotes",
    "model_type": lambda _: "must be a section with keys",
    "dict_type": lambda _: "must be a section with keys",
    "tuple_type": lambda _: "must be a list of sections, each under its own [[header]]",
    "date_type": lambda _: "must be a date",
    "value_error": lambda c: str(c["error"]),
}


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One sentence for each thing that is wrong, without the name of the file."""
    for detail in error.errors():
        yield _sentence(detail, model)


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    where = detail["loc"]
    if not where:  # a rule about several sections names them itself
        return f"{_bound(detail)}."
    owner = _owner(where[:-1], model)
    if detail["type"] == "extra_forbidden":
        return f"{_place(where, detail)}: {_unknown_key(str(where[-1]), owner, section=len(where) == 1)}"
    field = owner.model_fields.get(str(where[-1])) if owner else None
    remedy = _remedy(str(where[-1]), field)
    return f"{_place(where, detail)}: {_bound(detail)}.{f' {remedy}' if remedy else ''}"


def _place(where: tuple[int | str, ...], detail: ErrorDetails) -> str:
    section, *rest = where
    names = ".".join(f"#{part + 1}" if isinstance(part, int) else part for part in rest)
    place = f"[{section}] {names}".strip()
    shown = detail["type"] != "missing" and not isinstance(detail["input"], (dict, list))
    return f"{place} = {_toml(detail['input'])}" if shown else place


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _bound(detail: ErrorDetails) -> str:
    known = _BOUNDS.get(detail["type"])
    return known(detail.get("ctx", {})) if known else detail["msg"][0].lower() + detail["msg"][1:]


def _remedy(key: str, field: FieldInfo | None) -> str:
    if field is None or not field.description:
        return ""
    example = f" Write for example: {key} = {_toml(field.examples[0])}" if field.examples else ""
    return f"It says: {field.description}.{example}"


def _unknown_key(key: str, owner: type[BaseModel] | None, *, section: bool) -> str:
    known = sorted(owner.model_fields) if owner else []
    near = difflib.get_close_matches(key, known, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    what = "no section of this file" if section else "no key of this section"
    return f"is {what}.{guess} Known: {', '.join(known)}."


def _owner(path: tuple[int | str, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """The section model that `path` leads to."""
    owner: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        field = owner.model_fields.get(part) if owner else None
        owner = _model_in(field.annotation) if field else None
    return owner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
