"""The bytes of a script port to whole scripts: a program from its `def` to its own `end`, else a line by itself."""

from __future__ import annotations

import re

from drivers.errors import BadFrame

OPENS = re.compile(r"\s*(def|sec|thread|while|if|for|switch|case|default)\b")
CLOSES = re.compile(r"\s*end\s*(#.*)?$")
MOST_BYTES = 1 << 20
"""ur_rtde's own script is 42 KB. An engineering choice."""


class ScriptText:
    """One connection's text."""

    def __init__(self) -> None:
        self._half = b""
        self._lines: list[str] = []
        self._depth = 0
        self._bytes = 0

    def feed(self, data: bytes) -> list[str]:
        """The scripts that are whole with these bytes. BadFrame when one never ends."""
        *lines, self._half = (self._half + data).split(b"\n")
        scripts = [script for line in lines if (script := self._line(line.decode("utf-8", "replace").rstrip("\r")))]
        self._bytes = len(self._half) + sum(map(len, self._lines))
        if self._bytes > MOST_BYTES:
            raise BadFrame(f"a script of more than {MOST_BYTES} bytes")
        return scripts

    def _line(self, line: str) -> str:
        if not line.strip() and not self._lines:
            return ""
        self._lines.append(line)
        if OPENS.match(line):
            self._depth += 1
        elif CLOSES.match(line):
            self._depth -= 1
        if self._depth > 0:
            return ""
        script = "\n".join(self._lines) + "\n"
        alone = len(self._lines) == 1
        self._lines, self._depth = [], 0
        return f"def line():\n{script}end\n" if alone else script
