"""The arm with real processes, in hold, while the head moves: whoever dies or falls silent, the coil comes off.

The figures, 20 mm off the scalp within 1 s with less than 20 N on the way, are asserted in virtual time
(tests/daemon/arm/test_hold_force.py). Here a bound is what a lost guard would break, and a stalled machine would not.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from daemon.arm_link import ArmLink, ArmLost
from tests.system.arm_room import ArmRoom, Listener, arm_room
from tests.system.at_once import ARM
from tests.system.processes import ANSWER_S, START_S, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(120), pytest.mark.xdist_group(ARM)]

OFF_MM, WITHIN_S = 20.0, 5.0
FORCE_N = 60.0
"""A coil that stays where it is meets up to 72 N: 15 mm too far into a neck of 4.8 N/mm."""
UNSEEN, TOUCHED = {"tracker-silent", "tracker-late", "head-lost"}, {"force"}
"""Why it goes: a head that comes nearer unseen is felt before the wait is over."""
SHIFT_MM, SHIFT_S = 20.0, 1.0


@pytest.fixture
def room() -> Iterator[ArmRoom]:
    with arm_room(head="rest", seed=random.randrange(10_000)) as made:
        yield made
        print(made.logs())


def comes_off(room: ArmRoom, happens: Callable[[], object]) -> None:
    """While the head goes 20 mm in some direction, `happens`; then the coil is off in time, and pressed nobody."""
    room.simulator("forget-peaks")
    room.simulator("shift", mm=SHIFT_MM, s=SHIFT_S, direction="any")
    time.sleep(random.uniform(0, 0.5))
    happens()
    began = time.monotonic()
    until(lambda: room.truth["gap_mm"] >= OFF_MM, ANSWER_S, f"the coil off the head: {room.said()}")
    took_s = time.monotonic() - began

    assert took_s <= WITHIN_S, f"{took_s:.2f} s: {room.truth}"
    assert room.simulator("room")["peak_force_n"] < FORCE_N


def leaves(listener: Listener) -> set[str]:
    """Why the coil waited and then went, as the arm says it, without a lease."""
    said = listener.wait(lambda said: said["state"] == "retract", "the retract is said")
    assert said["lease"] == "none"
    return {said["why"] for said in listener.states if said["state"] in ("freeze", "retract")}


def test_the_coil_follows_a_head_that_shifts_and_the_lease_comes_back(room: ArmRoom) -> None:
    listener = room.hold()
    room.simulator("shift", mm=30.0, s=0.6, direction="forward")
    listener.wait(lambda said: said["lease"] != "begin", "no lease while it moves", 2.0)
    listener.wait(lambda said: said["lease"] == "begin", "the lease again")
    truth = room.truth

    assert truth["lateral_mm"] <= 2
    assert abs(truth["depth_mm"]) <= 2
    assert "retract" not in {said["state"] for said in listener.states}


def test_a_daemon_that_hangs_or_dies_leaves_a_coil_that_goes_home_and_comes_back_when_told(room: ArmRoom) -> None:
    listener = room.hold()
    hung = room.daemon
    assert hung is not None
    try:
        comes_off(room, lambda: hung.send_signal(signal.SIGSTOP))
        listener.wait(lambda said: said["state"] == "parked", "on its way home")
    finally:
        hung.send_signal(signal.SIGCONT)
    room.to_target(listener)

    comes_off(room, hung.kill)
    listener.wait(lambda said: said["state"] == "parked", "on its way home")
    assert listener.newest["lease"] == "none"
    room.start_daemon()
    room.to_target(listener)


def test_an_arm_process_that_dies_or_hangs_leaves_the_controller_to_take_the_coil_off(room: ArmRoom) -> None:
    room.hold()
    killed = room.arm
    assert killed is not None
    comes_off(room, killed.kill)

    listener = room.hold()
    assert listener.newest["lease"] == "begin", "it came up again at rest and took the coil back when told"
    hung = room.arm
    assert hung is not None
    comes_off(room, lambda: hung.send_signal(signal.SIGSTOP))
    hung.send_signal(signal.SIGCONT)


def test_a_tracker_that_hangs_or_is_unplugged_takes_the_coil_off_with_its_reason(room: ArmRoom) -> None:
    listener = room.hold()
    for how, reasons in (("silent", UNSEEN), ("numbers", UNSEEN), ("poses", UNSEEN | {"tracker-frozen"})):
        listener.states.clear()
        comes_off(room, lambda how=how: room.simulator("freeze-tracker", how=how))
        assert leaves(listener) <= reasons | TOUCHED
        room.simulator("reset")
        room.to_target(listener)

    listener.states.clear()
    comes_off(room, lambda: room.simulator("pull-tracker"))
    assert leaves(listener) <= UNSEEN | TOUCHED
    assert room.doctor().items() >= {"arm": True, "tracker": False}.items()

    counted = listener.newest["frame"]["n"]
    room.simulator("plug-tracker")  # its frames are counted anew, and are believed all the same
    until(lambda: room.go("target")["ok"], ANSWER_S, "an arm that sees the head again")
    listener.wait(lambda said: said["frame"]["n"] < counted, "a count that began anew")
    room.to_target(listener)


def test_a_program_that_is_ended_at_the_pendant_is_started_again_and_takes_the_coil_off(room: ArmRoom) -> None:
    listener = room.hold()
    comes_off(room, lambda: room.simulator("kill-program"))

    why = leaves(listener)
    assert "program-ended" in why
    assert why <= {"program-ended"} | TOUCHED | UNSEEN, "a busy machine brings a frame late besides"
    room.to_target(listener)


def test_a_protective_stop_is_said_and_ended_by_a_person_alone(room: ArmRoom) -> None:
    listener = room.hold()
    room.simulator("protective-stop")
    said = listener.wait(lambda said: said["state"] == "fault", "the stop is said")
    time.sleep(1.0)
    assert room.go("away")["why"] == "robot-stopped"

    assert (said["why"], said["lease"]) == ("robot-stopped", "none")
    assert listener.newest["robot"]["safety"] == "protective-stop"
    assert room.go("target")["why"] == "robot-stopped"
    assert not room.doctor()["arm"]

    until(lambda: not room.unlock(), 2 * ANSWER_S, "the stop's end")
    listener = room.listen_again()  # who does not read for seconds is hung up on
    listener.wait(lambda said: said["robot"].get("safety") == "normal", "the arm is free")
    time.sleep(1.0)
    assert listener.newest["state"] == "fault", "and stays where it is until it is sent"
    assert room.go("away")["ok"]
    until(lambda: room.truth["gap_mm"] >= OFF_MM, 2 * ANSWER_S, f"the coil off the head: {room.said()}")
    room.to_target(listener)
    assert room.doctor().items() >= {"arm": True, "tracker": True}.items()


def test_what_the_tracker_sees_is_recorded_while_nobody_else_reads_it_and_shown_again(room: ArmRoom) -> None:
    file = room.folder / "seen.jsonl"
    recorded = room.coilward("tracker", "record", file, "--seconds", "1", "--json")
    played = room.coilward("tracker", "play", file, "--at-once", "--json")
    assert recorded.returncode == played.returncode == 0, recorded.stderr + played.stderr
    seen = json.loads(recorded.stdout)
    assert seen["frames"] > 20
    assert seen["tools"]["head"]["seen"] > 20
    assert json.loads(played.stdout.splitlines()[-1]) == seen
    assert len(played.stdout.splitlines()) == seen["frames"] + 1

    listener = room.start_arm()
    room.start_daemon()
    listener.wait(lambda said: said["frame_age_ms"] is not None, "frames", START_S)
    refused = room.coilward("tracker", "record", room.folder / "more.jsonl", "--seconds", "1")
    assert refused.returncode
    assert "in use" in refused.stderr


def test_anybody_may_stop_it_and_told_to_end_it_takes_the_coil_off_first(room: ArmRoom) -> None:
    listener = room.hold()
    comes_off(room, lambda: listener.ask("stop"))
    assert listener.newest["state"] == "stopped"
    room.to_target(listener)

    arm = room.arm
    assert arm is not None
    comes_off(room, arm.terminate)
    assert arm.wait(ANSWER_S) == 0
    assert room.simulator("arm")["program"] != "coil_hold"
    assert not (room.folder / "arm" / "control").exists()


def test_the_watchdog_takes_the_lease_and_is_found_again_after_it_died(room: ArmRoom) -> None:
    room.start_arm()
    room.start_watchdog()
    until(lambda: room.said().count("the watchdog takes the lease") == 1, START_S, f"a lease: {room.said()}")
    assert room.watchdog is not None
    room.watchdog.kill()
    until(lambda: room.said().count("no lease, so no pulses: the watchdog: it hung up") == 1, ANSWER_S, "its end")

    room.start_watchdog()

    until(lambda: room.said().count("the watchdog takes the lease") == 2, START_S, f"another: {room.said()}")


def test_an_arm_that_is_told_the_daemons_user_takes_nobody_else_for_the_daemon() -> None:
    with arm_room() as room:
        named = room.site.read_text().replace("[watchdog]\n", '[watchdog]\ndaemon_user = "nobody"\n')
        room.site.write_text(named)
        room.start_arm()
        with pytest.raises(ArmLost, match="only the daemon's own user may be the daemon"):
            asyncio.run(ArmLink.connect(room.folder / "arm" / "control", "daemon"))
