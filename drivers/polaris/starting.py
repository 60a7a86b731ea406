"""From an open port to a Polaris that tracks: found, freed of what another program left, loaded, started.

The order is what public clients do (NOTES.md). A serial line is looked for at 9600 baud, then at the speed we would
set, for a program that died left it there; only then comes a BREAK, which resets the tracker and takes seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.errors import BadFrame, DeadlinePassed, DeviceSilent
from drivers.polaris import tool_files
from drivers.polaris.framing import Command, Text
from drivers.polaris.line import PolarisLine, PolarisRefused
from drivers.polaris.link import Link, SerialControls
from drivers.polaris.models import BAUDS, FIRST_BAUD, Model
from drivers.polaris.refusals import Error
from drivers.trackers import Tool

INIT: Final = Command("INIT")
TSTART: Final = Command("TSTART")
TSTOP: Final = Command("TSTOP")

LOOK_S: Final = 1.0
"""For INIT on a serial line where somebody may or may not listen (engineering choice)."""
RESET_S: Final = 7.0
"""From BREAK to RESET: ndicapi allows 5 s, and 7 s while probing."""
INIT_S: Final = 6.0
"""For the first INIT over TCP, which may take 5 s (PlusLib)."""
ANSWER_S: Final = 2.0
"""For any other command (engineering choice; PINIT reads a whole tool file)."""
SETTLE_S: Final = 0.1
"""Pause after RESET, INIT and COMM, as ndicapi keeps."""
_NOISE_BEFORE: Final = {Error.INVALID_COMMAND, Error.TOO_LONG, Error.TOO_SHORT, Error.WRONG_CHECKSUM}


@dataclass(frozen=True, slots=True)
class Started:
    """A tracker that tracks."""

    handles: Mapping[int, Tool]
    report: Command
    """The command that asks for a frame."""
    version: str


async def start(
    line: PolarisLine, link: Link, model: Model, tools: Mapping[Tool, bytes], reports: Sequence[Command]
) -> Started:
    """Brings the tracker up. `tools` are the bytes of the tool files; of `reports` the first that it knows is used.

    Raises DeviceSilent when nothing answers, DeviceRefused with the tracker's own refusal, WireError.
    """
    bauds = model.bauds if link.serial else ()
    found_at = await _find(line, link.serial, bauds)
    if link.serial and found_at == FIRST_BAUD:
        await _speed_up(line, link.serial, bauds)
    version = await _version(line)
    for handle in _handles(await _told(line, "PHSR", "01")):
        await _told(line, "PHF", f"{handle:02X}")
    handles = {await _load(line, data): tool for tool, data in tools.items()}
    await line.ask(TSTART, ANSWER_S)
    return Started(handles, await _first_known(line, reports), version)


async def stop(line: PolarisLine, serial: SerialControls | None) -> None:
    """Ends tracking, and leaves a serial line as it is after power-up. Raises DeviceError, WireError."""
    await asyncio.sleep(SETTLE_S)  # an answer that nobody waits for any more comes in, and is dropped whole
    await line.ask(TSTOP, ANSWER_S)
    if serial is not None:
        await line.ask(_comm(FIRST_BAUD), ANSWER_S)
        await asyncio.sleep(SETTLE_S)
        await serial.set_baud(FIRST_BAUD)


async def _find(line: PolarisLine, serial: SerialControls | None, bauds: Sequence[int]) -> int:
    """Initialises it, wherever it listens; the baud it was found at, 0 on TCP."""
    if serial is None:
        try:
            await _initialise(line, INIT_S)
        except DeadlinePassed as error:
            raise DeviceSilent(
                "The tracker's address answers, but not as a Polaris. Is [tracker] port its own 8765, and no other"
                " program connected to it?"
            ) from error
        return 0
    for baud in (FIRST_BAUD, *bauds):
        await serial.set_baud(baud)
        try:
            await _initialise(line, LOOK_S)
        except (DeadlinePassed, BadFrame):
            continue
        return baud
    await _reset(line, serial)
    return FIRST_BAUD


async def _reset(line: PolarisLine, serial: SerialControls) -> None:
    await serial.set_baud(FIRST_BAUD)
    line.clear()
    await serial.send_break()
    try:
        await line.wait_for_reset(RESET_S)
        await asyncio.sleep(SETTLE_S)
        await _initialise(line, ANSWER_S)
    except DeadlinePassed as error:
        raise DeviceSilent(
            "The tracker does not answer, not even to a reset. Check that it is switched on, and that [tracker] port"
            " names its cable."
        ) from error


async def _initialise(line: PolarisLine, deadline_s: float) -> None:
    try:
        await line.ask(INIT, deadline_s)
    except PolarisRefused as refused:
        if refused.code == Error.WHILE_TRACKING:  # whoever used it last did not stop it
            await line.ask(TSTOP, ANSWER_S)
        elif refused.code not in _NOISE_BEFORE:
            raise
        await line.ask(INIT, ANSWER_S)
    await asyncio.sleep(SETTLE_S)


async def _speed_up(line: PolarisLine, serial: SerialControls, bauds: Sequence[int]) -> None:
    """Takes the best speed that both ends know; stays where it is when there is none."""
    for baud in bauds:
        try:
            await line.ask(_comm(baud), ANSWER_S)
        except PolarisRefused as refused:
            if refused.code in (Error.COMM, Error.PARAMETERS):
                continue
            raise
        await asyncio.sleep(SETTLE_S)
        await serial.set_baud(baud)
        try:
            await line.ask(Command("APIREV"), ANSWER_S)
        except PolarisRefused:  # an old one does not know the question, but heard it
            return
        except (DeadlinePassed, BadFrame) as error:
            raise DeviceSilent(
                f"The tracker does not answer at {baud} baud, which it agreed to. Use an adapter that reaches that."
            ) from error
        return


def _comm(baud: int) -> Command:
    return Command("COMM", f"{BAUDS[baud]}0000")


async def _told(line: PolarisLine, name: str, parameters: str) -> str:
    reply = await line.ask(Command(name, parameters), ANSWER_S)
    return reply.text if isinstance(reply, Text) else ""


async def _version(line: PolarisLine) -> str:
    """The freeze tag of its firmware, else the first line it says of itself."""
    told = await _told(line, "VER", "0")
    tag = re.search(r"Freeze Tag:\s*(.*)", told)
    return (tag[1] if tag else told.partition("\n")[0]).strip()


def _handles(listing: str) -> list[int]:
    """The handles in a reply to PHSR: a count, then handle and status. BadFrame."""
    if re.fullmatch(r"[0-9A-F]{2}(?:[0-9A-F]{5})*", listing) is None or len(listing) != 2 + 5 * int(listing[:2], 16):
        raise BadFrame(f"The tracker listed its tools as {listing[:40]!r}. Connect again.")
    return [int(listing[at : at + 2], 16) for at in range(2, len(listing), 5)]


async def _load(line: PolarisLine, data: bytes) -> int:
    """Writes one tool file and has the tool followed; its handle."""
    given = await _told(line, "PHRQ", "*********1****")
    if re.fullmatch(r"[0-9A-F]{2}", given) is None:
        raise BadFrame(f"The tracker gave {given[:40]!r} as a handle. Connect again.")
    handle = int(given, 16)
    for command in tool_files.writing(handle, data):
        await line.ask(command, ANSWER_S)
    await _told(line, "PINIT", f"{handle:02X}")
    await _told(line, "PENA", f"{handle:02X}D")
    return handle


async def _first_known(line: PolarisLine, reports: Sequence[Command]) -> Command:
    """The first of `reports` that the tracker knows. PolarisRefused when it knows none."""
    for report in reports[:-1]:
        try:
            await line.ask(report, ANSWER_S)
        except PolarisRefused as refused:
            if refused.code != Error.INVALID_COMMAND:
                raise
            continue
        return report
    await line.ask(reports[-1], ANSWER_S)
    return reports[-1]
