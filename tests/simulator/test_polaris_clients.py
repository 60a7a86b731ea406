"""Clients of others, unmodified, follow the simulated Polaris: scikit-surgerynditracker 1.0.6 and ndicapi 3.7.6.

Each in a process of its own: ndicapi holds the interpreter while it probes. scikit-surgerynditracker runs `ping` before
it connects over TCP, which a machine may lack: a stand-in is put on its PATH. Nothing else is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import PortLost
from drivers.polaris.tracker import connect_polaris
from drivers.trackers import Frame, Missing, Tool

pytestmark = pytest.mark.system
SERVER = Path(__file__).with_name("polaris_process.py")
ROOT = SERVER.parents[2]

SCIKIT = """
import json, sys
from sksurgerynditracker.nditracker import NDITracker

tracker = NDITracker(json.loads(sys.argv[1]))
tracker.start_tracking()
frames = []
for _ in range(3):
    handles, _, numbers, poses, quality = tracker.get_frame()
    frames.append({"handles": handles, "numbers": numbers, "poses": [p.tolist() for p in poses], "quality": quality})
tracker.stop_tracking()
tracker.close()
print(json.dumps(frames))
"""

NDICAPI = """
import json, sys, time
import ndicapy as ndi

where, roms = sys.argv[1], sys.argv[2:]
if where.startswith("/"):
    assert ndi.ndiProbe(where) == ndi.NDI_OKAY
    device = ndi.ndiOpen(where)
else:
    device = ndi.ndiOpenNetwork("127.0.0.1", int(where))
ndi.ndiCommand(device, "INIT:")
handles = []
for rom in roms:
    ndi.ndiCommand(device, "PHRQ:*********1****")
    handles.append(ndi.ndiGetPHRQHandle(device))
    ndi.ndiPVWRFromFile(device, handles[-1], rom)
    ndi.ndiCommand(device, f"PINIT:{handles[-1]:02X}")
    ndi.ndiCommand(device, f"PENA:{handles[-1]:02X}D")
said = {"port": ndi.ndiCommand(device, f"PHINF:{handles[0]:02X}0001"), "enabled": ndi.ndiCommand(device, "PHSR:04")}
ndi.ndiCommand(device, "TSTART:80")
time.sleep(0.1)
said["tx"] = ndi.ndiCommand(device, "TX:0801")
said["tx_poses"] = [ndi.ndiGetTXTransform(device, bytes([handle])) for handle in handles]
said["tx_frame"] = ndi.ndiGetTXFrame(device, bytes([handles[0]]))
try:
    ndi.ndiCommand(device, "BX:0001")
except UnicodeDecodeError:  # its own fault with three tools or more: it takes the binary reply for text
    said["stumbled"] = True
said["bx_poses"] = [ndi.ndiGetBXTransform(device, bytes([handle])) for handle in handles]
try:
    ndi.ndiCommand(device, "INIT:")
except OSError as error:
    said["refused"] = str(error)
ndi.ndiCommand(device, "TSTOP:")
print(json.dumps(said))
"""

BX2 = """
import ctypes, json, sys, time
import ndicapy

ndi = ctypes.CDLL(ndicapy.__file__)  # the same C code: its Python side has no BX2
ndi.ndiOpenNetwork.restype = ndi.ndiCommand.restype = ctypes.c_void_p
ndi.ndiPVWRFromFile.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
ndi.ndiGetPHRQHandle.argtypes = ndi.ndiGetBX2Frame.argtypes = [ctypes.c_void_p]
ndi.ndiGetBX2Transform.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_float * 8]
ndi.ndiGetBX2PortStatus.argtypes = [ctypes.c_void_p, ctypes.c_int]
device = ctypes.c_void_p(ndi.ndiOpenNetwork(b"127.0.0.1", int(sys.argv[1])))
say = lambda text: ndi.ndiCommand(device, text.encode())
say("INIT:")
handles = []
for rom in sys.argv[2:]:
    say("PHRQ:*********1****")
    handles.append(ndi.ndiGetPHRQHandle(device))
    ndi.ndiPVWRFromFile(device, handles[-1], rom.encode())
    say(f"PINIT:{handles[-1]:02X}")
    say(f"PENA:{handles[-1]:02X}D")
say("TSTART:")
time.sleep(0.1)
say("BX2:--6d=tools --1d=none")
poses, states = [], []
for handle in handles:
    pose = (ctypes.c_float * 8)()
    states.append([ndi.ndiGetBX2Transform(device, handle, pose), ndi.ndiGetBX2PortStatus(device, handle) & 0xFFFF])
    poses.append(list(pose))
print(json.dumps({"frame": ndi.ndiGetBX2Frame(device), "poses": poses, "states": states}))
"""


@dataclass(frozen=True)
class Served:
    folder: Path
    tcp_port: int

    def roms(self, *tools: str) -> list[str]:
        return [os.fspath(self.folder / f"{tool}.rom") for tool in tools]


@contextlib.contextmanager
def served(folder: Path, model: str = "polaris-vega") -> Iterator[Served]:
    command = [sys.executable, os.fspath(SERVER), os.fspath(folder), model]
    wide = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    with subprocess.Popen(command, env=wide, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert select.select([process.stdout], [], [], 20)[0]
            yield Served(folder, int(process.stdout.readline().split()[1]))
        finally:
            process.stdin.close()
            process.wait(5)


def run(script: str, *arguments: str, path: Path | None = None) -> Any:
    environment = dict(os.environ)
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-W", "ignore", "-c", script, *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=40, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def stand_in_for_ping(folder: Path) -> Path:
    folder.mkdir()
    ping = folder / "ping"
    ping.write_text("#!/bin/sh\nexit 0\n")
    ping.chmod(0o755)
    return folder


def judge(frames: list[dict[str, Any]]) -> None:
    """The head stands where its frame number says, the coil where it always stands."""
    for frame in frames:
        head, coil = frame["poses"]
        assert frame["handles"] == [0x0A, 0x0B]
        assert frame["numbers"][0] == frame["numbers"][1]
        assert head[0][4] == pytest.approx(frame["numbers"][0] % 100, abs=0.01)  # 1 mm a frame
        assert head[0][5:] == pytest.approx([20, -1500], abs=0.01)
        assert head[0][:4] == pytest.approx([0.96891, 0, 0, 0.24740], abs=1e-4)
        assert coil[0][4:] == pytest.approx([50, 100, -1400], abs=0.01)
        assert frame["quality"] == pytest.approx([0.1, 0.2], abs=1e-4)


@pytest.mark.parametrize("model", ["polaris-vicra", "polaris-spectra"])
def test_scikit_surgery_tracks_over_a_serial_line(tmp_path: Path, model: str) -> None:
    with served(tmp_path, model) as unit:
        settings = {
            "tracker type": "polaris",
            "serial port": os.fspath(unit.folder / "tracker"),
            "romfiles": unit.roms("head", "coil"),
            "use quaternions": True,
        }
        frames = run(SCIKIT, json.dumps(settings))

    judge(frames)


def test_scikit_surgery_tracks_over_tcp(tmp_path: Path) -> None:
    with served(tmp_path) as unit:
        settings = {
            "tracker type": "vega",
            "ip address": "127.0.0.1",
            "port": unit.tcp_port,
            "romfiles": unit.roms("head", "coil"),
            "use quaternions": True,
        }
        frames = run(SCIKIT, json.dumps(settings), path=stand_in_for_ping(tmp_path / "bin"))

    judge(frames)


@pytest.mark.parametrize("way", ["serial", "tcp"])
def test_ndicapi_reads_three_tools_by_text_and_by_binary(tmp_path: Path, way: str) -> None:
    with served(tmp_path) as unit:
        where = str(unit.tcp_port) if way == "tcp" else os.fspath(unit.folder / "tracker")
        said = run(NDICAPI, where, *unit.roms("coil", "pointer", "head"))

    assert said["port"].startswith("02000000COIL")
    assert said["enabled"] == "030A0310B0310C031"
    assert said["tx"].startswith("030A")
    assert 0 <= said["tx_frame"] < 100  # counted from TSTART:80: the unit itself began at 100
    for poses in (said["tx_poses"], said["bx_poses"]):
        coil, pointer, head = poses
        assert pointer == "MISSING"
        assert coil[4:7] == pytest.approx([50, 100, -1400], abs=0.01)
        assert head[5:7] == pytest.approx([20, -1500], abs=0.01)
    assert "0x0c" in said["refused"]


def test_ndicapi_reads_the_general_binary_format_of_bx2(tmp_path: Path) -> None:
    with served(tmp_path) as unit:
        said = run(BX2, str(unit.tcp_port), *unit.roms("head", "pointer", "coil"))

    head, _, coil = said["poses"]
    assert head[4] == pytest.approx(said["frame"] % 100, abs=0.01)
    assert head[5:] == pytest.approx([20, -1500, 0.1], abs=0.01)
    assert coil[4:] == pytest.approx([50, 100, -1400, 0.2], abs=0.01)
    assert said["states"][1][1] == 0x0100 | 9  # missing, because it is out of the volume


async def read_on(stream: AsyncIterator[Frame]) -> None:
    async for _ in stream:
        pass


@pytest.mark.parametrize("way", ["serial", "tcp"])
async def test_our_own_driver_follows_it_and_hears_at_once_that_it_is_gone(tmp_path: Path, way: str) -> None:
    with served(tmp_path) as unit:
        url = f"tcp:127.0.0.1:{unit.tcp_port}" if way == "tcp" else f"pty:{unit.folder / 'tracker'}"
        tools = {tool: Path(rom) for tool, rom in zip(Tool, unit.roms("head", "coil", "pointer"), strict=True)}
        tracker = await connect_polaris(url, "polaris-vega", tools)
        stream = tracker.frames()
        frames = [await anext(stream) for _ in range(30)]
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(PortLost):
        await read_on(stream)
    heard_s = asyncio.get_running_loop().time() - began_s
    await tracker.close()

    assert heard_s < 1
    for frame in frames:
        head = frame.tools[Tool.HEAD].pose
        assert head is not None
        assert head.translation == pytest.approx((frame.number % 100 * 1e-3, 0.02, -1.5), abs=1e-5)
        assert frame.tools[Tool.POINTER].missing is Missing.OUT_OF_VOLUME
    assert all(after.number > before.number for before, after in pairwise(frames))
