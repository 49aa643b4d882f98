"""`Calls`: one call of a handler and the writing of its effects, to an outcome."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Self

import msgspec

from router.consume.context import BufferedState, CallContext, Emits, Origin
from router.consume.inbox import Classes, Envelope, typed
from router.consume.offsets import Offsets
from router.consume.settle import Failed, Failures, Unreadable
from router.consume.store import Cause, Store
from router.consume.writer import Writer
from router.errors import UnavailableError
from router.handler import DeadLetter, Event, Handler, Retry
from router.record import Received

_ENOUGH_ASKED = 5000


def wall_clock_ms() -> int:
    """Return the wall clock, Unix ms."""
    return time.time_ns() // 1_000_000


class Abandoned:
    """The call came to nothing, and that is nobody's failure: it happens again."""


class Call:
    """One event that waits for its handler, and what it has behind it."""

    def __init__(
        self, received: Received, envelope: Envelope | Unreadable, offsets: Offsets
    ) -> None:
        """Take the record, what was in it, and the offsets of its partition's present owner."""
        self.received = received
        self.envelope = envelope
        self.offsets = offsets
        self.failures = Failures()
        self.is_abandoned = False
        self.scope: asyncio.Timeout | None = None

    def abandon(self) -> None:
        """End the call now; what it has written by then stays written."""
        self.is_abandoned = True
        if self.scope is not None:
            self.scope.reschedule(asyncio.get_running_loop().time())


class Calls:
    """Makes the calls of one handler."""

    def __init__(
        self,
        handler: Handler,
        classes: Classes,
        store: Store,
        writer: Writer,
        derived_topic: Callable[[str], str],
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        """Take the handler, where its effects go, and what tells it the time."""
        self._handler = handler
        self._classes = classes
        self._store = store
        self._writer = writer
        self._emits = Emits(types=handler.emits, topic_of=derived_topic)
        self._now_ms = now_ms
        self._has_written = False
        self._asked_in_vain = 0

    def limit(self, max_emitted_bytes: int) -> Self:
        """Let no emitted record be larger than Kafka takes; return these calls."""
        self._emits = msgspec.structs.replace(self._emits, max_bytes=max_emitted_bytes)
        return self

    async def known(self, causes: Collection[Cause]) -> set[Cause]:
        """Return those of *causes* that are known to have had their effect.

        A handler that writes nothing is not asked about for long. What is missed here costs a
        call: the writing of its effects finds out.
        """
        if not causes or self._asked_in_vain >= _ENOUGH_ASKED:
            return set()
        known = await self._store.had_effect(self._handler.name, tuple(causes))
        if not known and not self._has_written:
            self._asked_in_vain += len(causes)
        return known

    def expect_duplicates(self) -> None:
        """Ask again about events that had their effect: other partitions come."""
        self._asked_in_vain = 0

    async def made(self, call: Call) -> Retry | DeadLetter | Failed | Unreadable | Abandoned | None:
        """Return the outcome of one attempt, its effects durable where it is None."""
        if isinstance(call.envelope, Unreadable):
            return call.envelope
        event = typed(call.envelope, self._classes)
        if event is None or isinstance(event, Unreadable):
            return event
        origin = Origin(
            handler=self._handler.name,
            event=call.envelope.raw,
            key=call.received.key,
            cause=call.envelope.cause,
        )
        while True:
            context = self._context(origin, call)
            outcome = await self._attempt(call, event, context)
            if outcome is not None:
                return outcome  # what it would have written is forgotten
            if call.is_abandoned:
                return Abandoned()
            unit = context.unit()
            if unit is None:
                return None
            self._has_written = True
            self._asked_in_vain = 0
            if await self._writer.write(unit) != "conflict":
                return None

    def _context(self, origin: Origin, call: Call) -> CallContext:
        return CallContext(
            origin,
            BufferedState(self._handler.name, self._store),
            self._emits,
            self._now_ms(),
            call.failures.attempts + 1,
        )

    async def _attempt(
        self, call: Call, event: Event[object], context: CallContext
    ) -> Retry | DeadLetter | Failed | Abandoned | None:
        try:
            async with asyncio.timeout(self._handler.timeout_secs) as call.scope:
                outcome = await self._handler.function(event, context)
        except UnavailableError:
            return Abandoned()  # the database is away
        except TimeoutError as error:
            if call.is_abandoned:
                return Abandoned()
            if call.scope is not None and call.scope.expired():
                return Failed("timeout", f"longer than {self._handler.timeout_secs:g} s")
            return Failed("failed", _words(error))
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return Failed("failed", _words(error))  # something inside the handler was cancelled
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its failure
            return Failed("failed", _words(error))
        finally:
            call.scope = None
        if outcome is None or isinstance(outcome, Retry | DeadLetter):
            return outcome
        return Failed("failed", f"returned {type(outcome).__name__}; None, Retry or DeadLetter")


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
