"""`router.testing`: samples are like the real thing, and a run counts as production does."""

import doctest
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from router import testing
from router.clock import parse_rfc3339
from router.consume.context import moment
from router.consume.settle import Unreadable
from router.errors import UnavailableError
from router.handler import Context, DeadLetter, Event, Outcome, Retry, handler
from router.testing import LEFT_OUT, START, Failed, run, sample
from router.vendors import vendors
from router.vendors.alibaba_caster.events import RuntimeErrorCallback, ShowListDTSCallback
from router.vendors.fields import Table
from router.vendors.volcengine_live.events import PushStart
from router.vendors.volcengine_rtc.events import RecordStopped, RoomCreate, RoomDestroy
from router.vendors.zego_cloud_player.events import PlayerCreated
from tests.samples import RECOGNIZED, Sample, each

KINDS = {kind.name: kind for vendor in vendors().values() for kind in vendor.types.values()}


def test_the_example_of_the_documentation_holds() -> None:
    """What the module's docstring shows is what happens."""
    failed, attempted = doctest.testmod(testing)

    assert (failed, attempted > 0) == (0, True)


# Samples.


@pytest.mark.parametrize("event_class", [k.event_class for k in KINDS.values()], ids=KINDS)
def test_every_event_class_has_a_sample(event_class: type[msgspec.Struct]) -> None:
    """Nothing needs to be given, and all documented fields are there."""
    event = sample(event_class)

    kind = KINDS[event.type]
    assert isinstance(event.data, event_class)
    assert set(event.raw["data"]) == {field.name for field in kind.table.values()}
    assert event.time == event.recorded_time == START


def _given(table: Table, data: dict[str, Any]) -> dict[str, Any]:
    """Return the documented fields of an event's data, and that the others are left out."""
    given: dict[str, Any] = {}
    for field in table.values():
        value = data.get(field.name, LEFT_OUT)
        if field.table is not None and isinstance(value, dict):
            value = _given(field.table, value)
        elif field.table is not None and isinstance(value, list):
            value = [_given(field.table, item) for item in value]
        given[field.name] = value
    return given


def _fits(real: Sample) -> bool:
    """Tell whether a handler could get the event of a vendor's sample."""
    try:
        msgspec.convert(real.event["data"], KINDS[real.event["type"]].event_class)
    except msgspec.ValidationError:
        return False
    return True


@each({name: real for name, real in RECOGNIZED.items() if _fits(real)})
def test_a_sample_is_named_and_timed_as_the_real_event(sample: Sample) -> None:
    """Of the same data: the same subject, key, time, and the same basis of both."""
    real, kind = sample.event, KINDS[sample.event["type"]]
    fields = _given(kind.table, real["data"])
    is_told = real["timebasis"] == "event"
    time = None if is_told else moment(parse_rfc3339(real.get("time", "")) or 0)

    made = testing.sample(kind.event_class, time=time, **fields).raw

    for name in ("type", "subject", "idbasis", "dataschema"):
        assert made[name] == real[name]
    if real["timebasis"] != "received":  # then the envelope told it, or could have done
        assert (made["time"], made["timebasis"]) == (real["time"], real["timebasis"])


def test_equal_samples_are_one_event() -> None:
    """The same content at the same time is a duplicate; anything else is another event."""
    one = sample(RoomCreate, room_id="r")

    assert one == sample(RoomCreate, room_id="r", time=0)
    assert one.id != sample(RoomCreate, room_id="r", time=1).id
    assert one.id != sample(RoomCreate, room_id="s").id
    assert sample(RoomCreate, event_id="65f1c0/1").id == "65f1c0/1"


def test_the_time_and_what_the_vendor_tells_of_it_agree() -> None:
    """Whichever of them is given."""
    by_time = sample(ShowListDTSCallback, time=1.5)
    by_field = sample(ShowListDTSCallback, response_time=by_time.data.response_time)
    push = sample(PushStart, time=START + timedelta(seconds=3))

    assert by_time.time == by_field.time == START + timedelta(seconds=1.5)
    assert push.data.detail is not None
    assert push.data.detail.time_ms == round(START.timestamp()) * 1000 + 3000
    assert sample(PlayerCreated, event_time=1000).time.timestamp() == 1


def test_an_event_may_be_received_later() -> None:
    """The receipt has a time of its own."""
    event = sample(RecordStopped, time=1, recorded_time=5)

    assert event.recorded_time - event.time == timedelta(seconds=4)


def test_nested_fields_are_given_in_part() -> None:
    """What is not given inside of an object is plausible, too."""
    data = sample(RecordStopped, record_file_list=[{"vid": "v", "object_key": LEFT_OUT}]).data

    assert data.record_file_list is not None
    (file,) = data.record_file_list
    assert (file.vid, file.object_key) == ("v", None)
    assert file.duration is not None


@pytest.mark.parametrize(
    ("event_class", "fields", "message"),
    [
        (RecordStopped, {"room": "r"}, "no field room; there are app_id, "),
        (RecordStopped, {"record_file_list": [{"id": 1}]}, "no field id; there are vid, "),
        (RecordStopped, {"code": "none"}, "RecordStopped: Expected `int | null`, got `str`"),
        (RecordStopped, {"room_id": LEFT_OUT}, "RecordStopped: Object missing required"),
        (RecordStopped, {"record_file_list": 1}, "RecordStopped: Expected `array | null`"),
        (Retry, {}, "Retry is no event class of router.vendors"),
    ],
    ids=["no-field", "no-nested-field", "wrong-type", "left-out", "no-list", "no-class"],
)
def test_an_author_is_told_what_cannot_be(
    event_class: type[msgspec.Struct], fields: dict[str, Any], message: str
) -> None:
    """A slip in a test is no event."""
    with pytest.raises(TypeError) as raised:
        sample(event_class, **fields)

    assert str(raised.value).startswith(message)


# Runs.


OUTCOMES: dict[str, Outcome] = {"later": Retry(after_secs=2), "never": DeadLetter("no-room")}


@handler("counts", events=[RoomCreate, RuntimeErrorCallback], emits=["Counted", "Other"])
async def counts(event: Event[Any], context: Context) -> Outcome:
    """Count events, and end as the room's name says."""
    count = (await context.state.get("count") or 0) + 1
    await context.state.put("count", count)
    context.emit("Counted", {"count": count, "attempt": context.attempt}, subject="all")
    context.log.info("counted", count=count, now=context.now)
    name = event.raw["data"].get("room_id")
    if name == "clears":
        await context.state.delete("count")
    if name == "fails" and context.attempt == 1:
        raise KeyError(name)
    if name == "away":
        raise UnavailableError("the other system")
    return OUTCOMES.get(name)


def _room(name: str, time: float = 0) -> Event[RoomCreate]:
    return sample(RoomCreate, room_id=name, time=time)


async def test_effects_are_told() -> None:
    """Derived events as they would lie in Kafka, values, and what was logged."""
    result = await run(counts, [_room("a"), _room("b", 7)], state={"count": 40, "more": [1]})

    assert result.outcomes == (None, None)
    assert result.announced("Counted") == [
        {"count": 41, "attempt": 1},
        {"count": 42, "attempt": 1},
    ]
    assert result.announced("Other") == []
    first = result.emitted[0]
    assert (first.type, first.source) == ("callback-router.Counted", "/handlers/counts")
    assert (first.subject, first.causeid) == ("all", _room("a").id)
    assert result.state == {"count": 42, "more": [1]}
    assert [(line["event"], line["handler"]) for line in result.logs] == [("counted", "counts")] * 2


async def test_the_clock_is_given() -> None:
    """It is when the event was received, or what the author says."""
    late = START + timedelta(hours=1)

    received = await run(counts, [_room("a", 7)])
    given = await run(counts, [_room("a", 7)], now=late)

    assert received.logs[0]["now"] == START + timedelta(seconds=7)
    assert given.logs[0]["now"] == late
    assert given.emitted[0].recordedtime == "2026-01-01T01:00:00.000Z"


async def test_an_event_has_its_effect_once() -> None:
    """The second delivery of an event is not handled."""
    result = await run(counts, [_room("a"), _room("b"), _room("a")])

    assert result.outcomes == (None, None, None)
    assert result.state == {"count": 2}


async def test_an_event_that_nothing_names_is_never_skipped() -> None:
    """Equal runtime errors may be two occurrences."""
    result = await run(counts, [sample(RuntimeErrorCallback)] * 2)

    assert result.state == {"count": 2}


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("later", Retry(after_secs=2)),
        ("never", DeadLetter("no-room")),
        ("fails", Failed("failed", "KeyError: 'fails'")),
        ("away", Failed("failed", "UnavailableError: in production tried again for ever")),
    ],
)
async def test_a_call_that_does_not_end_well_leaves_nothing(name: str, outcome: object) -> None:
    """Neither values nor derived events, and the next event finds the state as it was."""
    result = await run(counts, [_room(name), _room("a")])

    assert result.outcomes == (outcome, None)
    assert result.announced("Counted") == [{"count": 1, "attempt": 1}]
    assert result.state == {"count": 1}


async def test_an_event_that_failed_is_tried_again_where_it_is_listed_again() -> None:
    """As a further attempt."""
    result = await run(counts, [_room("fails"), _room("fails"), _room("fails")])

    assert [type(outcome) for outcome in result.outcomes] == [Failed, type(None), type(None)]
    assert result.announced("Counted") == [{"count": 1, "attempt": 2}]


async def test_a_value_can_be_removed() -> None:
    """It is gone for the next event, and from the result."""
    result = await run(counts, [_room("clears")], state={"count": 7})

    assert result.announced("Counted")[0]["count"] == 8
    assert result.state == {}


async def test_what_is_added_to_raw_is_what_the_handler_gets() -> None:
    """Fields that no document knows, and values that do not fit the class."""
    renamed, misfit = _room("a"), _room("b")
    renamed.raw["data"]["room_id"] = "never"
    misfit.raw["data"]["room_id"] = 7

    result = await run(counts, [renamed, misfit])

    assert result.outcomes[0] == DeadLetter("no-room")
    assert isinstance(result.outcomes[1], Unreadable)
    assert result.outcomes[1].reason == "bad-field"


async def test_a_foreign_event_is_a_slip() -> None:
    """In production the handler would never see it."""
    with pytest.raises(TypeError, match=r"counts does not read volcengine-rtc\.RoomDestroy"):
        await run(counts, [sample(RoomDestroy)])
