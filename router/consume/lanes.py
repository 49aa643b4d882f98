"""`Lanes`: which event may be handled next; a pure state machine.

Design: a lane is a key. One event of a lane is under way at a time, and different lanes go on
beside each other, whichever partitions they share: lanes by partition would let one event that is
retried stop all the keys behind it. Within a topic a lane keeps the order of the offsets; between
topics it takes the earliest time that it holds. What waits for a retry holds its lane and nothing
else, no worker above all.
"""

import heapq
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Generic, TypeVar

import msgspec

from router.record import Partition

Item = TypeVar("Item")


class Work(msgspec.Struct, Generic[Item], eq=False):
    """One event that is held.

    Attributes:
        partition: Where it comes from.
        offset: Its place there.
        lane: The record's key.
        time_ms: When it happened, Unix ms.
        item: What the runner needs to handle it.
    """

    partition: Partition
    offset: int
    lane: bytes
    time_ms: int
    item: Item


class _Lane(Generic[Item]):
    """The events of one key by topic; `is_held` while one of them is under way or deferred."""

    def __init__(self) -> None:
        self.topics: dict[str, deque[Work[Item]]] = {}
        self.is_held = False

    def take(self) -> Work[Item]:
        topic = min(self.topics, key=lambda name: self.topics[name][0].time_ms)
        queue = self.topics[topic]
        work = queue.popleft()
        if not queue:
            del self.topics[topic]
        return work


class Lanes(Generic[Item]):
    """All events that are held and not finished."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._lanes: dict[bytes, _Lane[Item]] = {}
        self._ready: deque[bytes] = deque()
        self._was_deferred = False
        self._deferred: list[tuple[float, int, Work[Item]]] = []
        self._order = count()

    def add(self, work: Work[Item]) -> None:
        """Take an event that was read; of one topic in the order of its offsets."""
        lane = self._lanes.get(work.lane)
        if lane is None:
            lane = self._lanes[work.lane] = _Lane()
        if not lane.topics and not lane.is_held:
            self._ready.append(work.lane)
        queue = lane.topics.get(work.partition[0])
        if queue is None:
            queue = lane.topics[work.partition[0]] = deque()
        queue.append(work)

    def next(self, now: float) -> Work[Item] | None:
        """Return an event to handle now; its lane is held until `done` or `defer`."""
        is_due = bool(self._deferred) and self._deferred[0][0] <= now
        # In turns: neither retries at once nor new events can keep the other from its turn.
        self._was_deferred = is_due and not (self._was_deferred and self._ready)
        if self._was_deferred:
            return heapq.heappop(self._deferred)[2]
        if not self._ready:
            return None
        lane = self._lanes[self._ready.popleft()]
        lane.is_held = True
        return lane.take()

    def done(self, work: Work[Item]) -> None:
        """Let the event's lane go on."""
        lane = self._lanes[work.lane]
        lane.is_held = False
        if lane.topics:
            self._ready.append(work.lane)
        else:
            del self._lanes[work.lane]

    def defer(self, work: Work[Item], until: float) -> None:
        """Hand the event out again at *until*; its lane waits for it."""
        heapq.heappush(self._deferred, (until, next(self._order), work))

    def next_deferred(self) -> float | None:
        """Return when the next deferred event is due, if there is one."""
        return self._deferred[0][0] if self._deferred else None

    def ready(self) -> int:
        """Return how many lanes have an event that nobody holds up."""
        return len(self._ready)

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget all events of these partitions, but for those that are under way."""
        gone = frozenset(partitions)
        dropped = [entry[2] for entry in self._deferred if entry[2].partition in gone]
        self._deferred = [entry for entry in self._deferred if entry[2].partition not in gone]
        heapq.heapify(self._deferred)
        for key, lane in list(self._lanes.items()):
            for topic, queue in list(lane.topics.items()):
                left = deque(work for work in queue if work.partition not in gone)
                if left:
                    lane.topics[topic] = left
                else:
                    del lane.topics[topic]
            if not lane.topics and not lane.is_held:
                del self._lanes[key]
        self._ready = deque(key for key in self._ready if key in self._lanes)
        for work in dropped:
            self.done(work)
