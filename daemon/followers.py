"""Those who follow the room: each with a bounded queue that forgets its oldest and says how many it forgot."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from daemon.room import Happening

MAX_BEHIND: Final = 512
"""Happenings a follower may be behind (engineering choice: some seconds of pulse rows)."""
CHANGED: Final = Happening("changed")


class Followers:
    """All of them; `tell` never waits."""

    def __init__(self) -> None:
        self._queues: list[_Queue] = []

    def tell(self, happening: Happening) -> None:
        """Puts it into every queue."""
        for queue in self._queues:
            queue.put(happening)

    async def follow(self) -> AsyncIterator[Happening]:
        """What is told from now on."""
        queue = _Queue()
        self._queues.append(queue)
        try:
            while True:
                yield await queue.next()
        finally:
            self._queues.remove(queue)


class _Queue:
    def __init__(self) -> None:
        self._waiting: deque[Happening] = deque()
        self._missed = 0
        self._filled = asyncio.Event()

    def put(self, happening: Happening) -> None:
        if happening == CHANGED and self._waiting and self._waiting[-1] == CHANGED:
            return  # it says "look again", and nobody has looked yet
        if len(self._waiting) >= MAX_BEHIND:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(happening)
        self._filled.set()

    async def next(self) -> Happening:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        if self._missed:
            missed, self._missed = self._missed, 0
            return Happening("missed", {"count": missed})
        return self._waiting.popleft()
