"""What `coilward guarded` must end besides the program itself: every child of its own, adopted ones included."""

from __future__ import annotations

import subprocess
import sys
import threading

from daemon.guarded import _children


def test_its_children_are_found_while_its_threads_come_and_go() -> None:
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            brief = threading.Thread(target=int)
            brief.start()
            brief.join()

    busy = [threading.Thread(target=come_and_go) for _ in range(3)]
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for thread in busy:
            thread.start()
        assert {tuple(_children()) for _ in range(500)} == {(child.pid,)}
    finally:
        over.set()
        for thread in busy:
            thread.join()
        child.kill()
        child.communicate()
