"""`coil …`: take the coil off the head, guide it by hand, park it, and see where it is."""

from __future__ import annotations

import asyncio

import typer

from daemon import words
from daemon.arm_line import ArmLine
from daemon.arm_words import ArmView, go
from daemon.cli import show
from daemon.cli.place import Place, place
from daemon.cli.safety import Json, ask
from daemon.cli.show import Exit
from daemon.messages import Sentence
from drivers.errors import CoilwardError

app = typer.Typer(no_args_is_help=True, help="The coil on its arm: take it off the head, guide it, park it.")


@app.command()
def away(ctx: typer.Context, as_json: Json = False) -> None:
    """Take the coil off the head. Goes to the arm's own socket first and over MQTT as well; needs neither control."""
    where = place(ctx)
    direct = _directly(where)
    over_mqtt = asyncio.run(_over_mqtt(where))
    done = direct is True or over_mqtt is True
    if as_json:
        show.as_json({"arm": direct, "mqtt": over_mqtt, "away": done})
    elif done:
        show.out.print("The coil is being taken off the head; a session pauses.")
    else:
        show.refusal(
            Sentence(
                what="The coil was NOT sent away: use the arm's own stop, and move the arm by its pendant.",
                why=" ".join(str(way) for way in (direct, over_mqtt) if way is not True),
                next="Then run `coilward doctor`.",
            )
        )
    raise typer.Exit(Exit.OK if done else Exit.UNREACHABLE)


@app.command()
def guide(ctx: typer.Context, as_json: Json = False) -> None:
    """Let the arm give way to your hand, while nothing is armed; `coil away`, `coil park` or a release ends it.

    Where the coil then stands on a head `coilward target record` makes the subject's target.
    """
    done = "The arm gives way to your hand."
    raise typer.Exit(asyncio.run(ask(place(ctx), "hand-guide", done, as_json=as_json, take=True)))


@app.command()
def park(ctx: typer.Context, as_json: Json = False) -> None:
    """Send the arm to its parking place, while nothing is armed."""
    done = "The arm goes to its parking place."
    raise typer.Exit(asyncio.run(ask(place(ctx), "park", done, as_json=as_json, take=True)))


@app.command()
def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Where the coil is, as the arm itself says; needs neither broker nor daemon."""
    with ArmLine(place(ctx).runtime.arm_control) as line:
        view = line.view()
    if as_json:
        show.as_json(view.model_dump(mode="json"))
        return
    for name, text in _rows(view):
        show.out.print(f"{name:12}{text}", markup=False)


def _rows(view: ArmView) -> list[tuple[str, str]]:
    word = words.ENGLISH.coil_word(view.state)
    error, late = view.error, view.late_us
    rows = [
        ("coil", word.word),
        ("", words.ENGLISH.coil_sentence(view.state, view.why, view.trouble)),
        ("lease", {"begin": "a train may begin", "continue": "a train may go on"}.get(view.lease, "no pulses")),
        ("off target", f"{error.distance_mm:.2f} mm, {error.angle_deg:.2f}°" if error else ""),
        ("head", f"{view.head_speed_mm_s:.1f} mm/s" if view.head_speed_mm_s is not None else ""),
        ("last frame", f"{view.frame_age_ms:.0f} ms old" if view.frame_age_ms is not None else ""),
        ("robot", ", ".join(str(view.robot[name]) for name in ("mode", "safety", "program") if name in view.robot)),
        ("loop", f"{late['p99']} µs late at most 99 times of 100" if "p99" in late else ""),
    ]
    return [row for row in rows if row[1]]


def _directly(where: Place) -> bool | str:
    try:
        with ArmLine(where.runtime.arm_control) as line:
            answer = line.ask(go("away"))
    except CoilwardError as problem:
        return str(problem)
    return True if answer.ok else words.ENGLISH.coil_reason(answer.why)


async def _over_mqtt(where: Place) -> bool | str:
    """As well: the daemon pauses the session before the arm's news reaches it."""
    try:
        async with where.room() as room:
            await room.known(1)
            answer = await room.ask("coil-away")
    except CoilwardError as problem:
        return str(problem)
    return True if answer.ok else (answer.sentence.what if answer.sentence else answer.reason)
