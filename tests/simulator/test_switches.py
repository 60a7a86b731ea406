"""The back door of a stimulator: it shows and ends what was done, and answers a wrong request with what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.control import answer
from simulator.switches import SWITCHES
from tests.simulator import test_switches_device, test_switches_line
from tests.simulator.conftest import MS
from tests.simulator.switches_at_work import Bites, TalkTo

bites = Bites()


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


LOOKED_AT = ("cable", "silent", "stalled", "coil_present", "coil_tenths", "remote")


def train_bit(talk: Any) -> bool:
    """What the device says of a train."""
    return bool(talk.say("\\@")[2] & 0x02)


@bites("status", "pulses", "log", "reset")
def test_it_can_be_looked_at_and_brought_back_to_order(talk_to: TalkTo) -> None:
    talk = talk_to(firmware=8)
    talk.make_ready()
    talk.say("EH")
    talk.rest(100 * MS)
    talk.fault("stick-train-bit")
    assert train_bit(talk), "no train runs"
    for name in ("unplug-coil", "silent", "stall", "vanish"):
        talk.fault(name)
    talk.fault("coil-temperature", celsius=50)
    before = talk.fault("status")
    assert [before[each] for each in LOOKED_AT] == [False, True, True, False, 500, True]
    talk.fault("reset")
    after = talk.fault("status")
    assert [after[each] for each in LOOKED_AT] == [True, False, False, True, 220, False]
    assert not train_bit(talk)
    assert talk.fault("pulses") == {"pulses": 1}
    happenings = talk.fault("log")["happenings"]
    assert [line["kind"] for line in happenings[:3]] == ["armed", "pulse", "coil"]
    assert talk.fault("log", since=1)["happenings"][0]["kind"] == "pulse"


def test_every_switch_has_a_test_and_a_line_of_help() -> None:
    shown = bites.names | test_switches_line.bites.names | test_switches_device.bites.names
    assert set(SWITCHES) == shown
    assert all("\n" not in switch.line and switch.line.endswith(".") for switch in SWITCHES.values())


# ── the words of the back door ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"", "Expecting value"),
        (b"[]", "object"),
        (b'{"of": "E"}', "do"),
        (b'{"do": "explode"}', "no switch"),
        (b'{"do": "lose-reply", "of": 3}', "of is str"),
        (b'{"do": "lose-reply", "count": true}', "count is int"),
        (b'{"do": "lose-reply", "count": -1}', "not negative"),
        (b'{"do": "silent", "on": 1}', "on is bool"),
        (b'{"do": "lose-reply", "who": 1}', "has no who"),
        (b'{"do": "delay-reply"}', "needs ms"),
        (b'{"do": "coil-temperature", "celsius": NaN}', "number up to"),
        (b'{"do": "coil-temperature", "celsius": 1e999}', "number up to"),
        (b'{"do": "status", "bench": 1}', "has no bench"),
        (b"\xff", "utf-8"),
    ],
)
def test_a_wrong_request_is_answered_with_what_is_wrong(talk_to: TalkTo, line: bytes, complaint: str) -> None:
    said = json.loads(answer(talk_to(firmware=8).bench, line))
    assert said["ok"] is False
    assert complaint in said["error"]


def test_a_right_request_is_answered_with_its_facts(talk_to: TalkTo) -> None:
    bench = talk_to(firmware=8).bench
    assert json.loads(answer(bench, b'{"do": "pulses"}')) == {"ok": True, "pulses": 0}
    assert json.loads(answer(bench, b'{"do": "delay-reply", "ms": 3, "of": "F"}')) == {"ok": True}
