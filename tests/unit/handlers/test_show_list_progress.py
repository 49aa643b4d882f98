"""`show-list-progress`: what is announced of a studio's shows, and what is not."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.show_list_progress import show_list_progress
from router.handler import DeadLetter, Event
from router.testing import LEFT_OUT, Result, run, sample
from router.vendors.alibaba_caster.events import ShowListDTSCallback

Callback = Event[ShowListDTSCallback]


def _told(progress_ms: int | None, *, at: float, show: str = "one", **message: Any) -> Callback:
    """Return a callback with a position of a show of 100 s, at a second."""
    fields = {"show_id": show, "progress_time": progress_ms, "duration": 100_000, **message}
    return sample(ShowListDTSCallback, caster_id="caster", event_message=fields, time=at)


def _run(*callbacks: Callback) -> Result:
    return asyncio.run(run(show_list_progress, callbacks))


def _announced(*callbacks: Callback) -> list[tuple[str, int, bool, bool]]:
    """Return show, position, `ended` and `stalled` of each announcement."""
    return [
        (data["show_id"], data["progress_ms"], data["ended"], data["stalled"])
        for data in _run(*callbacks).announced("ShowProgress")
    ]


def test_the_vendors_example_is_announced_in_full() -> None:
    """The documented callback gives every field of the announcement."""
    message = {
        "show_id": "9ef1db9d",
        "show_name": "test.mp4",
        "progress_time": 116_796,
        "duration": 396_847,
    }
    event = sample(ShowListDTSCallback, caster_id="3761c920", event_message=message)

    (emitted,) = _run(event).emitted

    assert emitted.subject == "3761c920"
    assert emitted.data == {
        "caster_id": "3761c920",
        "show_id": "9ef1db9d",
        "show_name": "test.mp4",
        "progress_ms": 116_796,
        "duration_ms": 396_847,
        "percent": 29.4,
        "remaining_ms": 280_051,
        "ended": False,
        "stalled": False,
    }


@pytest.mark.parametrize(
    ("progress", "duration", "expected"),
    [
        (0, 100_000, (0, 100_000, 0.0, 100_000, False)),
        (33_333, 100_000, (33_333, 100_000, 33.3, 66_667, False)),
        (100_000, 100_000, (100_000, 100_000, 100.0, 0, True)),
        (120_000, 100_000, (120_000, 100_000, 100.0, 0, True)),
        (10**400, 100_000, (10**400, 100_000, 100.0, 0, True)),
        (-5, 100_000, (0, 100_000, 0.0, 100_000, False)),
        (5_000, 0, (5_000, None, None, None, False)),
        (5_000, -1, (5_000, None, None, None, False)),
        (5_000, None, (5_000, None, None, None, False)),
        (5_000, LEFT_OUT, (5_000, None, None, None, False)),
    ],
    ids=[
        "begin",
        "one-decimal",
        "end",
        "beyond-the-end",
        "absurd",
        "below-0",
        "duration-0",
        "duration-below-0",
        "duration-null",
        "duration-missing",
    ],
)
def test_what_follows_from_position_and_duration(
    progress: int, duration: Any, expected: tuple[Any, ...]
) -> None:
    """Percent and remaining time stay in their bounds, and are null where nothing tells them."""
    result = _run(_told(progress, at=0, duration=duration))

    names = ("progress_ms", "duration_ms", "percent", "remaining_ms", "ended")
    (data,) = result.announced("ShowProgress")
    assert tuple(data[name] for name in names) == expected


@pytest.mark.parametrize("progress", [None, LEFT_OUT], ids=["null", "missing"])
def test_a_callback_without_a_position_is_put_aside(progress: Any) -> None:
    """It tells nothing that could be announced."""
    result = _run(_told(progress, at=0))

    assert result.outcomes == (DeadLetter("no-progress"),)
    assert (result.emitted, result.state) == ((), {})


def test_without_a_show_or_a_studio_progress_is_announced_all_the_same() -> None:
    """What the callback does not tell is null."""
    message = {"show_id": LEFT_OUT, "show_name": None, "progress_time": 5}
    event = sample(ShowListDTSCallback, caster_id=None, event_message=message)

    (data,) = _run(event).announced("ShowProgress")

    assert (data["caster_id"], data["show_id"], data["show_name"]) == (None, None, None)


BEGIN, LATER, END = _told(1, at=1), _told(9_000, at=10), _told(100_000, at=100)
OTHER = _told(0, at=200, show="two")


@pytest.mark.parametrize(
    ("callbacks", "expected"),
    [
        ([BEGIN, LATER], [("one", 1, False, False), ("one", 9_000, False, False)]),
        ([LATER, LATER], [("one", 9_000, False, False)]),
        ([LATER, _told(9_000, at=11)], [("one", 9_000, False, False)]),
        ([LATER, BEGIN], [("one", 9_000, False, False)]),
        ([LATER, _told(8_000, at=10)], [("one", 9_000, False, False)]),
        (
            [LATER, _told(9_500, at=10)],
            [("one", 9_000, False, False), ("one", 9_500, False, False)],
        ),
        ([LATER, _told(1, at=11)], [("one", 9_000, False, False), ("one", 1, False, False)]),
        (
            [END, _told(100_000, at=101), _told(1, at=102)],
            [("one", 100_000, True, False), ("one", 1, False, False)],
        ),
        (
            [LATER, OTHER],
            [
                ("one", 9_000, False, False),
                ("one", 9_000, True, False),
                ("two", 0, False, False),
            ],
        ),
        ([END, OTHER], [("one", 100_000, True, False), ("two", 0, False, False)]),
        ([OTHER, LATER], [("two", 0, False, False)]),
        (
            [OTHER, _told(9_000, at=300)],
            [("two", 0, False, False), ("two", 0, True, False), ("one", 9_000, False, False)],
        ),
    ],
    ids=[
        "goes-on",
        "duplicate",
        "nothing-new",
        "late",
        "back-at-the-same-time",
        "on-at-the-same-time",
        "begins-again",
        "begins-again-after-its-end",
        "next-show-ends-the-first",
        "next-show-after-the-end",
        "late-of-the-former-show",
        "former-show-comes-back",
    ],
)
def test_what_is_announced(
    callbacks: list[Callback], expected: list[tuple[str, int, bool, bool]]
) -> None:
    """Only what is new is announced, and every show that is followed by another one ends."""
    assert _announced(*callbacks) == expected


def test_a_new_name_is_news() -> None:
    """An announcement follows from any difference, not from the position alone."""
    renamed = _told(9_000, at=11, show_name="evening-2.mp4")

    assert len(_run(LATER, renamed).emitted) == 2


def test_a_position_that_stays_the_same_for_a_minute_is_stalled() -> None:
    """It is announced once as stalled, and once as no longer so when it moves."""
    callbacks = [_told(9_000, at=second) for second in (0, 30, 60, 61, 90)]

    assert _announced(*callbacks, _told(9_001, at=91)) == [
        ("one", 9_000, False, False),
        ("one", 9_000, False, True),
        ("one", 9_001, False, False),
    ]


def test_a_stalled_show_that_another_follows_has_ended() -> None:
    """`ended` and `stalled` are never both true."""
    assert _announced(_told(9_000, at=0), _told(9_000, at=61), OTHER) == [
        ("one", 9_000, False, False),
        ("one", 9_000, False, True),
        ("one", 9_000, True, False),
        ("two", 0, False, False),
    ]


def test_a_show_that_ended_does_not_stall() -> None:
    """After the end the position has no reason to move."""
    assert _announced(END, _told(100_000, at=300)) == [("one", 100_000, True, False)]


def test_studios_do_not_mix() -> None:
    """Each studio has a state of its own."""
    other = sample(ShowListDTSCallback, caster_id="other", time=5)

    result = _run(LATER, other, _told(9_500, at=11))

    assert [event.subject for event in result.emitted] == ["caster", "other", "caster"]
    assert set(result.state) == {"caster", "other"}


@st.composite
def _callbacks(draw: st.DrawFn) -> list[Callback]:
    """Return callbacks of up to two shows with any times and positions, some of them twice."""
    events = draw(
        st.lists(
            st.builds(
                _told,
                st.integers(0, 4) | st.just(100_000),
                at=st.integers(0, 300),
                show=st.sampled_from(["one", "two"]),
            ),
            max_size=12,
        )
    )
    return (
        draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=4))))
        if (events)
        else []
    )


@settings(deadline=None)
@given(_callbacks())
def test_positions_go_back_only_where_time_goes_on(callbacks: list[Callback]) -> None:
    """Whatever comes in whatever order: no failure, and never an older position for a newer one."""
    result = _run(*callbacks)

    assert set(result.outcomes) <= {None}
    for before, after in pairwise(result.emitted):
        assert before.time <= after.time
        if before.data["show_id"] == after.data["show_id"]:
            moved_on = before.data["progress_ms"] <= after.data["progress_ms"]
            assert moved_on or before.time < after.time


@settings(deadline=None)
@given(st.permutations([_told(1000 * step, at=step) for step in range(8)] * 2))
def test_a_show_that_only_goes_on_is_never_seen_going_back(callbacks: list[Callback]) -> None:
    """In any order, with duplicates: rising positions, and the furthest one is the last."""
    positions = [position for _, position, _, _ in _announced(*callbacks)]

    assert positions == sorted(set(positions))
    assert positions[-1] == 7000
