"""Every reason that the daemon gives anywhere, read from its source: no run of it meets them all."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import daemon
from daemon.coil import PAUSES
from daemon.guard_view import UNCONFIRMED

DAEMON = Path(daemon.__file__).parent
GIVES: Mapping[str, int | str] = {
    "Refused": 0, "Rejection": 1, "Refusal": 0, "Happened": "reason", "_tell": 1, "_Told": 1,
}  # fmt: skip
"""What is called with a reason, and which argument it is."""
ELSEWHERE = {"cli", "arm", "words", "panel"}
"""Folders that give none: the terminal's own `Refused` is an exception, and the arm's reasons are an enumeration."""
MADE: Mapping[str, tuple[str, ...]] = {
    "f'{who}-away'": ("watchdog-away", "stimulator-away"),
    "f'{verb}-overtaken'": ("pause-overtaken",),
    "unconfirmed": tuple(UNCONFIRMED.values()),
    "reason": tuple(PAUSES.values()),
    "why": (),
    "str(event.get('reason', ''))": (),
    "answer.reason": (),
    "refusal.reason": (),
    "str(view.trip['reason'])": (),
    "standing.reason": (),
    "holds[0]": (),
}
"""Reasons that are no literals, by how they are written: those made of parts; none for what only passes through."""


def given() -> Iterator[tuple[str, str]]:
    """(file, reason) for each place that gives one; a way of making one that is not in `MADE` is a KeyError."""
    for file in sorted(DAEMON.rglob("*.py")):
        inside = file.relative_to(DAEMON)
        if inside.parts[0] in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for told in _reasons(node):
                yield str(inside), told


def carried() -> Iterator[tuple[str, set[str]]]:
    """(reason, the fields it carries) for each refusal whose fields are written beside it."""
    for file in sorted(DAEMON.rglob("*.py")):
        if file.relative_to(DAEMON).parts[0] in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            told = _reasons(node)
            if told and isinstance(node, ast.Call) and _called(node) in ("Refused", "Refusal", "Rejection"):
                fields = node.args[2] if len(node.args) > 2 else ast.Dict([], [])
                if isinstance(fields, ast.Dict):
                    yield told[0], {str(key.value) for key in fields.keys if isinstance(key, ast.Constant)}


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _reasons(node: ast.AST) -> tuple[str, ...]:
    if not isinstance(node, ast.Call):
        return ()
    place = GIVES.get(_called(node))
    if isinstance(place, int):
        found = node.args[place] if len(node.args) > place else None
    else:
        found = next((keyword.value for keyword in node.keywords if keyword.arg == place), None)
    if place is None or found is None:
        return ()
    if isinstance(found, ast.Constant):
        return (str(found.value),)
    return MADE[ast.unparse(found)]
