"""Codes that sign one person in, once: drawn by the command line, used by the page.

A code is a file in the runtime folder, named by the code's hash: who may write there may sign in. It holds the user's
name, goes when it is used, and is worth nothing after ten minutes. Passwords stay in their own files until then.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final

from daemon.config import Site, read_secret
from daemon.runtime import Runtime
from drivers.errors import ConfigError, OperatorError

CODE_BYTES: Final = 18
"""144 random bits: nobody finds one by asking."""
LIFE_S: Final = 600
"""From the terminal to the page, with somebody in between (engineering choice)."""
USED: Final = ".used"
"""What a used code is called as long as it could have been used: to say so."""
MOST_CODES: Final = 64
"""At a time, used ones included (engineering choice)."""


def draw(runtime: Runtime, site: Site, user: str, now_s: float) -> str:
    """A new code for this person. Raises OperatorError: no such person here, or the folder is another user's."""
    if user not in {operator.user for operator in site.operators}:
        known = ", ".join(operator.user for operator in site.operators) or "nobody"
        raise OperatorError(f"{user} may not sign in here. The site file names {known}. Give --user one of these.")
    folder = runtime.panel_codes
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[: -MOST_CODES + 1]:
            old.unlink(missing_ok=True)
        for path in folder.iterdir():
            if not 0 <= now_s - path.stat().st_mtime <= LIFE_S:
                path.unlink(missing_ok=True)
        code = secrets.token_urlsafe(CODE_BYTES)
        descriptor = os.open(folder / _name(code), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(user + "\n")
    except OSError as wrong:
        raise OperatorError(
            f"{folder} cannot be written: {wrong.strerror}. Codes are drawn by the user the panel runs as. "
            "Run: sudo -u coilward-panel coilward panel"
        ) from None
    return code


class Codes:
    """What the page's first message comes to. Blocks on the disk."""

    def __init__(self, runtime: Runtime, site: Site) -> None:
        self._runtime = runtime
        self._roles = {operator.user: operator.role for operator in site.operators}

    def answer(self, message: str | bytes, now_s: float) -> Mapping[str, Any]:
        """`{user, password, role}`, or `{refused}` with the page's key for why."""
        code = _code_in(message)
        if code is None:
            return {"refused": "sign-in-malformed"}
        path = self._runtime.panel_codes / _name(code)
        try:
            age_s = now_s - path.stat().st_mtime
            path.rename(path.with_suffix(USED))  # of two who try at once, one succeeds
            user = path.with_suffix(USED).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return {"refused": "sign-in-code-used" if path.with_suffix(USED).exists() else "sign-in-code-unknown"}
        if not 0 <= age_s <= LIFE_S:
            return {"refused": "sign-in-code-old"}
        if user not in self._roles:
            return {"refused": "sign-in-code-unknown"}
        try:
            password = read_secret(self._runtime.password(user))
        except ConfigError:
            return {"refused": "sign-in-no-password"}
        return {"user": user, "password": password, "role": self._roles[user]}


def _name(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()


def _code_in(message: str | bytes) -> str | None:
    try:
        body = json.loads(message)
    except ValueError:
        return None
    code = body.get("code") if isinstance(body, dict) and set(body) == {"code"} else None
    return code if isinstance(code, str) else None
