"""What a person does at the panel, press by press, from taking control to the last pulse."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.screen import SHOWN_S, Screen

CHECKS = ("screening", "hearing-protection", "operator-clear")
SUBJECT = "S-0001"
PLACEMENT = "left M1 hotspot, cap mark 3"
TRAIN_S = 30.0
"""From the release to the first train: arming takes seconds, on a busy machine more (engineering choice)."""
SESSION_S = 90.0
"""For the protocol `demo`, which lasts 18 s (engineering choice)."""


async def prepares(person: Screen, subject: str = SUBJECT, protocol: str = "demo", *, taking: bool = True) -> None:
    """A subject nobody has had, up to the moment before the session is opened. `taking`: control too, first."""
    if taking:
        await person.press("take-control")
    await person.fill("subject", subject)
    await person.press(f"protocols-{protocol}")
    await person.press("subject-next")
    await checks_and_places(person)
    await person.fill("threshold", "45")
    await person.fill("threshold-pulses", "20")
    await person.press("threshold-method-emg")


async def checks_and_places(person: Screen, placement: str | None = PLACEMENT) -> None:
    """The day's checks by hand, then where the coil is; None: where it was the last time."""
    for check in CHECKS:
        await person.press(f"check-{check}")
    if placement is not None:
        await person.fill("placement", placement)
    await person.press("placed")


async def opens(person: Screen) -> None:
    """Up to what the watchdog understood."""
    await person.press("open-session")
    await person.shows("step-release")


async def comes_to_a_train(person: Screen, subject: str = SUBJECT, protocol: str = "demo") -> None:
    """From nothing to pulses."""
    await prepares(person, subject, protocol)
    await opens(person)
    await person.hold("release")
    await person.is_in("train", TRAIN_S)


async def goes_on(person: Screen) -> None:
    """From a pause to the next train."""
    await person.hold("resume")
    await person.is_in("train", TRAIN_S)


async def resolves(person: Screen) -> None:
    """The one record that the dark may have left in doubt: it fell between a question and its answer."""
    in_doubt, interrupted = person.find("step-unknown-pulses"), person.find("step-interrupted")
    await expect(in_doubt.or_(interrupted)).to_be_visible(timeout=SHOWN_S * 1000)
    if await in_doubt.is_visible():
        await person.fill("resolve-why", "the power was cut")
        await person.press("resolve")


async def continues(person: Screen) -> None:
    """From a session that ended early to the next train."""
    await person.press("nav-treat")
    await person.fill("continue-reason", "stopped by a test")
    await person.fill("continue-placement", PLACEMENT)
    await person.press("continue")
    await person.shows("step-release")
    await person.hold("release")
    await person.is_in("train", TRAIN_S)
