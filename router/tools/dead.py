"""Dead letters as operators see and choose them: pure.

Design: what a letter says of itself is in headers, which anybody may have written: every field is
total over them, and nothing that a terminal might act on, nor a credential, leaves here. A letter
is never taken out of its topic; that it was redriven is remembered in the state database, beside
the effects and as long as they are, under a name that no handler can have.
"""

import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

import msgspec

from router.clock import parse_rfc3339
from router.consume.inbox import Envelope, opened
from router.consume.store import Cause
from router.ingress.printable import printable
from router.record import Partition, Received
from router.tools.masking import masked, masked_value

MAX_DETAIL = 100
_UNKNOWN = "-"
_PLACE = re.compile(r"([A-Za-z0-9._-]{1,249})\[([0-9]{1,9})\]@([0-9]{1,18})")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter and what it says of itself, as it came; `-` where it does not.

    Attributes:
        received: The event as it was, in its dead-letter topic.
        handler: Whose letter it is.
        type: `{vendor}.{Type}`.
        subject: Of the event.
        reason: One of `router.consume.settle.Reason`.
        attempts: How often it was tried.
        detail: The exception, or the handler's own reason.
        died_ms: Its last failure, Unix ms; None where that cannot be read.
    """

    received: Received
    handler: str
    type: str
    subject: str
    reason: str
    attempts: str
    detail: str
    died_ms: int | None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are meant.

    Attributes:
        type: `{vendor}.{Type}` or only `Type`.
        reason: Why they died.
        since_ms: Those that died at this time or later, Unix ms.
        until_ms: Those that died before.
    """

    type: str | None = None
    reason: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def fits(self, letter: Letter) -> bool:
        """Tell whether the letter is meant; one without a time is in no range of time."""
        name = letter.type if self.type is None or "." in self.type else _short(letter.type)
        if self.type not in (None, name) or self.reason not in (None, letter.reason):
            return False
        if letter.died_ms is None:
            return self.since_ms is None and self.until_ms is None
        is_late_enough = self.since_ms is None or letter.died_ms >= self.since_ms
        return is_late_enough and (self.until_ms is None or letter.died_ms < self.until_ms)


def letter_of(received: Received) -> Letter:
    """Return the record of a dead-letter topic as a letter, whatever it holds."""
    headers = {name: value.decode(errors="replace") for name, value in received.headers}
    envelope = opened(received)
    event_type, subject = headers.get("event_type", _UNKNOWN), _UNKNOWN
    if isinstance(envelope, Envelope):
        event_type, subject = envelope.raw["type"], envelope.raw["subject"]
    return Letter(
        received=received,
        handler=headers.get("dead_handler", _UNKNOWN),
        type=event_type,
        subject=subject,
        reason=headers.get("dead_reason", _UNKNOWN),
        attempts=headers.get("dead_attempts", _UNKNOWN),
        detail=headers.get("dead_detail", ""),
        died_ms=parse_rfc3339(headers.get("dead_last_failure", "")),
    )


async def letters(
    records: AsyncGenerator[Received, None], wish: Wish
) -> AsyncGenerator[Letter, None]:
    """Yield those of a dead-letter topic's records that are meant."""
    async with aclosing(records):
        async for received in records:
            letter = letter_of(received)
            if wish.fits(letter):
                yield letter


async def first(
    items: AsyncGenerator[Letter, None], limit: int | None
) -> AsyncGenerator[Letter, None]:
    """Yield the first letters, so many at most; all without a limit."""
    left = limit
    async with aclosing(items):
        async for item in items:
            yield item
            left = None if left is None else left - 1
            if left == 0:
                return


def without_handler(letter: Letter) -> Letter:
    """Return the letter marked as one whose handler is not there, as lines and sums show it."""
    return msgspec.structs.replace(letter, handler=f"{letter.handler} (no such handler)")


def died_ms_of(received: Received) -> int:
    """Return when a letter died, Unix ms, to sort by; 0 where that cannot be read."""
    for name, value in received.headers:
        if name == "dead_last_failure":
            return parse_rfc3339(value.decode(errors="replace")) or 0
    return 0


def redriven_by(handler: str) -> str:
    """Return the name under which the state database remembers a handler's redriven letters."""
    return f"redrive:{handler}"


def memory_of(received: Received) -> Cause:
    """Return what it is remembered by that the letter was redriven.

    The time of death is a part of it: a topic that is made anew gives the same places again.
    """
    return Cause(place_of(received), str(died_ms_of(received)))


def place_of(received: Received) -> str:
    """Return `topic[partition]@offset`."""
    return f"{received.topic}[{received.partition}]@{received.offset}"


def parse_place(text: str) -> tuple[Partition, int] | None:
    """Return the partition and the offset that `place_of` wrote, or None."""
    found = _PLACE.fullmatch(text)
    return None if found is None else ((found[1], int(found[2])), int(found[3]))


def line_of(letter: Letter) -> str:
    """Return the letter in one line; its detail is cut."""
    headers = dict(letter.received.headers)
    died = headers.get("dead_last_failure", _UNKNOWN.encode()).decode(errors="replace")
    parts = (
        place_of(letter.received),
        died,
        letter.handler,
        letter.type,
        masked(letter.subject),
        letter.reason,
        f"x{letter.attempts}",
        cut(letter.detail),
    )
    return printable("  ".join(parts).rstrip())


def cut(detail: str) -> str:
    """Return why something died without credentials, and not too long for a line."""
    shown = masked(detail)
    return shown if len(shown) <= MAX_DETAIL else f"{shown[: MAX_DETAIL - 3]}..."


def summary_of(counts: Counter[tuple[str, str]]) -> list[str]:
    """Return the lines for how many letters there are by handler and reason, and their sum."""
    lines = [
        printable(f"{count:7}  {handler}  {reason}")
        for (handler, reason), count in sorted(counts.items())
    ]
    total = sum(counts.values())
    return [*lines, f"{total:7}  letter{'s' * (total != 1)}"]


def shown(received: Received) -> Iterable[str]:
    """Return a record in lines: place, key, headers, and the event, without credentials."""
    yield place_of(received)
    yield printable(f"key  {masked(received.key.decode(errors='replace'))}")
    for name, value in received.headers:
        yield printable(f"{name}  {masked(value.decode(errors='replace'))}")
    yield ""
    text = masked_value(received.value)
    try:
        lines = msgspec.json.format(text, indent=2).split("\n")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        lines = [text]
    yield from map(printable, lines)


def _short(full_type: str) -> str:
    return full_type.rpartition(".")[2]
