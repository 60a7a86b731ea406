"""The kill storm: 50 kills in every run, 2,000 where there is time, and some without root's rights."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.system.processes import NOBODY
from tests.system.storm import choices, storm

SEED = os.environ.get("COILWARD_STORM_SEED", "1")
"""Give another to see other kills; a failure names seed, room and number of its kill."""
ROOMS = 8
"""At once: most of their time they wait for a gap between trains to pass."""
FEW_ROOMS = 4
ONE_STORM = pytest.mark.xdist_group("storm")
"""All rooms of two storms that started at once, beside arms that outrank them, had no watchdog for half a minute."""

pytestmark = pytest.mark.system

Tell = Callable[[str], None]


def test_a_seed_draws_the_same_kills_again() -> None:
    assert choices("1/0", 8, 50) == choices("1/0", 8, 50) != choices("2/0", 8, 50)


@ONE_STORM
@pytest.mark.timeout(400)
def test_fifty_kills_leave_a_safe_room_each_time(tell: Tell) -> None:
    stormed(tell, "storm", SEED, 50)


@ONE_STORM
@pytest.mark.timeout(200)
def test_ten_kills_without_root_s_rights_leave_a_safe_room_each_time(tell: Tell) -> None:
    """Where the tests run as root the processes become nobody; elsewhere they are nobody special already."""
    user = NOBODY if os.geteuid() == 0 else None
    stormed(tell, "storm as nobody", f"{SEED} nobody", 10, rooms=FEW_ROOMS, user=user)


@pytest.mark.storm
@pytest.mark.timeout(3 * 3600)
def test_two_thousand_kills_leave_a_safe_room_each_time(tell: Tell) -> None:
    stormed(tell, "long storm", f"{SEED} long", 2_000)


def stormed(tell: Tell, what: str, seed: str, kills: int, *, rooms: int = ROOMS, user: int | None = None) -> None:
    began_s = time.monotonic()
    figures = storm(seed, kills, rooms, user)
    assert figures.kills == kills
    tell(f"{what} of seed {seed!r}: {figures}; {time.monotonic() - began_s:.0f} s")
