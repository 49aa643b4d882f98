"""Whatever the disk does and whenever a process dies, what was told durable is found again."""

from errno import EACCES, EIO, EMFILE, ENOSPC
from random import Random
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from router.spool.spool import SegmentSpool
from tests.unit.spool import flawed_spools as flawed
from tests.unit.spool.modelled import MakeSpool, World
from tests.unit.spool.simulated import SimulatedDisk

SIZES = st.lists(
    st.one_of(st.integers(0, 200), st.sampled_from([60_000, 250_000])), min_size=1, max_size=12
)
SEEDS = st.integers(0, 1 << 30)
CALLS = [
    *("open", "pread", "fsync", "fsync_folder", "rename", "unlink"),
    *("ftruncate", "fallocate", "mkdir"),
]
NUMBERS = st.sampled_from([EIO, ENOSPC, EMFILE, EACCES])
FAILURES = st.tuples(st.sampled_from(CALLS), NUMBERS, st.integers(0, 8))
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


class Machine(RuleBasedStateMachine):
    """What may happen to a spool, in any order."""

    make_spool: MakeSpool = SegmentSpool
    make_disk: Any = SimulatedDisk
    world: World

    @initialize(seed=SEEDS)
    def start(self, seed: int) -> None:
        """Start the first process on an empty disk."""
        self.world = World(seed, type(self).make_spool, type(self).make_disk)

    @rule(sizes=SIZES)
    def append(self, sizes: list[int]) -> None:
        """Append records, small and large."""
        self.world.append(sizes)

    @rule(sizes=SIZES)
    def append_and_flush(self, sizes: list[int]) -> None:
        """Append records and wait until they are told of."""
        self.world.append(sizes)
        self.world.flush()

    @rule(seed=SEEDS)
    def settle(self, seed: int) -> None:
        """Settle some."""
        self.world.settle(Random(seed))  # noqa: S311 - no secret

    @rule()
    def read(self) -> None:
        """Read what waits."""
        self.world.read()

    @rule(number=st.integers(0, 99))
    def refuse(self, number: int) -> None:
        """Keep one apart."""
        self.world.refuse(number)

    @rule(count=st.integers(1, 3))
    def syncs_fail(self, count: int) -> None:
        """The next syncs fail."""
        self.world.disk.sync_errors = count

    @rule(count=st.integers(1, 2))
    def writes_fail(self, count: int) -> None:
        """The next writes fail."""
        self.world.disk.write_errors = count

    @rule(name=st.sampled_from(CALLS), number=NUMBERS, times=st.integers(1, 3))
    def calls_fail(self, name: str, number: int, times: int) -> None:
        """The next calls of that name fail."""
        self.world.fail(name, number, times)

    @rule(failures=st.lists(FAILURES, min_size=1, max_size=3))
    def the_start_fails(self, failures: list[tuple[str, int, int]]) -> None:
        """Some calls of the next start fail."""
        self.world.at_start = failures

    @rule(count=st.integers(1, 2))
    def writes_stop_short(self, count: int) -> None:
        """The next writes write only a half."""
        self.world.disk.short_writes = count

    @rule(left=st.integers(0, 300_000))
    def disk_gets_full(self, left: int) -> None:
        """Somebody else takes the space."""
        self.world.disk.capacity = self.world.disk.used + left

    @rule()
    def disk_has_room(self) -> None:
        """The space is given back."""
        self.world.disk.capacity = 1 << 40

    @rule(secs=st.sampled_from([1.5, 6.0, 70.0]))
    def time_passes(self, secs: float) -> None:
        """Timers fire, and errors are forgiven."""
        self.world.wait(secs)

    @rule(calls=st.integers(1, 40))
    def crash_soon(self, calls: int) -> None:
        """A call to the disk will be the last one."""
        self.world.disk.calls_left = calls

    @rule(keeps_memory=st.booleans())
    def crash(self, keeps_memory: bool) -> None:  # noqa: FBT001 - drawn by name
        """The process, or the power, goes now."""
        self.world.restart(keeps_memory=keeps_memory)

    @precondition(lambda self: not self.world.disk.has_crashed)
    @rule()
    def close(self) -> None:
        """A clean end, and a start."""
        self.world.close()

    @invariant()
    def nothing_is_wrong(self) -> None:
        """After a crash the next process starts; nothing may ever be complained about."""
        if self.world.disk.has_crashed:
            self.world.restart(keeps_memory=self.world.disk.random.random() < 0.5)
        self.world.check()

    def teardown(self) -> None:
        """Whatever happened, what waits is found by the next process."""
        if hasattr(self, "world"):
            try:
                self.world.restart(keeps_memory=False)
                self.world.check()
            finally:
                self.world.end()


def _machine(make_spool: MakeSpool, make_disk: Any = SimulatedDisk) -> type[Machine]:
    """Return the machine with these parts."""
    parts = {"make_spool": staticmethod(make_spool), "make_disk": make_disk}
    return cast("type[Machine]", type("Twin", (Machine,), parts))


@pytest.mark.timeout(300)
def test_what_was_told_is_found_again() -> None:
    """Crashes at any call, errors, a full disk, restarts: nothing told is lost, nothing invented.

    At every unlink the durable cursor covers the segment.
    """
    run_state_machine_as_test(
        _machine(SegmentSpool),
        settings=settings(
            max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=SLOW
        ),
    )


@pytest.mark.parametrize("calls", range(1, 25))
def test_a_process_killed_while_it_makes_the_cursor_anew(calls: int) -> None:
    """Memory may know the new cursor and the disk not: the next process removes nothing by it."""
    for seed in range(4):
        world = World(seed, SegmentSpool)
        try:
            world.append([0] * 7 + [250_000])
            world.close()
            world.disk.sync_errors = 1
            world.settle(Random(118_353))  # noqa: S311 - no secret; it settles all of the first segment
            world.disk.calls_left = calls
            world.close()
            world.restart(keeps_memory=False)
            world.check()
        finally:
            world.end()


def _starts_with_files_closed(make_spool: MakeSpool) -> None:
    """Let each of the first files in turn be one that a start cannot open."""
    for after in range(8):
        world = World(0, make_spool)
        try:
            world.append([60_000] * 12)
            world.close()
            world.at_start = [("open", EACCES, after)]
            world.restart(keeps_memory=True)
            world.close()
            world.restart(keeps_memory=False)
            world.check()
        finally:
            world.end()


def test_what_a_start_cannot_open_is_found_by_the_next() -> None:
    """Whichever file it is, nothing passes over it."""
    _starts_with_files_closed(SegmentSpool)


def test_a_spool_that_passes_over_files_is_caught() -> None:
    """The machine would find it too, within half a minute."""
    with pytest.raises(AssertionError, match="lost"):
        _starts_with_files_closed(flawed.PassesOverWhatIsClosed)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("make_spool", "make_disk"),
    [
        pytest.param(flawed.WithoutSync, SimulatedDisk, id="no sync"),
        pytest.param(flawed.TrustsTornTails, SimulatedDisk, id="torn tail accepted"),
        pytest.param(flawed.UnlinksBeforeTheCursor, SimulatedDisk, id="unlink before cursor"),
        pytest.param(SegmentSpool, flawed.FilesNotSynced, id="name before bytes"),
        pytest.param(SegmentSpool, flawed.NamesNotSynced, id="folder not synced"),
        pytest.param(SegmentSpool, flawed.ShortWritesIgnored, id="short write ignored"),
        pytest.param(SegmentSpool, flawed.SyncsAgain, id="sync again after an error"),
    ],
)
def test_a_flawed_twin_is_caught(make_spool: MakeSpool, make_disk: Any) -> None:
    """The same machine finds what is wrong with it."""
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            _machine(make_spool, make_disk),
            settings=settings(
                max_examples=2000,  # caught within some hundreds: the rest costs nothing
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=SLOW,
            ),
        )
