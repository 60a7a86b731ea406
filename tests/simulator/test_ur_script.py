"""The URScript that the simulated controller runs: the language, its waits, and what becomes of mistakes."""

from __future__ import annotations

import pytest

from simulator.arm.arm import Arm
from simulator.clock import VirtualClock
from simulator.wires.ur.controller import Controller

TICK_US = 2_000


class Machine:
    """A controller somewhere in time, and a script on it."""

    def __init__(self, body: str, *, start_us: int = 987_654_321) -> None:
        self.clock = VirtualClock(start_us)
        self.controller = Controller(Arm(), self.clock)
        self.controller.upload("def program():\n" + body + "\nend\n")

    def run(self, ticks: int) -> Machine:
        self.controller.advance(self.controller.now_us + ticks * TICK_US)
        return self

    @property
    def ints(self) -> list[int]:
        return self.controller.registers.outputs.ints

    @property
    def last(self) -> str:
        return self.controller.notes[-1].text

    @property
    def running(self) -> bool:
        return self.controller.program is not None


def result_of(expression: str, *lines: str) -> float:
    """What the script computes, told by a register."""
    body = "\n".join([*lines, f"write_output_float_register(0, {expression})"])
    return Machine(body).run(1).controller.registers.outputs.doubles[0]


def truth_of(condition: str) -> bool:
    return bool(result_of("found", "found = 0", f"if {condition}:", "found = 1", "end"))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("-2 * -3", 6),
        ("7 % 4", 3),
        ("1.5e-1 * 2", 0.3),
        ("[4, 5, 6][1]", 5),
        ("p[1, 2, 3, 4, 5, 6][5]", 6),
        ("norm([3, 4])", 5),
        ("sqrt(16)", 4),
        ("floor(2.9)", 2),
        ("point_dist(p[0, 0, 0, 0, 0, 0], p[1, 2, 2, 0, 0, 0])", 3),
        ("pose_trans(p[1, 0, 0, 0, 0, 1.5707963267948966], p[0, 2, 0, 0, 0, 0])[0]", -1),
        ("pose_inv(p[1, 2, 3, 0, 0, 0])[2]", -3),
        ("pose_sub(p[1, 2, 3, 0, 0, 0.5], p[0, 0, 1, 0, 0, 0.2])[5]", 0.3),
        ("get_steptime()", 0.002),
    ],
)
def test_an_expression_is_worth_what_the_manual_says(expression: str, value: float) -> None:
    assert result_of(expression) == pytest.approx(value)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("1 < 2 and 2 <= 2", True),
        ("1 > 2 or 2 >= 3", False),
        ("not 1 == 2", True),
        ("not (1 != 2) or True", True),
        ("True and False", False),
        ("1 < 2 or 1 < 2 and 2 < 1", True),
    ],
)
def test_a_condition_holds_as_the_manual_says(condition: str, holds: bool) -> None:
    assert truth_of(condition) is holds


def test_a_list_is_copied_when_it_is_given_a_second_name() -> None:
    assert result_of("first[0]", "first = [1, 2]", "second = first", "second[0] = 9") == 1


def test_a_pose_whose_number_is_changed_is_another_pose() -> None:
    lines = ("a = p[1, 2, 3, 0, 0, 0]", "b = pose_inv(a)", "c = a", "a[0] = 5")

    assert result_of("pose_inv(a)[0]", *lines) == -5
    assert result_of("pose_inv(c)[0]", *lines) == -1


def test_a_nested_function_changes_the_programs_variable_and_keeps_its_own() -> None:
    lines = (
        "global n = 1",
        "kept = 5",
        "def add(a, b):",
        "  local kept = a",
        "  n = n + kept * b",
        "  return n",
        "end",
    )

    assert result_of("add(2, b=3)", *lines) == 7
    assert result_of("kept", *lines, "add(2, 3)") == 5
    assert result_of("n", *lines, "add(2, 3)") == 7


def test_a_global_made_inside_a_function_is_seen_outside() -> None:
    assert result_of("n", "def make():", "  global n = 4", "end", "make()") == 4


def test_elif_else_break_continue_and_comments_do_their_part() -> None:
    body = """
    n = 0            # counts
    while True:
      n = n + 1
      if n == 2:
        continue
      elif n > 5:
        break
      else:
        write_output_integer_register(1, n)
      end
    end
    write_output_integer_register(0, n)
    """

    assert Machine(body).run(1).ints[:2] == [6, 5]


def test_a_line_goes_on_inside_brackets() -> None:
    assert result_of("norm([3,\n 4])") == 5


@pytest.mark.parametrize(
    ("wait", "ticks"),
    [("sync()", 1), ("sleep(0.02)", 10), ("servoj(get_actual_joint_positions(), 0, 0, 0.008, 0.1, 300)", 4)],
)
def test_a_wait_takes_its_ticks(wait: str, ticks: int) -> None:
    machine = Machine(f"{wait}\nwrite_output_integer_register(0, 1)")

    assert machine.run(ticks).ints[0] == 0
    assert machine.run(1).ints[0] == 1


def test_a_wait_inside_a_function_inside_a_condition_waits_too() -> None:
    body = "def slowly():\nsync()\nreturn True\nend\nif slowly() and True:\nwrite_output_integer_register(0, 1)\nend"
    machine = Machine(body)

    assert machine.run(1).ints[0] == 0
    assert machine.run(1).ints[0] == 1


def test_stopj_returns_once_the_arm_stands() -> None:
    machine = Machine("speedl([0.05, 0, 0, 0, 0, 0], 1.0, 0.5)\nstopj(4.0)\nwrite_output_integer_register(0, 1)")
    machine.run(249)
    moving = not machine.controller.arm.stands
    machine.run(100)

    assert moving
    assert machine.controller.arm.stands
    assert machine.ints[0] == 1


def test_free_drive_lets_a_hand_lead_until_it_ends() -> None:
    machine = Machine("freedrive_mode()\nsleep(0.1)\nend_freedrive_mode()\nsleep(1)")

    assert machine.run(5).controller.arm.guided
    assert not machine.run(60).controller.arm.guided


def test_a_program_that_ends_stops_the_arm() -> None:
    machine = Machine("speedl([0.05, 0, 0, 0, 0, 0], 1.0, 0.2)")
    machine.run(300)

    assert not machine.running
    assert machine.controller.arm.stands
    assert machine.last == "program program ends: it has run to its end"


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("n = jump(3)", "script refused: line 2: the simulator knows no function jump"),
        ("while True:\nsync()", "script refused: program is never closed: an end is missing"),
        ("if True\nend", "script refused: line 2: a colon is missing at the line's end"),
        ("x = (1 + 2", "script refused: line 2: a bracket is never closed"),
        ("x = 3 $ 4", "script refused: line 2: no word of URScript begins with '$'"),
        ("x = 3 4", "script refused: line 2: '4' is out of place"),
        ("3 = x", "script refused: line 2: a value is given to a name"),
        ("else:\nend", "script refused: line 2: else belongs to nothing"),
        ("thread t():\nend", "script refused: line 2: the simulator runs no threads"),
        ("end\nx = 1\nif True:", "script refused: line 3: something follows the program's end"),
        ("break", "script refused: line 2: 'break' outside loop"),
    ],
)
def test_a_script_that_cannot_be_read_is_refused_with_its_line(body: str, complaint: str) -> None:
    machine = Machine(body)

    assert not machine.running
    assert machine.last == complaint


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("sync()\nx = nobody + 1", "line 3: name 'nobody' is not defined"),
        ("if 1:\nend", "line 2: True or False is needed here, not 1"),
        ("x = [1][4]", "line 2: list index out of range"),
        ("x = 1 / 0", "line 2: division by zero"),
        ("write_output_integer_register(0, 0.5)", "line 2: an integer register takes a whole number, not 0.5"),
        ("while True:\nx = 1\nend", "a loop runs without sync"),
        ("servoj([0, 0, 0, 0, 0, 0], 0, 0, 0.002, 0.01, 300)", "line 2: servoj: lookahead_time is 0.03 to 0.2"),
        ("servoj([0, 0, 0, 0, 0, 0], 0, 0, 0.002, 0.03, 3000)", "line 2: servoj: gain is 100.0 to 2000.0"),
        ("q = get_inverse_kin(p[2, 0, 0, 0, 0, 0])", "line 2: get_inverse_kin: no joints for this pose"),
        ("speedl([1, 2], 1, 0.002)", "line 2: six numbers are needed here"),
        ("sync(3)", "line 2: Words.sync() takes 1 positional argument"),
    ],
)
def test_a_mistake_while_running_ends_the_program_with_its_line_and_brakes(body: str, complaint: str) -> None:
    machine = Machine(body).run(3)

    assert not machine.running
    assert complaint in machine.last


def test_a_refused_script_leaves_the_running_one_running() -> None:
    machine = Machine("while True:\nsync()\nend")
    machine.controller.upload("def other():\nx = (\nend\n")

    assert machine.running
    assert machine.run(2).running


@pytest.mark.parametrize("stop", ["local", "protective", "emergency"])
def test_no_script_is_taken_while_the_controller_may_not_run_one(stop: str) -> None:
    machine = Machine("sync()").run(5)
    if stop == "local":
        machine.controller.remote = False
    elif stop == "protective":
        machine.controller.protective_stop()
    else:
        machine.controller.emergency_stop()
    machine.controller.upload("def again():\nsync()\nend\n")
    refused = machine.last.startswith("script refused")
    machine.controller.restore()
    machine.controller.upload("def again():\nsync()\nend\n")

    assert refused
    assert machine.running
