"""Evaluates every mutant in a fork of one test session that is collected once.

mutmut's own runner starts pytest anew for each mutant and takes hours for `safety/`; most mutants fall to the first
test they meet. A fork costs milliseconds; only tests that run the changed statement are asked: first those that noticed
other mutants of the function, then those of a file named after the module, then those that notice most for their time.

Runs inside the mutated tree: `python -m tests.mutation.evaluation RESULTS [TESTS...]`, with a mutant a line on stdin:
a JSON list of name, file, first and last line of the statement. A line of RESULTS: name, verdict, test that noticed.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

import coverage
import pytest

from tests.mutation import switch, tree
from tests.mutation.judgement import function_of

CORES = os.cpu_count() or 1
PROGRESS_S = 20
"""How often a line says how far it is."""

HANGS_FROM = 20
"""A mutant that takes so many times the CPU time of all the tests that judge it hangs."""

SHORTEST_LIMIT_S = 10
COSTS_S = 0.01
"""What any test costs; ten mutants noticed in a second are worth more than eleven in two."""
NOTICED, UNNOTICED, UNASKED, BROKEN = 1, 0, 2, 3
VERDICTS = {UNNOTICED: "survived", NOTICED: "killed", UNASKED: "no test", -24: "timed out"}


@dataclass(frozen=True)
class Asked:
    """A mutant to be judged, and the statement it changes."""

    name: str
    file: str
    first: int
    last: int


@dataclass(frozen=True)
class Child:
    """A process in which one mutant lives."""

    mutant: str
    said: int
    """The pipe on which it says which test noticed."""
    scratch: str


class Evaluation:
    """The plugin that takes the place of pytest's own loop over the tests. Nothing but forks ever runs one."""

    def __init__(self, mutants: list[Asked], results: TextIO) -> None:
        self._mutants = mutants
        self._results = results
        self._items: list[pytest.Item] = []
        self._failed = False
        self._took_s: list[float] = []
        self._watchers: dict[tuple[str, int], set[int]] = defaultdict(set)
        """File and line → the tests that run it, by their place among the items."""
        self._kills: dict[str, Counter[int]] = defaultdict(Counter)
        """Function, or nothing for all of them → how many of its mutants each test noticed."""
        self._children: dict[int, Child] = {}
        self._became = Counter[str]()
        self._shown = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remembers that the test which runs has failed."""
        self._failed = self._failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learns which tests run what, then judges every mutant; RuntimeError when the unchanged code fails."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self._items = session.items
        session.config.pluginmanager.unregister(name="terminalreporter")  # its dots would be those of every mutant
        gc.collect()
        gc.freeze()  # or a child's first collection would copy the whole heap
        self._learn()
        with tempfile.TemporaryDirectory(prefix="m") as place:
            free = [tempfile.mkdtemp(dir=place) for _ in range(CORES)]
            for mutant in self._mutants:
                if not free:
                    free.append(self._reap())
                self._start(mutant, free.pop())
            while self._children:
                self._reap()
        return True

    def _learn(self) -> None:
        """Runs every test once on the unchanged code."""
        share = -(-len(self._items) // CORES)
        shares = [range(first, min(first + share, len(self._items))) for first in range(0, len(self._items), share)]
        for pid, said in [in_a_fork(partial(self._live_unchanged, each)) for each in shares]:
            with os.fdopen(said) as told:
                text = told.read()
            os.waitpid(pid, 0)
            if not text:
                raise RuntimeError("the tests ended before all of them had run")
            failed, took_s, ran = json.loads(text)
            if failed:
                raise RuntimeError(f"{failed} fails on the unchanged code")
            self._took_s += took_s
            for file, tests_by_line in ran.items():
                for line, tests in tests_by_line.items():
                    self._watchers[file, int(line)] |= {int(test) for test in tests if test}

    def _live_unchanged(self, places: range, say: TextIO) -> int:
        files = sorted({mutant.file for mutant in self._mutants})
        watch = coverage.Coverage(include=files, data_file=None, config_file=False)
        watch.start()
        took_s = []
        watch.switch_context(str(places[0]))
        for place, (failed, seconds) in zip(places, self._run(places), strict=True):
            took_s.append(seconds)
            if failed:
                json.dump([self._items[place].nodeid, [], {}], say)
                return NOTICED
            watch.switch_context(str(place + 1))
        watch.stop()
        ran = watch.get_data()
        json.dump([None, took_s, {file: ran.contexts_by_lineno(str(Path(file).resolve())) for file in files}], say)
        return UNNOTICED

    def _start(self, mutant: Asked, scratch: str) -> None:
        here, anywhere, took_s = self._kills[function_of(mutant.name)], self._kills[""], self._took_s
        lines = range(mutant.first, mutant.last + 1)
        watching = {test for line in lines for test in self._watchers[mutant.file, line]}
        order = sorted(
            watching,
            key=lambda test: (
                -here[test],
                Path(mutant.file).stem not in self._items[test].path.stem,
                -anywhere[test] / (took_s[test] + COSTS_S),
            ),
        )
        limit_s = SHORTEST_LIMIT_S + HANGS_FROM * round(sum(took_s[place] for place in order))

        def live(say: TextIO) -> int:
            resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
            os.environ["PYTEST_DEBUG_TEMPROOT"] = scratch
            switch.live(mutant.name)
            for place, (failed, _) in zip(order, self._run(order), strict=True):
                if failed:
                    say.write(str(place))
                    return NOTICED
            return UNNOTICED if order else UNASKED

        pid, said = in_a_fork(live)
        self._children[pid] = Child(mutant.name, said, scratch)

    def _run(self, places: Iterable[int]) -> Iterator[tuple[bool, float]]:
        """Runs tests and says of each whether it failed and how much CPU time it took."""
        items = [self._items[place] for place in places]
        for item, after in zip_longest(items, items[1:]):
            self._failed, began = False, time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            yield self._failed, time.process_time() - began

    def _reap(self) -> str:
        """Waits for a child and notes what became of its mutant; its scratch folder is free again."""
        pid, status = os.wait()
        child = self._children.pop(pid)
        with os.fdopen(child.said) as said:
            place = said.read()
        code = os.waitstatus_to_exitcode(status)
        verdict = VERDICTS.get(code, "crashed" if code < 0 else f"ended oddly ({code})")
        if place:
            for of in (function_of(child.mutant), ""):
                self._kills[of][int(place)] += 1
        self._note(child.mutant, verdict, self._items[int(place)].nodeid if place else "")
        return child.scratch

    def _note(self, mutant: str, verdict: str, noticed_by: str = "") -> None:
        print(json.dumps([mutant, verdict, noticed_by]), file=self._results, flush=True)
        self._became[verdict] += 1
        if time.monotonic() - self._shown > PROGRESS_S:
            self._shown = time.monotonic()
            counts = ", ".join(f"{count} {what}" for what, count in self._became.most_common())
            print(f"  {self._became.total()} of {len(self._mutants)}: {counts}", file=sys.stderr)


def in_a_fork(live: Callable[[TextIO], int]) -> tuple[int, int]:
    """Lets a child live; returns its pid and the end of the pipe on which it says what it found."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    code = BROKEN  # whatever happens, a child must never return into the loop that made it
    try:
        with os.fdopen(write, "w") as say:
            code = live(say)
    finally:
        os._exit(code)


def main() -> int:
    """Collects the tests named, or those that `pyproject.toml` selects, and judges the mutants named on stdin."""
    chosen = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]
    # An assertion that explains itself costs seconds where it compares transcripts, and nobody reads it here.
    options = ["-q", "-p", "no:randomly", "--assert=plain", "--tb=no"]
    tests = sys.argv[2:] and [tree.CANARY_TESTS, *sys.argv[2:]]
    options += [*chosen["pytest_add_cli_args"], *(tests or chosen["pytest_add_cli_args_test_selection"])]
    mutants = [Asked(*json.loads(line)) for line in sys.stdin]
    with Path(sys.argv[1]).open("w") as results:
        return pytest.main(options, [Evaluation(mutants, results)])


if __name__ == "__main__":
    sys.exit(main())
