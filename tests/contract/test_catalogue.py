"""Every field that a vendor documents is a field of our classes, with its kind and its spelling.

`rtc_catalogue.json` holds what the page on callback events (75125) lists for rooms, streams and
recordings: types, fields, and the fields inside. The production studio's are written out here.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from router.vendors import vendors
from router.vendors.alibaba_caster.events import CODES
from router.vendors.fields import Table

CATALOGUE: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("rtc_catalogue.json").read_bytes()
)
GROUPS = {
    "recording",
    "room",
    "audio_stream",
    "video_stream",
    "screen_audio_stream",
    "screen_video_stream",
}
RTC = vendors()["volcengine-rtc"]
CASTER = vendors()["alibaba-caster"]
WHOLE_NUMBERS = {"Int", "Int32", "Int64", "Uint32", "Uint64"}
# Undocumented in the tables; release notes and the envelope's page tell of them.
EXTRA_INFO = [
    name for name in RTC.types if name.startswith(("User", "InvisibleUser", "RoleChange"))
]
SCENE = ["RequestId", "SceneId", "LayoutId", "ResourceId", "ComponentId", "Code", "Message"]
MESSAGES: dict[str, dict[str, type]] = {
    "OperateCallback": dict.fromkeys(SCENE, str),
    "RuntimeErrorCallback": dict.fromkeys(SCENE, str),
    "EpisodeGroupCallback": dict.fromkeys(["ProgramId", "EpisodeId", "Code", "Message"], str),
    "ShowListDTSCallback": {
        "ProgressTime": int,
        "Duration": int,
        "ShowId": str,
        "ShowName": str,
    },
}
DOCUMENTED_CODES = [
    "Success",
    "StreamInterrupt",
    "CanvasStreamInterrupt",
    "AudioResampleFailed",
    "AudioAddFailed",
    "AudioDelFailed",
    "AudioStreamTypeInvalid",
    "VideoTypeInvalid",
    "VideoVisibleInvalid",
    "VideoTransparencyInvalid",
    "VideoEffectInvalid",
    "VideoWidthInvalid",
    "VideoPositionReferInvalid",
    "VideoStreamTypeInvalid",
    "VideoRepeatNumInvalid",
    "VideoStreamAddFailed",
    "ImageOpenFailed",
    "ImageGetDecodeInfoFailed",
    "ImageDecodeFailed",
    "TextInvalid",
    "TextFontInvalid",
    "TextSizeInvalid",
    "TextBorderWidthInvalid",
    "CanvasLoadFailed",
    "SideOutputUrlInvalid",
]


def _places(fields: list[dict[str, Any]], above: str = "") -> list[tuple[str, str]]:
    """Return the dotted place and the documented type of every field, nested ones too."""
    found: list[tuple[str, str]] = []
    for field in fields:
        place = f"{above}{field['name']}"
        found += [(place, field["type"]), *_places(field.get("fields", []), f"{place}.")]
    return found


RTC_FIELDS = sorted(
    {(event["type"], *found) for event in CATALOGUE for found in _places(event["fields"])}
)


def _check(table: Table | None, place: str, kind: type) -> None:
    """Check that the field is in the class under the event's name, with the kind."""
    head, _, rest = place.partition(".")
    assert table is not None, f"{place}: nothing is documented inside"
    assert head in table, f"{place}: the class lacks it"
    field = table[head]
    assert (field.name, field.wire) == (re.sub(r"(?<=.)(?=[A-Z])", "_", head).lower(), head)
    if rest:
        _check(field.table, rest, kind)
    else:
        assert field.kind is kind


def _kind(documented: str) -> type:
    if documented.startswith("Array of "):
        return list
    return int if documented in WHOLE_NUMBERS else {"String": str}[documented]


def test_the_catalogue_is_whole() -> None:
    """Its groups are those that the classes cover, and its types are the classes."""
    assert {event["group"] for event in CATALOGUE} == GROUPS
    assert {event["type"] for event in CATALOGUE} == set(RTC.types)
    assert len(RTC.types) == 26


@pytest.mark.parametrize(("event_type", "place", "documented"), RTC_FIELDS, ids=str)
def test_a_documented_field_of_the_rtc_is_in_its_class(
    event_type: str, place: str, documented: str
) -> None:
    """Fails when a field is removed, retyped or spelled in another way."""
    _check(RTC.types[event_type].table, place, _kind(documented))


@pytest.mark.parametrize("event_type", RTC.types)
def test_the_envelopes_members_are_in_every_class(event_type: str) -> None:
    """Each type has the application, its business and the version of the envelope."""
    for member in ("AppId", "BusinessId", "Version"):
        _check(RTC.types[event_type].table, member, str)


@pytest.mark.parametrize("event_type", EXTRA_INFO)
def test_later_release_notes_are_followed(event_type: str) -> None:
    """`ExtraInfo` came to every event of a user, `UserExtraInfo` is its older name on joins."""
    _check(RTC.types[event_type].table, "ExtraInfo", str)
    if event_type in ("UserJoinRoom", "InvisibleUserJoinRoom"):
        _check(RTC.types[event_type].table, "UserExtraInfo", str)


@pytest.mark.parametrize(
    ("event_type", "member", "kind"),
    [(name, *field) for name, fields in MESSAGES.items() for field in fields.items()],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_documented_field_of_the_studio_is_in_its_class(
    event_type: str, member: str, kind: type
) -> None:
    """Inside EventMessage; times are numbers although documented as text."""
    _check(CASTER.types[event_type].table, f"EventMessage.{member}", kind)


@pytest.mark.parametrize("event_type", MESSAGES)
def test_the_studios_envelope_is_in_every_class(event_type: str) -> None:
    """Each type has the studio, its message, and the time that only an example shows."""
    table = CASTER.types[event_type].table

    assert list(CASTER.types) == list(MESSAGES)
    _check(table, "CasterId", str)
    _check(table, "EventMessage", dict)
    _check(table, "ResponseTime", int)


def test_the_documented_codes_are_known() -> None:
    """The 25 codes in the order of the documents, each with a meaning; only one is no failure."""
    assert list(CODES) == DOCUMENTED_CODES
    assert len(CODES) == 25
    assert [name for name, code in CODES.items() if code.severity == "info"] == ["Success"]
    assert all(code.meaning for code in CODES.values())
