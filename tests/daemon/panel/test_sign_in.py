"""Codes: whom one signs in, how often, and how long."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from daemon.config import Site, parse_site
from daemon.panel.sign_in import LIFE_S, MOST_CODES, Codes, draw
from daemon.runtime import Runtime
from drivers.errors import OperatorError
from tests.daemon.panel.conftest import SITE, Serve, told


@pytest.fixture
def site(runtime: Runtime) -> Site:
    runtime.broker.mkdir(parents=True)
    for user in ("olga", "vera"):
        runtime.password(user).write_text(f"{user}-secret\n")
        runtime.password(user).chmod(0o600)
    return parse_site(SITE.format(profile="fixed", broker=1883, panel=""), runtime.site)


def drawn(runtime: Runtime, code_s: float, site: Site, user: str = "olga") -> str:
    """A code drawn then."""
    before = set(runtime.panel_codes.glob("*"))
    code = draw(runtime, site, user, code_s)
    (file,) = set(runtime.panel_codes.glob("*")) - before
    os.utime(file, (code_s, code_s))
    return code


def test_a_code_signs_in_whom_it_was_drawn_for_and_once(runtime: Runtime, site: Site) -> None:
    codes, message = Codes(runtime, site), json.dumps({"code": drawn(runtime, 1e9, site)})
    answers = [codes.answer(message, 1e9 + 5) for _ in range(2)]

    assert answers[0] == {"user": "olga", "password": "olga-secret", "role": "operator"}
    assert answers[1] == {"refused": "sign-in-code-used"}


@pytest.mark.parametrize(("age_s", "refused"), [(LIFE_S, False), (LIFE_S + 1, True), (-1, True)])
def test_a_code_is_good_for_ten_minutes(runtime: Runtime, site: Site, age_s: float, refused: bool) -> None:
    code = drawn(runtime, 1e9, site)
    answer = Codes(runtime, site).answer(json.dumps({"code": code}), 1e9 + age_s)

    assert (answer.get("refused") == "sign-in-code-old") is refused


@pytest.mark.parametrize(
    "message",
    [
        "",
        "code",
        "[]",
        "null",
        '{"code": 1}',
        '{"code": null}',
        '{"user": "olga"}',
        '{"code": "x", "user": "y"}',
        b"\xff",
    ],
)
def test_what_is_no_code_is_malformed(runtime: Runtime, site: Site, message: str | bytes) -> None:
    assert Codes(runtime, site).answer(message, 1e9) == {"refused": "sign-in-malformed"}


@pytest.mark.parametrize("code", ["", "x", "../../broker/olga.password", "\ud800", "a" * 10_000, "\0"])
def test_a_code_that_nobody_drew_is_unknown(runtime: Runtime, site: Site, code: str) -> None:
    draw(runtime, site, "olga", 1e9)

    assert Codes(runtime, site).answer(json.dumps({"code": code}), 1e9) == {"refused": "sign-in-code-unknown"}


def test_a_password_that_is_not_kept_here_is_said_to_be_typed(runtime: Runtime, site: Site) -> None:
    runtime.password("olga").unlink()
    code = drawn(runtime, 1e9, site)

    assert Codes(runtime, site).answer(json.dumps({"code": code}), 1e9) == {"refused": "sign-in-no-password"}


def test_a_code_lies_where_only_its_user_reads_and_not_in_clear(runtime: Runtime, site: Site) -> None:
    code = draw(runtime, site, "vera", 1e9)
    (file,) = runtime.panel_codes.iterdir()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(runtime.panel_codes.stat().st_mode) == 0o700
    assert code not in str(file) + file.read_text()


def test_who_may_not_sign_in_gets_no_code(runtime: Runtime, site: Site) -> None:
    with pytest.raises(OperatorError, match=r"zoe may not sign in here\. The site file names olga, vera"):
        draw(runtime, site, "zoe", 1e9)


def test_a_role_that_the_site_file_took_away_is_gone_with_its_codes(runtime: Runtime, site: Site) -> None:
    code = drawn(runtime, 1e9, site, "vera")
    fewer = site.model_copy(update={"operators": site.operators[:1]})

    assert Codes(runtime, fewer).answer(json.dumps({"code": code}), 1e9) == {"refused": "sign-in-code-unknown"}


def test_old_codes_are_swept_and_many_are_bounded(runtime: Runtime, site: Site) -> None:
    drawn(runtime, 1e9, site)
    for _ in range(MOST_CODES + 5):
        drawn(runtime, 1e9 + LIFE_S + 1, site)

    assert len(list(runtime.panel_codes.iterdir())) == MOST_CODES


def test_a_folder_of_another_user_is_said_with_what_to_run(runtime: Runtime, site: Site, tmp_path: Path) -> None:
    runtime.panel_codes.parent.mkdir(parents=True)
    runtime.panel_codes.write_text("no folder")

    with pytest.raises(OperatorError, match="sudo -u coilward-panel coilward panel"):
        draw(runtime, site, "olga", 1e9)


async def test_a_page_signs_in_by_its_first_message_and_is_closed(serve: Serve, runtime: Runtime, site: Site) -> None:
    async with serve() as served:
        code = draw(runtime, site, "vera", time.time())
        (file,) = runtime.panel_codes.iterdir()
        async with served.page("/sign-in") as page:
            await page.send(json.dumps({"code": code}))
            answer = await told(page)
            await page.wait_closed()

    assert file.with_suffix(".used").exists()
    assert answer == {"user": "vera", "password": "vera-secret", "role": "viewer"}
    assert page.close_code == 1000
