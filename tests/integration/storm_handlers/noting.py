"""Handlers that note, per room, the order of what they handled, and announce each event once.

What an event is to cost stands in its `business_id`: nothing, or one of

    moment SECS     wait so long
    hang            never return
    hang PATH       never return the first time: the file at PATH says that it happened
    block PATH      let nothing else run for `BLOCK_SECS`, the first time
"""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

from router.handler import Context, Event, handler
from router.vendors.volcengine_rtc.events import RoomCreate, RoomDestroy

Noted = Event[RoomCreate | RoomDestroy]

BLOCK_SECS = 15.0


@handler("storm-noting", events=[RoomCreate, RoomDestroy], emits=["StormNoted"])
async def storm_noting(event: Noted, context: Context) -> None:
    """Note an event, however long it takes."""
    await _note(event, context)


@handler(
    "storm-impatient",
    events=[RoomCreate, RoomDestroy],
    emits=["StormNoted"],
    timeout_secs=2,
    retry_for_secs=5,
)
async def storm_impatient(event: Noted, context: Context) -> None:
    """Note an event, within two seconds."""
    await _note(event, context)


async def _note(event: Noted, context: Context) -> None:
    """Read before the work and write after it, so that a lost update would show."""
    notes = await context.state.get(event.data.room_id) or {}
    await _work(event.data.business_id or "")
    kind = type(event.data).__name__
    notes.setdefault(kind, []).append(event.data.timestamp)
    await context.state.put(event.data.room_id, notes)
    context.emit("StormNoted", {"kind": kind, "number": event.data.timestamp})


async def _work(cost: str) -> None:
    match cost.split():
        case ["moment", secs]:
            with suppress(TimeoutError):
                async with asyncio.timeout(float(secs)):
                    await asyncio.Event().wait()
        case ["hang"]:
            await asyncio.Event().wait()
        case ["hang", path] if _is_first(path):
            await asyncio.Event().wait()
        case ["block", path] if _is_first(path):
            threading.Event().wait(BLOCK_SECS)
        case _:
            pass  # costs nothing, or no more than once


def _is_first(path: str) -> bool:
    """Tell whether nobody asked for this path before, in any process."""
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
