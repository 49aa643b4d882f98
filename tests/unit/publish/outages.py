"""Processes that publish while Kafka, the disk and they themselves fail; and what must hold.

Design: a plan is a list of steps, so that Hypothesis can make it and shrink it. Kafka and the
folder outlive each process, as what is durable does; everything else is gone with a crash, and
what a dead process had under way may or may not have been written. What is told is checked when
it is told, the rest at the end, when all is well again and everything was worked off.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from hypothesis import strategies as st

from router.kafka.port import SendError
from router.observability import Metrics
from router.publish.lane import Ticket
from router.publish.publisher import Publisher
from router.record import Record
from tests.fakes import FakeKafka, Place, Verdict, in_fake_time, now, passed
from tests.fakes_spool import FakeFolder, FakeSpool
from tests.unit.publish.publishing import SOFT_SECS

TOPICS = ("a", "b")
KEYS = "klm"
HARD_SECS = 3.0
TOO_LARGE = 3000
_LONG_SECS = 3600.0
_ERRORS = (
    Verdict(error=SendError("retry", "NotEnoughReplicas"), is_written=False),
    Verdict(error=SendError("retry", "KafkaTimeoutError"), is_written=True),
    Verdict(error=SendError("replace", "OutOfOrderSequenceNumber"), is_written=False),
    Verdict(error=SendError("replace", "ProducerFenced"), is_written=True),
)

Step = tuple[str, int]
"""What is done, and a number that it makes something of."""

STEPS = st.one_of(
    st.tuples(st.sampled_from(["tell", "tell", "burst", "pass", "pass"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["hold", "away", "error", "grow"]), st.integers(0, 9)),
    st.tuples(
        st.sampled_from(["hang", "full", "fail", "unreadable", "dark", "dark"]), st.integers(0, 9)
    ),
    st.tuples(st.sampled_from(["crash", "restart"]), st.integers(0, 9)),
)
PLANS = st.tuples(st.integers(0, 2**32), st.lists(STEPS, min_size=5, max_size=40))


class _Log(list[Record]):
    """One partition, which notes in which order records came to all of them."""

    def __init__(self, order: list[Record]) -> None:
        super().__init__()
        self._order = order

    def __iadd__(self, records: Iterable[Record]) -> Self:  # type: ignore[override,misc] # as list's
        new = list(records)
        self._order += new
        return super().__iadd__(new)


class Outages:
    """One run of a plan."""

    def __init__(self, seed: int, kind: type[Publisher]) -> None:
        """Take where all chance comes from, and what publishes."""
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._kind = kind
        self.kafka = FakeKafka(dict.fromkeys(TOPICS, 1), max_message_bytes=TOO_LARGE // 2)
        self.order: list[Record] = []
        self.kafka.log = defaultdict(lambda: _Log(self.order))
        self.folder = FakeFolder()
        self.told: set[int] = set()
        self.given_up: set[int] = set()
        self._events: list[list[Record]] = []
        self._faults: list[str] = []

    async def start(self) -> None:
        """Begin with a process."""
        self._spool = FakeSpool(self.folder)
        self._publisher = self._kind(
            self.kafka.producer, _hash_of, Metrics(), self.kafka.max_request_bytes, self._spool
        )
        self._publisher.learn(self.kafka.topics)
        self._working = asyncio.create_task(self._publisher.run())
        self._timers: list[asyncio.TimerHandle] = []
        await asyncio.sleep(0)

    async def step(self, name: str, number: int) -> None:
        """Do one thing."""
        match name:
            case "tell":
                self._tell(number)
            case "burst":
                for each in range(10 * number):
                    self._tell(each)
            case "pass":
                await passed(self._chance.choice([0.001, 0.01, 0.1, 0.4, 3.1, 40.0]))
            case "error":
                self.kafka.verdicts.append(_ERRORS[number % len(_ERRORS)])
            case "grow":
                topic = TOPICS[number % 2]
                self.kafka.topics[topic] = min(4, self.kafka.topics[topic] + 1)
                self._publisher.learn(self.kafka.topics)
            case "crash":
                await self._crash()
            case "restart":
                await self._publisher.stop(1.0)
                await self._crash()
            case _:
                self._turn(name, is_on=number < 5)

    async def end(self) -> None:
        """Heal everything, wait until all is worked off, and look at what there is."""
        self._turn("unreadable", is_on=False)
        self._turn("full", is_on=False)
        self.folder.failing = 0
        self.kafka.verdicts.clear()
        for name in ("hang", "away", "hold"):
            self._turn(name, is_on=False)
        async with asyncio.timeout(_LONG_SECS):
            while not self._publisher.is_empty:
                await passed(0.05)
        await passed(5.0)  # what is being synced is told
        await self._end_process()
        assert not self._faults, self._faults
        self._check_the_end()

    def _turn(self, name: str, *, is_on: bool) -> None:
        match name:
            case "hold" | "away":
                if name == "away":
                    self.kafka.is_up = not is_on
                self.kafka.is_held = is_on
                if not is_on:
                    self.kafka.release()
            case "dark":
                self._turn("hold", is_on=is_on)
                self._turn("full", is_on=is_on)
            case "hang":
                self.folder.is_held = is_on
                if not is_on:
                    self.folder.release()
            case "full":
                self.folder.is_full = is_on
            case "fail":
                self.folder.failing += is_on
            case _:
                self.folder.is_unreadable = is_on

    def _tell(self, number: int) -> None:
        event = len(self._events)
        size = TOO_LARGE if self._chance.random() < 0.02 else self._chance.choice([5, 1000])
        topics = TOPICS if number == 0 else (TOPICS[number % 2],)
        value = str(event).ljust(size).encode()
        key = KEYS[number % len(KEYS)].encode()
        records = [Record(topic=each, key=key, value=value, headers=()) for each in topics]
        self._events.append(records)
        soft_secs = self._chance.choice([SOFT_SECS, SOFT_SECS, 0.1])
        ticket = self._publisher.publish(records, lambda: self._is_told(event), now() + soft_secs)
        end = asyncio.get_running_loop().call_later(HARD_SECS, self._give_up, event, ticket)
        self._timers.append(end)

    def _give_up(self, event: int, ticket: Ticket) -> None:
        if event not in self.told:
            self.given_up.add(event)
            ticket.abandon()

    def _is_told(self, event: int) -> None:
        if event in self.told or event in self.given_up:
            self._faults.append(f"{event} is told twice, or after its 503")
        self.told.add(event)
        for record in self._events[event]:
            if not self._is_durable(record):
                self._faults.append(f"{event} is told, and not durable in {record.topic}")

    def _is_durable(self, record: Record) -> bool:
        return (
            any(record is each for each in reversed(self.order))
            or any(record is each.record for each in self.folder.kept.values())
            or any(record is refused for refused, _ in self.folder.refused)
        )

    async def _crash(self) -> None:
        """End as `kill -9` does; a batch under way is written, or it is not."""
        await self._end_process()
        for producer in self.kafka.producers:
            held: dict[Place, object] = dict(producer._held)
            for place in held:
                records, _ = producer._held.pop(place)
                if (
                    self._chance.random() < 0.5
                    and sum(len(each.value) for each in records) < TOO_LARGE
                ):
                    self.kafka.log[place] += list(records)
            producer.is_closed = True
        await self.start()

    async def _end_process(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._working.cancel()
        with suppress(asyncio.CancelledError):
            await self._working

    def _check_the_end(self) -> None:
        for event in self.told:
            for record in self._events[event]:
                is_there = any(record is each for each in self.order) or any(
                    record is refused for refused, _ in self.folder.refused
                )
                assert is_there, f"{event} was told and is not in {record.topic}"
        assert not self.folder.kept, "all is well, and something is still on disk"
        firsts: defaultdict[tuple[str, bytes], list[int]] = defaultdict(list)
        for record in dict.fromkeys(self.order):
            event = int(record.value)
            assert record in self._events[event], "something that nobody has published"
            if event in self.told:
                firsts[record.topic, record.key].append(event)
        for place, events in firsts.items():
            assert events == sorted(events), f"{place} is not in the order of acceptance"


def suffer(plan: tuple[int, list[Step]], kind: type[Publisher]) -> None:
    """Run a plan; raises AssertionError where something that must hold does not."""

    @in_fake_time
    async def run() -> None:
        seed, steps = plan
        outages = Outages(seed, kind)
        await outages.start()
        for name, number in steps:
            await outages.step(name, number)
        await outages.end()

    run()


def _hash_of(key: bytes) -> int:
    return key[0]
