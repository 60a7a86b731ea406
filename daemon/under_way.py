"""The train a journal breaks off in, because its daemon was killed: booked from its rows as the daemon would have.

The row `begun` says what was about to be asked for; the watchdog's events behind it say what became of it. Where the
coil was on its arm went with the daemon that had heard it: unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daemon.account import Account, SetTo
from daemon.json_lines import Row
from daemon.on_target import UNKNOWN, counts
from daemon.plan import How, Planned
from drivers.quantities import Hertz, PercentMso, PercentRmt, Train


def told(account: Account) -> dict[str, Any]:
    """The fields of `begun`."""
    train, set_to = account.planned.train, account.set_to
    return {
        "train": account.number,
        "attempt": account.attempt,
        "how": account.planned.how.value,
        "pulses": train.pulses,
        "rate_tenths": train.rate.tenths,
        "level_tenths": set_to.level.tenths,
        "intensity_tenths": set_to.intensity.tenths,
        "coil": set_to.coil,
    }


def booked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """A segment's rows, and behind them what lacks of a train that was begun and not booked to its end."""
    at = max((at for at, row in enumerate(rows) if row["kind"] in ("begun", "train")), default=None)
    if at is None or rows[at]["kind"] == "train":
        return tuple(rows)
    account = _account(rows[at])
    for row in rows[at:]:
        if row["kind"] == "watchdog":
            account.hear(row["told"])
    before, written = (sum(row["kind"] == "pulse" for row in part) for part in (rows[:at], rows[at:]))
    stood = UNKNOWN if rows[at].get("tracked") else {}
    pulses = [{"kind": "pulse", "seq": seq, **row, **stood} for seq, row in enumerate(account.rows(), before + 1)]
    every = [row for row in rows[at:] if row["kind"] == "pulse"] + pulses[written:]
    return (*rows, *pulses[written:], {"kind": "train", **account.total, **counts(every)})


def _account(begun: Row) -> Account:
    intensity = PercentRmt(begun["intensity_tenths"])
    train = Train(begun["pulses"], Hertz(begun["rate_tenths"]))
    set_to = SetTo(PercentMso(begun["level_tenths"]), intensity, begun["coil"])
    return Account(Planned(train, intensity, gap_us=0, how=How(begun["how"])), begun["train"], set_to, begun["attempt"])
