"""Registrations and calibrations on their way to the files that sessions go by, and from there to the arm."""

from __future__ import annotations

import stat

import pytest

from daemon.arm.reasons import ArmReason
from daemon.calibration_file import read_calibration
from daemon.guard_words import OpenSession
from daemon.registration_file import Registration
from daemon.room import Done, Refused
from tests.daemon.arm_in_memory import ArmInMemory
from tests.daemon.calibration_world import calibrated
from tests.daemon.registered_head import SUBJECT, registration
from tests.daemon.stage import Stage, rows

FOUND = calibrated()


async def opened(stage: Stage) -> str:
    """The placement of a session that is opened now."""
    await stage.opened()
    return stage.guard.of(OpenSession)[-1].placement


async def test_a_calibration_is_filed_as_of_whoever_asked_and_the_arm_goes_by_it_at_once(
    stage: Stage, arm: ArmInMemory
) -> None:
    await arm.connected()
    answer = await stage.room.file_calibration(FOUND.model_copy(update={"by": "somebody"}), "olga")
    filed = read_calibration(arm.files.calibration)

    assert filed == FOUND.model_copy(update={"by": "olga"})
    assert arm.calibration == filed.hash
    assert answer == Done({"file": str(arm.files.calibration), "sha256": filed.hash, "later": ""})
    assert [(row["by"], row["sha256"]) for row in rows(stage, "calibration")] == [("olga", filed.hash)]
    assert f"; calibration {filed.hash[:12]}; " in await opened(stage)


async def test_the_arm_s_own_user_may_read_the_calibration_and_nobody_else_the_registration(
    stage: Stage, arm: ArmInMemory
) -> None:
    await stage.room.file_calibration(FOUND, "olga")
    await stage.room.file_registration(SUBJECT, registration(), "olga")

    files = (arm.files.calibration, arm.files.registrations.path_of(SUBJECT))
    assert [oct(stat.S_IMODE(file.stat().st_mode)) for file in files] == ["0o644", "0o600"]


async def test_an_arm_that_is_away_or_moves_is_given_the_calibration_when_the_next_session_is_opened(
    stage: Stage, arm: ArmInMemory
) -> None:
    away = await stage.room.file_calibration(FOUND, "olga")
    arm.calibrations_refused = ArmReason.NOT_NOW
    await arm.connected()
    moving = await stage.room.file_calibration(FOUND, "olga")
    stage.guard.push()
    refused = await stage.room.start(stage.order, "operator")

    assert isinstance(away, Done)
    assert "coilward-arm does not answer" in away.detail["later"]
    assert isinstance(moving, Done)
    assert "Park the arm or send the coil away first." in moving.detail["later"]
    assert isinstance(refused, Refused)
    assert refused.reason == "calibration-not-taken"
    assert arm.calibration == "5ea1" * 16
    arm.calibrations_refused = None
    assert f"; calibration {FOUND.model_copy(update={'by': 'olga'}).hash[:12]}; " in await opened(stage)


async def test_a_session_s_own_files_are_not_replaced_under_it(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    await opened(stage)
    asked = [
        await stage.room.file_calibration(None, "olga"),
        await stage.room.file_calibration(FOUND, "olga"),
        await stage.room.file_registration(SUBJECT, None, "olga"),
        await stage.room.file_registration(SUBJECT, registration(), "olga"),
    ]
    assert {answer.reason for answer in asked if isinstance(answer, Refused)} == {"session-open"}
    assert not arm.files.calibration.exists()

    assert isinstance(await stage.room.end("operator"), Done)
    assert isinstance(await stage.room.file_calibration(FOUND, "olga"), Done)
    assert isinstance(await stage.room.file_registration(SUBJECT, registration(), "olga"), Done)


async def test_who_only_asks_files_nothing(stage: Stage, arm: ArmInMemory) -> None:
    assert await stage.room.file_calibration(None, "olga") == Done()
    assert await stage.room.file_registration(SUBJECT, None, "olga") == Done()

    assert not arm.files.calibration.exists()
    assert not arm.files.registrations.path_of(SUBJECT).exists()
    assert [*rows(stage, "calibration"), *rows(stage, "registration")] == []


@pytest.mark.parametrize("found", [None, registration()])
async def test_a_folder_that_is_not_the_daemon_s_is_named_when_asked_and_when_filed(
    stage: Stage, arm: ArmInMemory, found: Registration | None
) -> None:
    blocked = arm.files.registrations.path_of(SUBJECT).parent
    blocked.write_text("a file where the folder should be")

    answer = await stage.room.file_registration(SUBJECT, found, "olga")

    assert isinstance(answer, Refused)
    assert answer.reason == "not-filed"
    assert answer.sentence.startswith(f"Nothing was filed. {blocked / SUBJECT}.json cannot be written: ")
    assert rows(stage, "registration") == []


async def test_a_registration_is_filed_and_the_next_session_s_subject_has_it(stage: Stage, arm: ArmInMemory) -> None:
    answer = await stage.room.file_registration(SUBJECT, registration(by="somebody"), "olga")
    filed = arm.files.registrations.of(SUBJECT)

    assert filed == registration(by="olga")
    assert answer == Done({"file": str(arm.files.registrations.path_of(SUBJECT)), "sha256": filed.hash})
    [row] = rows(stage, "registration")
    assert (row["by"], row["subject"], row["residual_mm"]) == ("olga", SUBJECT, 0.4)


async def test_a_calibration_on_file_that_somebody_changed_opens_no_session(stage: Stage, arm: ArmInMemory) -> None:
    await arm.connected()
    await stage.room.file_calibration(FOUND, "olga")
    text = arm.files.calibration.read_text()
    arm.files.calibration.write_text(text.replace('"poses": 12', '"poses": 13'))
    stage.guard.push()
    refused = await stage.room.start(stage.order, "operator")
    await arm.side.linked(arm)

    assert isinstance(refused, Refused)
    assert refused.reason == "calibration-not-taken"
    assert "The file was changed after it was made. Run: coilward calibrate run" in refused.sentence
    assert "The file was changed" in rows(stage, "trouble")[-1]["what"]
    arm.files.calibration.write_text(text)
    await opened(stage)


async def test_a_registration_of_somebody_else_is_not_filed_as_the_subject_s(stage: Stage, arm: ArmInMemory) -> None:
    refused = await stage.room.file_registration(SUBJECT, registration(subject="sim-0002"), "olga")

    assert refused == Refused(
        "registration-of-another",
        f"Nothing was filed. It is the registration of sim-0002. Register the head of {SUBJECT}.",
        {"subject": SUBJECT, "of": "sim-0002", "simulated": True},
    )
    assert not arm.files.registrations.path_of(SUBJECT).exists()
