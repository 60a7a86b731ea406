"""The safety model's page names every rule and every row there is."""

from __future__ import annotations

from pathlib import Path

from safety.limits import load_limits
from safety.rules import RULES
from safety.rules_totals import TOTALS

PAGE = (Path(__file__).parents[2] / "safety" / "README.md").read_text("utf-8")


def test_every_rule_has_its_line() -> None:
    rules = {rule.__name__ for rule in (*RULES, *TOTALS)}
    assert {name for name in rules if f"`{name}`" not in PAGE} == set()


def test_every_limit_has_its_line() -> None:
    limits = load_limits()
    rows = {name for name in limits.rows if not name.startswith(("cell_", "tier2_"))}
    of_timing = {name for name in rows if name in limits.timing.__slots__ or f"{name}_us" in limits.timing.__slots__}
    assert {name for name in rows - of_timing if f"`{name}`" not in PAGE} == set()
