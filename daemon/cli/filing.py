"""Where a registration or a calibration goes: to the room's daemon, which is asked before anything is measured, or
into a file of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from daemon.calibration_seal import Sealed
from daemon.cli.place import Place
from daemon.messages import Answer
from drivers.errors import OperatorError

S_contra = TypeVar("S_contra", bound=Sealed, contravariant=True)
S = TypeVar("S", bound=Sealed)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it."""

    file: str
    words: str


class Filing(Protocol[S_contra]):
    """Whoever takes the result."""

    async def ready(self) -> None:
        """Raises what says that it would not be taken, and what to do first."""

    async def take(self, found: S_contra) -> Taken:
        """Files it. Raises as `ready`, and OSError."""


class OwnFile(Generic[S]):
    """A file of the operator's, that no room goes by."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ready(self) -> None:
        """As `Filing.ready`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)

    async def take(self, found: S) -> Taken:
        """As `Filing.take`."""
        found.write(self._path)
        return Taken(str(self._path), f"Written to {self._path}. No room goes by it.")


class RoomFiles(Generic[S]):
    """The room's daemon. Takes control, which it needs, each time: a person works at the arm meanwhile."""

    def __init__(self, where: Place, verb: str, name: str, **fields: object) -> None:
        """`name` is the command's field that carries the result."""
        self._where = where
        self._verb = verb
        self._name = name
        self._fields: dict[str, Any] = fields

    async def ready(self) -> None:
        """As `Filing.ready`."""
        await self._ask(None)

    async def take(self, found: S) -> Taken:
        """As `Filing.take`."""
        told = (await self._ask(found)).detail
        later = f" The arm does not go by it yet: {told['later']}" if told.get("later") else ""
        return Taken(told["file"], f"The room has filed it, in {told['file']}.{later}")

    async def _ask(self, found: S | None) -> Answer:
        async with self._where.room() as room:
            await room.known(5)
            _granted(await room.ask("take"))
            return _granted(await room.ask(self._verb, **self._fields | {self._name: found}))


def _granted(answer: Answer) -> Answer:
    sentence = answer.sentence
    if not answer.ok:
        raise OperatorError(answer.reason if sentence is None else f"{sentence.what} {sentence.why} {sentence.next}")
    return answer
