"""`simulate` over real sockets: against a receiver that decides as the service does, or fails."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from subprocess import CompletedProcess

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from router.ingress.nonces import Nonces
from router.ingress.receive import Accepted, Instant, Request, receive
from router.ingress.sources import Head, Limits, Source, Sources
from router.routing import RouteTable
from router.tools.simulate import Plan, Target, simulating
from router.vendors import vendors
from tests.integration.command import run

KEY = "1234"
TOKEN = "studio-token-0123456789"
LIMITS = Limits(max_body_bytes=1 << 20, max_record_bytes=2 << 20)
ALL = [
    *("--forgeries", "0.1", "--unknowns", "0.1", "--oddities", "0.2"),
    *("--duplicates", "0.1", "--disorder", "0.1"),
]
TOTAL = re.compile(
    r"sent (?P<sent>\d+) · 200: (?P<taken>\d+) · forgeries refused: (?P<forgeries>\d+)"
    r" · others refused: (?P<others>\d+) · retried (?P<retried>\d+)"
    r" · p50 [\d.]+ ms · p99 [\d.]+ ms · (?P<rate>[\d.]+)/s"
)


class _Receiver:
    """A service without a Kafka: its answers, and its doubts."""

    def __init__(self) -> None:
        sources = (
            Source(
                name=name,
                vendor=vendor,
                secrets={None: (KEY.encode(),)},
                tokens=() if name != "alibaba-caster" else (TOKEN.encode(),),
            )
            for name, vendor in vendors().items()
        )
        self._sources = Sources(sources, LIMITS)
        self._nonces = Nonces()
        self.fails = 0
        self.bodies: list[bytes] = []
        self.types: Counter[str] = Counter()
        self.doubts: Counter[str | None] = Counter()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the service would, or 503 as often as it shall fail."""
        body = await request.read()
        self.bodies.append(body)
        if self.fails > 0:
            self.fails -= 1
            return web.json_response({"reason": "unavailable"}, status=503)
        head = Head(method="POST", target=request.path, address="192.0.2.1")
        source = self._sources.find(head)
        if not isinstance(source, Source):
            return web.json_response({"reason": source.reason}, status=404)
        now = Instant(time.time_ns() // 1_000_000, "0" * 31 + "1")
        received = Request(head=head, body=body)
        outcome = receive(source, received, LIMITS, RouteTable(), now, self._nonces)
        if not isinstance(outcome, Accepted):
            return web.json_response({"reason": outcome.reason}, status=401)
        self.types[outcome.short_type] += 1
        self.doubts[outcome.doubt] += 1
        return web.json_response({"code": 0})

    def of(self, vendor: str) -> str:
        """Return the URL of a vendor's source, with its token if it has one."""
        token = f"/{TOKEN}" if vendor == "alibaba-caster" else ""
        return f"{self.url}/callbacks/{vendor}{token}"


@pytest.fixture
async def receiver() -> AsyncIterator[_Receiver]:
    """A receiver on a free port."""
    made = _Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    async with TestServer(app) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


async def _simulate(*arguments: str, secret: str = KEY) -> CompletedProcess[str]:
    return await asyncio.to_thread(
        run, "simulate", *arguments, environment={"SIMULATE_SECRET": secret}
    )


@pytest.mark.parametrize("vendor", vendors())
async def test_only_forgeries_are_refused(receiver: _Receiver, vendor: str) -> None:
    """All that a vendor may send is taken and understood, at 200 a second."""
    done = await _simulate(
        vendor, "--url", receiver.of(vendor), "--rate", "200", "--count", "300", *ALL
    )

    total = TOTAL.fullmatch(done.stdout.splitlines()[-1])
    assert total, done.stdout
    assert (done.returncode, done.stderr, total["others"]) == (0, "", "0")
    assert int(total["sent"]) == 300 == len(receiver.bodies)
    assert int(total["taken"]) + int(total["forgeries"]) == 300
    assert int(total["forgeries"]) >= 10
    assert receiver.doubts.keys() == {None, "unknown-type"}
    assert len(set(receiver.bodies)) < 300
    assert len(receiver.types) >= 4


async def test_of_one_type_only(receiver: _Receiver) -> None:
    """Nothing else is sent then, no forgery either."""
    done = await _simulate(
        *("volcengine-rtc", "--url", receiver.of("volcengine-rtc")),
        *("--type", "RecordStopped", "--rate", "500", "--count", "30"),
    )

    assert done.returncode == 0
    assert receiver.types == {"RecordStopped": 30}


async def test_a_few_lines_a_second(receiver: _Receiver) -> None:
    """Many callbacks are not many lines, unless they are asked for; quiet leaves the last one."""
    url = ("zego-cloud-player", "--url", receiver.of("zego-cloud-player"))
    counts = {}
    for option in ("--seed=1", "--verbose", "--quiet"):
        done = await _simulate(*url, "--rate", "500", "--count", "100", option)
        assert done.returncode == 0
        counts[option] = len(done.stdout.splitlines())

    assert 15 <= counts.pop("--seed=1") <= 60
    assert counts == {"--verbose": 101, "--quiet": 1}


async def test_a_line_tells_what_was_sent(receiver: _Receiver) -> None:
    """Status, time, kind and type, and why it was refused."""
    done = await _simulate(
        *("volcengine-live", "--url", receiver.of("volcengine-live")),
        *("--rate", "500", "--count", "10", "--seed", "4"),
    )

    lines = done.stdout.splitlines()
    forgeries = [line for line in lines if " forgery " in line]
    assert re.fullmatch(r"200 +\d+ ms  ordinary  PushStart", lines[0])
    assert forgeries
    assert all(re.match(r"401 .* PushEnd  proof-wrong$", line) for line in forgeries)


async def test_a_wrong_secret_fails(receiver: _Receiver) -> None:
    """More than forgeries is refused, so the exit code says so, and the lines say why."""
    done = await _simulate(
        *("zego-cloud-player", "--url", receiver.of("zego-cloud-player")),
        *("--rate", "100", "--count", "10"),
        secret="another",
    )

    assert done.returncode == 1
    assert "proof-wrong  attempt 3" in done.stdout
    assert "retried" in done.stdout.splitlines()[-1]


MEANINGS = {
    "volcengine-rtc": (1, "callbacks are signed with an empty one"),
    "zego-cloud-player": (1, "callbacks are signed with an empty one"),
    "volcengine-live": (
        1,
        "callbacks are unsigned, as with authentication switched off at the vendor",
    ),
    "alibaba-caster": (0, None),
}


@pytest.mark.parametrize("vendor", vendors())
async def test_without_a_secret_it_says_so_and_goes_on(receiver: _Receiver, vendor: str) -> None:
    """Who forgot the secret reads it before the refusals; a vendor that signs nothing needs none."""
    code, meaning = MEANINGS[vendor]
    said = f"simulate: no secret in SIMULATE_SECRET: {meaning}\n" if meaning else ""

    done = await _simulate(
        *(vendor, "--url", receiver.of(vendor), "--rate", "100", "--count", "5", "--forgeries=0"),
        *("--for", "0.5", "--quiet"),
        secret="",
    )

    assert (done.returncode, done.stderr) == (code, said)
    assert len(receiver.bodies) >= 5


async def test_a_taken_forgery_fails() -> None:
    """A receiver that takes everything is no receiver."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"code": 0})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with TestServer(app) as server:
        url = str(server.make_url("/callbacks/studio/any-token"))
        done = await _simulate("alibaba-caster", "--url", url, "--rate", "100", "--count", "10")

    assert done.returncode == 1


async def test_an_unknown_type_is_told(receiver: _Receiver) -> None:
    """Exit 2 with the types that there are; nothing is sent."""
    done = await _simulate(
        *("volcengine-live", "--url", receiver.of("volcengine-live"), "--type", "PushBegin")
    )

    assert done.returncode == 2
    assert "PushStart, PushEnd, RecordEvent" in done.stderr.replace("\n", "")
    assert receiver.bodies == []


async def test_shares_beyond_the_whole_are_told() -> None:
    """Exit 2 where more than everything shall be forged or odd."""
    done = await _simulate(
        *("volcengine-live", "--url", "http://127.0.0.1:1/callbacks/live"),
        *("--forgeries", "0.6", "--oddities", "0.5"),
    )

    assert done.returncode == 2


async def test_it_ends_after_its_seconds(receiver: _Receiver) -> None:
    """Half a second is half a second, and the summary tells the rate that was reached."""
    done = await _simulate(
        *("volcengine-rtc", "--url", receiver.of("volcengine-rtc")),
        *("--rate", "100", "--for", "0.5", "--quiet"),
    )

    total = TOTAL.fullmatch(done.stdout.strip())
    assert total
    assert done.returncode == 0
    assert int(total["sent"]) == 50
    assert 90 <= float(total["rate"]) <= 110


async def test_nobody_there_is_told() -> None:
    """Without a receiver it retries, fails and says why."""
    done = await _simulate(
        *("zego-cloud-player", "--url", "http://127.0.0.1:1/callbacks/zego", "--count", "1"),
        *("--forgeries", "0"),
    )

    assert done.returncode == 1
    assert done.stdout.startswith("---")
    assert "ClientConnectorError  attempt 3" in done.stdout


async def test_a_forgery_that_nobody_answers_is_not_refused() -> None:
    """Where nobody is there nothing is known of what would have become of it."""
    done = await _simulate(
        *("zego-cloud-player", "--url", "http://127.0.0.1:1/callbacks/zego", "--count", "1"),
        *("--forgeries", "1", "--unknowns", "0"),
    )

    assert done.returncode == 1
    assert "forgeries refused: 0 · others refused: 1" in done.stdout


async def test_a_receiver_that_recovers_has_everything(receiver: _Receiver) -> None:
    """What was refused twice comes a third time, byte by byte, and is taken."""
    receiver.fails = 2
    target = Target(
        source="zego",
        vendor="zego-cloud-player",
        url=receiver.of("zego-cloud-player"),
        secret=KEY.encode(),
    )

    async with simulating([target], Plan(rate=1.0, count=1)) as results:
        sent = [each async for each in results]

    assert [(each.status, each.attempts) for each in sent] == [(200, 3)]
    assert receiver.bodies == [sent[0].callback.body] * 3
    assert receiver.doubts == {None: 1}
