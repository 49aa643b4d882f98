"""The production studio's messages as events: what names them, beyond the samples."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import hashed
from tests.sender import NOW, NOW_TEXT, accepted, caster, event_of

OPERATE = (
    ("RequestId", "SceneId", "LayoutId", "ResourceId", "ComponentId", "Code"),
    ("request_id", "scene_id", "layout_id", "resource_id", "component_id", "code"),
)
SHOW = {"ShowId": "s", "ProgressTime": "5", "Duration": "9", "ShowName": "n"}


def _event(event_type: str, message: dict[str, Any], **members: object) -> dict[str, Any]:
    return event_of("studio", caster(event_type, message, **members))


LETTERS = st.characters(exclude_categories=["Cc", "Cs"])
NAMES = st.none() | st.text(LETTERS, max_size=9)


@given(
    values=st.tuples(*[NAMES] * 6),
    caster_id=st.text(LETTERS, min_size=1, max_size=9),
    omits=st.booleans(),
)
def test_an_operation_is_named_by_its_parts(
    values: tuple[str | None, ...], caster_id: str, *, omits: bool
) -> None:
    """The natural id is the hash of seven values; one that is absent counts as null."""
    message = dict(zip(OPERATE[0], values, strict=True))
    sent = {key: value for key, value in message.items() if not (omits and value is None)}

    event = _event("OperateCallback", {**sent, "Message": "words"}, CasterId=caster_id)
    if values[0]:
        expected = hashed("alibaba-caster", "OperateCallback", caster_id, *values)
        assert (event["id"], event["idbasis"]) == (expected, "natural")
        assert "contentid" not in event
    else:
        assert (event["id"], event["idbasis"]) == (NOW.unique, "none")


@given(
    progress=st.integers(-(10**9), 10**18),
    response=st.integers(0, 253_402_300_799_999),
    kinds=st.tuples(st.sampled_from([int, str]), st.sampled_from([int, str])),
)
def test_progress_is_named_by_show_and_moment(
    progress: int, response: int, kinds: tuple[type[int | str], type[int | str]]
) -> None:
    """The natural id is the hash of four values, the numbers as numbers however they were sent."""
    event = _event(
        "ShowListDTSCallback",
        {"ShowId": "s", "ProgressTime": kinds[0](progress)},
        CasterId="c",
        ResponseTime=kinds[1](response),
    )

    expected = hashed("alibaba-caster", "ShowListDTSCallback", "c", "s", progress, response)
    assert (event["id"], event["idbasis"]) == (expected, "natural")
    assert event["timebasis"] == "event"


@pytest.mark.parametrize("missing", ["CasterId", "ShowId", "ProgressTime", "ResponseTime"])
@pytest.mark.parametrize("value", [None, ""], ids=["null", "empty"])
def test_progress_without_a_part_of_its_name_has_none(missing: str, value: object) -> None:
    """Where one of the four is missing nothing names it: a new id, and its content's hash."""
    members: dict[str, Any] = {"CasterId": "c", "ResponseTime": 7, missing: value}
    message = {key: members.pop(key) if key in members else text for key, text in SHOW.items()}
    event = _event("ShowListDTSCallback", message, **members)

    assert (event["id"], event["idbasis"]) == (NOW.unique, "none")
    assert event["contentid"] == hashed("alibaba-caster", "ShowListDTSCallback", event["data"])


@pytest.mark.parametrize("event_type", ["RuntimeErrorCallback", "EpisodeGroupCallback"])
def test_what_recurs_has_no_name(event_type: str) -> None:
    """Every delivery is an event of its own; equal contents have equal hashes."""
    message = {"ProgramId": "p", "EpisodeId": "e", "Code": "StreamInterrupt"}

    first, again = (_event(event_type, message, CasterId="c") for _ in range(2))
    other = _event(event_type, {**message, "Code": "Success"}, CasterId="c")
    assert (first["id"], first["idbasis"]) == (NOW.unique, "none")
    assert first["contentid"] == hashed("alibaba-caster", event_type, first["data"])
    assert first["contentid"] == again["contentid"] != other["contentid"]


@pytest.mark.parametrize("caster_id", ["a\nb", ["x"], "c" * 257, True, 1.5])
def test_an_entity_that_cannot_be_read_is_not_passed_over(caster_id: object) -> None:
    """Another one that could name the event does not make it readable."""
    event = _event("EpisodeGroupCallback", {"ProgramId": "p"}, CasterId=caster_id)

    assert event["data"]["reason"] == "bad-field"


@pytest.mark.parametrize(
    ("event_type", "message", "members", "subject"),
    [
        ("OperateCallback", {"RequestId": "x"}, {"CasterId": "c"}, "c"),
        ("OperateCallback", {"RequestId": "x"}, {"CasterId": 12}, "12"),
        ("EpisodeGroupCallback", {"ProgramId": "p"}, {"CasterId": "c"}, "c"),
        ("EpisodeGroupCallback", {"ProgramId": "p"}, {}, "p"),
        ("EpisodeGroupCallback", {"ProgramId": "p"}, {"CasterId": ""}, "p"),
        ("ShowListDTSCallback", SHOW, {"CasterId": "c"}, "c"),
        ("ShowListDTSCallback", SHOW, {}, "s"),
        ("SomethingNew", {"ProgramId": "p", "ShowId": "s"}, {}, "p"),
        ("SomethingNew", {"ShowId": "s"}, {}, "s"),
        ("SomethingNew", {}, {}, "studio"),
        ("OperateCallback", {"ProgramId": "p"}, {}, "p"),
    ],
    ids=repr,
)
def test_the_subject_is_the_studio_or_what_is_nearest(
    event_type: str, message: dict[str, str], members: dict[str, object], subject: str
) -> None:
    """CasterId, else ProgramId, else ShowId; where nothing is there, the source's name."""
    assert _event(event_type, message, **members)["subject"] == subject


@pytest.mark.parametrize(
    ("event_type", "message", "members"),
    [
        ("OperateCallback", {"RequestId": "x"}, {}),
        ("OperateCallback", {"RequestId": "x", "ProgramId": "p"}, {"CasterId": ""}),
        ("OperateCallback", {"RequestId": "x"}, {"CasterId": {}}),
        ("OperateCallback", {"RequestId": "a\x1bb"}, {"CasterId": "c"}),
        ("OperateCallback", {"RequestId": "x", "SceneId": {}}, {"CasterId": "c"}),
        ("OperateCallback", {"RequestId": "x", "Code": "x" * 257}, {"CasterId": "c"}),
        ("OperateCallback", {"RequestId": True}, {"CasterId": "c"}),
        ("ShowListDTSCallback", {**SHOW, "ProgressTime": 1.5}, {"CasterId": "c"}),
        ("ShowListDTSCallback", {**SHOW, "ShowId": []}, {"CasterId": "c", "ResponseTime": 1}),
        (
            "ShowListDTSCallback",
            {**SHOW, "ProgressTime": "x"},
            {"CasterId": "c", "ResponseTime": 1},
        ),
        ("ShowListDTSCallback", SHOW, {"CasterId": "c", "ResponseTime": "now"}),
        ("EpisodeGroupCallback", {"EpisodeId": "e"}, {}),
        ("ShowListDTSCallback", {"ShowName": "n"}, {}),
    ],
    ids=repr,
)
def test_a_name_that_cannot_be_read_is_a_bad_field(
    event_type: str, message: dict[str, object], members: dict[str, object]
) -> None:
    """A field that names the event or its subject must be safe, and what the documents say."""
    outcome = accepted("studio", caster(event_type, message, **members))

    assert outcome.doubt == "bad-field"
    assert (outcome.event.id, outcome.event.idbasis) == (NOW.unique, "none")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (1_663_731_128_684, ("2022-09-21T03:32:08.684Z", "event")),
        ("1663731128684", ("2022-09-21T03:32:08.684Z", "event")),
        (-1, (NOW_TEXT, "received")),
        ("now", (NOW_TEXT, "received")),
        (None, (NOW_TEXT, "received")),
    ],
    ids=repr,
)
def test_the_time_is_the_response_time_or_the_receipt(
    response: object, expected: tuple[str, str]
) -> None:
    """Most messages have no time of their own."""
    event = _event("RuntimeErrorCallback", {"Code": "x"}, CasterId="c", ResponseTime=response)

    assert (event["time"], event["timebasis"]) == expected


def test_the_message_may_be_text() -> None:
    """EventMessage as JSON text is the same event as the object, with the same id."""
    body = {"EventType": "ShowListDTSCallback", "CasterId": "c", "ResponseTime": 7}

    as_object, as_text = (
        event_of("studio", json.dumps({**body, "EventMessage": message}).encode())
        for message in (SHOW, json.dumps(SHOW))
    )
    assert as_object == as_text
    assert as_object["data"]["event_message"] == {
        "show_id": "s",
        "progress_time": 5,
        "duration": 9,
        "show_name": "n",
    }


@pytest.mark.parametrize("message", ["x", "[]", "", [], 1, None], ids=repr)
def test_a_message_that_is_no_object_is_a_bad_payload(message: object) -> None:
    """The body stays as it came."""
    body = {"EventType": "OperateCallback", "CasterId": "c", "EventMessage": message}

    event = event_of("studio", json.dumps(body).encode())
    assert event["data"]["reason"] == "bad-payload"
    assert event["data"]["body"] == body


@pytest.mark.parametrize("word", [None, 1, "", "operateCallback", "OperateCallback ", [], {}])
def test_a_word_that_nobody_knows_is_an_unknown_type(word: object) -> None:
    """The vendor's word is taken to the letter."""
    body = {"EventType": word, "CasterId": "c", "EventMessage": {}}

    event = event_of("studio", json.dumps(body).encode())
    assert event["data"]["reason"] == "unknown-type"
    assert event["contentid"] == hashed("alibaba-caster", "Unrecognized", body)


def test_an_undocumented_spelling_names_nothing() -> None:
    """A field that only ends up under the name `request_id` is not the vendor's RequestId."""
    event = _event("OperateCallback", {"request_id": "x"}, CasterId="c")

    assert event["data"]["event_message"] == {"request_id": "x"}
    assert event["idbasis"] == "none"
