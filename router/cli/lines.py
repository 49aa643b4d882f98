"""The lines that `dev` and `simulate` print: what was sent, what became of it, where it lies.

Each is one line of printable characters, whatever an event or an answer holds.
"""

import time
from collections import deque
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version

import msgspec

from router.event import UNRECOGNIZED, Event
from router.ingress.printable import printable
from router.record import Received
from router.tools.simulate import Sent

_LATENCIES = 100_000
PUBLISHED_VECTOR = (
    r'{"EventType":"RoomCreate","EventData":"{\"RoomId\":\"room1\",\"Timestamp\":1679383924691}",'
    r'"EventTime":"2023-03-21T15:32:04+08:00","EventId":"123456","AppId":"appId",'
    r'"Version":"2020-12-01","Nonce":"aaBc",'
    r'"Signature":"1c7200723842eff514b65fc3f065597432bbb4249e10d33db79b3853d05f3691"}'
)
"""A callback as the vendor's document on signatures has it; the key is 1234."""


def banner(url: str, kafka: str, sources: int, handlers: int) -> str:
    """Return the first lines: what runs where, and how to send a callback by hand."""
    release = ".".join(version("callback-router").split(".")[:2])
    return (
        f"callback-router {release}   ingress {url}   kafka {kafka}   "
        f"{sources} sources, {handlers} handlers   Ctrl-C stops\n"
        f"try it:  curl -sS {url}/callbacks/rtc -d '{PUBLISHED_VECTOR}'"
    )


def accepted(event: Event, record: Received, sent: Sent | None) -> str:
    """Return the line of an event read back from Kafka; *sent* is None where a person sent it."""
    name = event.source.rpartition("/")[2]
    took = f"{sent.seconds * 1000:3.0f} ms" if sent else "by hand"
    subject = event.subject if len(event.subject) <= 24 else f"{event.subject[:21]}..."  # noqa: PLR2004
    kept = f"  ({event.data.get('reason')}, kept)" if event.short_type == UNRECOGNIZED else ""
    return printable(
        f"{_now()} {name:7} 200  {took}  {event.type:36} {subject:24} "
        f"-> {record.topic}[{record.partition}]@{record.offset}{kept}"
    )


def derived(event: Event, record: Received) -> str:
    """Return the line of an event that a handler made."""
    handler = event.source.rpartition("/")[2]
    values = sorted(event.data.items(), key=lambda item: item[0].endswith(("_id", "_name")))
    told = ", ".join(f"{key} {_short(value)}" for key, value in values)
    return printable(
        f"{_now()}   └ {handler}  {event.short_type}  {_cut(told, 60)}  "
        f"-> {record.topic}[{record.partition}]@{record.offset}"
    )


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"[{len(value)}]"
    return msgspec.json.encode(value).decode()


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def refused(sent: Sent) -> str:
    """Return the line of a callback that was not accepted."""
    on_purpose = "  (a forgery, sent on purpose)" if sent.callback.kind == "forgery" else ""
    return printable(
        f"{_now()} {sent.source:7} {sent.status or '---'}  {sent.seconds * 1000:3.0f} ms  "
        f"refused: {sent.reason}{on_purpose}"
    )


def sent_line(sent: Sent) -> str:
    """Return the line of `simulate`: what was sent, and what the receiver answered."""
    again = f"  attempt {sent.attempts}" if sent.attempts > 1 else ""
    line = (
        f"{sent.status or '---'}  {sent.seconds * 1000:3.0f} ms  {sent.callback.kind:8}  "
        f"{sent.callback.short_type}  {sent.reason}{again}"
    )
    return printable(line.rstrip())


class Tally:
    """What has been seen so far, for the summaries.

    Attributes:
        accepted: Answered 200.
        refused: Anything else.
        forgeries: Those of the refused that had to be, and were told so.
        unrecognized: Those of the accepted that are of an unknown type.
        retried: Callbacks that were sent more than once.
        is_as_expected: Whether forgeries were refused, and nothing else was.
    """

    def __init__(self) -> None:
        """Begin at nothing."""
        self._began = time.monotonic()
        self.accepted = self.refused = self.unrecognized = self.forgeries = self.retried = 0
        self.is_as_expected = True
        self._last_secs = 0.0
        self._seconds: deque[float] = deque(maxlen=_LATENCIES)

    def count(self, sent: Sent) -> bool:
        """Count what became of a callback; tell whether it is what had to."""
        is_accepted, is_forgery = sent.status == HTTPStatus.OK, sent.callback.kind == "forgery"
        # No answer, or 503, says nothing of what would have become of it.
        is_told_so = HTTPStatus.BAD_REQUEST <= sent.status < HTTPStatus.INTERNAL_SERVER_ERROR
        is_expected = is_told_so if is_forgery else is_accepted
        self.is_as_expected &= is_expected
        self.retried += sent.attempts > 1
        self._last_secs = max(self._last_secs, sent.began_secs)
        if is_accepted:
            self.accepted += 1
            self.unrecognized += sent.callback.kind == "unknown"
            self._seconds.append(sent.seconds)
        else:
            self.refused += 1
            self.forgeries += is_forgery and is_told_so
        return is_expected

    def summary(self) -> str:
        """Return the summary line of `dev`, with the seconds since the beginning."""
        seconds = time.monotonic() - self._began
        return (
            f"[{seconds:.0f} s] accepted {self.accepted} · refused {self.refused} · "
            f"unrecognized {self.unrecognized} · p99 {self._percentile_ms(99):.0f} ms"
        )

    def total(self) -> str:
        """Return the last line of `simulate`; the rate is that of the first attempts."""
        sent = self.accepted + self.refused
        rate = (sent - 1) / self._last_secs if self._last_secs else 0.0
        return (
            f"sent {sent} · 200: {self.accepted} · forgeries refused: {self.forgeries} · "
            f"others refused: {self.refused - self.forgeries} · retried {self.retried} · "
            f"p50 {self._percentile_ms(50):.1f} ms · p99 {self._percentile_ms(99):.1f} ms · "
            f"{rate:.1f}/s"
        )

    def _percentile_ms(self, percent: int) -> float:
        latencies = sorted(self._seconds) or [0.0]
        return latencies[len(latencies) * percent // 100] * 1000


def event_of(record: Received) -> Event | None:
    """Return the event in a record, or None where it holds something else."""
    try:
        return msgspec.json.decode(record.value, type=Event)
    except msgspec.MsgspecError:
        return None


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
