"""`stop`, `emergency`, `reset`, `resolve`: what a person does when something is wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from daemon import words
from daemon.cli import show
from daemon.cli.place import Place, place, whoami
from daemon.cli.show import Exit
from daemon.client import RoomClient
from daemon.direct_stop import press_emergency, stop_arm, stop_watchdog
from daemon.guard_view import Rest
from daemon.guard_words import Request, Reset, Resolve
from daemon.messages import Answer, Code, Sentence
from daemon.runtime import Runtime
from daemon.typed import message_of
from daemon.watchdog_line import WatchdogLine, WatchdogRefused
from drivers.errors import CoilwardError, PortNotFound

ABSENT = "No stimulator is connected, and none was left armed since the watchdog started."
UNCONFIRMED = {
    Rest.NOT_YET: "The watchdog has not read the stimulator back in standby.",
    Rest.LEFT_ARMED: "The connection to the stimulator was lost while it may have been armed.",
    Rest.ABSENT: ABSENT,
}
Verb = Literal["stop", "emergency"]
_TO_WATCHDOG: Mapping[Verb, Callable[[Path, str], Rest]] = {"stop": stop_watchdog, "emergency": press_emergency}
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of words.")]


def stop(ctx: typer.Context, as_json: Json = False) -> None:
    """Disarm now. Goes to the watchdog's own socket first and over MQTT as well; needs neither control nor daemon."""
    _everywhere(ctx, "stop", "The watchdog has read the stimulator back in standby.", as_json=as_json)


def emergency(ctx: typer.Context, as_json: Json = False) -> None:
    """Disarm now, take the coil off, end the session for good and block its subject. Goes the two ways of `stop`, and
    needs neither control nor daemon. A second one adds nothing.
    """
    done = "The session is over for good. Its subject is blocked until `coilward subject unblock`."
    _everywhere(ctx, "emergency", done, as_json=as_json)


def _everywhere(ctx: typer.Context, verb: Verb, done: str, *, as_json: bool) -> None:
    ways = asyncio.run(_stop(place(ctx), verb))
    if as_json:
        show.as_json(ways)
    elif ways["standby"]:
        show.out.print(f"[bold]DISARMED.[/] {done}")
    else:
        tell_unconfirmed(ways, verb)
    raise typer.Exit(Exit.OK if ways["standby"] else Exit.UNREACHABLE)


def tell_unconfirmed(ways: Mapping[str, Any], verb: Verb = "stop") -> None:
    """What a person must do whose STOP nobody confirmed."""
    there = "no stimulator is connected" if ways["watchdog"] == ABSENT else "press STOP on the stimulator"
    why = " ".join(str(ways[way]) for way in ("watchdog", "mqtt") if ways[way] is not True)
    show.refusal(
        Sentence(what=f"{verb.upper()} is NOT CONFIRMED: {there}.", why=why, next="Then run `coilward doctor`.")
    )


async def stop_everywhere(runtime: Runtime, room: RoomClient) -> dict[str, Any]:
    """STOP by both ways. `standby` is true only when the watchdog itself has confirmed it."""
    direct = asyncio.create_task(_stop_directly(runtime, "stop"))
    over_mqtt = await _stop_over_mqtt(room, "stop")
    return _ways(await direct, over_mqtt)


async def _stop(where: Place, verb: Verb) -> dict[str, Any]:
    """The same for somebody who is not connected yet; the watchdog's own socket does not wait for the broker."""
    direct = asyncio.create_task(_stop_at(where, verb))
    over_mqtt: bool | str
    try:
        async with where.room() as room:
            over_mqtt = await _stop_over_mqtt(room, verb)
    except CoilwardError as problem:
        over_mqtt = str(problem)
    return _ways(await direct, over_mqtt)


def _ways(watchdog: bool | str, over_mqtt: bool | str) -> dict[str, Any]:
    return {"watchdog": watchdog, "mqtt": over_mqtt, "standby": watchdog is True or over_mqtt is True}


async def _stop_over_mqtt(room: RoomClient, verb: Verb) -> bool | str:
    try:
        answer = await room.ask(verb)
    except CoilwardError as problem:
        return str(problem)
    return True if answer.ok else answer.sentence.what if answer.sentence else answer.reason


async def _stop_at(where: Place, verb: Verb) -> bool | str:
    try:
        return await _stop_directly(where.runtime, verb)
    except CoilwardError as problem:
        return str(problem)


async def _stop_directly(runtime: Runtime, verb: Verb) -> bool | str:
    """The watchdog's word counts; at the same time the arm, where there is one, takes the coil off the head."""
    stopped, _ = await asyncio.gather(
        asyncio.to_thread(_stop_watchdog, runtime, verb), asyncio.to_thread(_stop_arm, runtime)
    )
    return stopped


def _stop_arm(runtime: Runtime) -> None:
    with contextlib.suppress(CoilwardError):
        stop_arm(runtime.arm_control)


def _stop_watchdog(runtime: Runtime, verb: Verb) -> bool | str:
    """True once the watchdog shows the stimulator in standby; else why not."""
    try:
        return UNCONFIRMED.get(_TO_WATCHDOG[verb](runtime.watchdog_control, whoami()), True)
    except CoilwardError as problem:
        return str(problem)


def reset(ctx: typer.Context, as_json: Json = False) -> None:
    """Lift a safety stop once its cause is clear. The graver ones take two different people within 30 s: two that sign
    in, or, where no daemon runs, two users of this machine.
    """
    where, done = place(ctx), "The safety stop is lifted."
    answer = directly(where.runtime, lambda nonce: Reset(by=whoami(), nonce=nonce))
    if answer is not None:
        raise typer.Exit(show.answer(answer, done, as_json=as_json))
    raise typer.Exit(asyncio.run(ask(where, "reset", done, as_json=as_json)))


def resolve(
    ctx: typer.Context,
    ref: Annotated[int, typer.Argument(help="Number of the unknown pulse, from `coilward status` or `doctor`.")],
    why: Annotated[str, typer.Option(help="What was seen, in your words.")],
    as_json: Json = False,
) -> None:
    """Book an unknown pulse as delivered, with a person's reason. Takes control where a daemon runs."""
    where, done = place(ctx), "Booked as delivered."
    answer = directly(where.runtime, lambda nonce: message_of(Resolve, by=whoami(), ref=ref, why=why, nonce=nonce))
    if answer is not None:
        raise typer.Exit(show.answer(answer, done, as_json=as_json))
    raise typer.Exit(asyncio.run(ask(where, "resolve", done, as_json=as_json, take=True, ref=ref, why=why)))


def directly(runtime: Runtime, request: Callable[[str], Request]) -> Answer | None:
    """The watchdog's own answer to a request that quotes its newest nonce, in a room that no daemon speaks for.

    None: a daemon is there, and its operators decide; or no watchdog is on this machine.
    """
    try:
        with WatchdogLine(runtime.watchdog_control, role="guarded") as line:
            status = line.status()
            if status["daemon"]:
                return None
            line.ask(request(status["nonce"]))
            return Answer(id="", ok=True, code=Code.OK, state_seq=0)
    except PortNotFound:
        return None
    except WatchdogRefused as no:
        sentence = words.split(str(no))
        return Answer(id="", ok=False, code=Code.REJECTED, reason=no.reason, sentence=sentence, state_seq=0)


async def ask(where: Place, verb: str, done: str, *, as_json: bool, take: bool = False, **fields: Any) -> Exit:
    """Asks for one verb, taking control before when it needs that, and prints the answer."""
    async with where.room() as room:
        await room.known(5)
        if take:
            taken = await room.ask("take")
            if not taken.ok:
                return show.answer(taken, "", as_json=as_json)
        return show.answer(await room.ask(verb, **fields), done, as_json=as_json)
