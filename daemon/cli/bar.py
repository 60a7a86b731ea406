"""The progress of a session: a bar of pulses, the train, the countdown, and one word for the state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from daemon import words
from daemon.cli.show import coil, err
from daemon.client import View

_STYLE = {"grey": "bright_black", "blue": "blue", "green": "green", "yellow": "yellow", "red": "bold red"}


class Bar:
    """Shown on stderr, so that stdout stays for results. Entered while a session runs."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[word]}"),
            TextColumn("train {task.fields[train]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("pulses {task.fields[next]}"),
            TextColumn("{task.fields[coil]}"),
            console=err,
        )
        self._task = self._progress.add_task("", total=None, word="", train="0", next="", coil="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Out of the way of a question."""
        self._progress.stop()
        yield

    def show(self, view: View | None) -> None:
        """The room as it is now. The first call makes the bar appear: a session that is refused never had one."""
        self._progress.start()
        phase = words.ENGLISH.phase(view.state.phase) if view else words.ENGLISH.unknown
        self._progress.update(self._task, word=f"[{_STYLE[phase.colour]}]{phase.word:<14}[/]")
        if view is None or view.progress is None:
            return
        if view.arm is not None:
            colour = "green" if view.arm.lease == "begin" else "yellow"
            self._progress.update(self._task, coil=f"[{colour}]coil {coil(view.arm)}[/]")
        progress, due = view.progress, view.progress.next_train_in_us
        self._progress.update(
            self._task,
            total=progress.counts.planned or None,
            completed=progress.counts.settled,
            train=f"{progress.train} of {progress.trains}",
            next=f"· next train in {due / 1e6:.1f} s" if due is not None else "",
        )


class Quiet:
    """Shows nothing: nobody looks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, view: View | None) -> None:
        """Nothing."""
