"""Vendors' traffic over HTTP: an open loop at a rate, answers timed, retries by the vendor's clock.

Design: what is sent next never waits for an answer, as no vendor does; so a slow receiver is seen
as slow, and not as a lower rate. What goes out, and in which order, is decided in `turns` without
a clock; the waiting is the event loop's, and the HTTP client a role, so tests need neither.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib import import_module
from itertools import count
from random import Random
from typing import Annotated, Protocol

import aiohttp
import msgspec
from msgspec import Meta

import router.vendors
from router.vendors import vendors
from router.vendors.traffic import Kind, Simulated, Traffic

MAX_CONNECTIONS = 400
MAX_OPEN = 20_000
RETRIES_AFTER_END_SECS = 10.0
_SLOTS_LATER = (2, 20)
_WRONG_TOKEN = "not-the-right-token"  # noqa: S105 - what a forgery has instead of one

Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is sent, and of what.

    Attributes:
        rate: Callbacks a second, of all targets together; retries are not counted.
        count: End after so many for each target; None: never.
        seconds: End after so long; then only retries due within a few seconds are made.
        short_type: Only this type, beside the shares; None: what happens to happen.
        forgeries: Share of what must be refused.
        unknowns: Share of types that nobody knows yet.
        oddities: Share of what the documents allow and few expect.
        duplicates: Share of callbacks that come once more a moment later, byte by byte.
        disorder: Share of callbacks that are held back behind later ones.
        seed: For the same traffic again; None: another one each time.
    """

    rate: Annotated[float, Meta(gt=0.0)]
    count: int | None = None
    seconds: float | None = None
    short_type: str | None = None
    forgeries: Share = 0.0
    unknowns: Share = 0.0
    oddities: Share = 0.0
    duplicates: Share = 0.0
    disorder: Share = 0.0
    seed: int | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor's callbacks go: URL without the token, the token if any, and the secret."""

    source: str
    vendor: str
    url: str
    token: str = ""
    secret: bytes = b""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one callback.

    Attributes:
        source: The name of the source it was sent to.
        callback: What was sent.
        status: Of the last attempt; 0 where there was no answer.
        reason: The problem's, where it was refused.
        seconds: Of the last attempt.
        attempts: How often it was sent; more than once only where the vendor would.
        began_secs: When it was sent first, from the begin of the run.
        traceparent: The trace context of all attempts: finds the event again.
    """

    source: str
    callback: Simulated
    status: int
    reason: str
    seconds: float
    attempts: int
    began_secs: float
    traceparent: str


class Answer(msgspec.Struct, frozen=True):
    """What came back: status 0 where nothing did in time; the reason is the problem's, if any."""

    status: int
    reason: str = ""


class Client(Protocol):
    """Sends one body."""

    async def post(self, url: str, body: bytes, traceparent: str, timeout_secs: float) -> Answer:
        """Return the answer; none within the time is an answer too, and nothing is raised."""


class HttpClient:
    """A `Client` over HTTP/1.1, its connections kept."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Take the session, which the caller closes."""
        self._session = session

    async def post(self, url: str, body: bytes, traceparent: str, timeout_secs: float) -> Answer:
        """Return the answer; redirections are answers, as for a vendor."""
        try:
            async with self._session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", "traceparent": traceparent},
                timeout=aiohttp.ClientTimeout(total=timeout_secs),
                allow_redirects=False,
            ) as answer:
                return Answer(answer.status, _reason(await answer.read()))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(0, type(error).__name__)


@asynccontextmanager
async def simulating(targets: Sequence[Target], plan: Plan) -> AsyncIterator[AsyncIterator[Sent]]:
    """Send for the length of the block; it is given what became of each callback.

    The targets take turns. Leaving the block ends the sending and forgets what is under way.
    """
    connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        sending(targets, plan, HttpClient(session)) as results,
    ):
        yield results


@asynccontextmanager
async def sending(
    targets: Sequence[Target],
    plan: Plan,
    client: Client,
    unix_secs: Callable[[], float] = time.time,
) -> AsyncIterator[AsyncIterator[Sent]]:
    """Do the same with any client and wall clock."""
    simulation = _Run(targets, plan, client, unix_secs)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(simulation.run())
        yield simulation
        running.cancel()


def turns(
    traffic: Traffic, plan: Plan, random: Random, now_ms: Callable[[], int]
) -> Iterator[Simulated]:
    """Yield what goes out to one target, in this order: `plan.count` callbacks, or for ever.

    Duplicates are among those counted, and all that is held back comes before the end.
    """
    kinds = _kinds(plan, random)
    later: list[tuple[int, int, Simulated]] = []
    order = count()

    def keep(callback: Simulated) -> None:
        heapq.heappush(later, (slot + random.randint(*_SLOTS_LATER), next(order), callback))

    for slot in count() if plan.count is None else range(plan.count):
        left = None if plan.count is None else plan.count - slot - 1
        if later and (later[0][0] <= slot or left == len(later) - 1):
            yield heapq.heappop(later)[2]
            continue
        callback = _made(traffic, plan, next(kinds), now_ms())
        if (left is None or left > len(later)) and random.random() < plan.disorder:
            keep(callback)
            callback = _made(traffic, plan, next(kinds), now_ms())
        if (left is None or left > len(later)) and random.random() < plan.duplicates:
            keep(callback)
        yield callback


def traffic_of(vendor: str, random: Random, secret: bytes) -> Traffic:
    """Return the traffic that the vendor's folder describes."""
    module = import_module(f"{router.vendors.__name__}.{vendor.replace('-', '_')}.traffic")
    return Traffic(random, module.Sender(random, secret))


class _Run:
    """One run: the loop that sends, and the results that wait to be looked at."""

    def __init__(
        self,
        targets: Sequence[Target],
        plan: Plan,
        client: Client,
        unix_secs: Callable[[], float],
    ) -> None:
        self._targets = targets
        self._plan = plan
        self._client = client
        self._unix_secs = unix_secs
        self._random = Random(plan.seed)  # noqa: S311 - simulated callbacks
        self._traces = Random()  # noqa: S311 - apart: when answers come decides nothing
        self._began = self._until = 0.0
        self._open = asyncio.Semaphore(MAX_OPEN)
        self._under_way = asyncio.Semaphore(MAX_CONNECTIONS)
        self._results: asyncio.Queue[Sent | None] = asyncio.Queue(MAX_OPEN)

    def __aiter__(self) -> "_Run":
        return self

    async def __anext__(self) -> Sent:
        sent = await self._results.get()
        if sent is None:
            raise StopAsyncIteration
        return sent

    async def run(self) -> None:
        """Send everything; the results end when the last answer is there."""
        loop = asyncio.get_running_loop()
        plan, turn = self._plan, self._in_turns()
        self._began = loop.time()
        self._until = self._began + (float("inf") if plan.seconds is None else plan.seconds)
        slots = count() if plan.count is None else range(plan.count * len(self._targets))
        async with asyncio.TaskGroup() as group:
            for slot in slots:
                due = self._began + slot / plan.rate
                if due >= self._until:
                    break
                await asyncio.sleep(due - loop.time())
                await self._open.acquire()
                group.create_task(self._deliver(*next(turn)))
        await self._results.put(None)

    def _in_turns(self) -> Iterator[tuple[Target, Simulated]]:
        """Yield what is next, made only when it is asked for, so that its time is now."""
        streams = [
            (target, turns(self._traffic(target), self._plan, self._random, self._now_ms))
            for target in self._targets
        ]
        while True:
            for target, stream in streams:
                yield target, next(stream)

    def _traffic(self, target: Target) -> Traffic:
        return traffic_of(target.vendor, self._random, target.secret)

    def _now_ms(self) -> int:
        return int(self._unix_secs() * 1000)

    async def _deliver(self, target: Target, callback: Simulated) -> None:
        bits = self._traces.getrandbits
        trace = f"00-{bits(128) | 1:032x}-{bits(64) | 1:016x}-01"
        began_secs = asyncio.get_running_loop().time() - self._began
        answer, seconds, attempts = await self._tried(target, callback, trace)
        sent = Sent(
            source=target.source,
            callback=callback,
            status=answer.status,
            reason=answer.reason,
            seconds=seconds,
            attempts=attempts,
            began_secs=began_secs,
            traceparent=trace,
        )
        await self._results.put(sent)
        self._open.release()

    async def _tried(
        self, target: Target, callback: Simulated, trace: str
    ) -> tuple[Answer, float, int]:
        """Send until the callback is taken, or its vendor would give up: the last answer."""
        loop = asyncio.get_running_loop()
        retries = vendors()[target.vendor].retries
        answer, seconds, attempts = Answer(0), 0.0, 0
        for wait_secs in (0.0, *retries.after_secs):
            if attempts and loop.time() + wait_secs > self._until + RETRIES_AFTER_END_SECS:
                break
            await asyncio.sleep(wait_secs)
            async with self._under_way:
                began = loop.time()
                answer = await self._client.post(
                    _url(target, callback), callback.body, trace, retries.timeout_secs
                )
            seconds, attempts = loop.time() - began, attempts + 1
            is_heard = answer.status == HTTPStatus.OK or (
                answer.status != 0 and retries.only_after_timeout
            )
            if is_heard or callback.kind == "forgery":
                break
        return answer, seconds, attempts


class _Problem(msgspec.Struct):
    reason: str = ""


def _reason(body: bytes) -> str:
    """Return the reason in a problem, or nothing."""
    try:
        return msgspec.json.decode(body, type=_Problem).reason
    except (msgspec.MsgspecError, ValueError):
        return ""


def _url(target: Target, callback: Simulated) -> str:
    token = target.token if callback.has_token else _WRONG_TOKEN
    return f"{target.url}/{token}" if target.token else target.url


def _made(traffic: Traffic, plan: Plan, kind: Kind, now_ms: int) -> Simulated:
    if kind == "ordinary" and plan.short_type is not None:
        return traffic.of_type(plan.short_type, now_ms)
    make: Callable[[int], Simulated] = getattr(traffic, kind)
    return make(now_ms)


def _kinds(plan: Plan, random: Random) -> Iterator[Kind]:
    """Yield the kind of each callback by chance, the first of each soon after the start."""
    shares: dict[Kind, float] = {
        "forgery": plan.forgeries,
        "unknown": plan.unknowns,
        "odd": plan.oddities,
    }
    wanted = [kind for kind, share in shares.items() if share]
    early = {random.randint(2, 4) + 3 * place: kind for place, kind in enumerate(wanted)}
    ordinary = max(0.0, 1.0 - sum(shares.values()))
    every: list[Kind] = [*shares, "ordinary"]
    weights = [*shares.values(), ordinary]
    for number in count(1):
        yield early.get(number) or random.choices(every, weights)[0]
