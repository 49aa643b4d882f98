"""`Replayer`: one handler called with events of the past, in order, at a rate.

Design: events go to this one handler in this process and nowhere else: published again they would
reach every consumer of their topic. A key has one event under way at a time, in the order in which
they come; keys go on beside each other, as many as the handler allows. What had its effect is
skipped by the memory that `consume` keeps too, so a replay may be stopped and begun anew. It is as
patient as a person who watches: failures are retried for some seconds, then counted; nothing is
written for them, the event stays where it is.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from random import random
from typing import Literal, TypeVar, get_args

import msgspec

from router.consume.call import Abandoned, Call, Calls
from router.consume.inbox import Classes, Envelope, opened
from router.consume.offsets import Offsets
from router.consume.settle import Again, Dead, Finish, Unreadable, settle
from router.consume.store import Cause, Store, Unit, Written
from router.consume.writer import Writer
from router.errors import UnavailableError, ungrouped
from router.handler import Handler
from router.ingress.printable import printable
from router.record import Received
from router.tools.dead import place_of
from router.tools.masking import masked

T = TypeVar("T")

RETRY_FOR_SECS = 10.0
AWAY_SECS = 30.0
_AWAY_AGAIN_SECS = 1.0
_CHUNK = 200

Result = Literal["done", "skipped", "other", "died", "unfinished"]
"""Handled; had its effect before; of a type that the handler does not read; failed to the end;
was not begun or not brought to an end when the wish to stop came."""


OnEnd = Callable[["Ended"], Awaitable[None]]
"""Is told what became of each event; its effect is durable by then."""


class Ended(msgspec.Struct, frozen=True):
    """What became of one event; *dead* says why it died."""

    received: Received
    result: Result
    dead: Dead | None = None


async def chunks(items: AsyncGenerator[T, None]) -> AsyncGenerator[list[T], None]:
    """Yield all items in lists, for questions that are asked once per list."""
    chunk: list[T] = []
    async with aclosing(items):
        async for item in items:
            chunk.append(item)
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk


def time_of(received: Received) -> int:
    """Return when the event happened, Unix ms, to sort by as `consume` does; 0 for no event."""
    envelope = opened(received)
    return envelope.time_ms if isinstance(envelope, Envelope) else 0


def line_of(received: Received) -> str:
    """Return the place and the event in one line without credentials."""
    envelope = opened(received)
    raw = envelope.raw if isinstance(envelope, Envelope) else {}
    words = (raw.get(name, "-") for name in ("time", "type", "subject"))
    return printable("  ".join((place_of(received), *(masked(word) for word in words))))


class UnnamedWriter(Writer):
    """Writes effects under no cause, so that they are made although they were made before."""

    async def write(self, unit: Unit) -> Written:
        """Return what became of the unit; never `had-effect`."""
        return await super().write(msgspec.structs.replace(unit, cause=None))


class Pace:
    """How fast events may begin, and whether they still may."""

    def __init__(self, rate: float, stop: asyncio.Event) -> None:
        """Take how many a second, and the wish to stop."""
        self._every_secs = 1 / rate
        self._next_at = 0.0
        self._stop = stop

    @property
    def is_over(self) -> bool:
        """Whether nothing may begin any more."""
        return self._stop.is_set()

    async def turn(self) -> None:
        """Wait until the next one may begin."""
        await self.pause(self._next_at)
        self._next_at = max(self._next_at, asyncio.get_running_loop().time()) + self._every_secs

    async def pause(self, until: float) -> None:
        """Wait until then, or for the wish to stop."""
        if until > asyncio.get_running_loop().time():
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._stop.wait()


class Replayer:
    """Calls one handler with many events.

    Attributes:
        tally: How many events came to each result.
    """

    def __init__(
        self,
        handler: Handler,
        classes: Classes,
        store: Store,
        pace: Pace,
        calls: Calls,
        repeating: Calls | None = None,
    ) -> None:
        """Take whose events they are, what remembers effects, the pace, and what calls the handler.

        With *repeating*, which writes by an `UnnamedWriter`, events that had their effect are
        called by it instead of skipped, each once.
        """
        self.tally: dict[Result, int] = dict.fromkeys(get_args(Result), 0)
        self._patience = msgspec.structs.replace(
            handler, retry_for_secs=min(handler.retry_for_secs, RETRY_FOR_SECS)
        )
        self._name = handler.name
        self._classes = classes
        self._store = store
        self._pace = pace
        self._calls = calls
        self._repeating = repeating
        self._seen: set[Cause] = set()
        self._slots = asyncio.Semaphore(handler.parallel)
        self._last: dict[bytes, asyncio.Task[None]] = {}

    async def run(self, records: AsyncGenerator[Received, None], on_end: OnEnd) -> None:
        """Call the handler with all records.

        Returns early on the wish to stop, when what was under way is at its end.

        Raises:
            UnavailableError: The database or Kafka does not answer.
        """
        with ungrouped(UnavailableError):
            async with asyncio.TaskGroup() as tasks, aclosing(chunks(records)) as lists:
                async for chunk in lists:
                    for received, envelope, way in await self._sorted(chunk):
                        if self._pace.is_over:
                            return
                        if not isinstance(way, Calls):
                            await self._end(Ended(received, way), on_end)
                        elif await self._is_turn():
                            self._begin(tasks, Call(received, envelope, Offsets()), way, on_end)

    async def _sorted(
        self, chunk: list[Received]
    ) -> list[tuple[Received, Envelope | Unreadable, Calls | Result]]:
        """Return the records, each with what calls its handler, or what it is without a call."""
        found = [(received, opened(received)) for received in chunk]
        causes = {e.cause for _, e in found if isinstance(e, Envelope) and e.cause is not None}
        known = await self._store.had_effect(self._name, tuple(causes))
        return [(received, e, self._way_of(e, known)) for received, e in found]

    def _way_of(self, envelope: Envelope | Unreadable, known: set[Cause]) -> Calls | Result:
        if isinstance(envelope, Unreadable):
            return self._calls
        if envelope.raw["type"] not in self._classes:
            return "other"
        cause = envelope.cause
        if cause is None:
            return self._calls
        is_first = cause not in self._seen
        if self._repeating is not None:
            self._seen.add(cause)
        if cause not in known:
            return self._calls
        return "skipped" if self._repeating is None or not is_first else self._repeating

    async def _is_turn(self) -> bool:
        """Wait until the next call may begin; return False on the wish to stop."""
        await self._pace.turn()
        await self._slots.acquire()
        return not self._pace.is_over

    def _begin(self, tasks: asyncio.TaskGroup, call: Call, calls: Calls, on_end: OnEnd) -> None:
        """Begin with an event once the one before it of its key is at its end."""
        key = call.received.key
        task = tasks.create_task(self._one(call, calls, on_end, self._last.get(key)))
        self._last[key] = task
        task.add_done_callback(partial(self._leave, key))

    def _leave(self, key: bytes, task: asyncio.Task[None]) -> None:
        self._slots.release()
        if self._last.get(key) is task:
            del self._last[key]

    async def _one(
        self, call: Call, calls: Calls, on_end: OnEnd, previous: asyncio.Task[None] | None
    ) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        await self._end(await self._ended(call, calls), on_end)

    async def _ended(self, call: Call, calls: Calls) -> Ended:
        """Return what becomes of an event."""
        loop, away_since = asyncio.get_running_loop(), 0.0
        while not self._pace.is_over:
            outcome = await calls.made(call)
            now = loop.time()
            if isinstance(outcome, Abandoned):
                away_since = away_since or now
                if now - away_since > AWAY_SECS:
                    raise UnavailableError("the state database does not answer")
                await self._pace.pause(now + _AWAY_AGAIN_SECS)
                continue
            decision = settle(outcome, self._patience, call.failures, now, random())  # noqa: S311 - jitter
            match decision:
                case Finish():
                    return Ended(call.received, "done")
                case Dead():
                    return Ended(call.received, "died", decision)
                case Again():
                    call.failures = decision.failures
                    await self._pace.pause(decision.at)
        return Ended(call.received, "unfinished")

    async def _end(self, ended: Ended, on_end: OnEnd) -> None:
        await on_end(ended)
        self.tally[ended.result] += 1
