"""`Lane`: the records of one partition in the order of acceptance, as a pure state machine.

    under way    the batch that a producer has; at most one, so that no error reorders a key
    head         in memory, before all that is on disk only: what came back, or was read back
    behind       on disk only
    tail         in memory, after all that; may be on disk as well

Design: live and spooled records pass here in one order, which a buffer that overflows to disk
beside the live way does not keep. What waits behind a batch grows into the next one; a failed batch
goes back in front. A new record goes to disk at once while something older is on disk only, or
while the lane is slow, and else waits for its soft deadline. The tail lets go of what is on disk as
soon as it holds more than its window, and of all of it where far too much comes before, so a lane
that catches up goes on from memory, and becomes live again without a moment in which anything could
overtake. A record that nobody waits for and that is not on disk is not sent: its callback was
answered 503, nothing was claimed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from router.publish.behind import Behind, Place
from router.record import Record
from router.spool.port import Position


class Ticket:
    """One event on its way: counts its records, and tells once when all are durable.

    Attributes:
        on_refused: Whom to tell when Kafka refuses a record for itself and there is no spool.
        soft_at: When its records are given to the spool as well, by the monotonic clock.
        is_abandoned: Nobody waits any more.
        was_spooled: At least one record was durable on disk first.
    """

    __slots__ = ("_left", "_on_durable", "is_abandoned", "on_refused", "soft_at", "was_spooled")

    def __init__(
        self, records: int, on_durable: Callable[[], None], soft_at: float = float("inf")
    ) -> None:
        """Take the number of records, whom to tell, and the soft deadline."""
        self._left = records
        self._on_durable = on_durable
        self.on_refused: Callable[[str], None] | None = None
        self.soft_at = soft_at
        self.is_abandoned = self.was_spooled = False

    @property
    def is_durable(self) -> bool:
        """Whether every record is written."""
        return self._left == 0

    def abandon(self) -> None:
        """Say that nobody waits any more; what is neither sent nor on disk will not be."""
        self.is_abandoned = True

    def one_is_durable(self) -> None:
        """Count one record; the last one tells, unless the ticket was abandoned."""
        self._left -= 1
        if self._left == 0 and not self.is_abandoned:
            self._on_durable()


_NOBODY = Ticket(0, lambda: None)


class Waiting:
    """A record in its lane.

    Attributes:
        size: An upper bound of the bytes that it takes in a batch.
        lane: Where it waits.
        position: Its place on disk, once it has one.
        is_durable: Kafka has it, or the disk.
        is_settled: It needs nothing any more: Kafka has it, or it was given up.
        is_asked: The spool was asked to keep it.
    """

    __slots__ = (
        "is_asked",
        "is_durable",
        "is_settled",
        "key_hash",
        "lane",
        "position",
        "record",
        "size",
        "ticket",
    )

    def __init__(self, record: Record, key_hash: int, ticket: Ticket, lane: "Lane") -> None:
        """Take a record, the hash of its key, the event it belongs to, and its lane."""
        self.record = record
        self.size = record.size
        self.key_hash = key_hash
        self.ticket = ticket
        self.lane = lane
        self.position: Position | None = None
        self.is_asked = self.is_durable = self.is_settled = False

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it, and nothing was claimed."""
        return self.ticket.is_abandoned and not self.is_durable

    @property
    def is_wanted(self) -> bool:
        """Whether it still needs a place on disk."""
        return not self.is_settled and not self.is_given_up

    def on_disk(self) -> bool:
        """Note that it is on disk; whether it was not durable before."""
        if self.is_durable:
            return False
        self.is_durable = self.ticket.was_spooled = True
        self.ticket.one_is_durable()
        return True

    def in_kafka(self) -> bool:
        """Note that Kafka has it; whether it was not durable before."""
        self.is_settled = True
        if self.is_durable:
            return False
        self.is_durable = True
        self.ticket.one_is_durable()
        return True


class Lane:
    """One partition of one topic; partition -1: the topic's partitions are not known yet.

    Attributes:
        is_all_asked: The spool was asked to keep everything that is here.
        is_slow: Something waited longer than its soft deadline since Kafka took the last batch.
        is_frozen: Nothing more leaves it: its records are about to move to other lanes.
        may_shed: What is on disk need not stay in memory.
        elders: Lanes that hold what is older than all of this one, until they move.
        failures: Batches that came back since the last one that did not.
    """

    __slots__ = (
        "_reading",
        "_singly",
        "behind",
        "elders",
        "failures",
        "head",
        "is_all_asked",
        "is_frozen",
        "is_slow",
        "may_shed",
        "partition",
        "tail",
        "tail_bytes",
        "topic",
        "under_way",
    )

    def __init__(self, topic: str, partition: int) -> None:
        """Begin empty."""
        self.topic = topic
        self.partition = partition
        self.under_way: list[Waiting] = []
        self.head: deque[Waiting] = deque()
        self.behind = Behind()
        self.tail: deque[Waiting] = deque()
        self.tail_bytes = 0
        self.is_all_asked = self.is_slow = self.is_frozen = False
        self.may_shed = True
        self.elders: Sequence[Lane] = ()
        self.failures = 0
        self._reading: list[Place] = []
        self._singly = 0

    @property
    def has_spooled_only(self) -> bool:
        """Whether something waits on disk only."""
        return bool(self.behind.count or self._reading)

    @property
    def is_ready(self) -> bool:
        """Whether `take` would give something."""
        return not self.under_way and self._front() is not None

    @property
    def is_to_be_read(self) -> bool:
        """Whether the next record is on disk only, and may be fetched."""
        is_busy = self._reading or self.head or self.under_way or self.is_frozen
        return bool(self.behind.count) and not is_busy

    @property
    def is_still(self) -> bool:
        """Whether nothing of it is with a producer or with the disk's reader."""
        return not self.under_way and not self._reading

    @property
    def is_waiting(self) -> bool:
        """Whether anything waits that is not under way."""
        return bool(self.head) or bool(self.tail) or self.has_spooled_only

    def add(self, waiting: Waiting) -> bool:
        """Put a record at the end; whether it must go to disk at once."""
        self.tail.append(waiting)
        self.tail_bytes += waiting.size
        return bool(self.is_slow or self.behind.count or self._reading)

    def to_spool(self) -> list[Waiting]:
        """Return, oldest first, what the spool was not asked to keep, and is asked now.

        Whatever goes to disk goes with everything older: there, too, nothing overtakes.
        """
        asked: list[Waiting] = []
        for elder in self.elders:
            asked += elder.to_spool()
        candidates: Iterable[Waiting]
        if self.is_all_asked:  # all but the newest, and that one may be gone again
            candidates = (self.tail[-1],) if self.tail else ()
        else:
            candidates = chain(self.under_way, self.head, self.tail)
        self.is_all_asked = True
        for item in candidates:
            if not item.is_asked and not item.is_durable and item.is_wanted:
                item.is_asked = True
                asked.append(item)
        return asked

    def take(self, max_bytes: int) -> tuple[list[Waiting], int]:
        """Return the next batch, now under way, and the bytes that left the lane with it.

        The batch is empty while another is under way or nothing can be sent. Bytes of records
        that were given up, which are dropped here, count as having left.
        """
        if self.under_way:
            return [], 0
        batch = self.under_way
        taken = left = 0
        while (queue := self._front()) is not None:
            while queue:
                first = queue[0]
                size = first.size
                if first.ticket.is_abandoned and first.is_given_up:
                    first.is_settled = True
                    left += size
                elif batch and (self._singly or taken + size > max_bytes):
                    return batch, left + taken
                else:
                    batch.append(first)
                    taken += size
                queue.popleft()
                if queue is self.tail:
                    self.tail_bytes -= size
        if not batch:  # what came back was given up: nothing is tried again, nobody waits for that
            self.failures = 0
        return batch, left + taken

    def written(self) -> list[Waiting]:
        """Return the batch under way, which Kafka has; the lane is free."""
        self._singly = max(0, self._singly - len(self.under_way))
        self.is_slow = False
        self.failures = 0
        return self._taken_off()

    def failed(self) -> int:
        """Put the batch under way back in front; return its bytes."""
        batch = self._taken_off()
        self.head.extendleft(reversed(batch))
        self.failures += 1
        return sum(item.size for item in batch)

    def refused(self) -> tuple[Waiting | None, int]:
        """Return the record that Kafka refuses for itself, if the batch tells which one it is.

        A larger batch goes back to be sent one by one, and the bytes put back are returned.
        """
        if len(self.under_way) == 1:
            self._singly = max(0, self._singly - 1)
            return self._taken_off()[0], 0
        self._singly = len(self.under_way)
        return None, self.failed()

    def shed(self, window_bytes: int) -> int:
        """Leave to the disk what is there and does not fit the window; return the bytes freed."""
        before = self.tail_bytes
        while self.may_shed and self.tail_bytes > window_bytes:
            first = self.tail[0]
            if first.position is not None:
                self.behind.append(first.position, first.key_hash)
            elif first.is_given_up:
                first.is_settled = True
            else:
                break
            self.tail.popleft()
            self.tail_bytes -= first.size
        return before - self.tail_bytes

    def drop_given_up(self) -> int:
        """Drop from the tail what nobody waits for; return the bytes freed."""
        before = self.tail_bytes
        kept: deque[Waiting] = deque()
        for item in self.tail:
            if item.is_given_up:
                item.is_settled = True
                self.tail_bytes -= item.size
            else:
                kept.append(item)
        self.tail = kept
        return before - self.tail_bytes

    def to_read(self, most: int) -> list[Position]:
        """Return the places of the next records, which are now being read."""
        self._reading = self.behind.take(most)
        return [position for position, _ in self._reading]

    def read_back(self, records: Sequence[Record | None]) -> tuple[int, list[Position]]:
        """Take the first of the records asked for; return their bytes, and where none was left.

        The rest, or all of them where *records* is empty, waits on.
        """
        places, self._reading = self._reading, []
        self.behind.put_back(len(places) - len(records))
        read, lost = 0, []
        for (position, key_hash), record in zip(places, records, strict=False):
            if record is None:
                lost.append(position)
                continue
            item = Waiting(record, key_hash, _NOBODY, self)
            item.position, item.is_durable = position, True
            self.head.append(item)
            read += item.size
        return read, lost

    def clear(self) -> None:
        """Forget everything: it has moved to other lanes."""
        self.head, self.behind, self.tail = deque(), Behind(), deque()
        self.tail_bytes = 0
        self.is_all_asked = False

    def _front(self) -> deque[Waiting] | None:
        if self.is_frozen:
            return None
        if self.head:
            return self.head
        if not self.tail or self.behind.count or self._reading:
            return None
        return self.tail

    def _taken_off(self) -> list[Waiting]:
        batch, self.under_way = self.under_way, []
        return batch
