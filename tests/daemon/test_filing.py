"""A motor threshold on its way to the file, by the room that owns it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.room import Done, Measured, Order, Refused
from daemon.thresholds import FILE_NAME
from tests.daemon.stage import Stage, rows

MEASURED = Measured("sim-0002", 425, "emg", 20, "coil-1", sd_tenths=12)


async def test_what_was_measured_is_on_file_as_of_now_and_the_next_session_takes_it(stage: Stage) -> None:
    order = Order("sim-0002", "demo", "left DLPFC, cap mark F3")
    refused = await stage.room.start(order, "operator")
    assert isinstance(refused, Refused)
    assert refused.reason == "threshold-missing"

    answer = await stage.room.file_threshold(MEASURED, "olga")

    assert isinstance(answer, Done)
    [row] = rows(stage, "threshold")
    assert (row["by"], row["subject"], row["value_tenths"], row["sd_tenths"]) == ("olga", "sim-0002", 425, 12)
    filed = stage.room._opener.thresholds.latest("sim-0002", "coil-1")
    assert filed is not None
    assert 0 <= row["wall_us"] - filed.taken_wall_us < 5_000_000
    assert (filed.value_tenths, filed.sd_tenths, filed.method, filed.pulses) == (425, 12, "emg", 20)
    assert filed.simulated, "the room is a simulation"
    assert isinstance(await stage.room.start(order, "operator"), Done)


async def test_a_threshold_is_dated_by_the_watchdog_s_wall_clock_which_judges_its_age(stage: Stage) -> None:
    stage.room.hear({**stage.room.view.status, "say": "status", "wall_us": 1_700_000_000_000_000})

    assert isinstance(await stage.room.file_threshold(MEASURED, "olga"), Done)

    filed = stage.room._opener.thresholds.latest("sim-0002", "coil-1")
    assert filed is not None
    assert filed.taken_wall_us == 1_700_000_000_000_000


async def test_in_a_room_that_simulates_nothing_a_threshold_is_real(stage: Stage) -> None:
    bench = stage.site.model_copy(update={"site": stage.site.site.model_copy(update={"use": "bench"})})
    opener = replace(stage.room._opener, site=bench)
    assert opener.file(MEASURED, "olga", 1) == Done()

    filed = opener.thresholds.latest("sim-0002", "coil-1")
    assert filed is not None
    assert not filed.simulated


@pytest.mark.parametrize("verb", ["file", "start"])
async def test_a_file_that_is_not_the_daemon_s_is_named_with_what_to_do(stage: Stage, verb: str) -> None:
    path = stage.site.daemon.state / FILE_NAME
    path.unlink()
    path.mkdir()  # no user whatever can read or write it

    if verb == "file":
        answer = await stage.room.file_threshold(MEASURED, "olga")
        said = (
            f"The threshold was not filed. {path} cannot be written: Is a directory. "
            "Check its owner, the user of coilward-daemon, and the space on its disk."
        )
    else:
        answer = await stage.room.start(stage.order, "operator")
        said = (
            f"No session was opened. {path} cannot be read: Is a directory. "
            "Give the file to the user of coilward-daemon."
        )

    assert isinstance(answer, Refused)
    assert (answer.reason, answer.sentence) == (
        {"file": "threshold-not-filed", "start": "thresholds-unread"}[verb],
        said,
    )
    assert rows(stage, "threshold") == []
