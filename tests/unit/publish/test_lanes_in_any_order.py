"""Whatever befalls the lanes of a topic: each key in order, nothing lost, nothing twice.

Design: the machine plays the producers, the disk, the cluster that grows and shrinks, and the
callers who give up; what must hold is told from three lists of its own: what was accepted, what
lies on disk, what Kafka has. Records of an earlier run have the lowest numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.publish.lane import Lane, Ticket, Waiting
from router.publish.topics import Topics
from router.record import Record
from router.spool.port import Found, Position

WINDOW = 3000
KEYS = "abc"
PARTITIONS = st.sampled_from([None, 1, 2, 3])
LARGE = 1 << 30


class OnDisk(NamedTuple):
    """What lies at a place, and whether nobody needs it any more."""

    record: Record
    is_settled: bool = False


class LanesInAnyOrder(RuleBasedStateMachine):
    """One topic, from the end of an earlier run on."""

    def __init__(self) -> None:
        super().__init__()
        self.topics = self.make_topics()
        self.accepted: dict[int, Waiting] = {}
        self.recovered: set[int] = set()
        self.number = 0
        self.asked: list[Waiting] = []
        self.disk: dict[Position, OnDisk] = {}
        self.kafka: list[int] = []
        self.refused: set[int] = set()
        self.damaged: set[int] = set()
        self.doubtful: Counter[int] = Counter()
        self.reading: list[tuple[Lane, list[Position]]] = []
        self.bytes = 0
        self.old: list[Found] = []
        self.is_recovering = True

    def make_topics(self) -> Topics:
        """Return what is tested."""
        return Topics(_hash_of)

    # An earlier run.

    @initialize(keys=st.lists(st.sampled_from(KEYS), max_size=6), partitions=PARTITIONS)
    def begin(self, keys: list[str], partitions: int | None) -> None:
        """Find the disk as an earlier run has left it."""
        self.topics.recover()
        self.learn(partitions)
        for key in keys:
            record = self._record(key, 0)
            self.recovered.add(_number(record))
            self._write(record)
            self.old.append(Found(max(self.disk), "t", _hash_of(record.key)))

    @precondition(lambda self: self.is_recovering and self.old)
    @rule(count=st.integers(1, 3))
    def find(self, count: int) -> None:
        """Recover some more."""
        self.topics.found(self.old[:count])
        del self.old[:count]

    @precondition(lambda self: self.is_recovering)
    @rule()
    def end_recovery(self) -> None:
        """Recover the rest, and let everything go on."""
        self.topics.found(self.old)
        self.old = []
        lanes = self.topics.recovered()
        self.is_recovering = False
        assert lanes == [lane for lane in self.topics if lane.is_waiting]

    # Those who publish.

    @rule(key=st.sampled_from(KEYS), size=st.sampled_from([0, 1500]), is_urgent=st.booleans())
    def accept(self, key: str, size: int, is_urgent: bool) -> None:  # noqa: FBT001 - drawn
        """Accept one more record, and give it to the spool if it must go there."""
        record = self._record(key, size)
        lane, key_hash = self.topics.place("t", record.key)
        item = Waiting(record, key_hash, Ticket(1, _nothing), lane)
        self.accepted[_number(record)] = item
        self.bytes += record.size
        if lane.add(item) or self.is_recovering or is_urgent:
            self._ask(lane)
        else:
            lane.is_all_asked = False

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        """Nobody waits any more for some record, wherever it is."""
        data.draw(st.sampled_from(list(self.accepted.values()))).ticket.abandon()

    @rule()
    def drop_given_up(self) -> None:
        """Make room."""
        for lane in self.topics:
            self.bytes -= lane.drop_given_up()

    @rule()
    def a_soft_deadline_passes(self) -> None:
        """The oldest record that is nowhere yet goes to disk, and what its lane holds."""
        late = [item for item in self.accepted.values() if _is_nowhere(item)]
        inside = [item for lane in self.topics for item in _in_memory(lane)]
        for item in late[:1]:
            if item in inside:
                item.lane.is_slow = True
                self._ask(item.lane)

    # The disk.

    @precondition(lambda self: self.asked)
    @rule(count=st.integers(1, 5), window=st.sampled_from([0, WINDOW, WINDOW, LARGE]))
    def write(self, count: int, window: int) -> None:
        """Write some of what was asked for, in order; a lane over its window lets go of it."""
        for item in self.asked[:count]:
            item.is_asked = False
            if not item.is_wanted:
                continue
            item.position = self._write(item.record)
            item.on_disk()
            self.bytes -= item.lane.shed(window)
        del self.asked[:count]

    @precondition(lambda self: not self.is_recovering)
    @rule(most=st.integers(1, 4))
    def read(self, most: int) -> None:
        """Begin to read for every lane that asks for it."""
        for lane in self.topics:
            if lane.is_to_be_read:
                positions = lane.to_read(most)
                assert positions == sorted(positions)
                self.reading.append((lane, positions))

    @precondition(lambda self: self.reading)
    @rule(count=st.integers(0, 4), is_damaged=st.sampled_from([False, False, False, True]))
    def read_back(self, count: int, is_damaged: bool) -> None:  # noqa: FBT001 - drawn
        """Some of it is read, none where the disk fails; the first may be damaged."""
        lane, positions = self.reading.pop(0)
        records: list[Record | None] = [self.disk[each].record for each in positions[:count]]
        lost: list[Position] = []
        if is_damaged and records:
            records[0] = None
            lost = positions[:1]
            self.damaged.add(_number(self.disk[lost[0]].record))
        size = sum(record.size for record in records if record is not None)
        assert lane.read_back(records) == (size, lost)
        self.bytes += size
        self._settle(lost)
        self._after(lane)

    # The producer.

    @precondition(lambda self: not self.is_recovering)
    @rule(max_bytes=st.sampled_from([1, 3000, LARGE]))
    def send(self, max_bytes: int) -> None:
        """Take a batch of every lane."""
        for lane in self.topics:
            was_under_way = bool(lane.under_way)
            was_ready = lane.is_ready
            batch, left = lane.take(max_bytes)
            self.bytes -= left
            assert not (was_under_way and batch)
            assert was_ready or not batch
            assert not any(item.is_settled for item in batch)
            sizes = [item.record.size for item in batch]
            assert len(batch) <= 1 or sum(sizes) <= max_bytes

    @precondition(lambda self: any(lane.under_way for lane in self.topics))
    @rule(data=st.data())
    def end_a_batch(self, data: st.DataObject) -> None:
        """It is written, or it failed and was written or not, or Kafka refuses it."""
        lane = data.draw(st.sampled_from([lane for lane in self.topics if lane.under_way]))
        batch = list(lane.under_way)
        match data.draw(st.sampled_from(["written", "failed", "doubtful", "refused"])):
            case "written":
                self._written(lane)
            case "failed":
                self._failed(lane, batch)
            case "doubtful":
                self.kafka += [_number(item.record) for item in batch]
                self.doubtful.update(_number(item.record) for item in batch)
                self._failed(lane, batch)
            case _:
                self._refused(lane, batch)
        self._after(lane)

    # The cluster.

    @rule(partitions=PARTITIONS)
    def learn(self, partitions: int | None) -> None:
        """The topic has so many partitions now, or is gone."""
        self.topics.learn({} if partitions is None else {"t": partitions})
        assert self.topics.missing(["t"]) == ([] if partitions else ["t"])

    # What must hold.

    @invariant()
    def keys_are_in_order(self) -> None:
        """What Kafka has of a key came there first in the order of acceptance."""
        for numbers in self._by_key(dict.fromkeys(self.kafka)):
            assert numbers == sorted(numbers)

    @invariant()
    def the_disk_is_in_order(self) -> None:
        """A key's records lie on disk in the order of acceptance."""
        for numbers in self._by_key(_number(each.record) for each in self.disk.values()):
            assert numbers == sorted(set(numbers))

    @invariant()
    def nothing_is_twice_without_a_cause(self) -> None:
        """Only what was written and reported as failed is sent again."""
        for number, times in Counter(self.kafka).items():
            assert times <= 1 + self.doubtful[number]

    @invariant()
    def nothing_is_lost(self) -> None:
        """Each record waits in one place, or is done with for a reason."""
        waits = Counter(self._waiting_numbers())
        assert not waits or max(waits.values()) == 1
        gone = set(self.kafka) | self.refused | self.damaged
        unfound = {_number(self.disk[each.position].record) for each in self.old}
        given_up = {number for number, item in self.accepted.items() if item.is_given_up}
        assert set(self.accepted) | self.recovered == waits.keys() | gone | unfound | given_up

    @invariant()
    def the_bytes_are_those_in_memory(self) -> None:
        """Bytes that came and left tell what waits in memory, so that a bound on them holds."""
        lanes = list(self.topics)
        waiting = [item for lane in lanes for item in (*lane.head, *lane.tail)]
        assert self.bytes == sum(item.record.size for item in waiting)
        for lane in lanes:
            assert lane.tail_bytes == sum(item.record.size for item in lane.tail)

    @invariant()
    def a_key_has_one_lane(self) -> None:
        """Everything in a lane knows that it is there."""
        for lane in self.topics:
            assert all(item.lane is lane for item in _in_memory(lane))

    def teardown(self) -> None:
        """At the end everything goes, and nobody waits for what is not there."""
        if self.is_recovering:
            self.end_recovery()
        self.learn(2)
        for lane in self.topics:
            if lane.under_way:
                self._written(lane)
        while self.reading:
            self.read_back(9, is_damaged=False)
        self.topics.move()
        while any(lane.is_waiting for lane in self.topics):
            self.send(LARGE)
            for lane in self.topics:
                if lane.under_way:
                    self._written(lane)
            self.read(9)
            while self.reading:
                self.read_back(9, is_damaged=False)
        self.keys_are_in_order()
        self.nothing_is_lost()
        assert all(each.is_settled for each in self.disk.values())

    def _record(self, key: str, size: int) -> Record:
        self.number += 1
        value = b"%d" % self.number + b" " * size
        return Record(topic="t", key=key.encode(), value=value, headers=())

    def _ask(self, lane: Lane) -> None:
        asked = lane.to_spool()
        assert not any(item in self.asked or item.is_durable for item in asked)
        assert all(
            item.is_asked or item.is_durable or not item.is_wanted for item in _in_memory(lane)
        )
        self.asked += asked

    def _write(self, record: Record) -> Position:
        position = max(self.disk, default=0) + 10
        self.disk[position] = OnDisk(record)
        return position

    def _settle(self, positions: Iterable[Position | None]) -> None:
        for position in positions:
            if position is not None:
                assert not self.disk[position].is_settled
                self.disk[position] = OnDisk(self.disk[position].record, is_settled=True)

    def _written(self, lane: Lane) -> None:
        batch = lane.written()
        self.kafka += [_number(item.record) for item in batch]
        for item in batch:
            item.in_kafka()
        self._settle(item.position for item in batch)

    def _failed(self, lane: Lane, batch: list[Waiting]) -> None:
        size = lane.failed()
        assert size == sum(item.record.size for item in batch)
        assert list(lane.head)[: len(batch)] == batch
        self.bytes += size

    def _refused(self, lane: Lane, batch: list[Waiting]) -> None:
        culprit, size = lane.refused()
        self.bytes += size
        if len(batch) > 1:
            assert culprit is None
            return
        assert (culprit, size) == (batch[0], 0)
        batch[0].is_settled = True
        self.refused.add(_number(batch[0].record))
        self._settle([batch[0].position])

    def _after(self, lane: Lane) -> None:
        if lane.is_frozen:
            self.topics.move()

    def _waiting_numbers(self) -> Iterable[int]:
        read = {id(lane): positions for lane, positions in self.reading}
        for lane in self.topics:
            yield from (_number(item.record) for item in _in_memory(lane))
            for position in (*(each for each, _ in lane.behind), *read.get(id(lane), [])):
                assert not self.disk[position].is_settled
                yield _number(self.disk[position].record)
        for behind in self.topics._recovered.values():
            for position, _ in behind:
                yield _number(self.disk[position].record)

    def _by_key(self, numbers: Iterable[int]) -> Iterable[list[int]]:
        keys: defaultdict[bytes, list[int]] = defaultdict(list)
        of = {_number(each.record): each.record.key for each in self.disk.values()}
        of.update((number, item.record.key) for number, item in self.accepted.items())
        for number in numbers:
            keys[of[number]].append(number)
        return keys.values()


def _number(record: Record) -> int:
    return int(record.value)


def _hash_of(key: bytes) -> int:
    return key[0]


def _nothing() -> None:
    """Nobody is told."""


def _in_memory(lane: Lane) -> list[Waiting]:
    return [*lane.under_way, *lane.head, *lane.tail]


def _is_nowhere(item: Waiting) -> bool:
    return not item.is_durable and not item.is_asked and item.is_wanted


TestLanesInAnyOrder = LanesInAnyOrder.TestCase
TestLanesInAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
