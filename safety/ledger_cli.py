"""What stands behind `coilward-watchdog ledger show | verify | bench | unlock`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers.errors import CoilwardError, OperatorError
from safety.clock import machine
from safety.ledger import LARGEST_RESERVE, LOG, read_ledger
from safety.ledger_bench import CARRIES_US, GRANT_US, bare_syncs, carries, ledger_commits, spread
from safety.ledger_errors import LedgerBroken
from safety.ledger_files import DiskFolder
from safety.ledger_format import KEY0, key
from safety.ledger_replay import Replay
from safety.ledger_show import columns, headings, ledger_rows
from safety.ledger_unlock import UNLOCKED, Engineer, salvage, unlock
from safety.ledger_writer import boot_key

DEFAULT_STATE = Path("/var/lib/coilward/watchdog")
SOUND, TORN, BROKEN, NO_ANSWER = 0, 1, 2, 3
"""Exit codes of `verify`; the other commands know 0 and 1 (bench: too slow) and 3."""


def add_ledger_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `ledger` and its commands to the watchdog's command line; `run` carries out what was parsed."""
    ledger = subparsers.add_parser("ledger", help="read, prove, measure or unlock the pulse ledger")
    commands = ledger.add_subparsers(dest="ledger_command", required=True)

    show = commands.add_parser("show", help="every record, with the totals it led to")
    show.add_argument("--subject", help="only records that count against this pseudonym, or this 16-digit key")
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.add_argument("--zone", type=_zone, default="UTC", help="the room's time zone, for times and treatment days")

    commands.add_parser(
        "verify",
        help="is it the whole, unaltered history? exit 0 sound, 1 last record torn, 2 broken, 3 cannot be read",
    )

    bench = commands.add_parser("bench", help="how long a commit takes on this disk, and whether that carries a room")
    bench.add_argument("--commits", type=int, default=2_000)

    free = commands.add_parser("unlock", help="end a lockout: book the worst case, delete nothing")
    free.add_argument("--by", required=True, help="the engineer")
    free.add_argument("--reason", required=True, help="what was found, and why going on is right")
    free.add_argument("--simulated", action="store_true", help="a simulated ledger of which nothing is readable")

    for command in commands.choices.values():
        command.add_argument("--state", type=Path, default=DEFAULT_STATE, help="the watchdog's state folder")
    ledger.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry out a parsed ledger command; its exit code. What is wrong goes to standard error in one sentence."""
    try:
        return _COMMANDS[args.ledger_command](args)
    except (CoilwardError, OSError) as error:
        print(f"coilward-watchdog ledger {args.ledger_command}: {error}", file=sys.stderr)
        return NO_ANSWER


# --- the commands ---------------------------------------------------------------------------------------------


def _show(args: argparse.Namespace) -> int:
    found = _read(args.state)
    subject = None if args.subject is None else _subject_key(args.subject)
    if not args.json:
        print(headings())
    for row in ledger_rows(found, args.zone):
        if row["everybody"] or subject in (None, row["subject"]):
            print(json.dumps(row) if args.json else columns(row))
    if found.torn:
        print("behind the last record lies one that was cut while being written", file=sys.stderr)
    return SOUND


def _verify(args: argparse.Namespace) -> int:
    try:
        found = _read(args.state)
    except LedgerBroken as error:
        print(f"BROKEN: {error}.\nThe watchdog stays locked out; `ledger unlock` books the worst case.")
        return BROKEN
    first, last = found.entries[0], found.entries[-1]
    kind = "simulated" if found.simulated else "real"
    print(f"records {first.seq} to {last.seq}, {kind}; chain, checksums and head agree")
    print(f"head {found.head.hash.hex()}")
    if first.record.ref:
        print(f"goes on where a file ended with record {first.record.ref}, whose hash was {first.prev.hex()}")
    unknowns = found.book().unknowns
    if unknowns:
        print(f"unknown until resolved: {', '.join(map(str, unknowns))}")
    if found.torn:
        print(f"TORN: record {last.seq + 1} was cut while being written and never confirmed.")
        print(f"The watchdog books {LARGEST_RESERVE} pulses for it when it starts.")
        return TORN
    return SOUND


def _bench(args: argparse.Namespace) -> int:
    args.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.state, prefix="bench-") as name:
        bare = spread(bare_syncs(Path(name), args.commits))
        commits = spread(ledger_commits(Path(name), args.commits))
    for what, figures in (("write and fdatasync alone", bare), ("ledger commit", commits)):
        print(f"{what:<26} median {figures.median:8.0f} us   p99 {figures.p99:8.0f} us   p99.9 {figures.p999:8.0f} us")
    if carries(commits):
        print(f"carries: a permit may wait {GRANT_US // 1000} ms for its record")
        return 0
    print(
        f"TOO SLOW: p99.9 is above {CARRIES_US // 1000} ms and permits would be refused; use a disk that syncs faster"
    )
    return 1


def _unlock(args: argparse.Namespace) -> int:
    folder = _folder(args.state)
    try:
        done = unlock(
            folder,
            Engineer(args.by, args.reason),
            simulated=_simulated(args.state, otherwise=args.simulated),
            now=machine(),
            boot=boot_key(),
        )
    finally:
        folder.close()
    whom = "everybody" if done.everybody else "the session opened last"
    print(f"found: {done.why or 'a sound ledger'}")
    print(f"booked {done.lost} pulses against {whom}, who may have had them")
    if done.kept:
        print(f"the files as they were are kept as *.{done.kept}; a new ledger goes on from their totals")
        print("sessions that were under way cannot be continued")
    print(f"written down in {UNLOCKED}")
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "show": _show,
    "verify": _verify,
    "bench": _bench,
    "unlock": _unlock,
}


def _folder(state: Path) -> DiskFolder:
    if not state.is_dir():
        raise OperatorError(f"{state} is no folder: give --state the folder the site file names")
    return DiskFolder(state)


def _read(state: Path) -> Replay:
    """The ledger of `state`, real or simulated; read again when a watchdog that writes may have put it out of step."""
    folder = _folder(state)
    try:
        for _ in range(_READINGS - 1):
            try:
                return read_ledger(folder, simulated=_simulated(state))
            except LedgerBroken:
                continue
        return read_ledger(folder, simulated=_simulated(state))
    finally:
        folder.close()


_READINGS = 3


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{name} is no time zone; Europe/Rome is one") from error


def _subject_key(text: str) -> str:
    """The key itself when it is one, else the key of a pseudonym; in hex."""
    is_key = len(text) == 2 * len(KEY0) and set(text) <= set("0123456789abcdef")
    return text if is_key else key(text).hex()


def _simulated(state: Path, *, otherwise: bool = False) -> bool:
    """What the first readable record says."""
    path = state / LOG
    entries = salvage(path.read_bytes() if path.exists() else b"", b"").entries
    return entries[0].record.simulated if entries else otherwise
