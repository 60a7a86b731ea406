"""Whole stories for the transcripts: what a refusal alone does not show, above all what is booked in the end."""

from __future__ import annotations

from collections.abc import Callable

from drivers.magstim.framing import seal
from drivers.stimulators import Field
from safety import control, events
from safety.book import Book
from safety.events import Door
from safety.ledger_format import Kind, Record, key
from tests.safety.conftest import WALL_US, VirtualRoom
from tests.safety.rooms import New, ready, running, script

MS, S = 1_000, 1_000_000
SCENES: dict[str, Callable[[New], None]] = {}


def scene(tell: Callable[[New], None]) -> Callable[[New], None]:
    """Files a story under its name."""
    SCENES[tell.__name__.replace("_", " ")] = tell
    return tell


def armed_before(room: VirtualRoom) -> None:
    """The watchdog starts behind one that died with the device armed."""
    room.bench.device.take_remote()
    room.bench.device.arm()
    room.pass_time(500 * MS)
    room.feed(events.PortFound())
    room.pass_time(2 * S)


@scene
def a_start_and_a_demo_from_first_to_last(new: New) -> None:
    room = new(start=False)
    room.start()
    room.open()
    room.release()
    room.set_train()
    for _ in range(3):
        room.run_train()
        room.stay(6 * S)
    room.ask(control.CloseSession(by="ann", why="done"))
    room.pass_time(S)


@scene
def found_armed_with_nothing_on_record(new: New) -> None:
    armed_before(new(start=False))


@scene
def found_armed_behind_a_reservation(new: New) -> None:
    subject, session = key("S-0009"), b"\7" * 8
    book = Book()
    for seq, record in enumerate(
        (
            Record(Kind.OPEN, 60, subject=subject, session=session, wall_us=WALL_US - S),
            Record(Kind.RESERVE, 20, subject=subject, session=session, wall_us=WALL_US - S),
        ),
        start=1,
    ):
        book = book.apply(seq, record)
    armed_before(new(start=False, book=book))


@scene
def a_refused_trigger_leaves_its_pulses_in_the_block(new: New) -> None:
    room = script(new)
    room.bench.device.force_wait(S)
    room.frame("EH", Door.PTY)
    room.pass_time(2 * S)
    room.release()
    for _ in range(3):
        room.arm(Door.PTY)
        room.frame("EH", Door.PTY)
        room.stay(8 * S, Door.PTY)
    room.frame("EA", Door.PTY)
    room.pass_time(S)


@scene
def a_train_nobody_triggered(new: New) -> None:
    room = ready(new)
    room.fault("panel-trigger")
    room.stay(2 * S)


@scene
def a_train_nobody_triggered_after_the_settings_were_forgotten(new: New) -> None:
    room = ready(new)
    room.bench.device.set(Field.PULSES, 33)
    room.fault("panel-trigger")
    room.stay(2 * S)


@scene
def a_lost_answer_resolved_and_gone_on(new: New) -> None:
    room = ready(new)
    room.permit()
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH")
    room.pass_time(2 * S)
    room.ask(control.Resolve(by="ann", ref=room.state.book.unknowns[0], why="the coil clicked", nonce=room.nonce))
    room.pass_time(S)
    room.stay(4 * S)
    room.release()
    room.run_train()


@scene
def a_lost_answer_in_a_script_s_block(new: New) -> None:
    room = script(new)
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH", Door.PTY)
    room.stay(3 * S, Door.PTY)


@scene
def an_emergency_in_a_train_and_its_subject_unblocked(new: New) -> None:
    room = running(new)
    room.ask(control.Emergency(by="bob"), 9)
    room.pass_time(S)
    room.ask(control.Emergency(by="ann"), 9)
    room.pass_time(S)
    room.open()
    room.ask(control.Unblock("ann", "S-0001", "dr. bianchi", "seen and well", room.nonce))
    room.pass_time(S)
    room.open()


@scene
def an_emergency_with_nothing_open_after_a_session_and_long_after_it(new: New) -> None:
    room = new()
    room.open()
    room.pass_time(S)
    room.ask(control.CloseSession(by="ann"))
    room.pass_time(S)
    room.ask(control.Emergency(by="bob"), 9)
    room.pass_time(S)
    room = new()
    room.ask(control.Emergency(by="bob"), 9)
    room.pass_time(S)


@scene
def timed_pulses_in_two_blocks(new: New) -> None:
    room = new()
    room.open("lf-right-1hz")
    room.release()
    room.set_single(level=54)
    room.arm()
    for begin_us in (100 * MS, S):
        times_us = tuple(n * S + begin_us for n in range(4))
        room.permit(level=54, rate=0, pulses=1, triggers=4, spacing_us=S, times_us=times_us)
        room.stay(2 * S)
    room.stay(8 * S)


@scene
def the_holder_dies_in_a_train(new: New) -> None:
    room = running(new)
    room.connected = False
    room.feed(events.Disconnected(7))
    room.feed(events.DoorClosed(Door.DAEMON))
    room.pass_time(2 * S)


@scene
def stopped_in_a_train_and_cut_until_it_is_too_often(new: New) -> None:
    room = running(new, profile="robot")
    for _ in range(6):
        room.lease = "none"
        room.stay(2 * S)
        room.lease = "begin"
        room.stay(7 * S)
        room.release()
        room.arm()
        room.permit()
        room.frame("EH")
        room.pass_time(500 * MS)
    room.ask(control.Stop(by="ann"))
    room.pass_time(S)


@scene
def two_persons_end_a_contradiction(new: New) -> None:
    room = ready(new)
    room.permit()
    room.fault("over-fire", pulses=3)
    room.frame("EH")
    room.stay(4 * S)
    for person in ("ann", "ann", "bob"):
        room.ask(control.Reset(by=person, nonce=room.nonce))
        room.pass_time(S)
    room.release()
    room.run_train()


@scene
def found_armed_behind_a_reservation_of_all_it_can_give(new: New) -> None:
    book = Book().apply(1, Record(Kind.OPEN, 60, session=b"\7" * 8, wall_us=WALL_US - S))
    armed_before(new(start=False, book=book.apply(2, Record(Kind.RESERVE, 50, session=b"\7" * 8, wall_us=WALL_US - S))))


@scene
def a_permit_still_on_its_way_to_the_disk_when_stop_is_asked(new: New) -> None:
    room = ready(new)
    room.disk_us = 200 * MS
    room.ask(control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20))
    room.pass_time(100 * MS)
    room.ask(control.Stop(by="ann"))
    room.pass_time(2 * S)


@scene
def a_permit_whose_disk_is_too_slow(new: New) -> None:
    room = ready(new)
    room.disk_us = 900 * MS
    room.permit()
    room.stay(3 * S)


@scene
def the_asker_goes_while_its_permit_is_examined(new: New) -> None:
    room = ready(new)
    room.disk_us = 200 * MS
    room.ask(control.AskPermit(level_tenths=450, rate_tenths=100, pulses=20))
    room.feed(events.Disconnected(7))
    room.pass_time(2 * S)


@scene
def a_door_closes_with_a_frame_under_way_and_others_waiting(new: New) -> None:
    room = new()
    room.open()
    room.release()
    frames = [seal(text) for text in (b"@044", b"@045", b"@046")]
    for frame in frames:
        room.feed(events.ClientFrame(Door.DAEMON, frame, room.dialect.effect(frame)))
    room.feed(events.DoorClosed(Door.DAEMON))
    room.pass_time(S)
    room.feed(events.DoorOpened(Door.DAEMON))
    room.frame("@047")


@scene
def the_other_door_closes_while_this_one_s_frame_is_under_way(new: New) -> None:
    room = new()
    room.open()
    room.release()
    frame = seal(b"@044")
    room.feed(events.ClientFrame(Door.DAEMON, frame, room.dialect.effect(frame)))
    room.feed(events.DoorOpened(Door.PTY))
    room.feed(events.DoorClosed(Door.PTY))
    room.pass_time(S)
    room.lines.append(f"the daemon's door heard {room.replies[Door.DAEMON]!r}")  # type: ignore[attr-defined]


@scene
def one_of_the_timed_pulses_is_refused_by_the_device(new: New) -> None:
    room = new()
    room.open("lf-right-1hz")
    room.release()
    room.set_single(level=54)
    room.arm()
    for begin_us in (100 * MS, S):
        times_us = tuple(n * S + begin_us for n in range(4))
        room.permit(level=54, rate=0, pulses=1, triggers=4, spacing_us=S, times_us=times_us)
    room.stay(2 * S)
    room.bench.device.force_wait(S)
    room.stay(6 * S)


@scene
def a_train_nobody_triggered_on_a_device_that_ignores_disarm(new: New) -> None:
    room = ready(new)
    room.fault("ignore-disarm", count=9)
    room.fault("panel-trigger")
    room.stay(3 * S)


@scene
def a_lost_answer_on_a_device_that_ignores_disarm(new: New) -> None:
    room = ready(new)
    room.permit()
    room.fault("ignore-disarm", count=9)
    room.fault("lose-reply", of="E", count=1)
    room.frame("EH")
    room.stay(4 * S)


@scene
def nonsense_from_a_client(new: New) -> None:
    room = new()
    for data in (b"\0\0\0", seal(b"@045")[:-1] + b"\0"):
        room.feed(events.ClientNoise(Door.DAEMON, data))
