"""What a watchdog starts with: the room its files make, and the state its ledger remembers, or a lockout."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from drivers.catalogue import dialect
from drivers.errors import ConfigError
from drivers.quantities import SINGLE, Train
from drivers.stimulators import Dialect
from safety.asking import Past
from safety.authorisations import load_authorisations
from safety.clock import Clock, continued
from safety.instant import Instant
from safety.ledger_errors import LedgerBusy, LedgerError
from safety.ledger_link import LedgerLink, Spawned
from safety.ledger_writer import boot_key
from safety.protocols import Protocol, load_protocols
from safety.reasons import Reason
from safety.review import Signature, load_reviewed, study_lacks
from safety.site import Site
from safety.state import Phase, Room, State, Trip


def room_of(site: Site, dialect_of: Callable[[str, int, int], Dialect] = dialect) -> Room:
    """What the site file and the data files make of this room; ConfigError for the first that does not hold."""
    device = site.stimulator
    if site.use.value == "simulation" and not device.simulated:
        raise ConfigError("use = simulation drives a simulated stimulator only: port must begin with pty:")
    timing = site.limits.timing.slackened(site.slack)
    spoken = dialect_of(device.model, device.firmware, device.supply_volts)
    _must_let_lapse(timing.disarm_unconfirmed_repeat_us, spoken.capabilities.keep_alive_armed_us, device.model)
    return Room(
        dialect=spoken,
        limits=replace(site.limits, timing=timing),
        protocols=load_protocols(),
        authorisations=load_authorisations(site.authorisations),
        use=site.use,
        zone=site.zone,
        profile=site.profile,
        simulated=device.simulated,
        coil=device.coil,
        disarm_cuts_train=device.disarm_cuts_train,
        lacks=partial(_lacks, site, load_reviewed(site.study.reviewed) if site.study else ()),
        slack=site.slack,
        one_person=site.one_person,
        daemon_uid=site.daemon_uid,
        arm_uid=site.arm_uid,
    )


def _must_let_lapse(repeat_us: int, lapse_us: int | None, model: str) -> None:
    """Each disarm frame keeps the device awake: one that obeys none of them must find time to disarm itself."""
    if lapse_us is not None and repeat_us <= lapse_us:
        raise ConfigError(
            f"[limits] disarm_unconfirmed_repeat = {repeat_us // 1000} ms: must be above {lapse_us // 1000} ms, when "
            f"an armed {model} that hears nothing disarms itself; write a longer one"
        )


def _lacks(site: Site, signatures: tuple[Signature, ...], protocol: Protocol | None, wall_us: int) -> tuple[str, ...]:
    return study_lacks(site, protocol, signatures, wall_us)


def starting_state(
    room: Room, folder: Path, now: Instant, spawn: Callable[..., Spawned]
) -> tuple[State, LedgerLink, Clock]:
    """The state before the first event, the link to a ledger writer (to nobody in a lockout), and the clock that goes
    on where the ledger's does.
    """
    try:
        spawned = _spawned(room, folder, spawn)
    except LedgerBusy:
        raise  # nothing is wrong with the ledger: another watchdog keeps it
    except LedgerError as error:
        print(f"coilward-watchdog: LOCKED: {error}", file=sys.stderr)
        return replace(State(), phase=Phase.LOCKOUT, lockout=str(error), seen_us=now.us), _link_to_nobody(), Clock(now)
    state = State(seen_us=now.us, book=spawned.book)
    if spawned.book.last_opened is not None:
        # The last train before the restart may have just ended: its end counts as now, so intervals are kept.
        state = replace(state, past=(Past(now.us, Train(1, SINGLE)),))
    if spawned.book.open_trip:
        reason = next((each for each in Reason if each.code == spawned.book.open_trip), Reason.LATE_TICK)
        state = replace(state, phase=Phase.TRIPPED, trip=Trip(reason, now.us, "before the last start"))
    return state, spawned.link, Clock(continued(spawned.last, boot_key(), now))


def _spawned(room: Room, folder: Path, spawn: Callable[..., Spawned]) -> Spawned:
    """Waits for the writer of a watchdog that was killed: it ends by itself once it has written what it was asked."""
    give_up_s = time.monotonic() + BUSY_S
    while True:
        try:
            return spawn(folder, simulated=room.simulated)
        except LedgerBusy:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(BUSY_PAUSE_S)


BUSY_S = 5.0
"""A disk may stall for seconds before a write returns (engineering choice)."""
BUSY_PAUSE_S = 0.1


def _link_to_nobody() -> LedgerLink:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.detach()
    return LedgerLink(ours)
