"""STOP and Emergency past broker and daemon: to the watchdog's own socket, and to the arm's, which takes the coil off.

Blocking, with a deadline on every wait: the command line and the panel call it in threads of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daemon.arm_line import ArmLine
from daemon.guard_view import Rest, rest
from daemon.guard_words import Emergency, Request, Stop
from daemon.watchdog_line import WatchdogLine

STANDBY_S = 3.0
"""How long a STOP waits to see the stimulator in standby before it says: press the button."""
STATUS_EVERY_S = 0.25


def stop_watchdog(control: Path, by: str, sent: Callable[[], None] = lambda: None) -> Rest:
    """What the watchdog then shows of the stimulator; `sent` is called once it has taken the STOP.

    Raises CoilwardError: it does not answer.
    """
    return _disarmed(control, Stop(by=by), sent)


def press_emergency(control: Path, by: str, sent: Callable[[], None] = lambda: None) -> Rest:
    """As `stop_watchdog`, and the session is over for good and its subject blocked."""
    return _disarmed(control, Emergency(by=by), sent)


def _disarmed(control: Path, request: Request, sent: Callable[[], None]) -> Rest:
    with WatchdogLine(control) as line:
        line.ask(request)
        sent()
        shown = Rest.NOT_YET
        for _ in range(int(STANDBY_S / STATUS_EVERY_S)):
            shown = rest(line.status())
            if shown is not Rest.NOT_YET:
                break
        return shown


def stop_arm(control: Path) -> bool:
    """Whether the arm takes the coil off. Raises CoilwardError: it does not answer."""
    with ArmLine(control) as line:
        return line.ask({"do": "stop"}).ok
