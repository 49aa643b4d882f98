"""Committed offsets never pass unfinished work, whatever order it is finished in."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.consume.offsets import Offsets


def test_nothing_is_due_before_anything_is_finished() -> None:
    """What is held is the first that is not finished; where nothing is, what was not read is."""
    offsets = Offsets()
    assert (offsets.due(), offsets.place(7), len(offsets)) == (None, 7, 0)

    offsets.hold(7)
    assert (offsets.due(), offsets.place(8), len(offsets)) == (None, 7, 1)


def test_what_is_due_is_the_next_offset_to_read() -> None:
    """Kafka's commit names the record that comes next, not the last one that was done."""
    offsets = Offsets()
    offsets.hold(7)
    offsets.finish(7)

    assert (offsets.due(), offsets.place(9), len(offsets)) == (8, 9, 0)


def test_what_is_finished_behind_unfinished_work_waits() -> None:
    """It stays held, and becomes due with the work before it; gaps in the log are no matter."""
    offsets = Offsets()
    for offset in (3, 4, 9):
        offsets.hold(offset)
    offsets.finish(4)
    offsets.finish(9)
    assert (offsets.due(), len(offsets)) == (None, 3)

    offsets.finish(3)
    assert (offsets.due(), len(offsets)) == (10, 0)


def test_what_is_committed_is_due_no_more() -> None:
    """A commit whose answer was lost is due still; one that came through is not."""
    offsets = Offsets()
    offsets.hold(0)
    offsets.finish(0)
    assert (offsets.due(), offsets.due()) == (1, 1)

    offsets.committed(1)
    assert offsets.due() is None
    offsets.hold(5)
    offsets.finish(5)
    assert offsets.due() == 6


class OffsetsMachine(RuleBasedStateMachine):
    """Offsets are held in rising order, with gaps, and finished and committed in any."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.offsets = Offsets()
        self.unfinished: list[int] = []
        self.held: list[int] = []
        self.committed = -1
        self.last = -1

    @rule(gap=st.integers(0, 3))
    def hold(self, gap: int) -> None:
        """A record is read."""
        self.last += 1 + gap
        self.unfinished.append(self.last)
        self.held.append(self.last)
        self.offsets.hold(self.last)

    @precondition(lambda self: self.unfinished)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Any of the unfinished ones is finished."""
        offset = data.draw(st.sampled_from(self.unfinished))
        self.unfinished.remove(offset)
        self.offsets.finish(offset)

    @rule(is_answered=st.booleans())
    def commit(self, *, is_answered: bool) -> None:
        """What is due is committed, and the answer may be lost."""
        due = self.offsets.due()
        if due is not None:
            assert due >= self.committed, "a commit went back"
            self.committed = due
            if is_answered:
                self.offsets.committed(due)

    @invariant()
    def no_commit_passes_unfinished_work(self) -> None:
        """What is due never exceeds the first unfinished offset, and holds nothing back."""
        due = self.offsets.due()
        first = min(self.unfinished, default=self.last + 1)
        before = [offset + 1 for offset in self.held if offset < first]
        assert due is None or due <= first
        assert due == (max(before) if before else None) or (due is None and before)

    @invariant()
    def all_that_waits_is_counted(self) -> None:
        """The bound on what is held counts finished ones behind unfinished ones, too."""
        first = min(self.unfinished, default=self.last + 1)
        assert len(self.offsets) == sum(offset >= first for offset in self.held)
        assert self.offsets.place(self.last + 1) == first


TestOffsets = OffsetsMachine.TestCase
