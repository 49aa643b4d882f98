"""A dead letter: the record as it was, with what became of it in headers; pure."""

from collections.abc import Mapping

from router.clock import format_rfc3339
from router.consume.settle import Dead
from router.record import Received, Record

HEADERS: Mapping[str, str] = {
    "dead_handler": "The handler's name.",
    "dead_reason": "`undecodable`, `bad-field`, `rejected`, `failed`, `timeout` or `retried`.",
    "dead_detail": "The exception, or the handler's own reason.",
    "dead_attempts": "How often it was tried.",
    "dead_first_failure": "When it failed first, RFC 3339.",
    "dead_last_failure": "When it failed last, RFC 3339.",
    "dead_topic": "The topic where the record lies.",
    "dead_partition": "The partition there.",
    "dead_offset": "The offset there.",
}
"""What a dead letter has beside the headers of its record, and what each holds."""

_PREFIX = "dead_"
_MAX_DETAIL = 500


def dead_record(
    topic: str, handler: str, received: Received, dead: Dead, times_ms: tuple[int, int]
) -> Record:
    """Return the dead letter of a record; *times_ms* are those of its first and last failure.

    Headers of an earlier death make way: a record that was brought back may die again.
    """
    own = tuple(item for item in received.headers if not item[0].startswith(_PREFIX))
    detail = "".join(char if char.isprintable() else " " for char in dead.detail)
    values = {
        "handler": handler,
        "reason": dead.reason,
        "detail": detail[:_MAX_DETAIL],
        "attempts": str(dead.failures.attempts),
        "first_failure": format_rfc3339(times_ms[0]),
        "last_failure": format_rfc3339(times_ms[1]),
        "topic": received.topic,
        "partition": str(received.partition),
        "offset": str(received.offset),
    }
    headers = tuple((f"{_PREFIX}{name}", value.encode()) for name, value in values.items())
    return Record(topic=topic, key=received.key, value=received.value, headers=(*own, *headers))


class Minute:
    """Counts what happens within a minute, to stop a handler that lets everything die."""

    def __init__(self, most: int) -> None:
        """Take how many a minute are still an accident."""
        self._most = most
        self._times: list[float] = []

    def is_too_much(self, now: float) -> bool:
        """Count one more, and tell whether that is beyond the bound."""
        self._times = [*(time for time in self._times if now - time < 60.0), now]  # noqa: PLR2004
        return len(self._times) > self._most
