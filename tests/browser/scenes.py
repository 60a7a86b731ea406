"""Every state a person can find the panel in, as what the room says and what the person did to come there.

One list for the accessibility rules and for the pictures: what is not in it is neither judged nor looked at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser

from daemon.simulated_room import OPERATOR
from tests.browser import visit
from tests.browser.screen import Screen, screen
from tests.browser.told_room import STATUS, Answers, Document, ToldRoom

SESSION = "5ea15ea15ea15ea1"
PLANNED, TRAINS, PER_TRAIN = 3000, 75, 40
Acts = Callable[[Screen], Awaitable[None]]


async def _nothing(_: Screen) -> None:
    return


@dataclass(frozen=True)
class Scene:
    """`arm` None: a room without one."""

    name: str
    room: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)
    arm: Mapping[str, Any] | None = None
    acts: Acts = _nothing
    user: str | None = OPERATOR
    """None: nobody has signed in."""
    silent: bool = False
    """No heartbeat is heard."""
    shows: str = "state"
    """What has to be on the page before it is looked at."""
    events: tuple[tuple[str, Mapping[str, Any]], ...] = field(default=())
    refuses: str | None = None
    """The verb that the room does not carry out."""


def device(**changes: object) -> Document:
    """The watchdog's status with something else of its stimulator."""
    return {"device": STATUS["device"] | changes}


def treatment(phase: str, *, settled: int = 460, train: int = 12, **changes: object) -> Document:
    """The room in the middle of a session."""
    plan = [{"trains": TRAINS, "pulses": PER_TRAIN, "rate_tenths": 100, "level_tenths": 540, "gap_us": 11_000_000}]
    understood = {
        "kind": "treatment", "door": "daemon", "subject": visit.SUBJECT, "coil": "coil-1", "threshold_tenths": 450,
        "threshold_method": "emg", "intensity_tenths": 1200, "ceiling_tenths": 540, "protocol": "mdd-10hz-37",
        "protocol_version": 1, "plan": plan, "planned": PLANNED, "pulses_left": PLANNED - settled, "tier": 1,
        "today": settled, "course": 9000 + settled, "course_notice": False, "witness": "running",
        "disarm_cuts_train": "assumed", "placement": visit.PLACEMENT, "simulated": True,
    }  # fmt: skip
    return {
        "phase": phase, "sentence": "Said in English.", "holder": OPERATOR, "session": SESSION, "hash": "5ea1" * 8,
        "understood": understood, "subject": visit.SUBJECT, "protocol": "mdd-10hz-37", "intensity_tenths": 1200,
        "level_tenths": 540, **changes,
    }  # fmt: skip


def counts(settled: int = 460, train: int = 12, next_us: int | None = None, unknown: int = 0) -> Document:
    """How far that session has come."""
    told = {"planned": PLANNED, "commanded": settled, "settled": settled, "unknown": unknown}
    return {"train": train, "trains": TRAINS, "next_train_in_us": next_us, "counts": told}


HELD: Document = {"holder": OPERATOR}
ARM: Document = {
    "linked": True, "target": "left-dlpfc", "state": "track", "why": None, "sentence": "", "lease": "begin",
    "off_mm": 0.4, "off_deg": 0.6, "head_speed_mm_s": 1.2, "frame_age_ms": 16.0,
    "lateral_mm": 0.3, "depth_mm": -0.2, "tilt_deg": 0.5, "twist_deg": 0.3,
    "robot": {"mode": "running", "safety": "normal", "program": "running"}, "late_us": {},
}  # fmt: skip
EMERGENCY: Document = {"at_us": 1_767_225_480_000_000, "by": OPERATOR, "subject": visit.SUBJECT}
TOO_MANY: Document = {"asked": 6120, "allowed": 6000}
TRIPPED: Document = {"reason": "coil-too-hot", "at_us": 1_000_000, "detail": {}, "first_person": None}


async def _names_a_subject(person: Screen) -> None:
    await person.fill("subject", visit.SUBJECT)
    await person.press("protocols-mdd-10hz-37")


async def _comes_to_checks(person: Screen) -> None:
    await _names_a_subject(person)
    await person.press("subject-next")
    await person.press("check-screening")


async def _comes_to_place(person: Screen) -> None:
    await _names_a_subject(person)
    await person.press("subject-next")
    for check in visit.CHECKS:
        await person.press(f"check-{check}")


async def _comes_to_intensity(person: Screen) -> None:
    await _comes_to_place(person)
    await person.fill("placement", visit.PLACEMENT)
    await person.press("placed")


async def _types_nonsense(person: Screen) -> None:
    await _comes_to_intensity(person)
    await person.fill("intensity-field", "a lot")
    await person.press("threshold-declare")
    await person.fill("threshold", "4500")


def presses(*names: str) -> Acts:
    """One after the other."""

    async def act(person: Screen) -> None:
        for name in names:
            await person.press(name)

    return act


SCENES: tuple[Scene, ...] = (
    Scene("sign-in", user=None, shows="sign-in"),
    Scene("unknown", HELD, silent=True, shows="step-unknown"),
    Scene("unknown-in-session", treatment("train"), counts(), silent=True, shows="acknowledge"),
    Scene("idle", shows="step-control"),
    Scene("idle-held-by-another", {"holder": "second"}, shows="step-control"),
    Scene("offered", {"holder": "second", "offered_to": OPERATOR}, shows="step-offered"),
    Scene("subject", HELD, acts=_names_a_subject, shows="step-subject"),
    Scene("checks", HELD, acts=_comes_to_checks, shows="step-checks"),
    Scene("placement", HELD, acts=_comes_to_place, shows="step-place"),
    Scene("intensity", HELD, acts=_comes_to_intensity, shows="step-intensity"),
    Scene("intensity-wrong", HELD, acts=_types_nonsense, shows="step-intensity"),
    Scene("hand-over", HELD, acts=presses("hand-over"), shows="hand-over-sheet"),
    Scene("checking", treatment("checks", settled=0), counts(0, 0), shows="step-opening"),
    Scene("positioning", treatment("positioning", settled=0), counts(0, 0), shows="step-release"),
    Scene("gap", treatment("gap"), counts(next_us=7_400_000), shows="step-run"),
    Scene("arming", treatment("arming"), counts(next_us=1_900_000), shows="step-run"),
    Scene("armed", treatment("armed"), counts(next_us=300_000), device(condition="ready"), shows="step-run"),
    Scene("train", treatment("train"), counts(), device(condition="ready", train_running=True), shows="step-run"),
    Scene("stopping", treatment("stopping"), counts(), shows="step-run"),
    Scene("held", treatment("held", holds=["presence-old"], reason="presence-old"), counts(), shows="step-run"),
    Scene("paused", treatment("paused", reason="pause-asked"), counts(), shows="step-paused"),
    Scene("paused-end", treatment("paused"), counts(), acts=presses("end"), shows="end-sure"),
    Scene(
        "coil-warm", treatment("gap"), counts(next_us=9_000_000), device(temperature_tenths=391), shows="acknowledge"
    ),
    Scene("tripped", treatment("tripped", trip=TRIPPED, reason="coil-too-hot"), counts(), shows="acknowledge"),
    Scene("tripped-idle", HELD | {"trip": TRIPPED, "reason": "coil-too-hot"}, shows="step-tripped"),
    Scene(
        "unknown-pulses", treatment("unknown-pulses", unknown=[7], reason="unknown-open"), counts(unknown=40),
        shows="acknowledge",
    ),
    Scene("done", treatment("done", settled=PLANNED, report="r.json"), counts(PLANNED, TRAINS), shows="step-finish"),
    Scene("ended-early", treatment("ended-early", continuable=SESSION), counts(), shows="step-finish"),
    Scene("refused", treatment("refused", reason="day-full", fields=TOO_MANY), counts(0, 0), shows="step-subject"),
    Scene("interrupted", HELD | {"continuable": SESSION}, shows="step-interrupted"),
    Scene("lockout", HELD, status={"phase": "lockout", "lockout": "its chain is broken"}, shows="acknowledge"),
    Scene("no-stimulator", HELD | {"stimulator": "away"}, status=device(present=False, condition=None)),
    Scene("watchdog-gone", HELD | {"linked": False, "stimulator": "away"}, status={"phase": "boot"}),
    Scene("viewer", treatment("train"), counts(), user="viewer", shows="step-viewer"),
    Scene("arm-on-target", treatment("gap"), counts(next_us=7_000_000), arm=ARM, shows="step-run"),
    Scene(
        "arm-off-target", treatment("paused", reason="coil-retracted", coil_reason="head-fast"), counts(),
        arm=ARM | {"state": "retract", "why": "head-fast", "lease": "none", "off_mm": 31.0}, shows="acknowledge",
    ),
    Scene("alarms", treatment("tripped", trip=TRIPPED), counts(), acts=presses("nav-alarms"),
          shows="acknowledge"),
    Scene("history", HELD, acts=presses("nav-history"), shows="history-page"),
    Scene("help", HELD, acts=presses("nav-help"), shows="help-page"),
    Scene("stop-pressed", treatment("train"), counts(), acts=presses("stop"), shows="stop-news"),
    Scene("stop-not-confirmed", treatment("train"), counts(), acts=presses("stop"), refuses="stop", shows="stop-news"),
    Scene("emergency", treatment("paused", emergency=EMERGENCY), counts(), acts=presses("emergency", "stamp-onset"),
          shows="emergency-page"),
)  # fmt: skip


SESSIONS = [
    {
        "session": SESSION, "subject": visit.SUBJECT, "protocol": "mdd-10hz-37", "placement": visit.PLACEMENT,
        "outcome": "ended_early", "at_us": 1_767_225_600_000_000, "report": "5ea1.json",
        "pulses": {"planned": PLANNED, "commanded": 460, "settled": 460, "unknown": 0},
    },
]  # fmt: skip


ANSWERS: Mapping[str, Document] = {"history": {"sessions": SESSIONS}, "stop": {"standby": True}}
FORGET = "for (const kept of ['draft', 'emergency']) sessionStorage.removeItem(`coilward-${kept}`)"
"""What a page remembers of the scene before."""


UNCONFIRMED: Document = {"ok": False, "code": "rejected", "reason": "disarm-unconfirmed"}


def answering(refuses: str | None) -> Answers:
    """What a room with one past session answers."""
    return lambda verb, _: UNCONFIRMED if verb == refuses else {"detail": ANSWERS.get(verb, {})}


@dataclass
class Players:
    """One window for each person, kept from scene to scene."""

    told: ToldRoom
    browser: Browser
    stack: AsyncExitStack
    looks: Mapping[str, Any]
    """Language, scheme and size."""
    windows: dict[str | None, Screen] = field(default_factory=dict)

    async def play(self, scene: Scene) -> Screen:
        """The window of whom the scene is about, loaded anew and in that scene."""
        person = self.windows.get(scene.user) or await self._sits_down(scene.user)
        told = self.told
        told.beating, told.answers = not scene.silent, answering(scene.refuses)
        await told.tell(scene.room, scene.progress, scene.status, scene.arm)
        await person.page.reload()
        if scene.user and not scene.silent:
            await person.knows()
        for kind, detail in scene.events:
            await told.happens(kind, detail)
        await scene.acts(person)
        await person.shows(scene.shows)
        return person

    async def _sits_down(self, user: str | None) -> Screen:
        lobby = self.told.lobby
        url = lobby.url(user) if user else lobby.url().partition("#")[0]
        person = await self.stack.enter_async_context(screen(self.browser, url, **self.looks))
        await person.page.add_init_script(FORGET)
        await person.shows("state" if user else "sign-in")
        self.windows[user] = person
        return person
