"""The accessibility rules of axe-core, asked of a page as it stands. Where the file is from: `axe/axe.json`."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.browser.screen import Screen

FOLDER = Path(__file__).with_name("axe")


@cache
def source() -> str:
    """axe-core, as it was published."""
    noted = json.loads((FOLDER / "axe.json").read_text())
    body = (FOLDER / noted["file"]).read_bytes()
    assert hashlib.sha256(body).hexdigest() == noted["sha256"], f"{noted['file']} was changed"
    return body.decode()


async def violations(person: Screen) -> list[str]:
    """Every rule that the page breaks, where, and what to do; all of axe-core's default rules."""
    if not await person.page.evaluate("'axe' in globalThis"):
        await person.page.evaluate(source())
    found: list[dict[str, Any]] = await person.page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)"
    )
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
