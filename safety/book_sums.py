"""How each kind of record changes the sums of a `Book`. One method a kind; the table at the end is the whole of it.

`Sums` is mutable so that a replay of years costs one pass; `Book` copies it before each step and never shows it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from drivers.quantities import SECOND_US
from safety.ledger_format import KEY0, By, Carry, Kind, Record, carried_when, settled_of

KEPT_US = 8 * 24 * 3600 * SECOND_US
"""How far back windows can look (engineering choice): the longest limit is 7 days, the longest treatment day 27 h."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """A RESERVE that no SETTLE or RESOLVE has closed; it counts in full."""

    seq: int
    record: Record
    until_us: int | None = None
    """Wall time from which it can deliver no more (its session closed, the watchdog started anew); None: still can."""


@dataclass(frozen=True, slots=True)
class Session:
    """One treatment with all its segments."""

    subject: bytes = KEY0
    protocol: bytes = KEY0
    opened: Record | None = None
    """Its newest OPEN."""
    planned: int = 0
    """Pulses of the whole treatment."""
    counted: int = 0
    """Pulses of what is settled or booked."""
    last_us: int = 0
    """Wall time of the last record that its own course wrote; what is reserved holds the session without."""
    closed_for_good: bool = False
    """An emergency ended it, or came just after it: it is not gone on with."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is settled or booked against one subject."""

    courses: Mapping[bytes, int] = field(default_factory=dict)
    """Pulses by protocol key, for ever."""
    closed: tuple[tuple[int, int], ...] = ()
    """(delivered at the latest, wall µs; pulses up to and with this one), ascending, for the last `KEPT_US`."""
    before: int = 0
    """Pulses older than `closed`."""

    def since(self, wall_us: int) -> int:
        """Pulses that may have been delivered at `wall_us` or later."""
        at = bisect_left(self.closed, (wall_us,))
        return self._upto(len(self.closed)) - self._upto(at)

    def times(self) -> Iterator[tuple[int, int]]:
        """(delivered at the latest, wall µs; pulses), ascending."""
        for at, (until_us, _) in enumerate(self.closed):
            yield until_us, self._upto(at + 1) - self._upto(at)

    def add(self, until_us: int, pulses: int) -> Account:
        """With `pulses` more, delivered at the latest at `until_us`."""
        at = bisect_right(self.closed, until_us, key=_until)
        later = tuple((until, count + pulses) for until, count in self.closed[at:])
        new = (until_us, self._upto(at) + pulses)
        return Account(self.courses, self.closed[:at] + (new, *later), self.before)  # noqa: RUF005  twice as fast on long weeks

    def add_course(self, protocol: bytes, pulses: int) -> Account:
        """With `pulses` more in the course of `protocol`."""
        return Account({**self.courses, protocol: self.courses.get(protocol, 0) + pulses}, self.closed, self.before)

    def add_all_courses(self, pulses: int) -> Account:
        """With `pulses` more in every course there is."""
        return replace(self, courses={protocol: booked + pulses for protocol, booked in self.courses.items()})

    def forget(self, before_us: int) -> Account:
        """Without the times of what lies before `before_us`."""
        at = bisect_left(self.closed, (before_us,))
        return replace(self, closed=self.closed[at:], before=self._upto(at)) if at else self

    def _upto(self, at: int) -> int:
        return self.closed[at - 1][1] if at else self.before


NO_SESSION = Session()
NO_ACCOUNT = Account()


@dataclass(slots=True)
class Sums:
    """Everything a `Book` knows."""

    accounts: dict[bytes, Account] = field(default_factory=dict)
    everybody: Account = field(default_factory=Account)
    """What may have gone to anybody."""
    sessions: dict[bytes, Session] = field(default_factory=dict)
    reserves: dict[int, Reserve] = field(default_factory=dict)
    """By number, ascending."""
    unknowns: frozenset[int] = frozenset()
    blocked: frozenset[bytes] = frozenset()
    emergency: Record | None = None
    """The last EMERGENCY, while no session was opened since and its subject was not unblocked."""
    last_session: bytes = KEY0
    last_boot_us: int = 0
    """Wall time of the newest BOOT."""
    last_seq: int = 0
    last_wall_us: int = 0
    open_trip: int = 0
    """Code of the first TRIP that no RESET has lifted; 0 for none."""

    def copy(self) -> Sums:
        """The same sums, to be changed apart from these."""
        return Sums(
            self.accounts.copy(),
            self.everybody,
            self.sessions.copy(),
            self.reserves.copy(),
            self.unknowns,
            self.blocked,
            self.emergency,
            self.last_session,
            self.last_boot_us,
            self.last_seq,
            self.last_wall_us,
            self.open_trip,
        )

    def step(self, seq: int, record: Record) -> None:
        """Take in one more record."""
        self.last_seq = seq
        self.last_wall_us = max(self.last_wall_us, record.wall_us)
        step = _STEPS.get(record.kind)
        if step is not None:
            step(self, seq, record)
        if record.kind not in _BOOKED_LATER and record.session in self.sessions:
            self._put(record.session, self.sessions[record.session], last_us=self.last_wall_us)

    def on_boot(self, _seq: int, _record: Record) -> None:
        """Every reserve ends here at the latest: the watchdog disarms before it opens a door."""
        self._end(list(self.reserves.values()))
        self.last_boot_us = self.last_wall_us
        self._forget()

    def on_trip(self, _seq: int, record: Record) -> None:
        """The first reason is kept."""
        self.open_trip = self.open_trip or record.code

    def on_reset(self, _seq: int, _record: Record) -> None:
        self.open_trip = 0

    def on_open(self, _seq: int, record: Record) -> None:
        """A further segment may plan fewer pulses, never more."""
        session = self._meet(record)
        planned = record.pulses if session.opened is None else min(session.planned, record.pulses)
        self.sessions[record.session] = replace(session, opened=record, planned=planned, last_us=self.last_wall_us)
        self.last_session = record.session
        self.emergency = None
        self._forget()

    def on_close(self, _seq: int, record: Record) -> None:
        self._end([reserve for reserve in self.reserves.values() if reserve.record.session == record.session])

    def on_reserve(self, seq: int, record: Record) -> None:
        self._meet(record)
        self.reserves[seq] = Reserve(seq, record)

    def on_settle(self, _seq: int, record: Record) -> None:
        """An unknown is settled by a count alone: any other evidence leaves it to a person."""
        if record.ref in self.unknowns and settled_of(record).by is not By.COUNTED:
            return
        self.settle(record.ref, record.pulses)

    def on_unknown(self, _seq: int, record: Record) -> None:
        """One whose RESERVE is closed already counts on its own."""
        self.unknowns |= {record.ref}
        if record.ref not in self.reserves:
            self._book(record, record.pulses, self.last_wall_us)

    def on_resolve(self, _seq: int, record: Record) -> None:
        self.settle(record.ref, None)

    def on_worst_case(self, _seq: int, record: Record) -> None:
        """Counts in every subject, session and course it could belong to."""
        session = self.sessions.get(record.session)
        if session is not None:
            whose = replace(record, subject=session.subject, protocol=session.protocol)
            self._book(whose, record.pulses, self.last_wall_us)
            return
        if record.subject == KEY0:
            self.everybody = self.everybody.add(self.last_wall_us, record.pulses)
            self.accounts = {who: account.add_all_courses(record.pulses) for who, account in self.accounts.items()}
        else:
            account = self.accounts.get(record.subject, NO_ACCOUNT).add(self.last_wall_us, record.pulses)
            self.accounts[record.subject] = account.add_all_courses(record.pulses)
        for name, session in self.sessions.items():
            if record.subject in (KEY0, session.subject):
                self.sessions[name] = replace(session, counted=session.counted + record.pulses)

    def on_emergency(self, _seq: int, record: Record) -> None:
        """As a BLOCK, and its session is over for good."""
        self._block(record)
        self.emergency = record
        session = self.sessions.get(record.session)
        if session is not None:
            self.sessions[record.session] = replace(session, closed_for_good=True)

    def on_block(self, _seq: int, record: Record) -> None:
        self._block(record)

    def on_unblock(self, _seq: int, record: Record) -> None:
        """Opens the way for its subject; what an emergency ended stays ended."""
        self.blocked -= {record.subject}
        if self.emergency is not None and self.emergency.subject == record.subject:
            self.emergency = None

    def on_carried(self, _seq: int, record: Record) -> None:
        when_us = min(carried_when(record), self.last_wall_us)
        if record.code == Carry.EVERYBODY:
            self.everybody = self.everybody.add(when_us, record.pulses)
            return
        account = self.accounts.get(record.subject, NO_ACCOUNT)
        if record.code != Carry.COURSE:
            account = account.add(when_us, record.pulses)
        if record.code != Carry.WINDOWS:
            account = account.add_course(record.protocol, record.pulses)
        self.accounts[record.subject] = account

    def settle(self, ref: int, pulses: int | None) -> None:
        """Close RESERVE `ref` at `pulses`; None is in full. One that is closed already stays as it is."""
        self.unknowns -= {ref}
        reserve = self.reserves.pop(ref, None)
        if reserve is not None:
            until_us = self.last_wall_us if reserve.until_us is None else reserve.until_us
            self._book(reserve.record, reserve.record.pulses if pulses is None else pulses, until_us)

    def _block(self, record: Record) -> None:
        """With nobody under the coil there is nobody to block."""
        self.blocked |= {record.subject} - {KEY0}

    def _book(self, record: Record, pulses: int, until_us: int) -> None:
        session = self._meet(record)
        account = self.accounts[record.subject]
        self.accounts[record.subject] = account.add(until_us, pulses).add_course(record.protocol, pulses)
        self._put(record.session, session, pulses)

    def _put(self, name: bytes, session: Session, pulses: int = 0, last_us: int | None = None) -> None:
        """The session with so many pulses more, and its last record at `last_us`, where there is one."""
        self.sessions[name] = Session(
            session.subject,
            session.protocol,
            session.opened,
            session.planned,
            session.counted + pulses,
            session.last_us if last_us is None else last_us,
            session.closed_for_good,
        )

    def _meet(self, record: Record) -> Session:
        """The session of `record`; it, its subject and its course are known from here on, if only at 0 pulses."""
        account = self.accounts.get(record.subject, NO_ACCOUNT)
        if record.protocol not in account.courses:
            self.accounts[record.subject] = account.add_course(record.protocol, 0)
        session = self.sessions.get(record.session)
        if session is None:
            session = Session(record.subject, record.protocol)
            self.sessions[record.session] = session
        return session

    def _end(self, reserves: Iterable[Reserve]) -> None:
        for reserve in reserves:
            if reserve.until_us is None:
                self.reserves[reserve.seq] = replace(reserve, until_us=self.last_wall_us)

    def _forget(self) -> None:
        """Drop times no limit asks for any more; no pulse leaves a course by it."""
        horizon_us = self.last_wall_us - KEPT_US
        for reserve in list(self.reserves.values()):
            if reserve.until_us is not None and reserve.until_us < horizon_us and reserve.seq not in self.unknowns:
                self.settle(reserve.seq, None)
        held = {reserve.record.session for reserve in self.reserves.values()}
        self.sessions = {
            name: session for name, session in self.sessions.items() if session.last_us >= horizon_us or name in held
        }
        self.accounts = {who: account.forget(horizon_us) for who, account in self.accounts.items()}
        self.everybody = self.everybody.forget(horizon_us)


_BOOKED_LATER = frozenset({Kind.FOUND_ARMED, Kind.LOST})
"""Kinds that name a session which may be long over: written when the watchdog starts anew, or by an unlock."""


def _until(entry: tuple[int, int]) -> int:
    return entry[0]


_STEPS: dict[Kind, Callable[[Sums, int, Record], None]] = {
    Kind.BOOT: Sums.on_boot,
    Kind.OPEN: Sums.on_open,
    Kind.RESERVE: Sums.on_reserve,
    Kind.SETTLE: Sums.on_settle,
    Kind.UNKNOWN: Sums.on_unknown,
    Kind.RESOLVE: Sums.on_resolve,
    Kind.CLOSE: Sums.on_close,
    Kind.TRIP: Sums.on_trip,
    Kind.RESET: Sums.on_reset,
    Kind.FOUND_ARMED: Sums.on_worst_case,
    Kind.EMERGENCY: Sums.on_emergency,
    Kind.BLOCK: Sums.on_block,
    Kind.UNBLOCK: Sums.on_unblock,
    Kind.CARRIED: Sums.on_carried,
    Kind.LOST: Sums.on_worst_case,
}
"""Kinds that are not here change no sum."""
