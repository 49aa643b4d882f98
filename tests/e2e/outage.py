"""Kafka away, and the spool too: how to bring that about, and answers with their times."""

import selectors
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Final

from msgspec import Struct

from tests.e2e.callbacks import RTC, STUDIO, rtc
from tests.e2e.serving import Server
from tests.e2e.wire import Answer, Client, post

SOFT_SECS: Final = 0.3
HARD_SECS: Final = 3.0
LATE_SECS: Final = 0.5
SMALL_SPOOL: Final[dict[str, Any]] = {"max_bytes": "1MiB"}
# More than the small spool takes, once its bytes are text; fewer than a body may have.
NEVER_SPOOLED: Final = post(STUDIO, b"x" * 1_000_000)
_FILLER_BYTES = 30_000
_FILLERS = 60


class Late(Struct, frozen=True, kw_only=True):
    """An answer and how long after the end of the request's head it came."""

    answer: Answer
    after_secs: float


def ask_together(server: Server, requests: Sequence[bytes]) -> list[Late]:
    """Return the answers to requests sent at the same moment, each on its own connection."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(server.port)) for _ in requests]
        sent_at = []
        for client, request in zip(clients, requests, strict=True):
            sent_at.append(time.monotonic())
            client.send(request)
        arrived_at = _arrivals(clients)
        return [
            Late(answer=client.answer(), after_secs=arrived_at[client] - sent)
            for client, sent in zip(clients, sent_at, strict=True)
        ]


def fill_spool(server: Server) -> None:
    """Return when the small spool of a server without Kafka takes nothing more, however small."""
    data = f'{{"RoomId":"room1","Filler":"{"x" * _FILLER_BYTES}"}}'
    fillers = [post(RTC, rtc(f"filler-{n}", EventData=data)) for n in range(_FILLERS)]
    statuses = {late.answer.status for late in ask_together(server, fillers)}
    assert statuses == {200, 503}


def assert_spooled(late: Late) -> None:
    """Assert that an answer is 200, and came soon after the soft deadline."""
    assert (late.answer.status, late.answer.body) == (200, b'{"code":0}')
    assert late.after_secs <= SOFT_SECS + LATE_SECS


def assert_unavailable(late: Late, hard_secs: float = HARD_SECS) -> None:
    """Assert that an answer is 503, and came at the hard deadline."""
    assert (late.answer.status, late.answer.reason) == (503, "unavailable")
    assert int(late.answer.headers["retry-after"]) > 0
    assert hard_secs <= late.after_secs <= hard_secs + LATE_SECS


def _arrivals(clients: Sequence[Client]) -> dict[Client, float]:
    """Return when each of them first had something to read."""
    arrived_at: dict[Client, float] = {}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ, client)
        while len(arrived_at) < len(clients):
            ready = selector.select(10.0)
            assert ready, "no answer in 10 s"
            for key, _ in ready:
                arrived_at[key.data] = time.monotonic()
                selector.unregister(key.data)
    return arrived_at
