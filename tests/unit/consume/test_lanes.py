"""Which event is next: one of a key at a time, in order, and no key waits for another."""

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.consume.lanes import Lanes, Work

TOPICS = ("a", "b")
KEYS = (b"k0", b"k1", b"k2", b"k3")


def _work(
    offset: int, key: bytes = b"k", *, topic: str = "a", partition: int = 0, time_ms: int = 0
) -> Work[None]:
    return Work(
        partition=(topic, partition), offset=offset, lane=key, time_ms=time_ms, item=None
    )  # fmt: skip


def _lanes(*works: Work[None]) -> Lanes[None]:
    lanes = Lanes[None]()
    for work in works:
        lanes.add(work)
    return lanes


def test_one_event_of_a_key_at_a_time() -> None:
    """The next one of a key comes when the one before it is done; another key's at once."""
    first, second, other = _work(0), _work(1), _work(2, b"other")
    lanes = _lanes(first, second, other)

    assert [lanes.next(0.0) for _ in range(3)] == [first, other, None]
    lanes.done(first)
    assert [lanes.next(0.0) for _ in range(2)] == [second, None]


def test_between_topics_the_earliest_time_comes_first() -> None:
    """Of what is held; within a topic the offsets' order counts, not the time."""
    late_first, early_second = _work(0, time_ms=9), _work(1, time_ms=1)
    other_topic = _work(0, topic="b", time_ms=5)
    lanes = _lanes(late_first, early_second, other_topic)
    order = []
    while (work := lanes.next(0.0)) is not None:
        order.append(work)
        lanes.done(work)

    assert order == [other_topic, late_first, early_second]


def test_a_deferred_event_holds_its_key_and_no_other() -> None:
    """It comes again at its time, before the events behind it."""
    first, second, other = _work(0), _work(1), _work(2, b"other")
    lanes = _lanes(first, second, other)
    lanes.next(0.0)
    lanes.defer(first, until=5.0)

    assert (lanes.next(0.0), lanes.next(4.9), lanes.next_deferred()) == (other, None, 5.0)
    assert lanes.next(5.0) is first
    assert lanes.next_deferred() is None
    lanes.done(first)
    assert lanes.next(5.0) is second


def test_dropped_partitions_are_forgotten() -> None:
    """What waits or is deferred of them is gone, and the keys' other events go on."""
    gone, deferred, stays = _work(0), _work(0, b"deferred"), _work(0, topic="b", time_ms=1)
    behind = _work(1, b"deferred", topic="b")
    lanes = _lanes(gone, deferred, stays, behind)
    assert lanes.next(0.0) is gone
    lanes.done(gone)
    assert lanes.next(0.0) is deferred
    lanes.defer(deferred, until=9.0)
    lanes.drop([("a", 0)])

    assert {lanes.next(0.0), lanes.next(0.0)} == {stays, behind}
    assert (lanes.next(99.0), lanes.next_deferred()) == (None, None)


def test_what_is_under_way_survives_a_drop() -> None:
    """It holds its key until it is done: two of a key never run beside each other."""
    running, waiting, again = _work(0), _work(1), _work(0)
    lanes = _lanes(running, waiting)
    lanes.next(0.0)
    lanes.drop([("a", 0)])
    lanes.add(again)

    assert (lanes.next(0.0), lanes.ready()) == (None, 0)
    lanes.done(running)
    assert lanes.next(0.0) is again


def test_keys_take_turns() -> None:
    """A key with many events lets every other key go first once."""
    busy = [_work(offset, b"busy") for offset in range(100)]
    lanes = _lanes(*busy, _work(100, b"other"), _work(101, b"third"))
    served = []
    for _ in range(4):
        work = lanes.next(0.0)
        assert work is not None
        served.append(work.lane)
        lanes.done(work)

    assert served == [b"busy", b"other", b"third", b"busy"]


def test_an_event_that_is_always_due_starves_no_other_key() -> None:
    """One that asks to be tried again at once takes turns with the others, too."""
    first, other = _work(0), _work(1, b"other")
    lanes = _lanes(first, other)
    assert lanes.next(0.0) is first
    served = []
    for _ in range(4):
        lanes.defer(first, until=0.0)
        work = lanes.next(0.0)
        served.append(work)
        if work is other:
            break

    assert other in served


class LanesMachine(RuleBasedStateMachine):
    """Any order of adding, taking, finishing, deferring and dropping; a plain list knows better."""

    def __init__(self) -> None:
        """Begin with nothing, at time zero."""
        super().__init__()
        self.lanes = Lanes[None]()
        self.now = 0.0
        self.waiting: list[Work[None]] = []
        self.running: list[Work[None]] = []
        self.deferred: dict[Work[None], float] = {}
        self.offsets: defaultdict[tuple[str, int], int] = defaultdict(int)
        self.passed_over: defaultdict[bytes, int] = defaultdict(int)

    @rule(key=st.sampled_from(KEYS), topic=st.sampled_from(TOPICS), time_ms=st.integers(0, 5))
    def add(self, key: bytes, topic: str, time_ms: int) -> None:
        """An event is read; a key's partition has one number in all topics."""
        partition = topic, key[-1] % 2
        self.offsets[partition] += 1
        work = _work(
            self.offsets[partition], key, topic=topic, partition=partition[1], time_ms=time_ms
        )
        self.waiting.append(work)
        self.lanes.add(work)

    @rule()
    def take(self) -> None:
        """A worker asks for the next event, and gets the right one, or nothing if there is none."""
        due = [work for work, until in self.deferred.items() if until <= self.now]
        work = self.lanes.next(self.now)
        if work is None:
            assert not due
            assert not self._free()
            return
        assert work.lane not in {other.lane for other in self.running}
        if work in self.deferred:
            assert work in due
            del self.deferred[work]
        else:
            assert work in self._heads(work.lane)
            assert work.time_ms == min(head.time_ms for head in self._heads(work.lane))
            assert self._is_fair(work.lane)
            self.waiting.remove(work)
        self.running.append(work)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        """An event is finished."""
        work = data.draw(st.sampled_from(self.running))
        self.running.remove(work)
        self.lanes.done(work)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), after=st.integers(0, 3))
    def defer(self, data: st.DataObject, after: int) -> None:
        """An event is put off."""
        work = data.draw(st.sampled_from(self.running))
        self.running.remove(work)
        self.deferred[work] = self.now + after
        self.lanes.defer(work, self.now + after)

    @rule()
    def pass_time(self) -> None:
        """A second goes by."""
        self.now += 1.0

    @rule(partitions=st.sets(st.tuples(st.sampled_from(TOPICS), st.integers(0, 1))))
    def drop(self, partitions: set[tuple[str, int]]) -> None:
        """Partitions are taken away, and read from some place again."""
        self.lanes.drop(partitions)
        self.waiting = [work for work in self.waiting if work.partition not in partitions]
        for work in [work for work in self.deferred if work.partition in partitions]:
            del self.deferred[work]

    @invariant()
    def the_counts_agree(self) -> None:
        """The keys that are free, and the time of the next deferred event."""
        assert self.lanes.ready() == len(self._free())
        assert self.lanes.next_deferred() == min(self.deferred.values(), default=None)

    def teardown(self) -> None:
        """Everything that is left comes out exactly once: nothing is lost, nothing comes twice."""
        for work in self.running:
            self.lanes.done(work)
        self.running = []
        left = {*self.waiting, *self.deferred}
        while (found := self.lanes.next(self.now + 99.0)) is not None:
            left.remove(found)
            self.lanes.done(found)
        assert not left

    def _heads(self, key: bytes) -> list[Work[None]]:
        """Return the next event of a key of each topic."""
        return [
            next(w for w in self.waiting if (w.lane, w.partition[0]) == (key, topic))
            for topic in {w.partition[0] for w in self.waiting if w.lane == key}
        ]

    def _free(self) -> set[bytes]:
        """Return the keys that have an event and are not held."""
        held = {work.lane for work in (*self.running, *self.deferred)}
        return {work.lane for work in self.waiting} - held

    def _is_fair(self, served: bytes) -> bool:
        """Tell whether no free key was passed over more often than there are other keys."""
        self.passed_over[served] = 0
        for key in KEYS:
            self.passed_over[key] = self.passed_over[key] + 1 if key in self._free() else 0
        self.passed_over[served] = 0
        return max(self.passed_over.values()) < len(KEYS)


LanesMachine.TestCase.settings = settings(stateful_step_count=40)
TestLanes = LanesMachine.TestCase
