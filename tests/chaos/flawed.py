"""Twins of the service with one mistake each: what must not pass the classes does not.

Design: each twin is the obvious way to write the thing, and wrong in a way that shows only when
something breaks. A class of faults that lets its twin pass proves nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from router.kafka.port import SendError
from router.kafka.producer import KafkaProducer
from router.publish.generation import Generations
from router.publish.lane import Lane, Ticket, Waiting
from router.publish.publisher import Publisher
from router.record import Record
from router.spool import recovery, segment
from router.spool.disk import Disk
from router.spool.files import segment_path
from router.spool.store import Store


def early_answer() -> None:
    """Answer 200 as soon as the records are taken, before anybody has them."""
    publish = Publisher.publish

    def hasty(
        self: Publisher, records: Sequence[Record], on_durable: Callable[[], None], *more: Any
    ) -> Ticket:
        ticket = publish(self, records, lambda: None, *more)
        asyncio.get_running_loop().call_soon(on_durable)
        return ticket

    _swap(Publisher, "publish", hasty)


def poisoned_producer() -> None:
    """Keep a producer that can never write a partition again after a refusal."""

    async def replace(self: Generations, reason: str) -> None:
        del self, reason

    def refused(*ended: Any) -> SendError:
        *_, error = ended
        return cast("SendError", error)

    _swap(Generations, "replace", replace)
    _swap(KafkaProducer, "_refused", refused)


def no_sync() -> None:
    """Trust the page cache: a record is told durable once it is written."""
    _swap(Disk, "fdatasync", lambda *_: None)


def live_overtakes() -> None:
    """Send what is in memory while older records of the lane wait on disk."""

    def front(self: Lane) -> deque[Waiting] | None:
        return self.head or self.tail or None

    _swap(Lane, "_front", front)


def unlink_first() -> None:
    """Remove segments before the cursor says that they no longer count."""

    def remove(
        self: Store, before: Sequence[int], between: Sequence[int], first: int | None
    ) -> bool:
        for number in before:
            self._unlink(segment_path(self._folder, number))
        return rightly(self, before, between, first)

    rightly = Store.remove
    _swap(Store, "remove", remove)


def torn_tail() -> None:
    """Take for a record whatever has the length of one."""

    def payload_at(data: bytes, offset: int, seed: int) -> bytes | None:
        del seed
        size = segment.whole_bytes(data, offset)
        if size is None or offset + size > len(data):
            return None
        return data[offset + segment.FRAME_BYTES : offset + size]

    for module in (segment, recovery):
        _swap(module, "payload_at", payload_at)


def _swap(owner: object, name: str, function: Callable[..., Any]) -> None:
    """Give a class or a module another function, before anything is made of it."""
    setattr(owner, name, function)


TWINS: Final[dict[str, Callable[[], None]]] = {
    "early-answer": early_answer,
    "no-sync": no_sync,
    "live-overtakes": live_overtakes,
    "unlink-first": unlink_first,
    "torn-tail": torn_tail,
    "poisoned-producer": poisoned_producer,
}
"""By the names that `--twin` takes."""

CAUGHT_BY: Final = {
    "early-answer": ("fdatasync takes 1 s, Kafka away", "before the disk had its record"),
    "no-sync": ("fdatasync takes 1 s, Kafka away", "before the disk had its record"),
    "live-overtakes": ("kill -9 at random, Kafka away", "out of order"),
    "unlink-first": ("kill -9 at segment_unlinked, Kafka back", "a segment was missing"),
    "torn-tail": ("torn write, Kafka away", "never sent"),
    "poisoned-producer": ("records that Kafka refuses", "still in the spool"),
}
"""The class that must fail for each twin, and a part of what it says then."""
