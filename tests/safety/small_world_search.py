"""Breadth-first search of the small world: from checkpoints along one treatment, every move at every moment.

A path costs the disturbances in it; the natural course between them is free and is interleaved in every way. Two
moments are one when everything that can still matter is equal: times are taken relative to now and end where the
last deadline on them has passed, numbers that only grow are taken relative to the newest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from safety import control, events
from safety.book import Book
from safety.ledger_format import Record
from safety.protocols import Protocol
from safety.state import Permit, Session, State
from safety.threshold import MotorThreshold
from tests.safety.small_world import (
    ARM,
    ARM_LOOP,
    DISARM,
    DISTURBANCES,
    FREE,
    HOLDER,
    LEASES,
    LEVEL_OVER,
    MS,
    REMOTE,
    TRIGGER,
    Move,
    S,
    World,
)
from tests.safety.small_world_oracle import Books, InvariantBroken

# --- one moment, as far as it matters -----------------------------------------------------------------------------

_OLDEST_MS = {"condition_at_us": 1_010, "settings_at_us": 1_010, "temperature_at_us": 2_010, "armed_at_us": 5_010,
              "standby_at_us": 310, "status_asked_us": 260, "session_at_us": 260, "driver_at_us": 260,
              "presence_at_us": 3_010, "lease_at_us": 160, "good_since_us": 1_010, "last_us": 310,
              "train_ended_us": 310, "at_us": 310}  # fmt: skip
"""After so long nothing depends on it any more."""
_OLDEST_DEFAULT_MS = 6_500
_DURATIONS = frozenset({"spacing_us", "after_us"})
_NEVER = frozenset({"key", "hash", "seen_us", "presence_us", "detail", "authorised", "title"})
_OPAQUE = (Protocol, MotorThreshold, Enum, str, bytes, bool, type(None))


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind) if each.name not in _NEVER)


def _age(name: str, us: int, now_us: int) -> int:
    return min((now_us - us) // MS, _OLDEST_MS.get(name, _OLDEST_DEFAULT_MS))


def _essence(name: str, value: Any, now_us: int, newest: Mapping[type[Any], int]) -> Any:  # noqa: C901
    """What of a value can still matter."""
    if isinstance(value, _OPAQUE):
        return value if not isinstance(value, Protocol) else value.id
    if isinstance(value, int):
        timed = name.endswith("_us") and name not in _DURATIONS
        return _age(name, value, now_us) if timed or name == "due" else value
    if isinstance(value, tuple):
        return tuple(_essence(name, each, now_us, newest) for each in value)
    if isinstance(value, Book):
        return _book(value)
    if isinstance(value, Record):
        return (value.kind, value.pulses, newest[Book] - value.ref)
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        return (kind.__name__, *(_essence(n, getattr(value, n), now_us, newest) for n in _names(kind)))
    return value


def _book(book: Book) -> tuple[Any, ...]:
    opened = book.last_opened
    open_for = book.session(opened.session) if opened else 0
    last = book.last_seq
    return open_for, tuple(last - ref for ref in book.unknowns), tuple((last - r, n) for r, n in book.open_reservations)


def _gate(state: State, now_us: int) -> tuple[Any, ...]:
    last = state.book.last_seq
    newest = {Book: last}
    relative = {
        "next_token": 0,
        "next_permit": 0,
        "nonces": tuple(_age("nonces", at, now_us) // 100 for _, at in state.nonces),
        "roles": tuple(role for _, role in state.roles),
        "permits": tuple(_permit(each, now_us, last, state.next_permit) for each in state.permits),
        "commits": tuple(
            (state.next_token - t, _essence("", r, now_us, newest), min((now_us - at) // MS, 210))
            for t, r, at in state.commits
        ),
        "pending": None if state.pending is None else (
            _age("pending", state.pending.since_us, now_us),
            state.pending.token and state.next_token - state.pending.token,
        ),
        "session": None if state.session is None else _session(state.session),
        "delivery": None if state.delivery is None else _relative(state.delivery, now_us, state.next_permit),
    }  # fmt: skip
    return tuple(
        relative[n] if n in relative else _essence(n, getattr(state, n), now_us, newest) for n in _names(State)
    )


def _permit(permit: Permit, now_us: int, last: int, number: int) -> tuple[Any, ...]:
    block = permit.block
    return (number - permit.number, permit.left, permit.index, last - block.ref, block.spent, block.settled,
            (now_us - permit.expires_us) // MS, block.unknown)  # fmt: skip


def _session(session: Session) -> tuple[Any, ...]:
    return session.released, session.paused, session.cuts, session.intensity, session.ceiling


def _relative(delivery: Any, now_us: int, number: int) -> tuple[Any, ...]:
    return (number - delivery.permit, delivery.cut, _age("", delivery.written_us, now_us),
            delivery.accepted_us and _age("", delivery.accepted_us, now_us),
            delivery.running_asked_us and _age("", delivery.running_asked_us, now_us))  # fmt: skip


def _books(books: Books, now_us: int, last_seq: int) -> tuple[Any, ...]:
    """The part of the oracle's books that the gate's state does not already tell apart."""
    return (
        books.released, books.tripped, books.doubt, books.under_way, min(books.arms, 1), min(books.triggers, 1),
        tuple((last_seq - seq, n, left) for seq, n, left in books.counted if seq in books.this_session),
        books.last_us and min((now_us - books.last_us) // MS, 6_500),
        tuple((grant.left, last_seq - grant.ref) for _, grant in books.grants),
        books.disarm_since_us is None, books.ready_us is None, len(books.requests),
    )  # fmt: skip


def essence(world: World) -> tuple[Any, ...]:
    """The moment, hashable; equal for moments from which the same can follow."""
    now_us, device, gate = world.now_us, world.device, world.gate
    last = gate.book.last_seq
    physical = (
        device.armed_us and min((now_us - device.armed_us) // MS, 1_010),
        device.train_us and min((now_us - device.train_us) // MS, 310),
        device.cut_at is None, device.level, device.celsius_tenths, device.coil, device.foreign,
        device.fired(now_us),
    )  # fmt: skip
    return (
        _gate(gate, now_us), _books(world.books, now_us, last), physical, world.line, len(world.disk), world.turning,
        world.present, min(world.away_us // MS, 3_010), world.lease, world.connected,
    )  # fmt: skip


# --- one treatment, and moments on its way ------------------------------------------------------------------------


def _passed(world: World, us: int) -> World:
    return world.passed(us, prompt=True)


def _fresh(world: World) -> World:
    return _passed(world.with_nonce(), 50 * MS)


def checkpoints(profile: str, origin_us: int) -> dict[str, World]:
    """Moments of one treatment, and of what can go wrong with it, from which the search sets out."""
    at: dict[str, World] = {}
    state = State(seen_us=origin_us)
    world = World(profile, state, Books(seen_us=origin_us), origin_us)
    at["nothing yet"] = world
    world = at["port found"] = world.feed(events.PortFound())
    world = _passed(world.settled_down(), 300 * MS)
    if profile == "robot":
        world = world.asked(control.Hello(role="lease"), ARM_LOOP)
    world = _passed(world.attached().sent(REMOTE), 100 * MS)
    world = at["no session"] = _fresh(world)
    world = at["opened"] = _fresh(world.opened().settled_down())
    world = at["released"] = _passed(_fresh(world.released().settled_down()), 1_100 * MS)
    world = at["arming"] = world.sent(ARM)
    world = at["charged"] = _fresh(_passed(world.settled_down(), 2_000 * MS))
    at["stopped"] = _fresh(world.asked(control.Stop("bob"), HOLDER).settled_down())
    at["tripped, two persons"] = _fresh(world.sent(LEVEL_OVER).settled_down())
    at["unplugged"] = _fresh(DISTURBANCES["unplugged"](world) or world)
    at["operator away"] = _passed(world._replace(present=False), 1_100 * MS)
    world = at["asking"] = world.wants_a_train()
    at["the ledger fails"] = DISTURBANCES["the ledger fails"](world) or world
    world = at["granted"] = world.confirmed()
    at["disarmed with a permit"] = world.sent(DISARM)
    world = at["triggered"] = world.sent(TRIGGER)
    at["unknown"] = _fresh(world.answered(b"").passed(301 * MS).settled_down())
    world = world.answered()
    world = at["running"] = world.passed(60 * MS, every_us=20 * MS)
    at["hung in a train"] = world._replace(turning=(False, True)).passed(240 * MS, every_us=60 * MS)
    at["cut"] = world.asked(control.Stop("bob"), HOLDER)
    at["closed in a train"] = world.asked(control.CloseSession("ann"))
    at["ledger failed in a train"] = world.feed(events.CommitFailed("the disk is gone"))
    world = at["train over"] = world.passed(180 * MS, every_us=60 * MS)
    world = at["parked"] = _fresh(_passed(world.settled_down(), 600 * MS))
    world = at["armed too early"] = _fresh(_passed(world.sent(ARM).settled_down(), 1_700 * MS))
    world = _passed(world, 3_000 * MS)
    world = at["the gap is over"] = _fresh(_passed(world.sent(ARM), 2_000 * MS))
    world = at["granted again"] = world.wants_a_train().confirmed()
    world = _passed(world.sent(TRIGGER).settled_down(), 1_000 * MS)
    at["done"] = _fresh(_passed(_passed(world, 5_000 * MS).sent(ARM), 2_000 * MS))
    return at


# --- the search ---------------------------------------------------------------------------------------------------


class Size(NamedTuple):
    """What a search covered."""

    checkpoints: int
    states: int
    edges: int
    disturbances: int

    def __str__(self) -> str:
        return (
            f"{self.states} states, {self.edges} edges: up to {self.disturbances} disturbances "
            f"from each of {self.checkpoints} checkpoints"
        )


class _Reached(NamedTuple):
    world: World
    cost: int
    path: tuple[str, ...]


def search(starts: Mapping[str, World], disturbances: int, *, stop_probe: bool = True) -> Size:
    """Every moment within that many disturbances. InvariantBroken names the path to the first that breaks one."""
    moves = DISTURBANCES | (LEASES if any(world.profile == "robot" for world in starts.values()) else {})
    ahead: deque[_Reached] = deque(_Reached(world, 0, (name,)) for name, world in starts.items())
    seen = {essence(reached.world): 0 for reached in ahead}
    edges = 0
    while ahead:
        world, cost, path = ahead.popleft()
        if stop_probe:
            _stop_from(world, path)
        for name, move, price in _priced(moves, cost < disturbances):
            after = _made(world, move, (*path, name))
            if after is None:
                continue
            edges += 1
            known = essence(after)
            if seen.get(known, disturbances + 1) <= cost + price:
                continue
            seen[known] = cost + price
            reached = _Reached(after, cost + price, (*path, name))
            if price:
                ahead.append(reached)
            else:
                ahead.appendleft(reached)
    return Size(len(starts), len(seen), edges, disturbances)


def _priced(moves: Mapping[str, Move], more: bool) -> Iterable[tuple[str, Move, int]]:
    for name, move in FREE.items():
        yield name, move, 0
    if more:
        for name, move in moves.items():
            yield name, move, 1


def _made(world: World, move: Move, path: tuple[str, ...]) -> World | None:
    try:
        return move(world)
    except Exception as broken:
        raise InvariantBroken(f"{type(broken).__name__} {broken}, after: {' → '.join(path)}") from broken


def _stop_from(world: World, path: tuple[str, ...]) -> None:
    """STOP from this very moment: disarm is written (the oracle looks), and no arm and no trigger passes after it."""
    _made(world, _stopped_and_tried, (*path, "stop, then arm and trigger"))


def _stopped_and_tried(world: World) -> World:
    return world.asked(control.Stop("bob"), HOLDER).sent(TRIGGER).sent(ARM).settled_down().sent(ARM).settled_down()
