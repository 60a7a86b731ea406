"""Breadth-first search of the small world: from checkpoints along one treatment, every move at every moment.

A path costs the disturbances in it; the natural course between them is free and is interleaved in every way. Two
moments are one when everything that can still matter is equal: times are taken relative to now and end where the
last deadline on them has passed, numbers that only grow are taken relative to the newest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from safety import control, events
from safety.book import Book
from safety.ledger_format import key
from safety.state import State
from tests.small_world.device import ARM, DISARM, LEVEL_OVER, MS, REMOTE, STATUS, TRIGGER
from tests.small_world.moves import DISTURBANCES, FREE, LEASES, Move
from tests.small_world.oracle import Books, InvariantBroken
from tests.small_world.world import ANYBODY, ARM_LOOP, HOLDER, SUBJECT, World

# --- one moment, as far as it matters -----------------------------------------------------------------------------

_OLDEST_MS = 6_500
"""Longer than the gap between trains: after so long nothing depends on it any more."""


def _age(us: int | None, now_us: int, oldest_ms: int = _OLDEST_MS) -> int | None:
    return None if us is None else min((now_us - us) // MS, oldest_ms)


def _gate(state: State, now_us: int) -> tuple[Any, ...]:
    """The gate's state: what is not here cannot change, follows from what is here, or only grows."""
    last, device, beats, session = state.book.last_seq, state.device, state.beats, state.session
    pending, delivery, disarming, trip = state.pending, state.delivery, state.disarming, state.trip
    exchange = state.wire.open
    return (
        state.phase, state.speaker, state.daemon_attached, state.fired_since_arm, state.lease, state.hold, state.run,
        state.roles,
        trip and (trip.reason, trip.first_person),
        exchange and (exchange.frame, exchange.asker, _age(exchange.at_us, now_us, 310)),
        tuple((each.door, each.frame, _age(each.since_us, now_us, 310)) for each in state.wire.queue),
        tuple((each.frame, _age(each.until_us, now_us)) for each in state.wire.owed),
        (device.present, device.condition, device.remote, device.coil_present, device.settings, device.agreed,
         device.confirmed, device.temperature_tenths, _age(device.condition_at_us, now_us, 1_010),
         _age(device.settings_at_us, now_us, 1_010), _age(device.temperature_at_us, now_us, 2_010)),
        disarming and (disarming.boot, disarming.waiting, disarming.overdue,
                       tuple(_age(at_us, now_us, 1_010) for at_us in disarming.unanswered_us),
                       _age(disarming.since_us, now_us, 1_010), _age(disarming.last_us, now_us, 1_510)),
        session and (session.released, session.paused, session.cuts, session.ceiling, session.delivered_at),
        pending and (_age(pending.since_us, now_us, 510), pending.token and state.next_token - pending.token),
        tuple((each.left, each.index, last - each.block.ref, each.block.spent, each.block.settled,
               _age(each.expires_us, now_us, 10)) for each in state.permits),
        delivery and (delivery.cut, delivery.over, _age(delivery.written_us, now_us, 1_310),
                      _age(delivery.accepted_us, now_us, 1_310), _age(delivery.running_asked_us, now_us, 310)),
        _age(state.armed_at_us, now_us, 5_010), _age(state.standby_at_us, now_us, 310),
        _age(state.train_ended_us, now_us, 310), _age(state.status_asked_us, now_us, 260),
        _age(state.lease_at_us, now_us, 160), _age(state.good_since_us, now_us, 1_010),
        _age(beats.session_at_us, now_us, 260), _age(beats.driver_at_us, now_us, 260),
        _age(beats.presence_at_us, now_us, 3_010),
        tuple(_age(past.first_us, now_us) for past in state.past),
        tuple((_age(at, now_us, 2_010) or 0) // 250 for _, at in state.nonces[-2:]),
        any(at > state.stopped_us for _, at in state.nonces), len(state.unwanted),
        tuple((each.kind, each.pulses, last - each.ref, _age(at, now_us, 210)) for _, each, at in state.commits),
        state.emergency is None, _confirming(state, now_us), _book(state.book),
    )  # fmt: skip


def _confirming(state: State, now_us: int) -> tuple[Any, ...] | None:
    waits = state.confirming
    return (waits.message, state.next_token - waits.token, _age(waits.since_us, now_us, 510)) if waits else None


def _book(book: Book) -> tuple[Any, ...]:
    opened, last = book.last_opened, book.last_seq
    counted = book.session(opened.session) if opened else 0
    waiting = tuple((last - ref, pulses) for ref, pulses in book.open_reservations)
    stands = (book.blocked(key(SUBJECT)), book.emergency is None)
    return counted, tuple(last - ref for ref in book.unknowns), waiting, stands


def _books(books: Books, now_us: int, last_seq: int) -> tuple[Any, ...]:
    """The part of the oracle's books that the gate's state does not already tell apart."""
    return (
        books.released, books.tripped, books.doubt, books.under_way, min(books.arms, 1), min(books.triggers, 1),
        tuple((last_seq - seq, n, left) for seq, n, left in books.counted if seq in books.this_session),
        books.last_us and min((now_us - books.last_us) // MS, 6_500),
        tuple((grant.left, last_seq - grant.ref) for _, grant in books.grants),
        books.disarm_since_us is None, books.ready_us is None, len(books.requests), books.lifted,
    )  # fmt: skip


def essence(world: World) -> tuple[Any, ...]:
    """The moment, hashable; equal for moments from which the same can follow."""
    now_us, device, gate = world.now_us, world.device, world.gate
    physical = (
        device.armed_us and min((now_us - device.armed_us) // MS, 1_010),
        device.train_us and min((now_us - device.train_us) // MS, 310),
        device.cut_at is None, device.level, device.celsius_tenths, device.coil, device.foreign,
        device.fired(now_us),
    )  # fmt: skip
    return (
        _gate(gate, now_us), _books(world.books, now_us, gate.book.last_seq), physical, world.line, len(world.disk),
        world.turning, world.present, min(world.away_us // MS, 3_010), world.lease, world.connected,
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
    world = World(profile, state, Books(seen_us=origin_us), origin_us, origin_us)
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
    at["asking behind a question"] = world.sent(STATUS)
    at["the ledger fails"] = world.feed(events.CommitFailed("the disk is full"))
    world = at["granted"] = world.confirmed()
    at["granted, and the arm loop hangs"] = world._replace(lease="").passed(160 * MS, every_us=80 * MS)
    at["disarmed with a permit"] = world.sent(DISARM)
    at["a disarm is answered late"] = world.sent(DISARM).passed(150 * MS).confirmed().answered()
    at["an answer to a disarm is still to come"] = world.sent(DISARM).passed(150 * MS).confirmed().answered().answered()
    world = at["triggered"] = world.sent(TRIGGER)
    silent = world.answered(b"").passed(301 * MS)
    at["unknown, not yet written down"] = silent.passed(51 * MS).answered().answered().with_nonce()
    at["unknown"] = _fresh(silent.settled_down())
    world = world.answered()
    world = at["running"] = world.passed(60 * MS, every_us=20 * MS)
    at["hung in a train"] = world._replace(turning=(False, True)).passed(240 * MS, every_us=60 * MS)
    at["an emergency in a train"] = world.asked(control.Emergency("bob"), ANYBODY)
    at["cut"] = world.asked(control.Stop("bob"), HOLDER)
    at["closed in a train"] = world.asked(control.CloseSession("ann"))
    at["ledger failed in a train"] = world.feed(events.CommitFailed("the disk is gone"))
    world = at["train over"] = world.passed(180 * MS, every_us=60 * MS)
    world = at["parked"] = _fresh(_passed(world.settled_down(), 600 * MS))
    world = at["armed too early"] = _fresh(_passed(world.sent(ARM).settled_down(), 1_700 * MS))
    world = _passed(world.sent(DISARM), 3_000 * MS)
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
    """STOP, or Emergency, from this very moment: disarm is written (the oracle looks), and no arm and no trigger passes
    after it; after an emergency not even a release does.
    """
    _made(world, lambda one: _tried(one.asked(control.Stop("bob"), HOLDER)), (*path, "stop, then arm and trigger"))
    _made(world, _pressed_and_tried, (*path, "emergency, then release, arm and trigger"))


def _tried(world: World) -> World:
    return world.sent(TRIGGER).sent(ARM).settled_down().sent(ARM).settled_down()


def _pressed_and_tried(world: World) -> World:
    world = world.asked(control.Emergency("bob"), ANYBODY)
    if world.gate.session is not None:
        raise InvariantBroken("I10: an emergency ends the session in the same step")
    return _tried(world.with_nonce().released())
