"""Which numbers a study uses that nobody has seen in print, and the signatures under them.

A signature names a row and the digest of its very numbers and source; when either changes, it no longer holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drivers.errors import OperatorError
from safety.limits import Limits
from safety.protocols import Protocol
from safety.site import Site
from safety.tables import read_table


@dataclass(frozen=True, slots=True)
class Reviewable:
    """One row of the limits, or one protocol, as a reviewer sees it."""

    name: str
    says: str
    source: str
    digest: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Who compared a row with its source, or accepted an engineering choice, and when."""

    row: str
    digest: str
    who: str
    wall_us: int


def to_review(limits: Limits, protocols: Iterable[Protocol]) -> tuple[Reviewable, ...]:
    """Every unverified row of `limits` and `protocols`, in the order of their files."""
    rows = [
        Reviewable(row.name, f"{row.number} {row.unit} (hard {row.hard})", row.source, row.digest)
        for row in limits.rows.values()
        if not row.verified
    ]
    rows += [
        Reviewable(f"protocol {protocol.id}", f"version {protocol.version}", protocol.source, protocol.digest)
        for protocol in protocols
        if not protocol.verified
    ]
    return tuple(rows)


def unsigned(rows: Iterable[Reviewable], signatures: Iterable[Signature]) -> tuple[str, ...]:
    """Names of the rows without a signature under their present numbers."""
    signed = {(signature.row, signature.digest) for signature in signatures}
    return tuple(row.name for row in rows if (row.name, row.digest) not in signed)


def sign(row: Reviewable, who: str, wall_us: int) -> Signature:
    """`row`, signed; OperatorError without a name to sign with."""
    if not who.strip() or not who.isprintable():
        raise OperatorError(f"{who!r} is no name to sign with; say who reviewed the row")
    return Signature(row.name, row.digest, who, wall_us)


def load_reviewed(path: Path | None) -> tuple[Signature, ...]:
    """The signatures of a file, none without a file; ConfigError when it does not hold."""
    if path is None:
        return ()
    file = read_table(path)
    signatures = []
    for table in file.tables("signed"):
        row, digest, who = table.text("row"), table.text("digest"), table.text("who")
        signatures.append(Signature(row, digest, who, table.moment_us("at")))
        table.done()
    file.done()
    return tuple(signatures)


def reviewed_text(signatures: Iterable[Signature]) -> str:
    """The file `load_reviewed` reads, in TOML."""
    blocks = []
    for signature in signatures:
        at = datetime.fromtimestamp(signature.wall_us // 1_000_000, UTC).isoformat()
        texts = {"row": signature.row, "digest": signature.digest, "who": signature.who}
        lines = [f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in texts.items()]
        blocks.append("\n".join(["[[signed]]", *lines, f"at = {at}", ""]))
    return "\n".join(blocks)


def study_lacks(
    site: Site, protocol: Protocol | None, signatures: Iterable[Signature], wall_us: int
) -> tuple[str, ...]:
    """What forbids use `study` a session now: an ended study, unsigned rows. Other uses lack nothing."""
    if site.study is None:
        return ()
    over = (f"the study ended on {site.study.until}",) if site.study.over(wall_us, site.zone) else ()
    rows = to_review(site.limits, () if protocol is None else (protocol,))
    return (*over, *(f"{name} is not signed" for name in unsigned(rows, signatures)))
