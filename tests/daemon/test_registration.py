"""Registration: three touches give the skull, a plan gates them, and each mistake of order or place is named."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.registration import NotRegistered, Touch, register
from daemon.registration_file import PLANNED_EXAMPLE, Fiducial, read_planned, read_registration
from daemon.registration_fit import fit, residual, skull_frame
from drivers.errors import ConfigError
from drivers.poses import Pose, Vector
from tests.daemon.calibration_world import HEAD, MARKER_FROM_SKULL, on_marker

NAS, LPA, RPA = Fiducial.NAS, Fiducial.LPA, Fiducial.RPA
WRONG_NAMES = [order for order in permutations(Fiducial) if order not in {(NAS, LPA, RPA), (NAS, RPA, LPA)}]

poses = st.builds(Pose.turned, st.tuples(*[st.floats(-1.8, 1.8)] * 3), st.tuples(*[st.floats(-0.3, 0.3)] * 3))


def touched(points: Mapping[Fiducial, Vector], times: int = 2) -> dict[Fiducial, list[Touch]]:
    return {each: [Touch(point, 0.0002, 20)] * times for each, point in points.items()}


def moved(points: Mapping[Fiducial, Vector], which: Fiducial, by: Vector) -> dict[Fiducial, Vector]:
    x, y, z = points[which]
    return {**points, which: (x + by[0], y + by[1], z + by[2])}


def test_the_marker_of_these_tests_is_worn_above_the_ears() -> None:
    assert MARKER_FROM_SKULL.inverse().translation[2] > 0.02


@given(pose=poses)
def test_three_touches_give_the_skulls_frame_exactly(pose: Pose) -> None:
    found = skull_frame(on_marker(pose=pose))

    assert (found.inverse() @ pose).distance < 1e-9
    assert (found.inverse() @ pose).angle < 1e-9


@given(pose=poses, image=poses)
def test_a_plan_without_error_is_fitted_exactly(pose: Pose, image: Pose) -> None:
    planned = {each: image.inverse().apply(point) for each, point in HEAD.items()}

    found = fit(on_marker(pose=pose), planned)

    assert (found.inverse() @ pose @ image).distance < 1e-9
    assert (found.inverse() @ pose @ image).angle < 1e-9
    assert residual(on_marker(pose=pose), planned) < 1e-9


@given(image=poses, errors=st.lists(st.floats(-0.005, 0.005), min_size=9, max_size=9), turn=poses)
@settings(max_examples=60)
def test_no_other_pose_fits_better_than_the_fit(image: Pose, errors: list[float], turn: Pose) -> None:
    planned = {each: image.apply(point) for each, point in HEAD.items()}
    points = {each: tuple(np.add(HEAD[each], errors[3 * n : 3 * n + 3])) for n, each in enumerate(Fiducial)}

    other = fit(points, planned) @ Pose.turned([part / 100 for part in turn.rotation_vector], turn.translation)

    best = sum(math.dist(points[each], fit(points, planned).apply(planned[each])) ** 2 for each in Fiducial)
    worse = sum(math.dist(points[each], other.apply(planned[each])) ** 2 for each in Fiducial)
    assert best <= worse + 1e-15


def test_two_rounds_without_a_plan_give_the_skull_and_their_own_residual() -> None:
    touches = touched(on_marker())
    x, y, z = touches[NAS][0].point
    touches[NAS] = [Touch((x + 0.001, y, z)), Touch((x - 0.001, y, z))]

    found = register(touches, subject="p01", by="tests", simulated=True)

    assert (found.head_from_skull.inverse() @ MARKER_FROM_SKULL).distance < 1e-9
    assert found.head_from_image is None
    assert found.nas.apart_mm == pytest.approx(1.0)
    assert found.residual_mm == pytest.approx(1 / math.sqrt(3))
    assert found.lpa.spread_mm == pytest.approx(0.2)


def test_a_plan_places_the_image_and_shows_each_points_error() -> None:
    points = moved(on_marker(), NAS, (0.002, 0.0, 0.001))

    found = register(touched(points, 1), HEAD)

    assert found.head_from_image is not None
    assert (found.head_from_image.inverse() @ MARKER_FROM_SKULL).distance < 0.003
    assert 0 < found.residual_mm < 3
    assert all((found.touched(each).error_mm or 0) > 0 for each in Fiducial)


@pytest.mark.parametrize(("stretch_mm", "passes"), [(6.3, True), (6.5, False)])
def test_a_residual_of_three_millimetres_is_the_limit(stretch_mm: float, passes: bool) -> None:
    """Stretching the nasion away from the ears by d leaves (2/3, 1/3, 1/3) d: 0.471 d RMS."""
    points = on_marker({**HEAD, NAS: (0.0, 0.103 + stretch_mm / 1000, 0.0)})
    assert (residual(points, HEAD) <= 0.003) is passes

    if passes:
        assert register(touched(points, 1), HEAD).residual_mm <= 3
    else:
        with pytest.raises(NotRegistered, match=r"miss the planned fiducials by 3\.\d mm; 3 mm are allowed"):
            register(touched(points, 1), HEAD)


def test_the_point_that_is_off_most_is_named() -> None:
    points = moved(on_marker(), RPA, MARKER_FROM_SKULL.rotate((0.02, 0.0, 0.0)))

    with pytest.raises(NotRegistered, match="RPA is off most"):
        register(touched(points, 1), HEAD)


@pytest.mark.parametrize("order", WRONG_NAMES, ids=lambda order: "-".join(each.name for each in order))
def test_a_wrong_order_is_recognised_by_the_plan_and_names_what_was_taken_for_what(order: tuple[Fiducial, ...]) -> None:
    right = on_marker()
    points = {name: right[each] for name, each in zip(Fiducial, order, strict=True)}

    with pytest.raises(NotRegistered, match="another order") as refused:
        register(touched(points, 1), HEAD)

    for name, each in zip(Fiducial, order, strict=True):
        assert (f"what was named {name.name} fits {each.name}" in str(refused.value)) is (name is not each)


@pytest.mark.parametrize("order", WRONG_NAMES, ids=lambda order: "-".join(each.name for each in order))
def test_a_wrong_order_is_recognised_without_a_plan_by_the_shape_of_the_head(order: tuple[Fiducial, ...]) -> None:
    right = on_marker()
    points = {name: right[each] for name, each in zip(Fiducial, order, strict=True)}
    nasion = next(name for name, each in zip(Fiducial, order, strict=True) if each is NAS)

    with pytest.raises(NotRegistered, match=f"{nasion.name} looks like the nasion"):
        register(touched(points))


@pytest.mark.parametrize("planned", [None, HEAD], ids=["no plan", "plan"])
def test_ears_taken_for_each_other_are_recognised_by_the_marker_above_them(
    planned: Mapping[Fiducial, Vector] | None,
) -> None:
    right = on_marker()
    swapped = {NAS: right[NAS], LPA: right[RPA], RPA: right[LPA]}

    with pytest.raises(NotRegistered, match="in each other's place"):
        register(touched(swapped), planned)
    assert register(touched(right), planned).marker_below is False


def test_a_marker_on_a_bite_bar_is_below_and_must_be_said_to_be() -> None:
    below = Pose.turned((0.4, -0.3, 2.0)) @ Pose(translation=(0.0, -0.1, 0.06))
    points = on_marker(pose=below)

    with pytest.raises(NotRegistered, match="it is worn above"):
        register(touched(points))
    assert register(touched(points), marker_below=True).marker_below
    with pytest.raises(NotRegistered, match="it is worn below"):
        register(touched(on_marker()), marker_below=True)


def test_points_on_a_line_are_refused() -> None:
    points = on_marker({**HEAD, NAS: (0.0, 0.03, 0.0), LPA: (-0.08, 0.0, 0.0), RPA: (0.08, 0.0, 0.0)})

    with pytest.raises(NotRegistered, match="nearly on one line: NAS is 30 mm off"):
        register(touched(points))


def test_the_same_point_twice_is_refused() -> None:
    points = moved(on_marker(), LPA, (0.0, 0.0, 0.0)) | {RPA: on_marker()[LPA]}

    with pytest.raises(NotRegistered, match="one place was taken twice"):
        register(touched(points))


def test_a_tip_off_the_head_is_refused() -> None:
    with pytest.raises(NotRegistered, match="No head is that large"):
        register(touched(on_marker({**HEAD, RPA: (0.3, 0.0, 0.0)})))


@pytest.mark.parametrize("missing", Fiducial)
def test_a_fiducial_not_touched_is_asked_for(missing: Fiducial) -> None:
    touches = {each: taken for each, taken in touched(on_marker()).items() if each is not missing}

    with pytest.raises(NotRegistered, match=f"{missing.name} was not touched"):
        register(touches)


def test_one_round_is_enough_only_with_a_plan() -> None:
    once = touched(on_marker(), 1)

    with pytest.raises(NotRegistered, match="touched once"):
        register(once)
    assert register(once, HEAD).nas.touches == 1


@pytest.mark.parametrize(("apart_mm", "passes"), [(2.9, True), (3.1, False)])
def test_touches_of_one_point_may_lie_three_millimetres_apart(apart_mm: float, passes: bool) -> None:
    touches = touched(on_marker())
    x, y, z = touches[LPA][0].point
    touches[LPA] = [Touch((x, y, z)), Touch((x + apart_mm / 1000, y, z))]

    if passes:
        assert register(touches).lpa.apart_mm == pytest.approx(apart_mm / 2)
    else:
        with pytest.raises(NotRegistered, match=r"touches of LPA lie up to 3\.1 mm apart"):
            register(touches)


@pytest.mark.parametrize(
    "flip", [(-1, -1, 1), (-1, 1, 1), (1, -1, 1)], ids=["LPS", "flipped sideways", "flipped back to front"]
)
def test_a_plan_that_is_not_ras_is_refused(flip: tuple[int, int, int]) -> None:
    planned = {each: tuple(part * sign for part, sign in zip(point, flip, strict=True)) for each, point in HEAD.items()}

    with pytest.raises(NotRegistered, match="not RAS"):
        register(touched(on_marker()), planned)


def test_a_registration_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    found = register(touched(on_marker()), HEAD, subject="p01", by="tests", simulated=True)

    found.write(tmp_path / "p01.json")

    assert read_registration(tmp_path / "p01.json") == found


def test_a_registration_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p01.json"
    register(touched(on_marker()), subject="p01").write(path)
    path.write_text(path.read_text().replace('"p01"', '"p02"'))

    with pytest.raises(ConfigError, match=r"p01\.json: sha256 does not match.*coilward register"):
        read_registration(path)


def test_planned_fiducials_are_read_in_metres(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(PLANNED_EXAMPLE)

    assert read_planned(path) == {NAS: (0, 0.103, 0), LPA: (-0.072, 0, 0), RPA: (0.074, 0, 0)}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("unit", "m", "unit: input should be 'mm'"),
        ("coordinates", "LPS", "coordinates: input should be 'ras'"),
        ("nas", [0, 1030, 0], "nas.1: input should be less than or equal to 500"),
        ("rpa", None, "rpa: field required"),
    ],
)
def test_a_plan_that_does_not_hold_is_refused_by_file_and_key(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    path = tmp_path / "plan.json"
    plan = json.loads(PLANNED_EXAMPLE) | {key: value}
    path.write_text(json.dumps({k: v for k, v in plan.items() if v is not None}))

    with pytest.raises(ConfigError) as refused:
        read_planned(path)

    assert f"{path}: {said}" in str(refused.value)
    assert PLANNED_EXAMPLE in str(refused.value)
