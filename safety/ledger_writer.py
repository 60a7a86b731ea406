"""The ledger's own process: commits one record after the other and answers when each is durable.

Apart from the watchdog, so that a disk that stalls for 200 ms never stalls the loop that disarms. It ends when the
watchdog's end of the socket pair does, and ignores Ctrl-C: what was asked for before is still written.
"""

from __future__ import annotations

import argparse
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from drivers.errors import OurError
from safety.clock import machine
from safety.ledger import LARGEST_RESERVE, Ledger, OpenReport, open_ledger
from safety.ledger_errors import LedgerError, LedgerFailed
from safety.ledger_files import DiskFolder
from safety.ledger_format import HASH0, Head, key
from safety.ledger_wire import HELLO, Answer, answer_bytes, parse_request

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LONGEST_REQUEST = 4096


def boot_key() -> bytes:
    """The 8 bytes that name this boot of the machine."""
    return key(_BOOT_ID.read_text().strip())


def serve(sock: socket.socket, ledger: Ledger, report: OpenReport) -> None:
    """Say hello, then commit what is asked for until the other end is gone.

    The only wait without a deadline: it ends with the watchdog. A frame that is no request is our own bug and ends
    the process, which the watchdog sees as a failed ledger.
    """
    sock.send(answer_bytes(Answer(HELLO, ledger.head, report)))
    while frame := sock.recv(_LONGEST_REQUEST):
        answer = _commit(ledger, frame, report)
        sock.send(answer_bytes(answer))
        if answer.error is not None:
            continue
        try:
            ledger.keep_head()
        except LedgerFailed as error:
            sock.send(answer_bytes(Answer(HELLO, ledger.head, report, error)))


def _commit(ledger: Ledger, frame: bytes, report: OpenReport) -> Answer:
    token, record = parse_request(frame)
    try:
        ledger.append(record)
    except (LedgerFailed, OurError) as error:
        return Answer(token, ledger.head, report, LedgerFailed(str(error)))
    return Answer(token, ledger.head, report)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of `python -m safety.ledger_writer`; 1 when the ledger did not open."""
    parser = argparse.ArgumentParser(prog="coilward-ledger-writer", description="Commits the watchdog's records.")
    parser.add_argument("--fd", type=int, required=True, help="our end of the watchdog's socket pair")
    parser.add_argument("--state", type=Path, required=True, help="folder of the ledger")
    parser.add_argument("--simulated", action="store_true", help="count simulated pulses")
    parser.add_argument("--largest", type=int, default=LARGEST_RESERVE, help="pulses a torn last record stands for")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=options.fd) as sock:
        try:
            ledger, report = open_ledger(
                DiskFolder(options.state),
                simulated=options.simulated,
                boot=boot_key(),
                now=machine(),
                largest=options.largest,
            )
        except (LedgerError, OSError) as error:
            why = error if isinstance(error, LedgerError) else LedgerFailed(f"the ledger cannot be opened: {error}")
            sock.send(answer_bytes(Answer(HELLO, Head(0, HASH0), OpenReport(), why)))
            return 1
        try:
            serve(sock, ledger, report)
        except ConnectionError:
            return 0  # the watchdog ended while we answered: nobody is left to tell
        finally:
            ledger.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
