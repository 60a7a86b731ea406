"""Minimum-jerk shapes: how people move from one rest to another (Flash and Hogan 1985)."""

from __future__ import annotations

PEAK = 1.875
"""Peak speed of a minimum-jerk move over its mean speed: 15/8, from the polynomial itself."""


def minimum_jerk(share: float) -> float:
    """From 0 at share 0 to 1 at share 1 of the time, at rest at both ends; flat outside."""
    if share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    return share * share * share * (10 + share * (6 * share - 15))


def there_and_back(share: float, turn: float = 0.5) -> float:
    """From 0 to 1 at share `turn` of the time and back to 0 at its end: two minimum-jerk moves."""
    return minimum_jerk(share / turn) - minimum_jerk((share - turn) / (1 - turn))
