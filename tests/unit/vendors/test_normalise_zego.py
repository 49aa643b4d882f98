"""The cloud player's messages as events: names, spellings, times and doubts beyond the samples."""

import json
from typing import Any

import pytest

from router.vendors import vendors
from tests.samples import hashed
from tests.sender import NOW_TEXT, accepted, event_of, zego, zego_members

VENDOR = vendors()["zego-cloud-player"]
PROOF = ("Signature", "Nonce", "Timestamp")
UPLOAD: dict[str, Any] = {
    "EventType": 10001,
    "UploadTaskId": "678f663727b2d80007000001",
    "Detail": {},
}
NAMES = {
    1: "PlayerCreated",
    2: "PlayerDestroyed",
    3: "PlayerStateChanged",
    4: "PlayerAnomaly",
    10001: "UploadDone",
    10002: "UploadFailed",
    10003: "UploadStateChanged",
    10004: "UploadCancelFailed",
    10005: "UploadAnomaly",
    10006: "UploadExpired",
}


def _event(*without: str, **changed: object) -> dict[str, Any]:
    return event_of("zego", zego(*without, **changed))


def _upload(*without: str, **changed: object) -> dict[str, Any]:
    return _event("PlayerId", *without, **{**UPLOAD, **changed})


def _doubt(*without: str, **changed: object) -> str | None:
    return accepted("zego", zego(*without, **changed)).doubt


def test_an_event_holds_the_attributes_of_the_contract() -> None:
    """Everything at once, for a state of a player."""
    event = _event(RoomId="room_12")

    assert event.pop("traceparent").startswith("00-")
    detail = {"status": 4}
    assert event == {
        "specversion": "1.0",
        "id": hashed(
            VENDOR.name, "PlayerStateChanged", 123456789, "1fd2f4dd", 1795247999034, detail
        ),
        "source": "/callbacks/zego",
        "type": "zego-cloud-player.PlayerStateChanged",
        "subject": "123456789/1fd2f4dd",
        "time": "2026-11-21T07:59:59.034Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:callback-router:zego-cloud-player.PlayerStateChanged:1",
        "recordedtime": NOW_TEXT,
        "timebasis": "event",
        "idbasis": "natural",
        "data": {
            "app_id": 123456789,
            "event_type": 3,
            "event_time": 1795247999034,
            "player_id": "1fd2f4dd",
            "room_id": "room_12",
            "detail": detail,
        },
    }


@pytest.mark.parametrize("number", NAMES)
@pytest.mark.parametrize("write", [int, str], ids=["number", "text"])
def test_each_number_is_a_type(number: int, write: type[int | str]) -> None:
    """As a number or as its digits; `event_type` is a number in the event."""
    entity = UPLOAD if number > 10000 else {"Detail": {"PlayTime": 5}}
    event = _event(**{**entity, "EventType": write(number)})

    assert event["type"] == f"zego-cloud-player.{NAMES[number]}"
    assert event["data"]["event_type"] == number


@pytest.mark.parametrize(
    "word", [5, 0, -1, 10007, "01", "1.0", 1.0, 1.5, "", "PlayerCreated", None, True, [1], {"1": 1}]
)
def test_a_number_that_nobody_knows_is_an_unknown_type(word: object) -> None:
    """The body is kept as it came, minus its proof."""
    event = _event(EventType=word)

    assert event["data"]["reason"] == "unknown-type"
    assert event["data"]["body"] == zego_members(*PROOF, EventType=word)
    assert (event["time"], event["timebasis"]) == (NOW_TEXT, "received")


@pytest.mark.parametrize(
    ("without", "changed", "subject"),
    [
        ((), {}, "123456789/1fd2f4dd"),
        ((), {"AppID": "7"}, "7/1fd2f4dd"),
        ((), {"PlayerId": 12}, "123456789/12"),
        ((), {"UploadTaskId": "u"}, "123456789/1fd2f4dd"),
        (("PlayerId",), UPLOAD, "123456789/678f663727b2d80007000001"),
        ((), UPLOAD, "123456789/678f663727b2d80007000001"),
    ],
    ids=repr,
)
def test_the_subject_is_the_player_or_the_upload(
    without: tuple[str, ...], changed: dict[str, Any], subject: str
) -> None:
    """Within its application, each type by its own entity."""
    assert _event(*without, **changed)["subject"] == subject


@pytest.mark.parametrize(
    ("without", "changed", "subject"),
    [
        (("PlayerId",), {}, "123456789"),
        ((), {"PlayerId": ""}, "123456789"),
        ((), {"PlayerId": None}, "123456789"),
        ((), {"PlayerId": {}}, "123456789"),
        ((), {"PlayerId": 1.5}, "123456789"),
        ((), {"PlayerId": True}, "123456789"),
        ((), {"PlayerId": "a\nb"}, "123456789"),
        ((), {"PlayerId": "x" * 257}, "123456789"),
        (("PlayerId",), {"UploadTaskId": "u"}, "123456789/u"),
        ((), {**UPLOAD, "UploadTaskId": ""}, "123456789/1fd2f4dd"),
        (("AppID",), {}, "zego"),
        ((), {"AppID": None}, "zego"),
        ((), {"AppID": ""}, "zego"),
        ((), {"AppID": 1.5}, "zego"),
        ((), {"AppID": [7]}, "zego"),
        ((), {"AppID": "\x00"}, "zego"),
    ],
    ids=repr,
)
def test_an_entity_that_cannot_be_read_is_a_bad_field(
    without: tuple[str, ...], changed: dict[str, Any], subject: str
) -> None:
    """Missing, empty or no text or integer; what can still be read is the subject."""
    event = _event(*without, **changed)

    assert event["data"]["reason"] == "bad-field"
    assert event["subject"] == subject
    content = zego_members(*PROOF, *without, **changed)
    assert event["id"] == hashed(VENDOR.name, "Unrecognized", content)
    assert event["idbasis"] == "content"


@pytest.mark.parametrize("is_text", [False, True], ids=["number", "text"])
def test_old_spellings_are_the_documented_members(*, is_text: bool) -> None:
    """`AppId` and `detail` of older editions make the very same event, and nothing is unknown."""
    app = "123456789" if is_text else 123456789
    detail = '{"Status":4}' if is_text else {"Status": 4}
    outcome = accepted("zego", zego("AppID", "Detail", AppId=app, detail=detail))

    assert json.loads(outcome.records[0].value) == _event()
    assert outcome.unknown_fields == 0


@pytest.mark.parametrize(
    ("without", "changed", "data"),
    [
        ((), {"AppId": 7}, {"app_id": 123456789, "AppId": 7}),
        ((), {"AppId": 123456789}, {"app_id": 123456789, "AppId": 123456789}),
        ((), {"AppId": "x", "detail": 7}, {"AppId": "x", "detail": {"status": 4}, "detail_": 7}),
        ((), {"detail": {"Status": 5}}, {"detail": {"status": 4}, "detail_": {"status": 5}}),
        (("AppID",), {"AppId": 7, "detail": {}}, {"app_id": 7, "detail_": {}}),
        (("Detail",), {"detail": {"Status": 5}, "AppId": 7}, {"AppId": 7, "detail": {"status": 5}}),
    ],
    ids=repr,
)
def test_of_two_spellings_the_documented_one_counts(
    without: tuple[str, ...], changed: dict[str, Any], data: dict[str, Any]
) -> None:
    """The other is a field that nobody documented, and is kept beside."""
    outcome = accepted("zego", zego(*without, **changed))

    assert outcome.event.data.items() >= data.items()
    assert outcome.unknown_fields == len(changed) - len(without)


EMPTY: dict[str, object] = {
    "empty": {},
    "null": None,
    "text": "",
    "space": " ",
    "object": "{}",
    "text-of-null": "null",
}


@pytest.mark.parametrize("number", [10001, 10006])
@pytest.mark.parametrize("detail", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("spelling", ["Detail", "detail"])
def test_an_upload_without_detail_is_whole(number: int, detail: object, spelling: str) -> None:
    """Every way to send nothing is one; null stays null, and text of nothing is an object."""
    without = {"PlayerId", "Detail"} - {spelling}
    outcome = accepted("zego", zego(*without, **{**UPLOAD, "EventType": number, spelling: detail}))

    assert (outcome.doubt, outcome.unknown_fields) == (None, 0)
    assert outcome.event.data["detail"] == (None if detail is None else {})
    assert outcome.event.idbasis == "natural"


def test_an_upload_may_lack_its_detail() -> None:
    """Missing is as good as null, for its name as well."""
    missing, null = _upload("Detail"), _upload(Detail=None)

    assert "detail" not in missing["data"]
    assert missing["id"] == null["id"]


@pytest.mark.parametrize("detail", [[], "[]", 0, False, "x", '"{}"', [{}], "{"], ids=repr)
@pytest.mark.parametrize("entity", [UPLOAD, {}], ids=["upload", "player"])
def test_a_detail_that_is_no_object_is_a_bad_payload(
    entity: dict[str, Any], detail: object
) -> None:
    """Also where nothing is documented inside: this is not nothing."""
    event = _event(**{**entity, "Detail": detail})

    assert event["data"]["reason"] == "bad-payload"
    assert event["data"]["body"]["Detail"] == detail


@pytest.mark.parametrize("number", [number for number in NAMES if number not in (10001, 10006)])
@pytest.mark.parametrize("detail", [None, "", "null"], ids=repr)
def test_a_documented_detail_must_be_there(number: int, detail: object) -> None:
    """Where there is something to say, nothing is no object; and missing is as good as null."""
    assert _doubt(**{**UPLOAD, "EventType": number, "Detail": detail}) == "bad-payload"
    assert _doubt("Detail", UploadTaskId="u", EventType=number) == "bad-payload"


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        ({}, 0),
        ({"PlayerName": "n", "RoomId": "r"}, 0),
        ({"StreamUrl": "u", "Title": "t"}, 2),
        ({**UPLOAD, "StreamUrl": "u", "Title": "t"}, 1),  # PlayerId
        ({"New": {"A": 1, "B": 2}}, 1),
        ({"Detail": {"Status": 4, "New": [1, 2]}}, 1),
        ({"Detail": {"Status": "four"}}, 1),
        ({"RoomId": True}, 1),
        ({"Signatures": "x", "nonce": "y", "Time_stamp": 1}, 3),
    ],
    ids=repr,
)
def test_what_no_document_explains_is_counted(changed: dict[str, Any], count: int) -> None:
    """Undocumented fields and values that do not convert; what is understood does not count."""
    assert accepted("zego", zego(**changed)).unknown_fields == count


def test_no_field_is_lost_where_names_meet() -> None:
    """The documented one has the name; the other keeps its own spelling."""
    data = _event(event_time=1, playerId="x", Detail={"Status": 4, "status": 5})["data"]

    assert data["event_time"] == 1795247999034
    assert data["event_time_"] == 1
    assert (data["player_id"], data["playerId"]) == ("1fd2f4dd", "x")
    assert data["detail"] == {"status": 4, "status_": 5}


def test_the_proof_is_not_published() -> None:
    """Neither a known event nor one that stays as it came holds signature, nonce or time."""
    bodies: list[dict[str, Any]] = [
        {},
        {"EventType": 99},
        {"Detail": []},
        {"PlayerId": ""},
        {"Timestamp": "1"},
    ]
    for changed in bodies:
        event = _event(**changed)
        held = event["data"].get("body", event["data"])
        assert not {name.lower() for name in PROOF} & {key.lower() for key in held}
        text = json.dumps(event["data"])
        assert zego_members(**changed)["Signature"] not in text
        assert "947227" not in text


@pytest.mark.parametrize(
    ("without", "changed", "doubt"),
    [
        (("PlayerId",), {"Timestamp": "1", "EventType": 99, "Detail": []}, "stale"),
        (("PlayerId",), {"EventType": 99, "Detail": []}, "unknown-type"),
        (("PlayerId",), {"Detail": []}, "bad-payload"),
        (("PlayerId",), {}, "bad-field"),
        ((), {"EventTime": {}}, "bad-field"),
        ((), {"Detail": json.loads("[" * 150 + "]" * 150)}, "bad-payload"),
        ((), {"Detail": {"Status": json.loads("[" * 150 + "]" * 150)}}, "bad-payload"),
        ((), {}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_first_of_several_doubts_counts(
    without: tuple[str, ...], changed: dict[str, Any], doubt: str | None
) -> None:
    """Stale, then unknown type, bad payload, bad field."""
    assert _doubt(*without, **changed) == doubt
