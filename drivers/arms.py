"""Every arm the house knows, by the name that a site file gives its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from drivers.errors import ConfigError
from drivers.robots import ArmInRoom, ArmPlace
from drivers.ur.in_room import UrInRoom
from drivers.ur.site import MODELS as UR_MODELS

ARMS: Final[Mapping[str, Callable[[ArmPlace], ArmInRoom]]] = {
    model.lower(): partial(UrInRoom, model) for model in UR_MODELS
}


def arm(model: str, place: ArmPlace) -> ArmInRoom:
    """One arm of one room. ConfigError names what is known when this model is not, and what the place cannot be."""
    if model not in ARMS:
        raise ConfigError(f"[robot] model = {model!r} is not known; choose one of {', '.join(ARMS)}.")
    return ARMS[model](place)
