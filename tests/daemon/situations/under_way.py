"""A session under way."""

from __future__ import annotations

from typing import Any

from tests.daemon.guard_in_memory import HASH, NONCE
from tests.daemon.situations import comes_about


@comes_about("no-session", "Nothing was done. No session is open. Start one first.")
async def _(stage: Any) -> Any:
    return await stage.room.pause("operator")


@comes_about(
    "not-at-rest", "Nothing was released. The stimulator is still being disarmed. Wait a moment, then release."
)
async def _(stage: Any) -> Any:
    await stage.opened()
    stage.guard.condition = "ready"
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about("malformed", "Nothing was asked. hash: string should match pattern '^[0-9a-f]{{32}}$'. Correct it.")
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.release("x", NONCE, "operator")


@comes_about("pause-overtaken", "The session did not come to its pause. It is complete. Open a new session.")
async def _(stage: Any) -> Any:
    stage.guard.plan = stage.guard.plan[:1]
    stage.guard._drop = lambda *_: None  # too late: the train runs to its end
    await stage.begun()
    await stage.reaches("train")
    return await stage.room.pause("operator")


@comes_about("out-of-place", "The session cannot be released now: the next train is being waited for. Pause first.")
async def _(stage: Any) -> Any:
    await stage.begun()
    return await stage.room.release(HASH, NONCE, "operator")


@comes_about("report-missing", "The session has ended. Its report is not written yet. Check the disk.")
async def _(stage: Any) -> Any:
    await stage.opened()
    stage.room._finish = lambda _treatment: None
    return await stage.room.end("operator")


@comes_about("intensity-missing", "The intensity was not changed. None was given. Name one above 0 % rMT.")
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.lower(0, "operator")


@comes_about(
    "above-prescribed",
    "The intensity was not changed. 100.1 % rMT is above what is prescribed: the protocol gives 100 % rMT. "
    "Ask for that or less.",
)
async def _(stage: Any) -> Any:
    await stage.opened()
    return await stage.room.lower(1001, "operator")


@comes_about(
    "raise-too-large",
    "The intensity was not changed. 90.1 % rMT is too far above the present 85 % rMT: a step is 5 % rMT at most. "
    "Raise step by step, asking the subject after each.",
)
async def _(stage: Any) -> Any:
    await stage.opened()
    await stage.room.lower(850, "operator")
    return await stage.room.lower(901, "operator")
