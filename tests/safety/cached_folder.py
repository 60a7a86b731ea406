"""A disk in memory whose cache forgets at a power cut, and a small ledger written on it or on a real one."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from safety.instant import Instant
from safety.ledger import Ledger, OpenReport, open_ledger, read_ledger
from safety.ledger_errors import LedgerBusy
from safety.ledger_files import Folder, LogFile
from safety.ledger_format import Kind, Record, key

BOOT = key("this boot")
NOW = Instant(5_000_000, 1_800_000_000_000_000)
GROWTH = 64
LARGEST = 600
ANNA, MORNING = key("anna"), key("morning")
OPEN = Record(Kind.OPEN, 1000, subject=ANNA, session=MORNING, simulated=True, wall_us=NOW.wall_us)
RESERVE = replace(OPEN, kind=Kind.RESERVE, pulses=20)


class PowerCut(BaseException):
    """The machine is gone."""


@dataclass
class Sectors:
    """One file: what the disk holds, and the writes it was not asked to flush yet."""

    durable: bytearray
    waiting: list[tuple[int, bytes]] = field(default_factory=list)

    def seen(self) -> bytes:
        """What a reader sees, cache included."""
        data = bytearray(self.durable)
        for at, part in self.waiting:
            data.extend(bytes(max(0, at + len(part) - len(data))))
            data[at : at + len(part)] = part
        return bytes(data)

    def flush(self) -> None:
        self.durable, self.waiting = bytearray(self.seen()), []

    def forget(self, chance: random.Random) -> None:
        """A power cut: each waiting sector reached the disk or did not."""
        sectors = [
            (at + begin, part[begin : begin + 512]) for at, part in self.waiting for begin in range(0, len(part), 512)
        ]
        self.waiting = [sector for sector in sectors if chance.random() < 0.5]
        self.flush()


class CachedFolder:
    """A `Folder` in memory whose cache forgets; `fuel` operations until the power fails; `lies`: sync does nothing."""

    def __init__(self, *, lies: bool = False) -> None:
        self.files: dict[str, Sectors] = {}
        self.fuel = 10**9
        self.lies = lies
        self.locked = False

    def burn(self) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            raise PowerCut

    def reboot(self, chance: random.Random) -> None:
        for file in self.files.values():
            file.forget(chance)
        self.fuel, self.locked = 10**9, False

    def lock(self) -> None:
        if self.locked:
            raise LedgerBusy("locked")
        self.locked = True

    def exists(self, name: str) -> bool:
        return name in self.files

    def read(self, name: str) -> bytes:
        return self.files[name].seen()

    def open(self, name: str) -> LogFile:
        return CachedFile(self, self.files[name])

    def put(self, name: str, data: bytes) -> None:
        self.burn()
        self.files[name] = Sectors(bytearray(data))

    def keep(self, name: str, also: str) -> None:
        self.burn()
        self.files[also] = self.files[name]

    def rename(self, name: str, to: str) -> None:
        self.burn()
        self.files[to] = self.files.pop(name)

    def close(self) -> None:
        self.locked = False


class CachedFile:
    def __init__(self, folder: CachedFolder, sectors: Sectors) -> None:
        self.folder, self.sectors = folder, sectors

    def read(self) -> bytes:
        return self.sectors.seen()

    def write(self, at: int, data: bytes) -> None:
        self.folder.burn()
        self.sectors.waiting.append((at, data))

    def sync(self) -> None:
        self.folder.burn()
        if not self.folder.lies:
            self.sectors.flush()

    def close(self) -> None:
        pass


def opened(folder: Folder, *, simulated: bool = True, growth: int = GROWTH) -> tuple[Ledger, OpenReport]:
    return open_ledger(folder, simulated=simulated, boot=BOOT, now=NOW, largest=LARGEST, growth=growth)


def written(folder: Folder, reserves: int, growth: int = GROWTH) -> None:
    """A ledger of an OPEN and some RESERVEs, closed in order."""
    ledger, _ = opened(folder, growth=growth)
    ledger.append(OPEN)
    for _ in range(reserves):
        ledger.append(RESERVE)
    ledger.keep_head()
    ledger.close()


def counted(folder: Folder) -> int:
    return read_ledger(folder, simulated=True).book().session(MORNING)
