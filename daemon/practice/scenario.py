"""A scenario as it is written: one TOML file, texts in both languages, nothing in it that is code."""

from __future__ import annotations

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from daemon.messages import Both
from daemon.notes import NOTES
from daemon.verbs import VERBS
from drivers.errors import ConfigError, OperatorError

FOLDER: Final = Path(__file__).parent / "scenarios"
BEGIN: Final = "begin"
"""What the first step and the first happening come after."""
BROKER_AWAY: Final = "broker-away"
POWER_CUT: Final = "power-cut"
ACCIDENTS: Final = (BROKER_AWAY, POWER_CUT)
"""What befalls the room's own processes; everything else is a switch of the simulator."""
COMPLETED: Final = "completed"
"""Beside the verbs: the session came to its end."""

Seconds = Annotated[float, Field(ge=0, le=3600)]
Named = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
_Both = Annotated[Both, BeforeValidator(lambda told: Both(**told) if isinstance(told, dict) else told)]


class Part(BaseModel):
    """Base of what a file holds: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class When(Part):
    """When something happens: all that is given has come, one after another, `seconds` ago."""

    after: Named = BEGIN
    """A step that is settled, a happening, or the beginning."""
    phase: str | None = None
    """The session has come into this phase since, ..."""
    times: int = Field(default=1, ge=1, le=1000)
    """... so often."""
    pulses: int = Field(default=0, ge=0)
    """So many went out in all, as the simulator knows."""
    seconds: Seconds = 0


class Happening(Part):
    """Something befalls the room, or somebody in it says something."""

    name: Named
    when: When
    do: str | None = None
    """A switch of the simulator, or one of `ACCIDENTS`."""
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    arm_only: bool = False
    """Left out in a room without an arm: there is no simulated head."""
    told: _Both | None = None


class Step(Part):
    """What the trainee is expected to do: any of `verbs`, within the limit."""

    name: Named
    what: _Both
    hint: _Both
    verbs: tuple[str, ...] = Field(min_length=1)
    note: tuple[str, ...] = ()
    """For the verb `note`: kind, and what, if it matters which."""
    after: Named | None = None
    """From when it is due; None: from the step before."""
    within_s: Seconds | None = None
    """None: it takes the time it takes."""


class Scenario(Part):
    """One exercise."""

    name: Named
    title: _Both
    goal: _Both
    read: _Both
    protocol: str = "demo"
    arm: bool = False
    """It needs a room with an arm."""
    minutes: float = Field(default=20, gt=0, le=120)
    """It ends after so long, whatever was done."""
    happens: tuple[Happening, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [BEGIN, *(one.name for one in self.happens), *(one.name for one in self.steps)]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))} is there more than once")
        wanted = {one.when.after for one in self.happens} | {one.after for one in self.steps if one.after}
        if missing := wanted - set(names):
            raise ValueError(f"nothing here is called {', '.join(sorted(missing))}")
        for step in self.steps:
            _check(step)
        return self

    @cached_property
    def after(self) -> dict[str, str]:
        """By step, from what on it is due."""
        before = [BEGIN, *(step.name for step in self.steps)]
        return {step.name: step.after or before[at] for at, step in enumerate(self.steps)}


def _check(step: Step) -> None:
    if unknown := set(step.verbs) - {*VERBS, COMPLETED}:
        raise ValueError(f"step {step.name}: no verb is called {', '.join(sorted(unknown))}")
    kind, what = (*step.note, "", "")[:2]
    known = kind in NOTES and (not what or what in NOTES[kind])
    if known != ("note" in step.verbs) or (step.note and not known):
        raise ValueError(f"step {step.name}: note = {list(step.note)} is nothing that can be noted")


def names() -> tuple[str, ...]:
    """What there is to practise, in the order in which it is learned."""
    return tuple(path.stem.split("-", 1)[1] for path in sorted(FOLDER.glob("*.toml")))


def load(name: str) -> Scenario:
    """The scenario of that name. Raises OperatorError: there is none; ConfigError: its file does not hold."""
    path = next((path for path in FOLDER.glob("*.toml") if path.stem.split("-", 1)[1] == name), None)
    if path is None:
        raise OperatorError(f"No scenario is called {name}. There are {', '.join(names())}. Choose one of them.")
    return parse(path.read_text(encoding="utf-8"), name)


def parse(text: str, name: str) -> Scenario:
    """A scenario out of its text. Raises ConfigError."""
    try:
        return Scenario.model_validate({"name": name, **tomllib.loads(text)})
    except (tomllib.TOMLDecodeError, ValidationError) as wrong:
        raise ConfigError(f"The scenario {name} does not hold: {wrong}") from None
