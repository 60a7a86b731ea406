"""`[panel]`: what holds, and what a person reads when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.config import parse_site
from daemon.config_check import check_config
from daemon.config_panel import PanelSection
from drivers.errors import ConfigError
from tests.daemon.panel.conftest import SITE

HERE = Path("/somewhere/site.toml")


def section(text: str) -> PanelSection:
    return parse_site(SITE.format(profile="fixed", broker=1883, panel=text), HERE).panel


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        section(text)
    return str(caught.value)


def test_without_a_word_it_listens_on_this_machine_alone() -> None:
    silent = section("")

    assert (silent.host, silent.port, silent.secure) == ("127.0.0.1", 8480, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_certificate(host: str) -> None:
    assert not section(f'host = "{host}"').secure


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "fe80::1"])  # noqa: S104  written, not bound
def test_another_address_is_refused_without_a_certificate_and_taken_with_one(host: str) -> None:
    assert wrong(f'host = "{host}"') == (
        f'{HERE}: [panel]: host = "{host}" lets other machines in, and without a certificate anybody between reads '
        'the passwords: give certificate and key, or write host = "127.0.0.1".'
    )
    assert section(f'host = "{host}"\ncertificate = "c.pem"\nkey = "c.key"').key == Path("/somewhere/c.key")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('host = "room1"', '[panel] host = "room1": must be an address in numbers'),
        ('certificate = "c.pem"', "[panel]: certificate and key go together"),
        ('key = "c.key"', "[panel]: certificate and key go together"),
        ("port = 70000", "[panel] port = 70000: must be at most 65535"),
        ("prot = 1", "[panel] prot = 1: is no key of this section. Did you mean port?"),
        ('red_button = { en = "x" }', "[panel] red_button.it: is missing"),
        ('[panel.emergency]\nen = ["a", "b"]\nit = ["a"]', "has 2 steps in English and 1 in Italian"),
        ('[[panel.telephones]]\nname = "Ward"\nnumber = "call"', '[panel] telephones.#1.number = "call": must match'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_where(text: str, says: str) -> None:
    assert says in wrong(text)


def test_a_key_that_others_may_read_is_found_before_the_start(tmp_path: Path) -> None:
    for name in ("c.pem", "c.key"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "c.key").chmod(0o644)
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(profile="fixed", broker=1883, panel='certificate = "c.pem"\nkey = "c.key"'))
    loose = check_config(file)
    (tmp_path / "c.key").chmod(0o600)
    tight = check_config(file)

    assert loose[1] == 1
    assert "chmod 600" in loose[0][0]
    assert (tight[1], "panel at 127.0.0.1:8480" in tight[0]) == (0, True)
