"""The clock and the record of what physically happened."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from drivers.errors import OurError
from simulator.clock import RealClock, VirtualClock
from simulator.world import Happening, Kind, LogFile, World


def test_the_real_clock_counts_microseconds_since_boot() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now_us = RealClock().now_us()
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before // 1000 <= now_us <= after // 1000


def test_a_virtual_clock_stands_until_it_is_moved_and_never_goes_back(origin_us: int) -> None:
    clock = VirtualClock(origin_us)
    assert clock.now_us() == clock.now_us() == origin_us
    clock.advance_to(origin_us + 5)
    clock.advance_to(origin_us + 5)
    with pytest.raises(OurError, match="forward"):
        clock.advance_to(origin_us + 4)
    assert clock.now_us() == origin_us + 5


def test_every_witness_hears_of_everything_in_order(origin_us: int) -> None:
    world = World(VirtualClock(origin_us))
    heard: list[Happening] = []
    world.witnesses.append(heard.append)
    for n in range(3):
        world.happened(Happening(origin_us + n, Kind.PULSE, 500, 1, n + 1))
    world.happened(Happening(origin_us + 3, Kind.DISARMED, note="ordered"))
    assert heard == list(world.log)
    assert world.pulses == 3
    assert world.counts.total() == 4


def test_each_happening_is_one_write_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    write = os.write

    def noted(fd: int, data: bytes) -> int:
        writes.append(bytes(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", noted)
    log = LogFile(tmp_path / "log")
    log(Happening(17, Kind.PULSE, 500, 1, 1))
    log(Happening(18, Kind.LAPSE))
    assert writes == [
        b'{"at_us":17,"kind":"pulse","level_tenths":500,"train":1,"index":1}\n',
        b'{"at_us":18,"kind":"lapse"}\n',
    ]
    log.close()


def test_a_log_file_is_appended_to_never_begun_anew(tmp_path: Path) -> None:
    for at_us in (1, 2):
        log = LogFile(tmp_path / "log")
        log(Happening(at_us, Kind.DISARMED, note="ordered"))
        log.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["at_us"] for line in lines] == [1, 2]
    assert lines[0]["note"] == "ordered"


def test_the_example_of_the_readme_runs() -> None:
    page = (Path(__file__).parents[2] / "simulator" / "README.md").read_text()
    example = page.partition("```python\n")[2].partition("```")[0]
    assert "pulses == 1" in example
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  our own page
