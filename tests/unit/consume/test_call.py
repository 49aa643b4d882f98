"""What is asked before a call: whether the event has had its effect already."""

from collections.abc import Sequence

from router.consume.call import Calls
from router.consume.store import Cause, Unit
from router.consume.writer import Writer
from tests.fakes_store import FakeStore
from tests.unit.consume.consuming import NAME, calls, marked_as, note

CAUSES = [Cause("/callbacks/rtc", f"app/{number}") for number in range(1000)]


class CountingStore(FakeStore):
    """A store that counts how many events it was asked about."""

    asked = 0

    async def had_effect(self, handler: str, causes: Sequence[Cause]) -> set[Cause]:
        """Count, and answer."""
        self.asked += len(causes)
        return await super().had_effect(handler, causes)


async def _made() -> tuple[Calls, CountingStore]:
    store = CountingStore()
    await store.start()
    return calls(marked_as(note), store, Writer(store)), store


async def test_a_handler_that_writes_nothing_is_not_asked_about_for_long() -> None:
    """After 5,000 events in vain no more; again where partitions come from another member."""
    made, store = await _made()

    for _ in range(10):
        assert await made.known(CAUSES) == set()
    in_vain = store.asked
    made.expect_duplicates()
    await made.known(CAUSES)

    assert (in_vain, store.asked) == (5000, 6000)


async def test_a_handler_whose_effects_are_found_is_asked_about_for_ever() -> None:
    """What is known is told, and counts as an answer that was worth the question."""
    made, store = await _made()
    await store.write([Unit(handler=NAME, cause=CAUSES[7], writes={"k": b"1"})], 0)

    for _ in range(10):
        assert await made.known(CAUSES) == {CAUSES[7]}

    assert store.asked == 10_000
