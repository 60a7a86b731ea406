"""The process itself and the command that leads to it: started, found, ended."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.panel.server import OPEN_S
from daemon.runtime import Runtime
from tests.daemon.panel.conftest import SITE, WAIT_S

CLI = "from daemon.cli import main; main()"


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    made = Runtime(tmp_path)
    made.site.write_text(SITE.format(profile="fixed", broker=1, panel="port = 0"))
    return made


@contextmanager
def running(runtime: Runtime) -> Iterator[subprocess.Popen[str]]:
    """A panel that listens; ended at last."""
    command = [sys.executable, "-m", "daemon.panel", "--runtime", str(runtime.folder), "--site", str(runtime.site)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        give_up = time.monotonic() + WAIT_S
        while not runtime.panel_address.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < give_up
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.communicate()


def coilward(runtime: Runtime, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CLI, *arguments, "--runtime", str(runtime.folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_found_while_it_runs_and_ends_when_told_to(runtime: Runtime, number: signal.Signals) -> None:
    with running(runtime) as process:
        address = runtime.panel_address.read_text().strip()
        with urllib.request.urlopen(f"http://{address}/site.json", timeout=WAIT_S) as answer:
            room = json.load(answer)["room"]
        began_s = time.monotonic()
        half = socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))
        process.send_signal(number)
        said, _ = process.communicate(timeout=WAIT_S)
        half.close()
        took_s = time.monotonic() - began_s

    assert took_s < OPEN_S / 2, "nobody who hangs holds it up"
    assert (process.returncode, room) == (0, "room1")
    assert said == f"coilward-panel: ready at http://{address}/\n"
    assert not runtime.panel_address.exists()


def test_the_command_prints_an_address_with_a_fresh_code_for_each_person(runtime: Runtime) -> None:
    with running(runtime):
        address = runtime.panel_address.read_text().strip()
        plain = coilward(runtime, "panel", "--user", "vera")
        told = json.loads(coilward(runtime, "panel", "--json", "--user", "olga").stdout)
        nobody = coilward(runtime, "panel")

    assert plain.stdout.startswith(f"http://{address}/#code=")
    assert (told["user"], told["expires_in_s"]) == ("olga", 600)
    assert told["url"] != plain.stdout.strip()
    assert sorted(file.read_text() for file in runtime.panel_codes.iterdir()) == ["olga\n", "vera\n"]
    assert nobody.returncode == 1
    assert "operator may not sign in here." in nobody.stderr


def test_without_a_panel_no_code_is_drawn(runtime: Runtime) -> None:
    with running(runtime):
        address = runtime.panel_address.read_text()
    runtime.panel_address.write_text(address)  # as one that was killed leaves it
    told = coilward(runtime, "panel", "--user", "olga")

    assert told.returncode == 3
    assert "No panel answers" in told.stderr
    assert not runtime.panel_codes.exists()


def test_it_says_why_it_cannot_run(runtime: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        runtime.site.write_text(SITE.format(profile="fixed", broker=1, panel=f"port = {port}"))
        command = [sys.executable, "-m", "daemon.panel", "--runtime", str(runtime.folder), "--site", str(runtime.site)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)

    assert told.returncode == 1
    assert f"the panel cannot listen at 127.0.0.1:{port}" in told.stderr
