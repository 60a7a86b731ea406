"""Now, as the watchdog knows it: one reading of two clocks, always taken together."""

from __future__ import annotations

from typing import NamedTuple


class Instant(NamedTuple):
    """`us` orders and times everything within a boot; `wall_us` only names days and is written down."""

    us: int
    """CLOCK_BOOTTIME in µs: runs on through suspend, so an old lease looks old after it."""
    wall_us: int
    """Unix time in µs, read once and then run on with `us`; never earlier than the ledger's last record."""
