"""Vendors' traffic over HTTP: sent at a rate, timed, and retried as the vendor would."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from importlib import import_module
from random import Random

import aiohttp
import msgspec

from router.vendors import vendors
from router.vendors.traffic import Simulated, Traffic

ATTEMPTS = 3
_TIMEOUT_SECS = 4.0
_ODD_EVERY = 20


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one callback.

    Attributes:
        source: The name of the source it was sent to.
        callback: What was sent.
        status: Of the last attempt; 0 where there was no answer.
        reason: The problem's, where it was refused.
        seconds: Of the last attempt.
        traceparent: The trace context it was sent with: finds the event again.
    """

    source: str
    callback: Simulated
    status: int
    reason: str
    seconds: float
    traceparent: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor's callbacks go: URL without the token, the token if any, and the secret."""

    source: str
    vendor: str
    url: str
    token: str = ""
    secret: bytes = b""


def traffic_of(vendor: str, random: Random, secret: bytes) -> Traffic:
    """Return the traffic that the vendor's folder describes."""
    package = type(vendors()[vendor]).__module__.rpartition(".")[0]
    module = import_module(f"{package}.{vendor.replace('-', '_')}.traffic")
    made: Traffic = module.Traffic(random, secret)
    return made


async def simulate(
    target: Target,
    *,
    rate: float,
    random: Random,
    is_odd: bool = True,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Sent]:
    """Send *rate* callbacks a second for ever, yield what became of each.

    With *is_odd*, forgeries and unknown types are among them, both soon after the start.
    """
    traffic = traffic_of(target.vendor, random, target.secret)
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        count = 0
        while True:
            count += 1
            make = _choice(traffic, count) if is_odd else traffic.ordinary
            yield await _sent(session, target, make(int(clock() * 1000)), random)
            await asyncio.sleep(1 / rate)


def _choice(traffic: Traffic, count: int) -> Callable[[int], Simulated]:
    odd = {4: traffic.forgery, 7: traffic.unknown}
    return odd.get(count % _ODD_EVERY, traffic.ordinary)


async def _sent(
    session: aiohttp.ClientSession, target: Target, callback: Simulated, random: Random
) -> Sent:
    token = target.token if callback.has_token else "not-the-right-token"
    url = f"{target.url}/{token}" if target.token else target.url
    trace = f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-01"
    status, reason, seconds = 0, "no answer", 0.0
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        try:
            async with session.post(
                url, data=callback.body, headers={"traceparent": trace}
            ) as answer:
                status = answer.status
                body = await answer.json(content_type=None)
                reason = body.get("reason", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = type(error).__name__
        seconds = time.monotonic() - began
        if status == HTTPStatus.OK or callback.kind == "forgery":
            break
    return Sent(
        source=target.source,
        callback=callback,
        status=status,
        reason=reason,
        seconds=seconds,
        traceparent=trace,
    )
