"""Fakes that fill the product's roles: Kafka in memory, and a loop whose time costs nothing.

Design: `FakeProducer` passes the suite of `tests/integration/test_producer_port.py` as the real
one does, and is as unforgiving: a lost batch breaks its partition for that producer, a closed
one writes nothing, and a caller that breaks the port's rules ends in an AssertionError. In fake
time every wait ends at once, and a wait that nothing can end is an error instead of a hang.
"""

import asyncio
import functools
import selectors
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ParamSpec

from msgspec import Struct

from router.errors import UnavailableError
from router.kafka.port import SendError
from router.record import Record

Place = tuple[str, int]
P = ParamSpec("P")


class Verdict(Struct, frozen=True, kw_only=True):
    """What becomes of a batch: written or not, and which error its sender sees, if any.

    Written and an error is the *unknown* outcome: a time-out whose batch is in the log.
    """

    error: SendError | None = None
    is_written: bool = True


WRITTEN = Verdict()


class FakeKafka:
    """The cluster behind fake producers; everything that tests ask and steer is here.

    Attributes:
        is_up: Whether a producer can start; set by the test at any time.
        is_held: Whether batches wait for `release`, as on a frozen broker.
        verdicts: What becomes of the next batches; when there are none left, they are written.
        breaking: Where every batch breaks its producer, as long as the test wants.
        producers: Every producer that was made, oldest first.
        batches: The number of records of every batch that any of them was given.
        log: What was written, by topic and partition.
    """

    def __init__(
        self,
        topics: Mapping[str, int] | None = None,
        *,
        max_message_bytes: int = 1 << 20,
        max_request_bytes: int = 2 << 20,
    ) -> None:
        """Take partitions by topic, and the largest batch that the topics and producers take."""
        self.topics = dict(topics or {})
        self.max_message_bytes = max_message_bytes
        self.max_request_bytes = max_request_bytes
        self.is_up = True
        self.is_held = False
        self.verdicts: deque[Verdict] = deque()
        self.breaking: set[Place] = set()
        self.producers: list[FakeProducer] = []
        self.batches: list[int] = []
        self.log: defaultdict[Place, list[Record]] = defaultdict(list)

    def producer(self) -> "FakeProducer":
        """Return a new producer, not started."""
        self.producers.append(FakeProducer(self))
        return self.producers[-1]

    def release(self) -> None:
        """Decide the batches that are held, and hold no more."""
        self.is_held = False
        for producer in self.producers:
            producer.go_on()

    def release_only(self, topic: str, partition: int = 0) -> None:
        """Decide the batch that is held for one partition."""
        for producer in self.producers:
            producer.go_on({(topic, partition)})

    def values(self, topic: str, partition: int = 0) -> list[bytes]:
        """Return the values in the log of one partition."""
        return [record.value for record in self.log[topic, partition]]


class FakeProducer:
    """One generation; see `router.kafka.port.Producer`."""

    def __init__(self, kafka: FakeKafka) -> None:
        """Take the cluster; nothing is connected yet."""
        self.is_started = False
        self.is_closed = False
        self.closing_fails: TimeoutError | OSError | None = None
        self._kafka = kafka
        self._held: dict[Place, tuple[Sequence[Record], asyncio.Future[None]]] = {}
        self._broken: set[Place] = set()

    async def start(self) -> None:
        """Connect; raises `UnavailableError` when the cluster is away."""
        await asyncio.sleep(0)
        if not self._kafka.is_up:
            raise UnavailableError("FakeKafka is down")
        self.is_started = True

    async def send(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> asyncio.Future[None]:
        """Take one batch, and look at whether the caller keeps the port's rules."""
        place = topic, partition
        if self.is_closed:
            raise SendError("retry", "ProducerClosed")
        if partition >= self._kafka.topics.get(topic, 0):
            raise SendError("retry", "UnknownTopicOrPartitionError")
        _require(self.is_started, "a batch for a producer that was not started")
        _require(place not in self._held, "two batches of one partition under way at once")
        is_too_large = _size(records) > self._kafka.max_request_bytes
        _require(not is_too_large or len(records) == 1, "a batch larger than max_request_bytes")
        self._kafka.batches.append(len(records))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held[place] = records, future
        if not self._kafka.is_held:
            self.go_on()
        return future

    async def close(self) -> None:
        """End at once: what is held fails, is not written, and may be sent by the next one."""
        self.is_closed = True
        held, self._held = self._held, {}
        for _, future in held.values():
            future.set_exception(SendError("retry", "ProducerClosed"))
        await asyncio.sleep(0)
        if self.closing_fails is not None:
            raise self.closing_fails

    def go_on(self, places: AbstractSet[Place] | None = None) -> None:
        """Decide what is held, or only what is held for *places*."""
        for place in [place for place in self._held if places is None or place in places]:
            records, future = self._held.pop(place)
            verdict = self._verdict(place, records)
            if verdict.is_written:
                self._kafka.log[place] += records
            if verdict.error is None:
                future.set_result(None)
            else:
                if verdict.error.remedy == "replace":
                    self._broken.add(place)
                future.set_exception(verdict.error)

    def _verdict(self, place: Place, records: Sequence[Record]) -> Verdict:
        if place in self._broken | self._kafka.breaking:  # as aiokafka, with idempotence on
            return Verdict(error=SendError("replace", "OutOfOrderSequenceNumber"), is_written=False)
        if _size(records) > self._kafka.max_message_bytes:
            return Verdict(error=SendError("refuse", "MessageSizeTooLargeError"), is_written=False)
        return self._kafka.verdicts.popleft() if self._kafka.verdicts else WRITTEN


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """A loop that jumps to its next timer when nothing is ready."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._now = 0.0
        super().__init__(_JumpingSelector(self.jump))

    def time(self) -> float:
        """Return the seconds that were jumped over."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._now += seconds


class _JumpingSelector(selectors.SelectSelector):
    """Waits never; says instead how long it would have."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("every task waits, and nothing can end it")
        self._jump(timeout)
        return super().select(0)


def in_fake_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Return *test* as a function that runs it on a `FakeTimeLoop` of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=FakeTimeLoop) as runner:
            runner.run(_awaited(test(*args, **kwargs)))

    return run


def now() -> float:
    """Return the loop's time: the fake one in fake time."""
    return asyncio.get_running_loop().time()


async def passed(seconds: float) -> None:
    """Return when so much of the loop's time has passed, at least a turn of the loop."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()


async def _awaited(awaitable: Awaitable[Any]) -> None:
    await awaitable


def _size(records: Sequence[Record]) -> int:
    return sum(len(record.value) + len(record.key) for record in records)


def _require(claim: bool, otherwise: str) -> None:  # noqa: FBT001 - as an assertion reads
    if not claim:
        raise AssertionError(otherwise)
