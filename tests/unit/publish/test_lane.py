"""One partition's records: in the order of acceptance, whatever fails on the way."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.publish.lane import Lane, Ticket, Waiting
from tests.unit.publish.lanes import ALL, lane_of, waiting


def test_a_ticket_tells_once_when_every_record_is_durable() -> None:
    """Not before the last one, and not again."""
    told: list[int] = []
    ticket = Ticket(2, lambda: told.append(1))

    ticket.one_is_durable()
    assert (told, ticket.is_durable) == ([], False)
    ticket.one_is_durable()
    assert (told, ticket.is_durable) == ([1], True)


def test_an_abandoned_ticket_tells_nobody() -> None:
    """What was under way may become durable after all; nobody waits for it any more."""
    told: list[int] = []
    ticket = Ticket(1, lambda: told.append(1))

    ticket.abandon()
    ticket.one_is_durable()
    assert (told, ticket.is_durable, ticket.is_abandoned) == ([], True, True)


def test_records_leave_in_their_order() -> None:
    """A batch takes what waits, as much as fits, and the rest follows."""
    first, second, third = (waiting(number) for number in range(3))
    lane = lane_of(first, second, third)
    size = first.record.size

    assert lane.take(2 * size) == ([first, second], 2 * size)
    assert lane.written() == [first, second]
    assert lane.take(2 * size) == ([third], size)
    assert lane.written() == [third]
    assert lane.take(2 * size) == ([], 0)


def test_only_one_batch_is_under_way() -> None:
    """While one is, nothing else leaves."""
    lane = lane_of(waiting(1))
    lane.take(ALL)
    lane.add(waiting(2))

    assert lane.take(ALL) == ([], 0)


def test_a_record_larger_than_a_batch_goes_alone() -> None:
    """It is not held back for ever."""
    small, large = waiting(1), waiting(2, 5000)
    lane = lane_of(small, large, small)

    assert lane.take(1000) == ([small], small.record.size)
    lane.written()
    assert lane.take(1000) == ([large], large.record.size)
    lane.written()
    assert lane.take(1000)[0] == [small]


def test_a_failed_batch_goes_back_in_front() -> None:
    """What failed stays ahead of what came later, in its order; its bytes are back."""
    first, second, third = (waiting(number) for number in range(3))
    lane = lane_of(first, second)
    lane.take(ALL)
    lane.add(third)

    assert lane.failed() == first.record.size + second.record.size
    assert [*lane.head, *lane.tail] == [first, second, third]
    assert lane.take(ALL)[0] == [first, second, third]
    assert lane_of().failed() == 0


def test_what_nobody_waits_for_is_not_sent() -> None:
    """Abandoned records are dropped at the front, in the middle and behind a full batch."""
    gone = Ticket(4, lambda: None)
    dropped = [waiting(number, ticket=gone) for number in range(4)]
    first, second, third = (waiting(number) for number in range(4, 7))
    lane = lane_of(dropped[0], first, dropped[1], second, dropped[2], third, dropped[3])
    gone.abandon()

    size = first.record.size
    assert lane.take(2 * size) == ([first, second], 5 * size)
    lane.written()
    assert lane.take(2 * size) == ([third], 2 * size)


def test_a_refused_record_is_found_by_sending_one_by_one() -> None:
    """A refused batch of three goes back; each is sent alone, so the refusal tells which one."""
    first, second, third, later = (waiting(number) for number in range(4))
    lane = lane_of(first, second, third)
    lane.take(ALL)
    lane.add(later)
    lane.add(later)

    assert lane.refused() == (None, 3 * first.record.size)
    assert lane.take(ALL)[0] == [first]
    assert lane.written() == [first]
    assert lane.take(ALL)[0] == [second]
    assert lane.refused() == (second, 0)
    assert lane.take(ALL)[0] == [third]
    assert lane.written() == [third]
    assert lane.take(ALL)[0] == [later, later]


@pytest.mark.parametrize("failures", [1, 2, 5])
def test_a_failure_between_does_not_join_them_again(failures: int) -> None:
    """What is to be sent one by one stays so when a try fails for another reason."""
    first, second = waiting(1), waiting(2)
    lane = lane_of(first, second)
    lane.take(ALL)
    lane.refused()
    for _ in range(failures):
        assert lane.take(ALL)[0] == [first]
        lane.failed()

    assert lane.take(ALL)[0] == [first]


class _Item(NamedTuple):
    number: int
    waiting: Waiting

    @property
    def is_abandoned(self) -> bool:
        return self.waiting.ticket.is_abandoned


class LaneIsAList(RuleBasedStateMachine):
    """Whatever happens, a lane is a plain list of what was accepted, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane("t", 0)
        self.accepted: list[_Item] = []
        self.waits: list[_Item] = []
        self.under_way: list[_Item] = []
        self.gone: list[int] = []
        self.bytes = 0
        self.alone = 0

    @rule(size=st.sampled_from([0, 0, 100, 3000]))
    def add(self, size: int) -> None:
        """Accept one more record."""
        item = _Item(len(self.accepted), waiting(len(self.accepted), size))
        self.accepted.append(item)
        self.waits.append(item)
        self.bytes += item.waiting.record.size
        self.lane.add(item.waiting)

    @rule(max_bytes=st.sampled_from([1, 1200, 4000, ALL]))
    def take(self, max_bytes: int) -> None:
        """The batch is what a list would give: the front, without what was abandoned."""
        batch, left = self.lane.take(max_bytes)
        self.bytes -= left
        if self.under_way:
            assert (batch, left) == ([], 0)
            return
        live = [item for item in self.waits if not item.is_abandoned]
        assert batch == [item.waiting for item in live[: len(batch)]]
        assert bool(batch) == bool(live)
        sizes = [item.waiting.record.size for item in live]
        assert len(batch) <= 1 or sum(sizes[: len(batch)]) <= max_bytes
        is_full = len(batch) == len(live) or sum(sizes[: len(batch) + 1]) > max_bytes
        assert is_full or (len(batch) == 1 and self.alone > 0)
        self.under_way = live[: len(batch)]
        self.waits = live[len(batch) :]

    @rule()
    def written(self) -> None:
        """The batch is durable and leaves."""
        assert self.lane.written() == [item.waiting for item in self.under_way]
        self.gone += [item.number for item in self.under_way]
        self.alone -= bool(self.alone and self.under_way)
        self.under_way = []

    @rule()
    def failed(self) -> None:
        """The batch goes back in front."""
        size = self.lane.failed()
        assert size == sum(item.waiting.record.size for item in self.under_way)
        self.bytes += size
        self.waits = self.under_way + self.waits
        self.under_way = []

    @precondition(lambda self: self.under_way)
    @rule()
    def refused(self) -> None:
        """One record leaves, or several go back to be sent alone."""
        culprit, size = self.lane.refused()
        self.bytes += size
        if len(self.under_way) == 1:
            assert (culprit, size) == (self.under_way[0].waiting, 0)
            self.gone.append(self.under_way[0].number)
            self.alone -= bool(self.alone)
        else:
            assert culprit is None
            self.alone = len(self.under_way)
            self.waits = self.under_way + self.waits
        self.under_way = []

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        """Nobody waits any more for some record, wherever it is."""
        item = data.draw(st.sampled_from(self.accepted))
        item.waiting.ticket.abandon()

    @invariant()
    def the_order_is_kept(self) -> None:
        """What left, what is under way and what waits are in the order of acceptance."""
        numbers = [*self.gone, *(item.number for item in self.under_way + self.waits)]
        assert numbers == sorted(set(numbers))
        assert [item.waiting for item in self.under_way] == self.lane.under_way
        lost = {item.number for item in self.accepted} - set(numbers)
        assert all(self.accepted[number].is_abandoned for number in lost)

    @invariant()
    def the_bytes_are_those_that_wait(self) -> None:
        """Bytes that came and left tell what waits, so that a bound on them holds."""
        assert self.bytes == sum(item.record.size for item in (*self.lane.head, *self.lane.tail))


TestLaneIsAList = LaneIsAList.TestCase


@given(st.lists(st.integers(0, 900), max_size=20), st.integers(1, 3000))
def test_draining_a_lane_gives_everything_once(sizes: list[int], max_bytes: int) -> None:
    """Taking and writing again and again ends, with every record in its order."""
    items = [waiting(number, size) for number, size in enumerate(sizes)]
    lane = lane_of(*items)
    out: list[Waiting] = []
    while lane.take(max_bytes)[0]:
        out += lane.written()

    assert out == items
