"""Prints the operator's guide and card: `python docs/print.py` writes PDF files into build/guide/ (`make guide`).

The pages are Markdown, to be read anywhere; Debian's Chromium sets them on A4 with `docs/guide/print.css`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

GUIDE: Final = Path(__file__).parent / "guide"
INTO: Final = Path(__file__).parents[1] / "build" / "guide"
CHROMIUM: Final = Path("/usr/bin/chromium")
PRINT_S: Final = 60
SHEET: Final = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<base href="{base}/"><link rel="stylesheet" href="print.css"></head><body class="{kind}">
{body}</body></html>"""
PAGE: Final = re.compile(rb"/Type\s*/Page\b")


def html(page: Path) -> str:
    """One page of Markdown, named like `guide.en.md`, as a page to be printed."""
    kind, language = page.stem.split(".")
    text = page.read_text(encoding="utf-8")
    body = MarkdownIt("commonmark").enable("table").render(text)
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    return SHEET.format(language=language, title=title[1] if title else kind, base=GUIDE.as_uri(), kind=kind, body=body)


def print_page(page: Path, into: Path) -> Path:
    """The PDF file of one page. Raises CalledProcessError or TimeoutExpired: Chromium did not print it."""
    into.mkdir(parents=True, exist_ok=True)
    printed = into.resolve() / f"{page.stem}.pdf"
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "sheet.html"
        sheet.write_text(html(page), encoding="utf-8")
        command = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
            f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={printed}", sheet.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=PRINT_S)
    return printed


def pages_of(printed: Path) -> int:
    """How many sheets a PDF file of Chromium's has."""
    return len(PAGE.findall(printed.read_bytes()))


def main() -> int:
    """Exit code."""
    if not CHROMIUM.exists():
        print(f"no {CHROMIUM}: install Debian's chromium", file=sys.stderr)
        return 1
    for page in sorted(GUIDE.glob("*.md")):
        printed = print_page(page, INTO)
        print(f"{printed.relative_to(INTO.parents[1])}: {pages_of(printed)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
