"""Places on disk, oldest first, as a plain list would keep them."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.publish.behind import _COMPACT_FROM, Behind, Place

FAR = (1 << 63) + 7  # a segment's number is in the upper bits


def _behind(*places: Place) -> Behind:
    behind = Behind()
    for position, key_hash in places:
        behind.append(position, key_hash)
    return behind


def test_places_are_taken_in_their_order() -> None:
    """The oldest first, as many as there are and no more."""
    behind = _behind((1, 10), (2, 20), (FAR, 0x7FFFFFFF))

    assert behind.count == 3
    assert behind.take(2) == [(1, 10), (2, 20)]
    assert behind.take(2) == [(FAR, 0x7FFFFFFF)]
    assert behind.take(2) == []
    assert behind.count == 0


def test_what_was_not_read_is_put_back() -> None:
    """The last of those taken come next again, before what was appended meanwhile."""
    behind = _behind((1, 10), (2, 20), (3, 30))
    behind.take(3)
    behind.append(4, 40)
    behind.put_back(2)

    assert list(behind) == [(2, 20), (3, 30), (4, 40)]
    assert behind.take(9) == [(2, 20), (3, 30), (4, 40)]


def test_another_queue_follows_without_what_was_taken_from_it() -> None:
    """Only what still waits there is taken over, and the other one keeps it."""
    behind, other = _behind((1, 10)), _behind((2, 20), (3, 30))
    other.take(1)
    behind.extend(other)

    assert list(behind) == [(1, 10), (3, 30)]
    assert list(other) == [(3, 30)]


def test_memory_is_let_go_while_it_is_worked_off() -> None:
    """Of a long queue that was half taken the first half is forgotten."""
    behind = Behind()
    count = 3 * _COMPACT_FROM
    for number in range(count):
        behind.append(number, 0)
    taken = [behind.take(256) for _ in range(count // 256 - 4)]
    last = behind.take(2000)

    assert [position for chunk in [*taken, last] for position, _ in chunk] == list(range(count))
    assert len(behind._positions) < count / 2


class BehindIsAList(RuleBasedStateMachine):
    """Whatever is appended, taken and put back: it is a list whose front is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.behind = Behind()
        self.places: list[Place] = []
        self.taken: list[Place] = []
        self.next = 0

    @rule(count=st.sampled_from([1, 2, 3, _COMPACT_FROM]))
    def append(self, count: int) -> None:
        """Append some, with hashes of their own."""
        for _ in range(count):
            self.places.append((self.next, self.next % 7))
            self.behind.append(*self.places[-1])
            self.next += 1

    @rule(most=st.sampled_from([0, 1, 2, 5, _COMPACT_FROM]))
    def take(self, most: int) -> None:
        """Take the front."""
        self.taken, self.places = self.places[:most], self.places[most:]
        assert self.behind.take(most) == self.taken

    @rule(share=st.floats(0, 1))
    def put_back(self, share: float) -> None:
        """Put back some of the last that were taken."""
        count = int(share * len(self.taken))
        if count:
            self.places = self.taken[-count:] + self.places
            self.taken = self.taken[:-count]
        self.behind.put_back(count)

    @invariant()
    def both_are_equal(self) -> None:
        """Length and order are those of the list."""
        assert self.behind.count == len(self.places)
        assert list(self.behind) == self.places


TestBehindIsAList = BehindIsAList.TestCase
TestBehindIsAList.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)


def test_what_is_taken_at_once_lies_forwards() -> None:
    """Where positions fall, because lanes were joined, a chunk ends."""
    behind = _behind((1, 0), (7, 0), (3, 0), (3, 1), (2, 0))

    assert behind.take(9) == [(1, 0), (7, 0)]
    behind.put_back(1)
    assert [behind.take(9) for _ in range(3)] == [[(7, 0)], [(3, 0), (3, 1)], [(2, 0)]]


@given(st.sets(st.integers(0, 2**64 - 1)), st.integers(0, 9))
def test_extending_is_adding_lists(positions: set[int], taken: int) -> None:
    """For any places and any front taken from the other queue."""
    places = [(position, position % 2**31) for position in sorted(positions)]
    behind, other = _behind((5, 5)), _behind(*places)
    other.take(taken)
    behind.extend(other)

    assert list(behind) == [(5, 5), *places[taken:]]
