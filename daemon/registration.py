"""Registration: the skull's place in the frame of the marker on the head, from nasion and the points before both ears.

Three touches with the pointer, each a mean over frames held still. The skull's frame is that of Neuromag and MNE:
origin on the line of the ears below the nasion, +x to the right ear, +y to the nasion, +z up. With planned fiducials
of an image a rigid fit places the image as well, and its residual is gated.

Three points cannot tell a face from its mirror: with the ears taken for each other all distances still fit, and the
skull stands on its head. Only the marker on the head shows it, because that is worn above the ears.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from daemon.calibration_seal import now
from daemon.registration_file import MOST_RESIDUAL_M, Fiducial, Registration, Touched
from daemon.registration_fit import Points, fit, height, residual, skull_frame, unevenness
from daemon.registration_scalp import measured
from drivers.errors import OperatorError
from drivers.poses import Pose, Vector

LEAST_APART_M: Final = 0.05
"""Two of the three are never so near: a child's are 80 mm apart (engineering choice)."""
MOST_APART_M: Final = 0.25
"""Nor so far: a broad head measures 170 mm between the ears (engineering choice)."""
LEAST_HEIGHT_M: Final = 0.04
"""Of the nasion over the line of the ears; grown heads have 90 to 110 mm (engineering choice)."""
MOST_UNEVEN_M: Final = 0.015
"""The nasion is nearly as far from either ear; another point of the three is some 20 mm off (engineering choice)."""
LEAST_ABOVE_M: Final = 0.01
"""Of the head marker over the plane of the three, where a head band or forehead puts it (engineering choice)."""

NAS, LPA, RPA = Fiducial.NAS, Fiducial.LPA, Fiducial.RPA


@dataclass(frozen=True, slots=True)
class Touch:
    """One touch: where the pointer's tip was in the frame of the marker on the head, metres."""

    point: Vector
    spread_m: float = 0.0
    frames: int = 1


class NotRegistered(OperatorError):
    """The touches give no registration."""


def register(
    touches: Mapping[Fiducial, Sequence[Touch]],
    planned: Points | None = None,
    *,
    subject: str = "",
    by: str = "",
    simulated: bool = False,
    marker_below: bool = False,
    made: str = "",
    scalp: Sequence[Touch] = (),
) -> Registration:
    """The registration that these touches give, `made` now unless a time is given.

    Without `planned` each fiducial must be touched twice: the repeats are the only residual there is. `marker_below`
    says that the marker is worn below the ears, as on a bite bar. `scalp` are touches all over it, or none. Raises
    NotRegistered, or OperatorError, with what to do.
    """
    _complete(touches, repeated=planned is None)
    points = {each: _middle(touches[each]) for each in Fiducial}
    _triangle(points, "touched")
    if planned is None:
        _order_by_shape(points)
    else:
        _plan_stands(planned)
        _order_by_plan(points, planned, marker_below=marker_below)
    head_from_skull = skull_frame(points)
    _upright(head_from_skull, marker_below=marker_below)
    head_from_image = fit(points, planned) if planned else None
    errors: dict[Fiducial, float] = {}
    if head_from_image and planned:
        errors = {each: math.dist(points[each], head_from_image.apply(planned[each])) for each in Fiducial}
    found = {each: _touched(touches[each], points[each], errors.get(each)) for each in Fiducial}
    return Registration(
        made=made or now(),
        by=by,
        subject=subject,
        simulated=simulated,
        head_from_skull=head_from_skull,
        head_from_image=head_from_image,
        residual_mm=_rms([one.apart_mm if one.error_mm is None else one.error_mm for one in found.values()]),
        marker_below=marker_below,
        nas=found[NAS],
        lpa=found[LPA],
        rpa=found[RPA],
        scalp=measured([*points.values(), *(touch.point for touch in scalp)], head_from_skull) if scalp else None,
    )


def _complete(touches: Mapping[Fiducial, Sequence[Touch]], *, repeated: bool) -> None:
    for each in Fiducial:
        given = touches.get(each, ())
        if not given:
            raise NotRegistered(f"{each.name} was not touched. All three are needed. Touch the {each.words}.")
        if repeated and len(given) == 1:
            raise NotRegistered(
                f"{each.name} was touched once. Without planned fiducials only a second touch shows how good the first "
                "was. Touch each of the three twice, or give their planned places."
            )
        apart = max(math.dist(one.point, other.point) for one in given for other in given)
        if apart > MOST_RESIDUAL_M:
            raise NotRegistered(
                f"The touches of {each.name} lie up to {apart * 1000:.1f} mm apart; "
                f"{MOST_RESIDUAL_M * 1000:.0f} mm are allowed. The pointer slipped, or the marker on the head did. "
                "See that the marker is tight, then touch all three again."
            )


def _triangle(points: Points, how: str) -> None:
    for one, other in ((NAS, LPA), (NAS, RPA), (LPA, RPA)):
        apart = math.dist(points[one], points[other])
        if apart < LEAST_APART_M:
            raise NotRegistered(
                f"{one.name} and {other.name} were {how} {apart * 1000:.0f} mm apart. On a head they are 80 mm apart "
                f"at least: one place was taken twice. Touch the {one.words}; then the {other.words}."
            )
        if apart > MOST_APART_M:
            raise NotRegistered(
                f"{one.name} and {other.name} were {how} {apart * 1000:.0f} mm apart. No head is that large: one of "
                f"them was not on it. Touch {one.name} and {other.name} again, the tip on the skin."
            )
    off_line = height(points)
    if off_line < LEAST_HEIGHT_M:
        raise NotRegistered(
            f"The three points lie nearly on one line: NAS is {off_line * 1000:.0f} mm off that of LPA and RPA. The "
            "head could turn about that line unseen. Touch all three again, NAS at the bridge of the nose."
        )


def _order_by_shape(points: Points) -> None:
    """Without a plan: of the three only the nasion is nearly as far from both others."""
    uneven = {each: unevenness(points, each) for each in Fiducial}
    if uneven[NAS] <= MOST_UNEVEN_M:
        return
    likely = min(Fiducial, key=lambda each: uneven[each])
    taken = f" The point named {likely.name} looks like the nasion." if likely is not NAS else ""
    raise NotRegistered(
        f"NAS is {uneven[NAS] * 1000:.0f} mm nearer to one ear than to the other; {MOST_UNEVEN_M * 1000:.0f} mm are "
        f"allowed.{taken} The three were touched in another order, or one was missed. "
        "Touch again in the order NAS, LPA, RPA."
    )


def _order_by_plan(points: Points, planned: Points, *, marker_below: bool) -> None:
    """With a plan: the residual as named, and whether other names would fit."""
    as_named = residual(points, planned)
    if as_named <= MOST_RESIDUAL_M:
        return
    said = (
        f"The touches miss the planned fiducials by {as_named * 1000:.1f} mm; "
        f"{MOST_RESIDUAL_M * 1000:.0f} mm are allowed."
    )
    orders = [dict(zip(Fiducial, order, strict=True)) for order in permutations(Fiducial)]
    renamed = [{name: points[order[name]] for name in Fiducial} for order in orders]
    fitting = [n for n, one in enumerate(renamed) if residual(one, planned) <= min(MOST_RESIDUAL_M, as_named / 2)]
    if fitting:  # in pairs, of which one is upside down
        likely = max(fitting, key=lambda n: _above(skull_frame(renamed[n]), marker_below=marker_below))
        moved = [(was.name, name.name) for name, was in orders[likely].items() if name is not was]
        swaps = ", ".join(f"what was named {was} fits {fits}" for was, fits in moved)
        raise NotRegistered(f"{said} They were touched in another order: {swaps}. Touch again: NAS, LPA, RPA.")
    pose = fit(points, planned)
    errors = {each: math.dist(points[each], pose.apply(planned[each])) for each in Fiducial}
    worst = max(Fiducial, key=lambda each: errors[each])
    raise NotRegistered(
        f"{said} {worst.name} is off most, by {errors[worst] * 1000:.1f} mm. A point was missed, or the plan is "
        f"another head's. Touch all three again, {worst.name} with care, and check the subject of the plan."
    )


def _plan_stands(planned: Points) -> None:
    _triangle(planned, "planned")
    if planned[RPA][0] <= planned[LPA][0] or 2 * planned[NAS][1] <= planned[LPA][1] + planned[RPA][1]:
        raise NotRegistered(
            "The planned fiducials are not RAS: +x must lead to the subject's right ear and +y to the front. They are "
            "LPS, flipped, or misnamed. Export them as RAS in millimetres."
        )


def _upright(head_from_skull: Pose, *, marker_below: bool) -> None:
    above = _above(head_from_skull, marker_below=marker_below)
    if above < LEAST_ABOVE_M:
        where, other = ("below", "above") if marker_below else ("above", "below")
        raise NotRegistered(
            f"The marker on the head would be {abs(above) * 1000:.0f} mm {other if above < 0 else where} the plane of "
            f"nose and ears, and it is worn {where}. LPA and RPA were touched in each other's place, so the head "
            "stands upside down. Touch again: LPA is the subject's own left."
        )


def _above(head_from_skull: Pose, *, marker_below: bool) -> float:
    """How far the marker on the head, its frame's origin, is on its side of the plane of the three; metres."""
    return head_from_skull.inverse().translation[2] * (-1 if marker_below else 1)


def _touched(touches: Sequence[Touch], point: Vector, error_m: float | None) -> Touched:
    return Touched(
        point_m=point,
        touches=len(touches),
        spread_mm=max(touch.spread_m for touch in touches) * 1000,
        apart_mm=max(math.dist(point, touch.point) for touch in touches) * 1000,
        error_mm=None if error_m is None else error_m * 1000,
    )


def _middle(touches: Sequence[Touch]) -> Vector:
    x, y, z = (math.fsum(touch.point[axis] for touch in touches) / len(touches) for axis in range(3))
    return (x, y, z)


def _rms(values: Sequence[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))
