"""What is installed is ours, whole, and nothing else.

The four import names are plain words that other distributions use too (`python-daemon` brings `daemon`, the
vulnerability scanner brings `safety`): installed beside one of them, a watchdog could run somebody else's code.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = ("drivers", "safety", "daemon", "simulator")
NOT_SHIPPED = {"__pycache__"}


def files_of(package: str) -> set[str]:
    """What the repository holds of a package, as paths in the wheel."""
    found = (path for path in (ROOT / package).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if not NOT_SHIPPED & set(path.parts)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from this tree."""
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=50)
    (built,) = place.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("package", OURS)
def test_an_import_name_is_ours(package: str) -> None:
    found = importlib.util.find_spec(package)

    assert found is not None
    assert found.origin == str(ROOT / package / "__init__.py")


def test_no_other_distribution_brings_one_of_our_names() -> None:
    owners = packages_distributions()

    assert {name: owners.get(name, []) for name in OURS if set(owners.get(name, [])) - {"coilward"}} == {}


def test_the_wheel_holds_our_four_packages_and_nothing_else(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}

    assert tops - {f"coilward-{PROJECT['version']}.dist-info"} == set(OURS)


@pytest.mark.parametrize("package", OURS)
def test_the_wheel_holds_every_file_of_a_package(package: str, wheel: set[str]) -> None:
    packed = {name for name in wheel if name.startswith(f"{package}/")}

    assert packed == files_of(package)


def test_the_wheel_carries_the_numbers_the_watchdog_decides_by(wheel: set[str]) -> None:
    folders = {name.rsplit("/", 1)[0] for name in wheel if name.endswith(".toml")}

    assert {"safety/data", "safety/data/protocols"} <= folders


@pytest.mark.parametrize("name", PROJECT["scripts"])
def test_a_console_script_starts_what_it_names(name: str) -> None:
    (script,) = entry_points(group="console_scripts", name=name)

    assert script.value == PROJECT["scripts"][name]
    assert callable(script.load())
    assert (Path(sys.executable).parent / name).exists()
