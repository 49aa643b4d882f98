"""`Backfill`: what the vendor tried to tell and our topics do not hold, published now.

Design: nothing is remembered between runs. What is in Kafka is the only truth about what is
missing, so each batch of calls is compared with it anew, up to its very end: a run that was broken
off is begun again, and finds what it had done. At most `Job.max_held` events are held at a time,
since a bad day has many; the topics are read once per so many.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial
from operator import attrgetter

from msgspec import Struct, structs

from router.app.live import client_of
from router.app.repair import topics_there
from router.assembly import base_topics_of, kafka_settings_of, routes_of, sources_of, topics_of
from router.config import Configuration
from router.errors import CallbackRouterError, UnavailableError, ungrouped
from router.ingress.receive import Accepted, Instant
from router.kafka.admin import KafkaAdmin
from router.kafka.consumer import Bounds, KafkaRange
from router.kafka.producer import KafkaProducer, hash_of
from router.live_api import DescribeLiveCallbackData, LiveClient
from router.live_api.api import MAX_PAGE_SIZE, CallbackCall
from router.live_api.backfill import (
    MARGIN_MS,
    ROOM_MS,
    Candidate,
    Entrances,
    Left,
    Name,
    Window,
    candidate_of,
    fault_of,
    is_surely_missing,
    missing_of,
    name_of,
    slices,
)
from router.live_api.wanted import wanted_of, without_token
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.record import Partition, Record

_BATCH = 500
_SEND_SECS = 30.0
_STOP_SECS = 5.0
_TELL_SECS = 1.0


class Job(Struct, frozen=True, kw_only=True):
    """What to fill.

    Attributes:
        window: When the vendor called.
        statuses: Which calls, in the vendor's words; none: all.
        is_dry: Whether nothing is published.
        is_forced: Whether what may have been deleted in Kafka counts as missing.
        page_size: Calls that are asked for at a time.
        max_held: Events that are compared with the topics at a time, but for a page.
    """

    window: Window
    statuses: tuple[str, ...]
    is_dry: bool
    is_forced: bool = False
    page_size: int = MAX_PAGE_SIZE
    max_held: int = 20_000


class Tally(Struct, kw_only=True):
    """What became of the calls so far.

    Attributes:
        calls: Those that the vendor told of.
        elsewhere: To URLs that are not configured.
        unreadable: Whose body is cut off, or no callback.
        again: Further calls of one event.
        dropped: That a rule drops.
        there: Whose event Kafka has.
        unknown: Whose event it may have had, and deleted.
        missing: Whose event it had not.
        published: That it has now.
        refused: That it will not take.
    """

    calls: int = 0
    elsewhere: int = 0
    unreadable: int = 0
    again: int = 0
    dropped: int = 0
    there: int = 0
    unknown: int = 0
    missing: int = 0
    published: int = 0
    refused: int = 0


class Teller(Struct, frozen=True, kw_only=True):
    """Who is told what while it runs.

    Attributes:
        progress: Every second.
        missing: Each event that was not there.
        unknown: Each event that may have been there once.
        unreadable: Each call whose body cannot be read, and why.
    """

    progress: Callable[[Tally], None]
    missing: Callable[[Accepted], None]
    unknown: Callable[[Accepted], None]
    unreadable: Callable[[CallbackCall, str], None]


class _Seen(Struct, frozen=True, kw_only=True):
    """What Kafka holds: by name in which topics, and since when each partition has everything."""

    there: Mapping[Name, set[str]]
    partitions: Mapping[str, int]
    since_ms: Mapping[Partition, float]

    def whole_since(self, record: Record) -> float:
        """Return since when the partition of a compared topic's record holds every record."""
        return self.since_ms[record.topic, hash_of(record.key) % self.partitions[record.topic]]


class Backfill:
    """One run; `tally` is how far it is."""

    def __init__(
        self, configuration: Configuration, job: Job, stop: asyncio.Event, teller: Teller
    ) -> None:
        """Assemble it; nothing runs yet. Needs a running loop."""
        self._configuration = configuration
        self._job = job
        self._stop = stop
        self._teller = teller
        self._settings = kafka_settings_of(configuration)
        sources = sources_of(configuration)
        self._wanted = wanted_of(configuration)
        tokens = tuple(dict.fromkeys(token for each in self._wanted for token in each.tokens))
        self._entrances = Entrances(
            by_url={
                without_token(each.url, tokens): sources.by_name[each.source]
                for each in self._wanted
            },
            tokens=tokens,
            limits=sources.limits,
            routes=routes_of(configuration),
        )
        self._publisher = Publisher(
            partial(KafkaProducer, self._settings),
            hash_of,
            Metrics(),
            self._settings.max_request_bytes,
        )
        self._candidates: dict[Name, Candidate] = {}
        self._done: set[Name] = set()
        self._compared: dict[str, Mapping[str, str]] = {}
        self.tally = Tally()

    async def fault(self) -> str | None:
        """Return why the window cannot be compared with the topics, or None if it can.

        Raises:
            UnavailableError: A topic is missing, or no broker answers.
        """
        sources = {each.source for each in self._wanted}
        base = {topic for name in sources for topic in base_topics_of(self._configuration, name)}
        topics = topics_of(self._configuration, sources)
        await topics_there(self._settings, topics)
        admin = KafkaAdmin(self._settings)
        try:
            states = await admin.states(topics)
        finally:
            await admin.close()
        settings = {name: state.settings for name, state in states.items()}
        judged = partial(fault_of, self._job.window, now_ms=_now_ms(), room_ms=ROOM_MS)
        self._compared = {
            name: found
            for name, found in settings.items()
            if name in base or judged(settings={name: found}) is None
        }
        return judged(settings=self._compared)

    async def run(self) -> None:
        """Work to the end of the window, or until told to stop.

        Raises:
            LiveApiError: The vendor does not tell.
            UnavailableError: Kafka does not answer, does not take a record, or has deleted
                what is to be compared.
        """
        if why := await self.fault():
            raise UnavailableError(why)
        self._publisher.learn(await topics_there(self._settings, topics_of(self._configuration)))
        with ungrouped(CallbackRouterError):
            async with asyncio.TaskGroup() as tasks, client_of(self._configuration) as client:
                beside = [tasks.create_task(self._publisher.run()), tasks.create_task(self._tell())]
                try:
                    for window in slices(self._job.window):
                        if not self._stop.is_set():
                            await self._fill(client, window)
                finally:
                    await self._publisher.stop(_STOP_SECS)
                    for task in beside:
                        task.cancel()

    async def _fill(self, client: LiveClient, window: Window) -> None:
        request = DescribeLiveCallbackData(
            domain_list=self._domains(),
            callback_status=self._job.statuses,
            start_secs=window.since_secs,
            end_secs=window.until_secs,
            page_size=self._job.page_size,
        )
        async for page in client.describe_live_callback_data(request):
            for call in page.calls:
                self._take(call)
            if self._stop.is_set():
                return
            if len(self._candidates) >= self._job.max_held:
                await self._settle(window)
        await self._settle(window)

    def _domains(self) -> tuple[str, ...]:
        """Return the domains to ask for; none where a vhost is named, whose domains nobody tells."""
        domains = dict.fromkeys(each.place.domain for each in self._wanted)
        return () if "" in domains else tuple(domains)

    def _take(self, call: CallbackCall) -> None:
        """Keep what may be missing: of several calls of one event the earliest."""
        tally = self.tally
        tally.calls += 1
        found = candidate_of(call, self._entrances, Instant(_now_ms(), uuid.uuid4().hex))
        if isinstance(found, Left):
            if found.why == "elsewhere":
                tally.elsewhere += 1
            else:
                tally.unreadable += 1
                self._teller.unreadable(call, found.detail)
        elif not found.accepted.records:
            tally.dropped += 1
        elif found.names[0] in self._done:
            tally.again += 1
        else:
            known = self._candidates.get(found.names[0])
            tally.again += known is not None
            if known is None or _called(found) < _called(known):
                self._candidates[found.names[0]] = found

    async def _settle(self, window: Window) -> None:
        """Publish what is missing of those that are held, and hold none."""
        held, self._candidates = self._candidates, {}
        if not held:
            return
        since_ms = window.since_secs * 1000
        seen = await self._seen(held, since_ms)
        if why := fault_of(window, self._compared, _now_ms()):
            raise UnavailableError(why)
        self._done |= held.keys()
        missing = self._missing(held, seen, since_ms)
        for accepted in missing:
            self._teller.missing(accepted)
        for begin in range(0, 0 if self._job.is_dry else len(missing), _BATCH):
            if self._stop.is_set():
                return
            await self._publish(missing[begin : begin + _BATCH])

    def _missing(
        self, held: Mapping[Name, Candidate], seen: "_Seen", since_ms: int
    ) -> list[Accepted]:
        """Return the events that are missing, with those of their records that are; count all."""
        missing: list[Accepted] = []
        for each in held.values():
            records = missing_of(each, seen.there, self._compared)
            accepted = structs.replace(each.accepted, records=records)
            if not records:
                self.tally.there += 1
            elif self._job.is_forced or is_surely_missing(
                each, records, seen.whole_since, since_ms
            ):
                self.tally.missing += 1
                missing.append(accepted)
            else:
                self.tally.unknown += 1
                self._teller.unknown(accepted)
        return sorted(missing, key=lambda accepted: accepted.event.time)

    async def _seen(self, held: Mapping[Name, Candidate], since_ms: int) -> "_Seen":
        """Return which names of *held* Kafka has up to this moment, and how far back it goes."""
        names = {name for each in held.values() for name in each.names}
        topics = await topics_there(self._settings, self._compared)
        places = [(topic, number) for topic, count in topics.items() for number in range(count)]
        reader = KafkaRange(self._settings, places, Bounds(since_ms=max(0, since_ms - MARGIN_MS)))
        await reader.start()
        there: dict[Name, set[str]] = {}
        try:
            async with aclosing(reader.records(attrgetter("offset"))) as records:
                async for received in records:
                    name = name_of(received)
                    if name in names:
                        there.setdefault(name, set()).add(received.topic)
            # asked last: what is deleted from here on has been read
            return _Seen(there=there, partitions=topics, since_ms=await reader.whole_since())
        finally:
            await reader.close()

    async def _publish(self, missing: list[Accepted]) -> None:
        """Return when each is durable, or refused for itself."""
        loop = asyncio.get_running_loop()
        waiting = [loop.create_future() for _ in missing]
        for each, future in zip(missing, waiting, strict=True):
            self._publisher.publish(
                each.records,
                partial(self._durable, future),
                on_refused=partial(self._refused, future),
            )
        try:
            async with asyncio.timeout(_SEND_SECS):
                await asyncio.gather(*waiting)
        except TimeoutError as error:
            raise UnavailableError(
                f"Kafka did not take everything within {_SEND_SECS:.0f} s; run it again: what is "
                "there by then is found, and not sent twice"
            ) from error

    def _durable(self, future: "asyncio.Future[None]") -> None:
        if not future.done():
            self.tally.published += 1
            future.set_result(None)

    def _refused(self, future: "asyncio.Future[None]", kind: str) -> None:
        del kind  # the publisher has logged it
        if not future.done():
            self.tally.refused += 1
            future.set_result(None)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECS)
            self._teller.progress(self.tally)


def _called(candidate: Candidate) -> float:
    return float("inf") if candidate.called_ms is None else candidate.called_ms


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
