"""What names a cloud player's event, and when it happened."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import hashed
from tests.sender import accepted, event_of, zego

VENDOR = "zego-cloud-player"
UPLOAD: dict[str, Any] = {
    "EventType": 10001,
    "UploadTaskId": "678f663727b2d80007000001",
    "Detail": {},
}


def _event(*without: str, **changed: object) -> dict[str, Any]:
    return event_of("zego", zego(*without, **changed))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.lists(st.integers(0, 3), max_size=2),
)


@given(
    app=st.integers(1, 10**12),
    player=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=9),
    event_time=st.integers(-(10**9), 10**18),
    extra=st.dictionaries(st.sampled_from(["new", "other", "z"]), VALUES, max_size=2),
    kinds=st.tuples(st.sampled_from([int, str]), st.sampled_from([int, str])),
)
def test_an_occurrence_is_named_by_its_parts(
    app: int,
    player: str,
    event_time: int,
    extra: dict[str, Any],
    kinds: tuple[type[int | str], type[int | str]],
) -> None:
    """The id is the hash of four normalised values, however the numbers were sent."""
    detail = {"Status": "4", **extra}
    changed = {"AppID": kinds[0](app), "EventTime": kinds[1](event_time), "Detail": detail}

    event = _event(PlayerId=player, Nonce="1", PlayerName="not in the id", **changed)
    known = {"status": 4, **extra}
    expected = hashed(VENDOR, "PlayerStateChanged", app, player, event_time, known)
    assert (event["id"], event["idbasis"]) == (expected, "natural")


def test_an_upload_is_named_by_its_parts() -> None:
    """By the upload's task, and not by a player that is told beside it."""
    event = _event(**UPLOAD)

    upload = "678f663727b2d80007000001"
    assert event["id"] == hashed(
        VENDOR, "UploadDone", 123456789, upload, 1795247999034, UPLOAD["Detail"]
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"AppID": "123456789"},
        {"EventTime": "1795247999034"},
        {"EventTime": 1795247999034.0},
        {"EventType": "3"},
        {"Detail": {"Status": "4"}},
        {"Detail": '{"Status":4}'},
        {"Nonce": "1"},
        {"Timestamp": "1795248001"},
        {"RoomId": "r"},
        {"New": 1},
    ],
    ids=repr,
)
def test_a_retry_has_the_same_id(changed: dict[str, Any]) -> None:
    """Whatever is no part of the occurrence, or the same part otherwise written."""
    assert _event(**changed)["id"] == _event()["id"]


@pytest.mark.parametrize(
    "changed",
    [
        {"AppID": 7},
        {"PlayerId": "p"},
        {"EventTime": 1},
        {"EventType": 2},
        {"Detail": {}},
        {"Detail": {"Status": 5}},
        {"Detail": {"Status": 4, "New": 1}},
    ],
    ids=repr,
)
def test_another_occurrence_has_another_id(changed: dict[str, Any]) -> None:
    """Each part of it counts, and the type."""
    assert _event(**changed)["id"] != _event()["id"]


@pytest.mark.parametrize("event_time", [None, ""], ids=["null", "empty"])
def test_without_its_time_the_content_names_it(event_time: object) -> None:
    """Another state of the same player may hold the same values."""
    event = _event(EventTime=event_time)

    assert event["idbasis"] == "content"
    assert event["id"] == hashed(VENDOR, "PlayerStateChanged", event["data"])
    missing = _event("EventTime")
    assert missing["id"] == hashed(VENDOR, "PlayerStateChanged", missing["data"])


@pytest.mark.parametrize("event_time", [True, [], {}, 1.5, "soon", "1.5", "\x7f", "9" * 257])
def test_a_time_that_cannot_name_is_a_bad_field(event_time: object) -> None:
    """It is a part of the occurrence's name."""
    assert accepted("zego", zego(EventTime=event_time)).doubt == "bad-field"


@pytest.mark.parametrize(
    ("event_time", "timestamp", "expected"),
    [
        (1681221510034, "1795248000", ("2023-04-11T13:58:30.034Z", "event")),
        ("1681221510034", "1795248000", ("2023-04-11T13:58:30.034Z", "event")),
        (0, "1795248000", ("1970-01-01T00:00:00.000Z", "event")),
        (-1, "1795248000", ("2026-11-21T08:00:00.000Z", "envelope")),
        (253_402_300_800_000, "1795248000", ("2026-11-21T08:00:00.000Z", "envelope")),
        (None, "1795248000", ("2026-11-21T08:00:00.000Z", "envelope")),
        (None, 1795248000, ("2026-11-21T08:00:00.000Z", "envelope")),
        ("", "1795248001", ("2026-11-21T08:00:01.000Z", "envelope")),
    ],
    ids=repr,
)
def test_a_time_is_the_best_that_is_known(
    event_time: object, timestamp: object, expected: tuple[str, str]
) -> None:
    """The event's own in ms, else the sending's in seconds."""
    event = _event(EventTime=event_time, Timestamp=timestamp)

    assert (event["time"], event["timebasis"]) == expected


def test_an_undocumented_spelling_names_nothing() -> None:
    """A field that only ends up under the name `event_time` is not the vendor's EventTime."""
    event = _event("EventTime", event_time=1000)

    assert event["data"]["event_time"] == 1000
    assert (event["timebasis"], event["idbasis"]) == ("envelope", "content")


@pytest.mark.parametrize("app_id", ["111.0", "1.11e2", "0111", "-111", " 111"])
def test_an_application_is_named_by_its_digits(app_id: str) -> None:
    """Secrets are looked up by the text: one that only becomes the number 111 is not application 111."""
    event = _event(AppID=app_id)

    assert event["type"] == "zego-cloud-player.Unrecognized"
    assert event["data"]["reason"] == "bad-field"
