"""`Topics`: which lane a record belongs to, also before its topic's partitions are known.

Design: as long as nobody knows a topic's partitions its records wait in one lane of their own,
in order. When their number becomes known, or changes, everything moves at once, as soon as nothing
of the topic is with a producer: a key's older records are all in one lane, so its order is kept.
What comes meanwhile waits behind. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge

from router.publish.behind import Behind
from router.publish.lane import Lane, Waiting
from router.spool.port import Found

_MAX_REMEMBERED_KEYS = 100_000


class _Topic:
    """One topic: its lanes by partition, and the one for what has no partition yet."""

    __slots__ = ("count", "is_moving", "lanes", "name", "unplaced", "wanted")

    def __init__(self, name: str, count: int | None) -> None:
        self.name = name
        self.count = self.wanted = count
        self.is_moving = False
        self.lanes: dict[int, Lane] = {}
        self.unplaced = _unplaced(name)

    def lane(self, key_hash: int) -> Lane:
        if self.count is None or self.is_moving:
            return self.unplaced
        number = key_hash % self.count
        lane = self.lanes.get(number)
        if lane is None:
            lane = self.lanes[number] = Lane(self.name, number)
        return lane

    def begin_to_move(self, wanted: int | None) -> None:
        """Let nothing more leave, so that everything can move soon."""
        self.wanted = wanted
        self.is_moving = True
        for lane in self.lanes.values():
            lane.is_frozen = True
        # Nothing of it may come to lie on disk only while older records are in other lanes.
        self.unplaced.may_shed = not self.lanes

    def move(self) -> list[Lane]:
        """Move everything to the lanes of the wanted number of partitions, if that is possible."""
        old = [*self.lanes.values(), self.unplaced]
        if not all(lane.is_still for lane in old):
            return []
        self.is_moving = False
        self.count, self.lanes, self.unplaced = self.wanted, {}, _unplaced(self.name)
        # By position: what was found before the number changed is older than what was shed since.
        for position, key_hash in merge(*(lane.behind for lane in old)):
            self.lane(key_hash).behind.append(position, key_hash)
        for lane in old:
            for item in lane.head:
                _moved(item, self.lane(item.key_hash)).head.append(item)
            for item in lane.tail:
                _moved(item, self.lane(item.key_hash)).add(item)
            lane.clear()
        return [*self.lanes.values()]


def _unplaced(name: str) -> Lane:
    lane = Lane(name, -1)
    lane.is_frozen = True
    return lane


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
            yield topic.unplaced
            yield from topic.lanes.values()

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
        """Move the records of topics whose number of partitions changed, where that is possible.

        Returns the lanes that are new.
        """
        if self._is_recovering:
            return []
        moving = [topic for topic in self._topics.values() if topic.is_moving]
        new = [lane for topic in moving for lane in topic.move()]
        if moving:
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
