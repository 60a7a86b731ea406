"""Work that goes on exactly as long as a block does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """`work` runs while the block does and is cancelled with it; a fault in it ends the block.

    What the block itself raises comes out as it is, not wrapped in a group.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work)
            try:
                yield
            finally:
                task.cancel()
    except BaseExceptionGroup as several:
        if len(several.exceptions) > 1:
            raise
        only = several.exceptions[0]
        raise only from only.__cause__
