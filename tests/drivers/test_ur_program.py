"""The program for the controller: it carries the site's values, and its version vouches for every character."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from importlib.resources import files

import pytest

from drivers.poses import Pose
from drivers.robots import Program, SafetyMode
from drivers.ur.program import coil_hold
from drivers.ur.site import Box, UrSite, capabilities
from drivers.ur.states import program_of, safety_of

SITE = UrSite(
    host="192.168.1.5",
    flange_from_tcp=Pose.turned((0, 0, 1.5), (0.01, -0.02, 0.125)),
    payload_kg=2.25,
    payload_centre_m=(0.0, 0.01, 0.06),
    box=Box(low=(-0.5, -0.4, 0.1), high=(0.5, 0.4, 0.9)),
)
SCRIPT = files("drivers.ur").joinpath("coil_hold.script").read_text(encoding="ascii")

KNOWN_CALLS = {
    "get_actual_tcp_pose", "get_actual_joint_positions", "get_inverse_kin",
    "get_inverse_kin_has_solution", "get_steptime", "get_tcp_force",
    "read_input_integer_register", "read_input_float_register", "write_output_integer_register", "servoj", "stopj",
    "stopl", "speedl", "pose_trans", "pose_inv", "point_dist", "norm", "floor", "sync", "freedrive_mode",
    "end_freedrive_mode", "set_tcp", "set_payload",
}  # fmt: skip
OUR_CALLS = {"coil_hold", "listen", "least", "withdraw", "follow"}


def test_the_program_carries_the_sites_values() -> None:
    lines = coil_hold(SITE).text.splitlines()

    for statement in (
        "  set_tcp(p[0.010000000, -0.020000000, 0.125000000, 0.000000000, 0.000000000, 1.500000000])",
        "  set_payload(2.250000000, [0.000000000, 0.010000000, 0.060000000])",
        "  global low = [-0.500000000, -0.400000000, 0.100000000]",
        "  global high = [0.500000000, 0.400000000, 0.900000000]",
        "  global wait_moving = 0.020000000",
        "  global wait_resting = 0.200000000",
    ):
        assert lines.count(statement) == 1


def test_nothing_but_the_seven_statements_differs_from_the_file() -> None:
    sent, kept = coil_hold(SITE).text.splitlines(), SCRIPT.splitlines()

    assert len(sent) == len(kept)
    assert [n for n, (a, b) in enumerate(zip(sent, kept, strict=True)) if a != b] == list(range(2, 9))


@pytest.mark.parametrize(
    "change",
    [
        {"payload_kg": 2.26},
        {"box": Box(low=(-0.5, -0.4, 0.1), high=(0.5, 0.4, 0.91))},
        {"flange_from_tcp": Pose()},
        {"slack": 2.0},
    ],
)
def test_another_value_is_another_version(change: dict[str, object]) -> None:
    assert coil_hold(replace(SITE)).version == coil_hold(SITE).version
    assert coil_hold(replace(SITE, **change)).version != coil_hold(SITE).version


def test_the_version_is_the_checksum_of_the_text_and_fits_its_register() -> None:
    program = coil_hold(SITE)
    as_summed = program.text.replace(f"(27, {program.version})", "(27, 1)")

    assert zlib.crc32(as_summed.encode()) & 0x7FFF_FFFF == program.version
    assert f"write_output_integer_register(27, {program.version})" in program.text


def test_slack_stretches_the_programs_time_outs_and_what_the_loop_is_told_of_them() -> None:
    site = replace(SITE, slack=4.0)

    assert "global wait_moving = 0.080000000" in coil_hold(site).text
    assert "global wait_resting = 0.800000000" in coil_hold(site).text
    assert (capabilities(site).dead_man_us, capabilities(site).dead_man_idle_us) == (80_000, 800_000)
    assert (capabilities(SITE).dead_man_us, capabilities(SITE).dead_man_idle_us) == (20_000, 200_000)


def test_the_script_is_short_and_calls_only_what_the_simulator_knows() -> None:
    called = set(re.findall(r"([a-z_]+)\(", re.sub(r"#.*", "", SCRIPT)))

    assert len(SCRIPT.splitlines()) <= 90
    assert called - OUR_CALLS - {"while", "if", "elif", "and", "or", "not"} <= KNOWN_CALLS


@pytest.mark.parametrize("model", ["UR3", "UR5", "UR10"])
def test_a_cb3_is_streamed_to_at_its_own_rate(model: str) -> None:
    told = capabilities(replace(SITE, model=model))

    assert told.rate_hz == 125.0
    assert "every 8 ms" in told.primitive
    assert capabilities(replace(SITE, model=model + "e")).rate_hz == 500.0


@pytest.mark.parametrize(
    ("mode", "bits", "meant"),
    [
        (1, 0b1, SafetyMode.NORMAL),
        (2, 0b10, SafetyMode.REDUCED),
        (3, 0b100, SafetyMode.PROTECTIVE_STOP),
        (1, 0b100, SafetyMode.PROTECTIVE_STOP),
        (1, 1 << 10, SafetyMode.PROTECTIVE_STOP),
        (2, 1 << 4, SafetyMode.SAFEGUARD_STOP),
        (1, 1 << 7 | 1 << 2, SafetyMode.EMERGENCY_STOP),
        (6, 0, SafetyMode.EMERGENCY_STOP),
        (7, 0, SafetyMode.EMERGENCY_STOP),
        (8, 0, SafetyMode.VIOLATION),
        (9, 0, SafetyMode.FAULT),
        (0, 0, SafetyMode.FAULT),
        (99, 0b1, SafetyMode.FAULT),
    ],
)
def test_a_stop_is_a_stop_whether_mode_or_bits_show_it(mode: int, bits: int, meant: SafetyMode) -> None:
    assert safety_of(mode, bits) is meant


@pytest.mark.parametrize(
    ("runtime", "version", "register", "meant"),
    [
        (2, 77, 2, Program.TRACKING),
        (2, 77, 0, Program.ABSENT),
        (2, 77, 8, Program.ABSENT),
        (2, 78, 2, Program.ABSENT),
        (1, 77, 2, Program.ABSENT),
        (4, 77, 2, Program.ABSENT),
    ],
)
def test_only_our_own_program_while_it_plays_counts(runtime: int, version: int, register: int, meant: Program) -> None:
    values = {"runtime_state": runtime, "output_int_register_27": version, "output_int_register_25": register}

    assert program_of(values, 77) is meant
