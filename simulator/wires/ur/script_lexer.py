"""URScript text to tokens, line by line. Inside brackets a line goes on in the next one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.wires.ur.script_errors import ScriptError

TOKEN = re.compile(
    r"""(?P<space>[ \t]+|\#.*)
      | (?P<number>\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|0x[0-9a-fA-F]+|\d+)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<pose>p\[)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<mark>==|!=|<=|>=|[-+*/%()\[\],:=<>])""",
    re.VERBOSE,
)
OPENING, CLOSING = {"(", "[", "p["}, {")", "]"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the language."""

    kind: str
    """number, text, name, mark (pose openings are the mark `p[`), or end."""
    text: str
    line: int


def lines_of(script: str) -> list[list[Token]]:
    """The tokens of each logical line that has any. ScriptError at what is no token."""
    found: list[list[Token]] = []
    current: list[Token] = []
    depth = 0
    for number, text in enumerate(script.splitlines(), 1):
        for token in _tokens(text, number):
            depth += (token.text in OPENING) - (token.text in CLOSING) if token.kind == "mark" else 0
            current.append(token)
        if current and depth <= 0:
            found.append(current)
            current, depth = [], 0
    if current:
        raise ScriptError("a bracket is never closed", current[0].line)
    return found


def _tokens(text: str, number: int) -> list[Token]:
    tokens, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ScriptError(f"no word of URScript begins with {text[at]!r}", number)
        at = match.end()
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(Token("mark" if kind == "pose" else kind, match.group(), number))
    return tokens
