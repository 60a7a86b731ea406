"""The dashboard client and the switching-on against a dashboard of a few lines on a real loopback socket."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import pytest

from drivers.errors import BadFrame, DeadlinePassed, DeviceRefused, OperatorError, PortLost, PortNotFound
from drivers.robots import SafetyMode
from drivers.ur import dashboard as dashboard_module
from drivers.ur.dashboard import Dashboard
from drivers.ur.site import Ports, UrSite
from drivers.ur.switching_on import switch_on

HANG_UP, SAY_NOTHING = "hang up", "say nothing"


class Controller(socketserver.TCPServer):
    """Answers by a table; the answers are those that the maker's own ROS driver expects."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.heard: list[str] = []
        self.answers = {
            "robotmode": "Robotmode: POWER_OFF",
            "safetystatus": "Safetystatus: NORMAL",
            "safetymode": "Safetymode: NORMAL",
            "is in remote control": "true",
            "power on": "Powering on",
            "brake release": "Brake releasing",
            "stop": "Stopped",
            "close safety popup": "closing safety popup",
            "unlock protective stop": "Protective stop releasing",
        }

    @property
    def site(self) -> UrSite:
        return UrSite(host="127.0.0.1", ports=Ports(dashboard=self.server_address[1]))

    def answer(self, line: str) -> str:
        self.heard.append(line)
        if line.startswith("addToLog "):
            return "Added log message"
        if line == "power on" and self.answers[line] == "Powering on":
            self.answers["robotmode"] = "Robotmode: IDLE"
        if line == "brake release" and self.answers[line] == "Brake releasing":
            self.answers["robotmode"] = "Robotmode: RUNNING"
        return self.answers.get(line, f"could not understand: '{line}'")


class Conversation(socketserver.StreamRequestHandler):
    server: Controller

    def handle(self) -> None:
        self.wfile.write(b"Connected: Universal Robots Dashboard Server\n")
        for line in self.rfile:
            answer = self.server.answer(line.decode().strip())
            if answer == HANG_UP:
                return
            if answer != SAY_NOTHING:
                self.wfile.write(answer.encode() + b"\n")


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    monkeypatch.setattr(dashboard_module, "ANSWER_S", 1.0)
    with Controller() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def no_pause(_seconds: float) -> None:
    """Time stands still."""


def test_an_arm_without_power_is_switched_on_step_by_step(controller: Controller) -> None:
    switch_on(controller.site, pause=no_pause)

    acts = [line for line in controller.heard if line in {"power on", "brake release"}]
    assert acts == ["power on", "brake release"]
    assert controller.answers["robotmode"] == "Robotmode: RUNNING"


def test_an_arm_that_runs_is_left_as_it_is(controller: Controller) -> None:
    controller.answers["robotmode"] = "Robotmode: RUNNING"

    switch_on(controller.site, pause=no_pause)

    assert not {"power on", "brake release"} & set(controller.heard)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("PROTECTIVE_STOP", "unlock it with your name"),
        ("ROBOT_EMERGENCY_STOP", "emergency-stop button"),
        ("SYSTEM_THREE_POSITION_ENABLING_STOP", "enabling device"),
        ("RECOVERY", "inside its limits"),
        ("VIOLATION", "restarted"),
        ("SOMETHING_NEW", "restarted"),
    ],
)
def test_nothing_is_switched_on_or_unlocked_in_a_stop(controller: Controller, status: str, words: str) -> None:
    controller.answers["safetystatus"] = f"Safetystatus: {status}"

    with pytest.raises(DeviceRefused, match=words):
        switch_on(controller.site, pause=no_pause)

    assert controller.heard == ["safetystatus"]


def test_reduced_mode_is_no_stop(controller: Controller) -> None:
    controller.answers["safetystatus"] = "Safetystatus: REDUCED"

    switch_on(controller.site, pause=no_pause)


def test_an_older_controller_is_asked_for_its_safety_mode(controller: Controller) -> None:
    del controller.answers["safetystatus"]
    controller.answers["safetymode"] = "Safetymode: SAFEGUARD_STOP"

    with Dashboard.dial(controller.site) as dashboard:
        assert dashboard.safety_status() is SafetyMode.SAFEGUARD_STOP


def test_local_control_is_refused_with_where_to_change_it(controller: Controller) -> None:
    controller.answers["is in remote control"] = "false"

    with pytest.raises(DeviceRefused, match="Remote Control"):
        switch_on(controller.site, pause=no_pause)


def test_a_cb3_that_knows_no_remote_control_is_switched_on(controller: Controller) -> None:
    del controller.answers["is in remote control"]

    switch_on(controller.site, pause=no_pause)


def test_a_refusal_is_quoted(controller: Controller) -> None:
    controller.answers["brake release"] = "Failed to execute: brake release"

    with pytest.raises(DeviceRefused, match="Failed to execute: brake release"):
        switch_on(controller.site, pause=no_pause)


def test_an_arm_that_never_gets_power_is_waited_for_no_longer_than_asked(controller: Controller) -> None:
    controller.answers["power on"] = "Powering on "  # said, and nothing follows

    with pytest.raises(DeadlinePassed, match="still POWER_OFF"):
        switch_on(controller.site, deadline_s=0.0, pause=no_pause)


def test_a_protective_stop_is_unlocked_with_the_name_of_who_looked(controller: Controller) -> None:
    with Dashboard.dial(controller.site) as dashboard:
        dashboard.unlock_protective_stop(" Maria Rossi ")

    assert controller.heard == [
        "addToLog coilward: protective stop unlocked by Maria Rossi",
        "close safety popup",
        "unlock protective stop",
    ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "Maria\npower on"])
def test_without_a_usable_name_nothing_is_unlocked(controller: Controller, name: str) -> None:
    with Dashboard.dial(controller.site) as dashboard, pytest.raises(OperatorError, match="give your name"):
        dashboard.unlock_protective_stop(name)

    assert controller.heard == []


def test_a_stop_too_young_to_unlock_says_so(controller: Controller) -> None:
    refusal = "Cannot unlock protective stop until 5s after occurrence."
    controller.answers["unlock protective stop"] = refusal

    with Dashboard.dial(controller.site) as dashboard, pytest.raises(DeviceRefused, match="until 5s after"):
        dashboard.unlock_protective_stop("Maria Rossi")


@pytest.mark.parametrize(
    ("answer", "error"),
    [(HANG_UP, PortLost), (SAY_NOTHING, DeadlinePassed), ("x" * 5000, BadFrame), ("Robotmode IDLE", BadFrame)],
)
def test_a_dashboard_that_fails_is_told_apart(controller: Controller, answer: str, error: type[Exception]) -> None:
    controller.answers["robotmode"] = answer

    with Dashboard.dial(controller.site) as dashboard, pytest.raises(error):
        dashboard.robot_mode()


def test_no_dashboard_at_all_is_told() -> None:
    with Controller() as gone:
        site = gone.site

    with pytest.raises(PortNotFound, match="PolyScope X"), Dashboard.dial(site):
        pass
