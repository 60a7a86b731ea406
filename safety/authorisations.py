"""Tier 2: a person's written word that one subject may have one protocol beyond the tables, from when until when.

The watchdog reads these files itself; the daemon cannot hand it one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import ConfigError
from safety.limits import Cell
from safety.protocols import Protocol, exceeded_cell
from safety.tables import read_table


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One file."""

    who: str
    why: str
    subject: str
    protocol: str
    version: int
    cells: tuple[Cell, ...]
    from_wall_us: int
    until_wall_us: int

    def covers(self, subject: str, protocol: Protocol, wall_us: int) -> bool:
        """Whether it speaks of this subject and this protocol version, names every cell, and holds now."""
        return (
            (self.subject, self.protocol, self.version) == (subject, protocol.id, protocol.version)
            and set(protocol.exceeds) <= set(self.cells)
            and self.from_wall_us <= wall_us < self.until_wall_us
        )


def load_authorisation(path: Path) -> Authorisation:
    """The authorisation in one file; ConfigError when it does not hold together."""
    table = read_table(path)
    authorisation = Authorisation(
        who=table.text("who"),
        why=table.text("why"),
        subject=table.text("subject"),
        protocol=table.name("protocol"),
        version=table.whole("version", 1, 10_000),
        cells=tuple(exceeded_cell(each) for each in table.tables("cells")),
        from_wall_us=table.moment_us("valid_from"),
        until_wall_us=table.moment_us("valid_until"),
    )
    table.done()
    if authorisation.until_wall_us <= authorisation.from_wall_us:
        raise table.error("valid_until", "must be later than valid_from", "correct one of the two")
    return authorisation


def load_authorisations(folder: Path | None) -> tuple[Authorisation, ...]:
    """Every `*.toml` of the folder, none without one; ConfigError for the first that does not hold.

    A folder that cannot be listed is an error too: to a misspelt path everybody would be without authorisation.
    """
    if folder is None:
        return ()
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f'[watchdog] authorisations = "{folder}": must be a folder that can be listed ({error.strerror}); '
            "create it, correct its owner, or remove the key"
        ) from error
    return tuple(load_authorisation(path) for path in paths if path.suffix == ".toml")


def authorised(every: Iterable[Authorisation], subject: str, protocol: Protocol, wall_us: int) -> bool:
    """Whether any of them lets this subject have this protocol now. A protocol inside tier 1 needs none."""
    return any(each.covers(subject, protocol, wall_us) for each in every)
