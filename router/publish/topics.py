"""`Topics`: which lane a record belongs to, also before its topic's partitions are known.

Design: as long as nobody knows a topic's partitions its records wait in one lane of their own,
in order. When their number becomes known, or changes, everything moves as soon as nothing of the
topic is with a producer: a key's older records are all in one lane, so its order is kept.
What comes meanwhile waits behind. After a
long outage that may be millions of places, so they move in parts, and the loop breathes. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from itertools import islice

from router.publish.behind import Behind, Place
from router.publish.lane import Lane, Waiting
from router.spool.port import Found

MOVED_AT_ONCE = 20_000  # some ten milliseconds
_MAX_REMEMBERED_KEYS = 100_000


class _Layout:
    """The lanes of one topic with so many partitions; None: nobody knows how many."""

    __slots__ = ("count", "lanes", "topic", "unplaced")

    def __init__(self, topic: str, count: int | None) -> None:
        self.topic = topic
        self.count = count
        self.lanes: dict[int, Lane] = {}
        self.unplaced = Lane(topic, -1)
        self.unplaced.is_frozen = True

    def __iter__(self) -> Iterator[Lane]:
        """Yield all, and last the one that holds what is newer than a change."""
        yield from self.lanes.values()
        yield self.unplaced

    def lane(self, key_hash: int) -> Lane:
        if self.count is None:
            return self.unplaced
        number = key_hash % self.count
        lane = self.lanes.get(number)
        if lane is None:
            lane = self.lanes[number] = Lane(self.topic, number)
        return lane


class _Topic:
    """One topic: its lanes, and those that everything moves to, if it does."""

    __slots__ = ("_next", "_places", "is_moving", "lanes", "name", "wanted")

    def __init__(self, name: str, count: int | None) -> None:
        self.name = name
        self.wanted = count
        self.is_moving = False
        self.lanes = _Layout(name, count)
        self._next: _Layout | None = None
        self._places: Iterator[Place] = iter(())

    def lane(self, key_hash: int) -> Lane:
        return self.lanes.unplaced if self.is_moving else self.lanes.lane(key_hash)

    def begin_to_move(self, wanted: int | None) -> None:
        """Let nothing more leave, so that everything can move soon."""
        self.wanted = wanted
        self.is_moving = True
        for lane in self.lanes:
            lane.is_frozen = True
        self.lanes.unplaced.elders = [*self.lanes.lanes.values()]
        if self.lanes.lanes:
            # Nothing of it may come to lie on disk only while older records are in other lanes.
            self.lanes.unplaced.may_shed = False

    def move(self, most: int) -> tuple[list[Lane], int]:
        """Move on, at most so many places; return the new lanes if that was all, and how many."""
        if self._next is None:
            if not all(lane.is_still for lane in self.lanes):
                return [], 0
            for lane in self.lanes:
                lane.may_shed = False  # its places are being read
            self._next = _Layout(self.name, self.wanted)
            # By position: what was found before a change is older than what was shed since.
            self._places = merge(*(lane.behind for lane in self.lanes))
        part = list(islice(self._places, most))
        for position, key_hash in part:
            self._next.lane(key_hash).behind.append(position, key_hash)
        if len(part) == most:
            return [], most
        self._arrive(self._next)
        return [*self.lanes.lanes.values()], len(part)

    def _arrive(self, new: _Layout) -> None:
        """Let what is in memory follow, and everything leave again."""
        old, self.lanes, self._next = self.lanes, new, None
        self.is_moving = False
        for lane in old:
            for item in lane.head:
                _moved(item, self.lane(item.key_hash)).head.append(item)
            for item in lane.tail:
                _moved(item, self.lane(item.key_hash)).add(item)
            lane.clear()
        if self.wanted != new.count:  # it has changed on the way
            self.begin_to_move(self.wanted)


def _moved(item: Waiting, lane: Lane) -> Lane:
    item.lane = lane
    return lane


class Topics:
    """All lanes of one publisher."""

    def __init__(self, hash_of: Callable[[bytes], int]) -> None:
        """Take the hash that decides a key's partition: its remainder is the partition."""
        self._hash_of = hash_of
        self._topics: dict[str, _Topic] = {}
        self._known: dict[str, int] = {}
        self._places: dict[tuple[str, bytes], tuple[Lane, int]] = {}
        self._recovered: dict[Lane, Behind] = {}
        self._is_recovering = False

    def __iter__(self) -> Iterator[Lane]:
        """Yield every lane that there is."""
        for topic in self._topics.values():
            yield from topic.lanes

    @property
    def are_moving(self) -> bool:
        """Whether `move` has something to do, perhaps not yet."""
        return any(topic.is_moving for topic in self._topics.values())

    def place(self, topic: str, key: bytes) -> tuple[Lane, int]:
        """Return the lane of a record, and the hash of its key."""
        place = self._places.get((topic, key))
        if place is None:
            key_hash = self._hash_of(key)
            if len(self._places) >= _MAX_REMEMBERED_KEYS:
                self._places.clear()
            place = self._places[topic, key] = self._topic(topic).lane(key_hash), key_hash
        return place

    def missing(self, topics: Iterable[str]) -> list[str]:
        """Return those of *topics* whose partitions are not known."""
        return [topic for topic in topics if topic not in self._known]

    def learn(self, partitions: Mapping[str, int]) -> list[Lane]:
        """Take the partitions of all topics there are; return the lanes that are new."""
        if self._known != partitions:
            self._known = dict(partitions)
            for topic in self._topics.values():
                wanted = self._known.get(topic.name)
                if wanted != topic.wanted:
                    topic.begin_to_move(wanted)
            self._places.clear()
        return self.move()

    def move(self) -> list[Lane]:
        """Move records of topics whose number of partitions changed, as far as that is possible.

        Returns the lanes that are new, once everything of their topic is there.
        """
        if self._is_recovering:
            return []
        new: list[Lane] = []
        left = MOVED_AT_ONCE
        for topic in self._topics.values():
            if topic.is_moving and left:
                lanes, moved = topic.move(left)
                new += lanes
                left -= moved
                self._places.clear()
        return new

    def recover(self) -> None:
        """Begin to take records of an earlier run; until the end nothing moves."""
        self._is_recovering = True

    def found(self, records: Iterable[Found]) -> None:
        """Take records of an earlier run, by rising position: they are older than all others."""
        for record in records:
            lane = self._topic(record.topic).lane(record.key_hash)
            behind = self._recovered.get(lane)
            if behind is None:
                behind = self._recovered[lane] = Behind()
            behind.append(record.position, record.key_hash)

    def recovered(self) -> list[Lane]:
        """Put the records of the earlier run in front; return all lanes that have something."""
        self._is_recovering = False
        recovered, self._recovered = self._recovered, {}
        for lane, behind in recovered.items():
            behind.extend(lane.behind)
            lane.behind = behind
        self.move()
        return [lane for lane in self if lane.is_waiting]

    def _topic(self, name: str) -> _Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(name, self._known.get(name))
        return topic
