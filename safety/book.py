"""What the ledger's records add up to: a pure, immutable fold that always counts the worst case.

A RESERVE counts in full until its SETTLE lowers it. It counts in every window that reaches to the moment it could
deliver no more: its settlement, the end of its session, or the next start of the watchdog; until then it counts as
now, so a train across 03:00 counts in both days. What nobody can assign counts wherever it could belong: a LOST or
FOUND_ARMED without a session counts in all sessions and courses of its subject, and without a subject against
everybody. Time never runs backwards here: a record, or a question, from before the last record is taken to be of
its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drivers.errors import OurError
from safety.book_sums import KEPT_US, NO_ACCOUNT, NO_SESSION, Reserve, Session, Sums
from safety.ledger_format import Carry, Kind, Record, carried_note

TREATMENT_DAY_BEGINS = time(3)
"""Room time (engineering choice): nobody is treated at 03:00, so it cuts no session in two."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Book:
    """The counts after some record; `apply` gives the next one and leaves this one as it is."""

    _sums: Sums = field(default_factory=Sums)

    @staticmethod
    def of(records: Iterable[tuple[int, Record]]) -> Book:
        """The book of a whole ledger, (number, record) in order: same as applying each in turn, and faster."""
        sums = Sums()
        for seq, record in records:
            sums.step(seq, record)
        return Book(sums)

    def apply(self, seq: int, record: Record) -> Book:
        """The book with one record more. Every record is taken: one that refers to nothing lowers nothing."""
        sums = self._sums.copy()
        sums.step(seq, record)
        return Book(sums)

    @property
    def last_seq(self) -> int:
        """Number of the newest record; 0 for an empty book."""
        return self._sums.last_seq

    @property
    def last_wall_us(self) -> int:
        """Latest wall time of any record, unix µs: now is never earlier."""
        return self._sums.last_wall_us

    @property
    def last_opened(self) -> Record | None:
        """OPEN of the session opened last, None before any: whom a device found armed may have reached."""
        return self.opened(self._sums.last_session)

    @property
    def open_reservations(self) -> tuple[tuple[int, int], ...]:
        """(number, pulses) of each RESERVE that nothing closed and that no earlier start of the watchdog ended.

        What a device found armed may be delivering is among these, and counts in full already.
        """
        sums = self._sums
        return tuple(
            (reserve.seq, reserve.record.pulses)
            for reserve in sums.reserves.values()
            if reserve.until_us is None or reserve.until_us >= sums.last_boot_us
        )

    @property
    def open_trip(self) -> int:
        """Code of the trip that nobody has reset, 0 for none: it is latched through a restart."""
        return self._sums.open_trip

    @property
    def unknowns(self) -> tuple[int, ...]:
        """Numbers of the RESERVEs nobody knows the fate of, until a count or a person closes each; ascending."""
        return tuple(sorted(self._sums.unknowns))

    def day(self, subject: bytes, wall_us: int, zone: ZoneInfo) -> int:
        """Pulses in the treatment day that holds `wall_us`."""
        now_us = max(wall_us, self.last_wall_us)
        return self._since(subject, day_start_us(now_us, zone))

    def window(self, subject: bytes, wall_us: int, span_us: int) -> int:
        """Pulses in the last `span_us` before `wall_us`; OurError when that is further than times are kept."""
        if span_us > KEPT_US:
            raise OurError(f"the book keeps times for {KEPT_US} µs, and {span_us} µs were asked for")
        return self._since(subject, max(wall_us, self.last_wall_us) - span_us)

    def session(self, session: bytes) -> int:
        """Pulses of all segments of a session; 0 for one that is unknown or over for more than eight days."""
        return self._session(session).counted + sum(reserve.record.pulses for reserve in self.unsettled(session))

    def remaining(self, session: bytes) -> int:
        """Pulses a session may still deliver: what was planned less what counts. 0 when it was never opened."""
        return max(0, self._session(session).planned - self.session(session))

    def course(self, subject: bytes, protocol: bytes) -> int:
        """Pulses a subject ever had of a protocol."""
        booked = self._sums.accounts.get(subject, NO_ACCOUNT).courses.get(protocol, 0)
        return booked + sum(
            reserve.record.pulses
            for reserve in self._sums.reserves.values()
            if reserve.record.subject == subject and reserve.record.protocol == protocol
        )

    def unsettled(self, session: bytes) -> tuple[Reserve, ...]:
        """RESERVEs of a session that nothing has closed yet, unknown ones among them; oldest first."""
        return tuple(reserve for reserve in self._sums.reserves.values() if reserve.record.session == session)

    def opened(self, session: bytes) -> Record | None:
        """The newest OPEN of a session; None when there is none, or none of the last eight days."""
        return self._session(session).opened

    def last_us(self, session: bytes) -> int:
        """Wall time of a session's last record, unix µs: its end, or what it wrote last where nothing ended it."""
        return self._session(session).last_us

    def blocked(self, subject: bytes) -> bool:
        """Whether an emergency or a BLOCK stands against this subject."""
        return subject in self._sums.blocked

    @property
    def emergency(self) -> Record | None:
        """The EMERGENCY that stands: no session was opened since, and its subject was not unblocked."""
        return self._sums.emergency

    def closed_for_good(self, session: bytes) -> bool:
        """Whether an emergency ended this session."""
        return self._session(session).closed_for_good

    def carried(self) -> Iterator[Record]:
        """Records that a new ledger can begin with to count as this one does; what is open is carried in full.

        Sessions are not carried: none of them can be continued. Each record's own time is left to the caller.
        """
        sums = self._sums.copy()
        for seq in list(sums.reserves):
            sums.settle(seq, None)
        for until_us, pulses in sums.everybody.times():
            yield Record(Kind.CARRIED, pulses, code=Carry.EVERYBODY, note=carried_note(until_us))
        for subject, account in sums.accounts.items():
            for until_us, pulses in account.times():
                yield Record(Kind.CARRIED, pulses, subject=subject, code=Carry.WINDOWS, note=carried_note(until_us))
            for protocol, pulses in account.courses.items():
                yield Record(Kind.CARRIED, pulses, subject=subject, protocol=protocol, code=Carry.COURSE)
        for subject in sorted(sums.blocked):
            yield Record(Kind.BLOCK, subject=subject)

    def _session(self, session: bytes) -> Session:
        return self._sums.sessions.get(session, NO_SESSION)

    def _since(self, subject: bytes, since_us: int) -> int:
        return (
            self._sums.accounts.get(subject, NO_ACCOUNT).since(since_us)
            + self._sums.everybody.since(since_us)
            + sum(
                reserve.record.pulses
                for reserve in self._sums.reserves.values()
                if reserve.record.subject == subject and (reserve.until_us is None or reserve.until_us >= since_us)
            )
        )


EMPTY_BOOK = Book()


def day_start_us(wall_us: int, zone: ZoneInfo) -> int:
    """When the treatment day that holds `wall_us` began: the last 03:00 of the room's clock, unix µs.

    Where a clock change skips 03:00 the day begins when it would have been; where it repeats it, at the first.
    """
    today = (_EPOCH + timedelta(microseconds=wall_us)).astimezone(zone).date()
    begins = (
        (datetime.combine(today - timedelta(days=back), TREATMENT_DAY_BEGINS, zone) - _EPOCH)
        // timedelta(microseconds=1)
        for back in range(_DAYS_BACK)
    )
    return next(begin_us for begin_us in begins if begin_us <= wall_us)


_DAYS_BACK = 3
"""Today, yesterday (before 03:00), and one more: Samoa left out a whole day in 2011."""
