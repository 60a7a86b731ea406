"""A loop with stand-ins around it, on a clock of the test's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.arm.loop_stand_ins import LoopRoom


@pytest.fixture
def room(tmp_path: Path) -> Iterator[LoopRoom]:
    made = LoopRoom(tmp_path, random.randrange(10**9, 10**12))
    yield made
    made.close()
