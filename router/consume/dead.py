"""A dead letter: the record as it was, with what became of it in headers; pure.

| header | holds |
|---|---|
| `dead_handler` | the handler's name |
| `dead_reason` | `undecodable`, `bad-field`, `rejected`, `failed`, `timeout`, `retried` |
| `dead_detail` | the exception, or the handler's own reason |
| `dead_attempts` | how often it was tried |
| `dead_first_failure`, `dead_last_failure` | when, RFC 3339 |
| `dead_topic`, `dead_partition`, `dead_offset` | where the record lies |
"""

from router.clock import format_rfc3339
from router.consume.settle import Dead
from router.record import Received, Record

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
