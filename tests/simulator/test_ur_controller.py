"""The simulated controller and its dashboard: modes, stops, and who may end them."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused
from simulator.arm.arm import Arm
from simulator.clock import VirtualClock
from simulator.wires.ur.controller import Controller
from simulator.wires.ur.dashboard import Dashboard
from simulator.wires.ur.modes import RobotMode, RuntimeState, SafetyMode

LOOP = "def loop():\nwhile True:\nspeedl([0, 0, 0.02, 0, 0, 0], 1.0, 0.002)\nend\nend\n"


@pytest.fixture
def controller(origin_us: int) -> Controller:
    made = Controller(Arm(), VirtualClock(origin_us))
    made.upload(LOOP)
    run(made, 0.1)
    return made


@pytest.fixture
def dashboard(controller: Controller) -> Dashboard:
    return Dashboard(controller)


def run(controller: Controller, seconds: float) -> None:
    controller.advance(controller.now_us + round(seconds * 1e6))


def test_a_controller_runs_as_many_ticks_as_are_due(controller: Controller) -> None:
    before = controller.arm.ticks

    assert controller.advance(controller.now_us + 9_999) == 4
    assert controller.advance(controller.now_us + 1) == 0
    assert controller.arm.ticks == before + 4


def test_its_own_clock_counts_seconds_since_its_start(controller: Controller) -> None:
    assert controller.uptime_s == pytest.approx(0.1)


def test_while_a_program_plays_the_bits_say_so(controller: Controller) -> None:
    assert controller.runtime_state is RuntimeState.PLAYING
    assert controller.status_bits == 0b11
    assert controller.safety_bits == 0b1


def test_a_protective_stop_ends_the_program_and_shows_in_every_field(controller: Controller) -> None:
    controller.protective_stop()
    run(controller, 0.1)

    assert controller.arm.stands
    assert controller.runtime_state is RuntimeState.STOPPED
    assert controller.safety is SafetyMode.PROTECTIVE_STOP
    assert controller.safety_bits & 1 << 2
    assert controller.status_bits == 0b01


def test_a_protective_stop_is_unlocked_after_five_seconds_and_not_before(
    controller: Controller, dashboard: Dashboard
) -> None:
    controller.protective_stop()
    run(controller, 4.9)
    early = dashboard.answer("unlock protective stop")
    run(controller, 0.2)
    late = dashboard.answer("unlock protective stop")

    assert early == "Cannot unlock protective stop until 5s after occurrence"
    assert late == "Protective stop releasing"
    assert controller.safety is SafetyMode.NORMAL
    assert controller.program is None


def test_a_second_protective_stop_waits_its_own_five_seconds(controller: Controller) -> None:
    controller.protective_stop()
    run(controller, 6)
    controller.unlock()
    controller.protective_stop()
    run(controller, 1)

    with pytest.raises(DeviceRefused, match="5s"):
        controller.unlock()


def test_what_is_not_stopped_cannot_be_unlocked(controller: Controller) -> None:
    with pytest.raises(DeviceRefused, match="no protective stop"):
        controller.unlock()


def test_an_emergency_stop_takes_power_and_program_and_turning_it_free_gives_neither_back(
    controller: Controller, dashboard: Dashboard
) -> None:
    controller.emergency_stop()
    run(controller, 0.1)
    safety, standing = controller.safety, controller.arm.stands
    powering = dashboard.answer("power on")
    controller.emergency_stop(pressed=False)

    assert safety is SafetyMode.ROBOT_EMERGENCY_STOP
    assert standing
    assert powering.startswith("Failed")
    assert controller.mode is RobotMode.POWER_OFF
    assert dashboard.answer("power on") == "Powering on"
    assert dashboard.answer("brake release") == "Brake releasing"
    assert controller.may_move
    assert controller.program is None


def test_a_killed_program_leaves_the_arm_standing(controller: Controller) -> None:
    controller.kill_program()
    run(controller, 0.2)

    assert controller.program is None
    assert controller.arm.stands
    assert controller.notes[-1].text == "program loop ends: killed"


def test_a_slow_controller_moves_slower_and_says_so(controller: Controller) -> None:
    controller.slow(0.25)
    run(controller, 0.5)

    assert controller.arm.scaling == 0.25
    assert controller.arm.tcp_speed[2] == pytest.approx(0.005, abs=1e-4)


def test_restoring_ends_every_fault(controller: Controller) -> None:
    controller.emergency_stop()
    controller.protective_stop()
    controller.slow(0.1)
    controller.freeze_stream()
    controller.remote = False
    run(controller, 0.1)
    controller.restore()

    assert controller.may_move
    assert controller.remote
    assert (controller.slowed, controller.stream_frozen) == (1.0, False)


def test_witnesses_hear_each_note(controller: Controller) -> None:
    heard: list[str] = []
    controller.witnesses.append(lambda note: heard.append(note.text))
    controller.kill_program()

    assert heard == ["program loop ends: killed"]


# ── dashboard ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("PolyscopeVersion", "URSoftware 5.12.0.1114 (Jan 01 2022)"),
        ("get serial number", "20225500001"),
        ("get robot model", "UR5"),
        ("is in remote control", "true"),
        ("robotmode", "Robotmode: RUNNING"),
        ("safetystatus", "Safetystatus: NORMAL"),
        ("running", "Program running: true"),
        ("programState", "PLAYING loop"),
        ("close popup", "closing popup"),
        ("dance", 'could not understand: "dance"'),
    ],
)
def test_the_dashboard_answers_in_the_manuals_words(dashboard: Dashboard, line: str, answer: str) -> None:
    assert dashboard.answer(line + "\r") == answer


def test_the_dashboard_stops_a_program_once(controller: Controller, dashboard: Dashboard) -> None:
    assert dashboard.answer("stop") == "Stopped"
    assert controller.program is None
    assert dashboard.answer("stop") == "Failed to execute: stop"


def test_in_local_control_the_dashboard_tells_and_does_nothing(controller: Controller, dashboard: Dashboard) -> None:
    controller.remote = False

    assert dashboard.answer("is in remote control") == "false"
    assert "not in remote control" in dashboard.answer("stop")
    assert controller.program


def test_power_off_ends_the_program_and_brakes_need_power_first(controller: Controller, dashboard: Dashboard) -> None:
    assert dashboard.answer("power off") == "Powering off"
    assert controller.program is None
    assert dashboard.answer("brake release") == "Failed to execute: brake release"
    assert dashboard.answer("robotmode") == "Robotmode: POWER_OFF"
