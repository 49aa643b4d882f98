"""`Lane`: the records of one partition in the order of acceptance, as a pure state machine.

Design: at most one batch is under way, so what waits behind it grows into the next one, and a
failed batch goes back in front of everything newer: no error reorders a key. A record that nobody
waits for any more is not sent: its callback was answered 503, nothing was claimed.
"""

from collections import deque
from collections.abc import Callable

from router.record import Record


class Ticket:
    """One event on its way: counts its records, and tells once when all are durable."""

    __slots__ = ("_left", "_on_durable", "is_abandoned")

    def __init__(self, records: int, on_durable: Callable[[], None]) -> None:
        """Take the number of records, and whom to tell."""
        self._left = records
        self._on_durable = on_durable
        self.is_abandoned = False

    @property
    def is_durable(self) -> bool:
        """Whether every record is written."""
        return self._left == 0

    def abandon(self) -> None:
        """Say that nobody waits any more; what is not yet sent will not be."""
        self.is_abandoned = True

    def one_is_durable(self) -> None:
        """Count one record; the last one tells, unless the ticket was abandoned."""
        self._left -= 1
        if self._left == 0 and not self.is_abandoned:
            self._on_durable()


class Waiting:
    """A record in its lane."""

    __slots__ = ("record", "ticket")

    def __init__(self, record: Record, ticket: Ticket) -> None:
        """Take a record and the event it belongs to."""
        self.record = record
        self.ticket = ticket


class Lane:
    """One partition of one topic."""

    def __init__(self, topic: str, partition: int) -> None:
        """Begin empty."""
        self.topic = topic
        self.partition = partition
        self.waiting: deque[Waiting] = deque()
        self.under_way: list[Waiting] = []
        self._singly = 0

    def add(self, waiting: Waiting) -> None:
        """Put a record at the end."""
        self.waiting.append(waiting)

    def take(self, max_bytes: int) -> tuple[list[Waiting], int]:
        """Return the next batch, now under way, and the bytes that left the lane with it.

        The batch is empty while another is under way or nothing waits. Bytes of abandoned
        records, which are dropped here, count as having left.
        """
        if self.under_way:
            return [], 0
        taken = left = 0
        while self.waiting:
            first = self.waiting[0]
            size = first.record.size
            if first.ticket.is_abandoned:
                self.waiting.popleft()
                left += size
                continue
            if self.under_way and (self._singly or taken + size > max_bytes):
                break
            self.under_way.append(self.waiting.popleft())
            taken += size
        return self.under_way, left + taken

    def written(self) -> list[Waiting]:
        """Return the batch under way, which is durable; the lane is free."""
        self._singly = max(0, self._singly - len(self.under_way))
        return self._taken_off()

    def failed(self) -> int:
        """Put the batch under way back in front; return its bytes."""
        batch = self._taken_off()
        self.waiting.extendleft(reversed(batch))
        return sum(item.record.size for item in batch)

    def refused(self) -> tuple[Waiting | None, int]:
        """Return the record that Kafka refuses for itself, if the batch tells which one it is.

        A larger batch goes back to be sent one by one, and the bytes put back are returned.
        """
        if len(self.under_way) == 1:
            return self.written()[0], 0
        self._singly = len(self.under_way)
        return None, self.failed()

    def _taken_off(self) -> list[Waiting]:
        batch, self.under_way = self.under_way, []
        return batch
