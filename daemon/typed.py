"""What a person typed, as a message: the first field that cannot be is said in a sentence."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from drivers.errors import OperatorError

M = TypeVar("M", bound=BaseModel)


def message_of(kind: type[M], /, **typed: object) -> M:
    """The message of these fields. Raises OperatorError."""
    try:
        return kind.model_validate(typed)
    except ValidationError as wrong:
        raise OperatorError(wrong_field(wrong)) from None


def wrong_field(wrong: ValidationError) -> str:
    """Which field, and what it would have to be."""
    first = wrong.errors()[0]
    where, bound = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    return f"Nothing was asked. {where}: {bound[0].lower()}{bound[1:]}. Correct it."
