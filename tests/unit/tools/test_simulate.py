"""The simulator: what goes out and when, how often again, and what is told of it.

The loop's time is fake and the receiver is a list, so rates and retry clocks are exact.
"""

import asyncio
import json
from collections import Counter
from itertools import islice
from random import Random
from typing import Any

import pytest

from router.tools.simulate import (
    Answer,
    Plan,
    Sent,
    Target,
    sending,
    traffic_of,
    turns,
)
from router.vendors import vendors
from router.vendors.traffic import Kind, Simulated
from tests.fakes import in_fake_time

RTC = Target(source="rtc", vendor="volcengine-rtc", url="http://ingress/callbacks/rtc")
STUDIO = Target(
    source="studio",
    vendor="alibaba-caster",
    url="http://ingress/callbacks/studio",
    token="the-token",
)
ZEGO = Target(source="zego", vendor="zego-cloud-player", url="http://ingress/callbacks/zego")
LIVE = Target(source="live", vendor="volcengine-live", url="http://ingress/callbacks/live")
NOW_SECS = 1_795_248_000.5
MANY = 2000


class _Receiver:
    """A client whose answers are a list; the last one is for all that follow."""

    def __init__(self, *answers: Answer, takes_secs: float = 0.0) -> None:
        self._answers = list(answers) or [Answer(200)]
        self._takes_secs = takes_secs
        self.got: list[tuple[float, str, bytes]] = []
        self.traces: list[str] = []
        self.timeouts: set[float] = set()

    async def post(self, url: str, body: bytes, traceparent: str, timeout_secs: float) -> Answer:
        """Note what came and when, and answer with what is next."""
        self.got.append((asyncio.get_running_loop().time(), url, body))
        self.traces.append(traceparent)
        self.timeouts.add(timeout_secs)
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        loop.call_later(self._takes_secs, answered.set_result, answer)
        return await answered

    @property
    def times(self) -> list[float]:
        """When each attempt came, from the first one on."""
        return [round(at - self.got[0][0], 6) for at, _, _ in self.got]


async def _run(receiver: _Receiver, plan: Plan, *targets: Target) -> list[Sent]:
    loop = asyncio.get_running_loop()
    async with sending(targets, plan, receiver, lambda: NOW_SECS + loop.time()) as results:
        return [sent async for sent in results]


def _turns(count: int | None = MANY, /, **shares: Any) -> list[Simulated]:
    random = Random(1)  # noqa: S311 - not for secrets
    traffic = traffic_of("volcengine-rtc", random, b"1234")
    plan = Plan(rate=1.0, count=count, **shares)
    return list(islice(turns(traffic, plan, random, lambda: 1_795_248_000_000), MANY))


def test_without_shares_everything_is_ordinary() -> None:
    """Nothing is repeated, and nothing is there that a vendor would not send every day."""
    sent = _turns()

    assert {simulated.kind for simulated in sent} == {"ordinary"}
    assert len({simulated.body for simulated in sent}) == MANY


@pytest.mark.parametrize(
    ("share", "kind"),
    [("forgeries", "forgery"), ("unknowns", "unknown"), ("oddities", "odd")],
)
def test_a_share_is_kept(share: str, kind: Kind) -> None:
    """A twentieth is about a twentieth, the first of them soon after the start."""
    kinds = [simulated.kind for simulated in _turns(MANY, **{share: 0.05})]

    assert set(kinds) == {"ordinary", kind}
    assert 70 <= kinds.count(kind) <= 130
    assert kind in kinds[:4]


def test_each_kind_comes_soon() -> None:
    """Ten callbacks show every kind, and begin with what is ordinary."""
    kinds = [simulated.kind for simulated in _turns(forgeries=0.01, unknowns=0.01, oddities=0.01)]

    assert set(kinds[:10]) == {"ordinary", "forgery", "unknown", "odd"}
    assert kinds[0] == "ordinary"


def test_a_whole_share_leaves_nothing_else() -> None:
    """Once the start is over, only forgeries come."""
    assert {simulated.kind for simulated in _turns(forgeries=1.0)} == {"forgery"}


def test_one_type_only() -> None:
    """Beside the shares, everything is of the type that was asked for."""
    sent = _turns(short_type="RecordStopped", unknowns=0.05)

    assert {each.short_type for each in sent if each.kind == "ordinary"} == {"RecordStopped"}
    assert {each.kind for each in sent} == {"ordinary", "unknown"}


def test_duplicates_are_the_same_bytes_a_moment_later() -> None:
    """About the share comes twice, at most twenty others in between; they are counted."""
    bodies = [simulated.body for simulated in _turns(duplicates=0.1)]
    places: dict[bytes, list[int]] = {}
    for place, body in enumerate(bodies):
        places.setdefault(body, []).append(place)
    apart = [found[1] - found[0] for found in places.values() if len(found) == 2]

    assert len(bodies) == MANY
    assert max(len(found) for found in places.values()) == 2
    assert 140 <= len(apart) <= 240
    assert 1 <= min(apart) < max(apart) <= 40


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_count_holds(count: int, share: float) -> None:
    """Whatever is repeated or held back, so many go out; what was held back is not lost."""
    sent = _turns(count, duplicates=share, disorder=share)

    assert len(sent) == count


def test_disorder_holds_back_behind_later_ones() -> None:
    """The same callbacks, in another order, all of them before the end."""
    straight = _turns(200)
    mixed = _turns(200, disorder=0.2)
    rooms = [each.short_type for each in mixed]

    assert len({each.body for each in mixed}) == 200
    assert rooms != [each.short_type for each in straight]


def test_without_a_count_it_goes_on() -> None:
    """There is no end to it."""
    assert len(_turns(None, duplicates=0.1, disorder=0.1)) == MANY


@in_fake_time
async def test_the_rate_is_kept_whatever_the_answers_take() -> None:
    """200 a second go out one by one, though each is answered after a second only."""
    receiver = _Receiver(takes_secs=1.0)

    sent = await _run(receiver, Plan(rate=200.0, count=400), RTC)

    assert receiver.times == [pytest.approx(number / 200, abs=1e-5) for number in range(400)]
    assert [each.began_secs for each in sent] == pytest.approx(receiver.times, abs=1e-5)
    assert [each.seconds for each in sent] == [pytest.approx(1.0)] * 400


@in_fake_time
async def test_the_targets_take_turns() -> None:
    """The rate is that of all together, the count that of each."""
    receiver = _Receiver()

    sent = await _run(receiver, Plan(rate=10.0, count=3), RTC, LIVE)

    assert [each.source for each in sent] == ["rtc", "live"] * 3
    assert receiver.times == [pytest.approx(number / 10) for number in range(6)]
    assert Counter(url for _, url, _ in receiver.got) == {RTC.url: 3, LIVE.url: 3}


@in_fake_time
async def test_it_ends_after_its_seconds() -> None:
    """What is due at the end or later is not sent."""
    receiver = _Receiver()

    await _run(receiver, Plan(rate=4.0, seconds=2.5), RTC)

    assert receiver.times[-1] == pytest.approx(2.25)
    assert len(receiver.got) == 10


@in_fake_time
async def test_whoever_leaves_ends_it() -> None:
    """A loop without an end is over with the block."""
    receiver = _Receiver()

    async with sending([RTC], Plan(rate=4.0), receiver) as results:
        async for _ in results:
            break

    assert len(receiver.got) == 1


DOWN = Answer(503, "unavailable")
SILENT = Answer(0, "TimeoutError")
CLOCKS = {
    "rtc": (RTC, DOWN, [0, 1, 2]),
    "rtc after no answer": (RTC, SILENT, [0, 1, 2]),
    "zego": (ZEGO, DOWN, [0, 0, 0]),
    "live": (LIVE, DOWN, [0, 3, 6, 9, 69, 189, 369, 549]),
    "caster": (STUDIO, DOWN, [0]),
    "caster after no answer": (STUDIO, SILENT, [0, 1, 2, 3, 4, 5]),
}


@pytest.mark.parametrize(("target", "answer", "times"), CLOCKS.values(), ids=CLOCKS)
def test_retries_follow_the_vendors_clock(
    target: Target, answer: Answer, times: list[float]
) -> None:
    """The same bytes come again as often and as late as the vendor says, and then no more."""
    check = in_fake_time(_check_clock)
    check(target, answer, times)


async def _check_clock(target: Target, answer: Answer, times: list[float]) -> None:
    receiver = _Receiver(answer)

    (sent,) = await _run(receiver, Plan(rate=1.0, count=1), target)

    assert receiver.times == [pytest.approx(at) for at in times]
    assert len({body for _, _, body in receiver.got}) == 1
    assert set(receiver.traces) == {sent.traceparent}
    assert receiver.timeouts == {vendors()[target.vendor].retries.timeout_secs}
    assert (sent.status, sent.reason, sent.attempts) == (answer.status, answer.reason, len(times))


@in_fake_time
async def test_what_is_taken_at_last_is_taken() -> None:
    """A receiver that fails twice has the callback in the end."""
    receiver = _Receiver(DOWN, SILENT, Answer(200))

    (sent,) = await _run(receiver, Plan(rate=1.0, count=1), RTC)

    assert (sent.status, sent.reason, sent.attempts) == (200, "", 3)


@in_fake_time
async def test_a_forger_does_not_try_again() -> None:
    """One attempt each, whatever is answered."""
    receiver = _Receiver(Answer(401, "proof-wrong"))

    sent = await _run(receiver, Plan(rate=1.0, count=20, forgeries=1.0), RTC)

    assert {each.attempts for each in sent if each.callback.kind == "forgery"} == {1}
    assert len(receiver.got) == 20


@in_fake_time
async def test_retries_long_after_the_end_are_not_made() -> None:
    """A run of five seconds does not wait nine minutes for a vendor's last attempt."""
    receiver = _Receiver(DOWN)

    (sent,) = await _run(receiver, Plan(rate=1.0, count=1, seconds=5.0), LIVE)

    assert receiver.times == [pytest.approx(at) for at in (0, 3, 6, 9)]
    assert sent.attempts == 4


@in_fake_time
async def test_the_token_is_in_the_path() -> None:
    """A forgery of a vendor that signs nothing has a wrong one."""
    receiver = _Receiver()

    sent = await _run(receiver, Plan(rate=1.0, count=30, forgeries=0.3), STUDIO)

    urls = {each.callback.kind: set[str]() for each in sent}
    for each, (_, url, _) in zip(sent, receiver.got, strict=True):
        urls[each.callback.kind].add(url)
    assert urls == {
        "ordinary": {"http://ingress/callbacks/studio/the-token"},
        "forgery": {"http://ingress/callbacks/studio/not-the-right-token"},
    }


@in_fake_time
async def test_a_seed_makes_the_same_run() -> None:
    """The same callbacks in the same order, whatever the answers take; another seed: others."""
    runs = []
    for seed, takes_secs in ((1, 0.0), (1, 0.3), (2, 0.0)):
        plan = Plan(rate=50.0, count=40, oddities=0.2, duplicates=0.2, disorder=0.2, seed=seed)
        sent = await _run(_Receiver(takes_secs=takes_secs), plan, ZEGO, LIVE)
        runs.append([(each.callback.kind, each.callback.short_type) for each in sent])

    assert runs[0] == runs[1] != runs[2]


@in_fake_time
async def test_disorder_is_seen_by_the_receiver() -> None:
    """What is held back tells of an earlier time than what came before it."""
    told = []
    for disorder in (0.0, 0.2):
        receiver = _Receiver()
        await _run(receiver, Plan(rate=1.0, count=100, disorder=disorder, seed=3), RTC)
        told.append([json.loads(body)["EventTime"] for _, _, body in receiver.got])

    assert told[0] == sorted(told[0])
    assert told[1] != sorted(told[1])
    assert len(told[1]) == 100
