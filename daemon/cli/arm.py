"""`arm …`: what the arm's controller is asked before and after a treatment, by somebody who stands beside it.

Straight to the controller, whose own safety decides; it needs neither broker nor daemon. Nothing here moves the coil.
"""

from __future__ import annotations

from typing import Annotated

import typer

from daemon.arm.assembly import arm_of
from daemon.cli import show
from daemon.cli.place import place

app = typer.Typer(no_args_is_help=True, help="The arm's controller: switch it on, unlock it after a stop.")


@app.command()
def on(ctx: typer.Context) -> None:
    """Switch the arm's power on and open its brakes, which lets every joint move by a little. Takes up to 30 s."""
    with show.out.status("The arm is being switched on …"):
        arm_of(place(ctx).site).switch_on()
    show.out.print("The arm is powered and its brakes are open.")


@app.command()
def unlock(
    ctx: typer.Context, by: Annotated[str, typer.Option(help="Who has looked why the arm stopped; its log keeps it.")]
) -> None:
    """End a protective stop, at the soonest 5 s after it came. The arm stays where it is until it is sent."""
    arm_of(place(ctx).site).unlock(by)
    show.out.print("The stop has ended; the arm stays where it is. Send the coil away or to its target.")
