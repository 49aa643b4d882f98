"""What happens in the simulated rooms of Volcengine RTC: lives that end, values that fit together."""

import json
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from router.tools.simulate import traffic_of
from router.vendors.traffic import Simulated, Traffic

NOW_MS = 1_795_248_000_123


def _traffic(seed: int) -> Traffic:
    return traffic_of("volcengine-rtc", Random(seed), b"1234")  # noqa: S311 - not for secrets


def _told(simulated: Simulated) -> tuple[str, dict[str, Any]]:
    envelope = json.loads(simulated.body)
    return envelope["EventType"], json.loads(envelope["EventData"])


def _stories(count: int, first: str = "RoomCreate") -> list[list[str]]:
    """Return the types that each room went through, in their order, if *first* was the first."""
    traffic, rooms = _traffic(13), dict[str, list[str]]()
    for step in range(count):
        name, data = _told(traffic.ordinary(NOW_MS + step))
        if "RoomId" in data:
            rooms.setdefault(data["RoomId"], []).append(name)
    return [story for story in rooms.values() if story[0] == first]


def _event_data(short_type: str, count: int = 40) -> list[dict[str, Any]]:
    """Return the data of what comes one by one where only this type is asked for."""
    traffic = _traffic(24)
    return [_told(traffic.of_type(short_type, NOW_MS + step))[1] for step in range(count)]


def test_a_room_lives_from_its_creation_to_its_last_upload() -> None:
    """Who comes leaves, the recording starts, stops and is uploaded, and only then is it over."""
    told = _stories(1000)
    ended = [story for story in told if story[-1] == "RecordUploadDone"]

    assert len(ended) >= 5
    assert any("VoiceChat" in story for story in told)
    assert any("TranscodeStarted" in story for story in told)
    for story in ended:
        places = [story.index(name) for name in ("RecordStarted", "RecordStopped", "RoomDestroy")]
        assert places == sorted(places)
        assert story[story.index("RoomDestroy") :] == [
            "RoomDestroy",
            "RecordUploadStarted",
            "RecordUploadProcessing",
            "RecordUploadDone",
        ]


def test_a_recording_alone_is_told_in_three_callbacks() -> None:
    """Who looks on for half a minute sees one from its start to its files."""
    told = _stories(100, first="RecordStarted")
    ended = [story for story in told if len(story) == 3]

    assert len(ended) >= 8
    assert {tuple(story) for story in ended} == {
        ("RecordStarted", "RecordStopped", "RecordUploadDone")
    }


def test_what_begins_in_a_room_ends_there() -> None:
    """Streams that start stop, whoever joins leaves, and what is stored is stored in between."""
    told = _stories(3000)
    ended = [story for story in told if "RoomDestroy" in story]

    assert len(ended) >= 20
    for story in ended:
        counts = Counter(story)
        for stream in ("Audio", "Video", "ScreenAudio", "ScreenVideo"):
            assert counts[f"User{stream}StreamStart"] == counts[f"User{stream}StreamStop"]
        assert counts["UserJoinRoom"] == counts["UserLeaveRoom"] >= 1
        assert counts["InvisibleUserJoinRoom"] == counts["InvisibleUserLeaveRoom"] >= 1
        recorded = story[story.index("RecordStarted") : story.index("RecordStopped")]
        for kind in ("SegmentRealTimeData", "SnapshotRealTimeData"):
            assert recorded.count(kind) == counts[kind] >= 1


def _names(values: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(name for name in names if name in values)


def test_what_rtc_stores_is_in_one_place() -> None:
    """There is one bucket or service, and a picture is named as it is there."""
    holders = ("TosBucket", "Bucket", "VeImageXServiceId")
    sounds = {_names(each, *holders) for each in _event_data("SegmentRealTimeData")}
    images = {
        (*_names(each, *holders), *_names(image, "ObjectKey", "VeImageXUri"))
        for each in _event_data("SnapshotRealTimeData")
        for image in each["Data"]
    }
    files = {
        _names(file, "Vid", "ObjectKey")
        for each in _event_data("RecordStopped")
        for file in each["RecordFileList"]
    }

    assert sounds == {("TosBucket",), ("Bucket",)}
    assert images == {
        ("TosBucket", "ObjectKey"),
        ("Bucket", "ObjectKey"),
        ("VeImageXServiceId", "VeImageXUri"),
    }
    assert files == {("Vid",), ("ObjectKey",)}


def test_a_push_to_a_cdn_ends_after_its_start() -> None:
    """There is no time of the end while it runs."""
    told = _event_data("TranscodeStateChanged")
    running = [each["FinishTime"] for each in told if each["TaskState"] != 1]
    ended = [each for each in told if each["TaskState"] == 1]

    assert set(running) == {0}
    assert ended
    assert all(each["StartTime"] <= each["FinishTime"] == each["Timestamp"] for each in ended)
    assert all(each["Code"] == (4 if each["TaskState"] == 2 else 0) for each in told)


def test_a_web_recordings_type_and_status_fit() -> None:
    """Begin and segments come while it runs; only its end has a time."""
    told = {
        (each["Type"], each["Status"], each["FinishTime"] >= each["CreateTime"], "Files" in each)
        for each in _event_data("WebRecordResult")
    }

    assert told == {
        (1, 2, False, False),
        (2, 2, False, True),
        (3, 3, True, False),
        (4, 4, True, False),
    }


REASONS = {
    "RelayStreamStateChanged": ("Status", "Reason", {4}),
    "Webcast": ("Status", "Reason", {3, 4, 5}),
    "PushPublicStream": ("Status", "Code", {2, 3}),
    "VoiceChat": ("EventType", "ErrorInfo", {1}),
}


@pytest.mark.parametrize("short_type", REASONS)
def test_only_what_went_wrong_has_a_reason(short_type: str) -> None:
    """It is there with the values that the documents name, and left out with all others."""
    member, reason, values = REASONS[short_type]
    told = {(each[member], reason in each) for each in _event_data(short_type)}

    assert {has_reason for _, has_reason in told} == {True, False}
    assert all(has_reason == (value in values) for value, has_reason in told)


def test_a_whiteboards_file_has_pages_or_an_error() -> None:
    """Never both, and static pages make no dynamic file."""
    names = ("FileId", "Images", "Width", "ErrCodeN", "ErrCode", "ErrMsg")
    told = {_names(each, *names) for each in _event_data("WbTranscodeFinished")}

    assert told == {("Images", "Width"), ("ErrCodeN", "ErrCode", "ErrMsg")}
