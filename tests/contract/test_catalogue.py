"""Every field that a vendor documents is a field of our classes, with its kind and its spelling.

The `*_catalogue.json` beside this file hold what the vendors' documents list: per heading the
fields and the fields inside, with the documented type and values. They are facts, written down
apart from the classes, so that neither can lose a field without the other telling.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from router.vendors import vendors
from router.vendors.alibaba_caster.codes import CODES
from router.vendors.fields import Field, Pass, Table, snake_case
from router.vendors.spec import EventType, NaturalId

FILES = {
    "volcengine-rtc": "rtc_catalogue.json",
    "alibaba-caster": "caster_catalogue.json",
    "zego-cloud-player": "zego_catalogue.json",
    "volcengine-live": "live_catalogue.json",
}
CATALOGUE: list[tuple[str, dict[str, Any]]] = [
    (vendor, entry)
    for vendor, file in FILES.items()
    for entry in json.loads(Path(__file__).with_name(file).read_bytes())
]
ENTRIES = pytest.mark.parametrize(
    ("vendor", "entry"),
    CATALOGUE,
    ids=[f"{vendor}-{entry['heading']}" for vendor, entry in CATALOGUE],
)
TYPES = {found.name: found for vendor in FILES for found in vendors()[vendor].types.values()}
EVENT_TYPES = pytest.mark.parametrize("event_type", TYPES.values(), ids=TYPES)
KINDS: dict[str, type] = {"String": str, "Number": int, "Boolean": bool}
# Documented as text that holds a number; numbers of our events.
NUMBERS_IN_TEXT = {"EventMessage.ProgressTime", "EventMessage.Duration"}
# What no table lists: the envelope's members, and two fields of the release notes.
BESIDE = {"volcengine-rtc": {"AppId", "BusinessId", "Version", "ExtraInfo", "UserExtraInfo"}}
# What names an occurrence, in the order in which it is hashed; the RTC names its events itself.
IDENTITIES = {
    "OperateCallback": """
        CasterId EventMessage.RequestId EventMessage.SceneId EventMessage.LayoutId
        EventMessage.ResourceId EventMessage.ComponentId EventMessage.Code
    """,
    "ShowListDTSCallback": "CasterId EventMessage.ShowId EventMessage.ProgressTime ResponseTime",
    "PushStart": """
        domain app stream detail.session_id detail.sequence_id detail.transcoded detail.time_ms
    """,
    **dict.fromkeys(
        ["PlayerCreated", "PlayerDestroyed", "PlayerStateChanged", "PlayerAnomaly"],
        "AppID PlayerId EventTime Detail",
    ),
    **dict.fromkeys(
        [
            "UploadDone",
            "UploadFailed",
            "UploadStateChanged",
            "UploadCancelFailed",
            "UploadAnomaly",
            "UploadExpired",
        ],
        "AppID UploadTaskId EventTime Detail",
    ),
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

Damage = Callable[[Field], Field | None]
DAMAGES: dict[str, Damage] = {
    "removed": lambda _: None,
    "renamed": lambda field: replace(field, name=f"{field.name}_"),
    "spelled in another way": lambda field: replace(field, wire=field.wire.swapcase()),
    "retyped": lambda field: replace(field, kind=bytes),
    "without its values": lambda field: replace(field, description="?"),
}


def _kind(documented: dict[str, Any], place: str) -> type:
    """Return what a documented type is in JSON; every documented number is a whole one."""
    name = documented["type"]
    if name.lower().startswith("array of "):
        return list
    if re.fullmatch(r"u?int(32|64)?", name, re.IGNORECASE) or place in NUMBERS_IN_TEXT:
        return int
    return KINDS.get(name, dict)


def _faults(table: Table, documented: list[dict[str, Any]], above: str = "") -> list[str]:
    """Return what the class lacks or has otherwise, each with its dotted place."""
    faults: list[str] = []
    for entry in documented:
        place = f"{above}{entry['name']}"
        field = table.get(entry["name"])
        if field is None:
            faults.append(f"{place}: missing")
            continue
        if (field.name, field.wire) != (snake_case(entry["name"]), entry["name"]):
            faults.append(f"{place}: named {field.name}")
        if field.kind is not _kind(entry, place):
            faults.append(f"{place}: is {field.kind.__name__}")
        faults += [
            f"{place}: does not tell of {value}"
            for value in entry.get("values", ())
            if not re.search(rf"(?<![\w-]){re.escape(str(value))}(?!\w)", field.description)
        ]
        faults += _faults(field.table or {}, entry.get("fields", []), f"{place}.")
    return faults


def _places(documented: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted place of every documented field, nested ones too, and what is said of it."""
    for entry in documented:
        yield f"{above}{entry['name']}", entry
        yield from _places(entry.get("fields", []), f"{above}{entry['name']}.")


def _fields(table: Table, above: str = "") -> Iterator[tuple[str, Field]]:
    """Yield the dotted place of every field of a class, nested ones too, and the field."""
    for field in table.values():
        yield f"{above}{field.wire}", field
        yield from _fields(field.table or {}, f"{above}{field.wire}.")


def _damaged(table: Table, place: str, damage: Damage) -> Table:
    """Return the table with one field damaged."""
    head, _, rest = place.partition(".")
    field = table[head]
    after = (
        replace(field, table=_damaged(field.table or {}, rest, damage)) if rest else damage(field)
    )
    others = {wire: other for wire, other in table.items() if wire != head}
    return others if after is None else {**others, after.wire: after}


def _example(table: Table) -> dict[str, Any]:
    """Return what the vendor would send: the last example of every field."""
    sent: dict[str, Any] = {}
    for wire, field in table.items():
        inside = _example(field.table or {})
        if field.kind in (dict, list):
            sent[wire] = [inside] if field.kind is list else inside
        else:
            sent[wire] = field.examples[-1]
    return sent


def test_the_catalogue_is_whole() -> None:
    """It has every heading of the documents: 45 on RTC's page, and two that are elsewhere."""
    headings = [(vendor, entry["heading"]) for vendor, entry in CATALOGUE]
    rtc = [entry for vendor, entry in CATALOGUE if vendor == "volcengine-rtc"]
    page = [entry for entry in rtc if entry["page"] == "75125"]
    places = [place for entry in page for place, _ in _places(entry["fields"])]

    assert len(set(headings)) == len(headings)
    assert (len(page), len({entry["type"] for entry in page})) == (45, 38)
    assert sum(len(entry["fields"]) for entry in page) == 268
    assert len(places) == 401
    assert [entry["type"] for entry in rtc[45:]] == ["VoiceChat", "WebRecordResult"]


@pytest.mark.parametrize(
    ("vendor", "count"),
    [
        ("volcengine-rtc", 40),
        ("alibaba-caster", 4),
        ("zego-cloud-player", 10),
        ("volcengine-live", 5),
    ],
)
def test_there_is_a_class_for_every_type(vendor: str, count: int) -> None:
    """As many as the documents have, and no other."""
    documented = {entry["type"] for name, entry in CATALOGUE if name == vendor}

    assert set(vendors()[vendor].types) == documented
    assert len(documented) == count


@ENTRIES
def test_the_vendors_word_finds_the_class(vendor: str, entry: dict[str, Any]) -> None:
    """The version that a heading adds is in no message; numbers come as such or as text."""
    word = entry["heading"].partition("(")[0]
    found = vendors()[vendor].type_called(word)

    assert found is not None
    assert found.short_name == entry["type"]
    if word.isdigit():
        assert vendors()[vendor].type_called(int(word)) is found


@ENTRIES
def test_a_class_has_every_documented_field(vendor: str, entry: dict[str, Any]) -> None:
    """Each under the event's name, spelled as on the wire, of the kind, with what is inside."""
    assert _faults(vendors()[vendor].types[entry["type"]].table, entry["fields"]) == []


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@ENTRIES
def test_a_damaged_field_is_noticed(vendor: str, entry: dict[str, Any], damage: Damage) -> None:
    """The test above fails whichever field is damaged, and names it."""
    table = vendors()[vendor].types[entry["type"]].table
    of_values = damage is DAMAGES["without its values"]

    for place, documented in _places(entry["fields"]):
        if of_values and "values" not in documented:
            continue
        faults = _faults(_damaged(table, place, damage), entry["fields"])
        assert {fault.partition(":")[0] for fault in faults} == {place}


@EVENT_TYPES
def test_a_class_has_no_field_that_nobody_documents(event_type: EventType) -> None:
    """A field that the class invents would hide that the vendor sends something else."""
    vendor = event_type.name.partition(".")[0]
    entries = [entry for name, entry in CATALOGUE if name == vendor]
    documented = {field["name"] for entry in entries for _, field in _places(entry["fields"])}
    invented = [
        place
        for place, field in _fields(event_type.table)
        if field.wire not in documented | BESIDE.get(vendor, set())
    ]

    assert invented == []


@EVENT_TYPES
def test_what_proves_a_message_is_no_field(event_type: EventType) -> None:
    """Signatures and what else only proves is left out of events, so no class tells of it."""
    vendor = vendors()[event_type.name.partition(".")[0]]
    proof = {member.rpartition(".")[2] for member in vendor.proof.members}

    assert proof.isdisjoint(event_type.table)


@EVENT_TYPES
def test_everything_is_described(event_type: EventType) -> None:
    """Every class says what happened, and every field what it holds."""
    silent = [place for place, field in _fields(event_type.table) if not field.description]

    assert (event_type.event_class.__doc__ or "").strip()
    assert silent == []


@EVENT_TYPES
def test_every_value_has_examples_of_its_type(event_type: EventType) -> None:
    """At least one, and each of exactly the documented type."""
    scalars = [
        (place, field)
        for place, field in _fields(event_type.table)
        if field.kind not in (dict, list)
    ]
    wrong = [
        place
        for place, field in scalars
        if {type(example) for example in field.examples} != {field.kind}
    ]

    assert scalars
    assert wrong == []


@EVENT_TYPES
def test_a_class_takes_its_own_examples(event_type: EventType) -> None:
    """What a vendor would send by the examples is all known, and becomes the class."""
    one_pass = Pass()
    data = one_pass.fields(event_type.table, _example(event_type.table))
    event = msgspec.convert(data, event_type.event_class)

    assert one_pass.unknown == 0
    assert msgspec.to_builtins(event) == data


@pytest.mark.parametrize(
    ("event_type", "wire", "name"),
    [
        ("volcengine-rtc.TranscodeStarted", "PushURL", "push_url"),
        ("volcengine-rtc.SnapshotRealTimeData", "VeImageXServiceId", "ve_image_x_service_id"),
        ("volcengine-rtc.SegmentRealTimeData", "Data.TimeStamp", "time_stamp"),
        ("volcengine-rtc.RelayStreamStateChanged", "StartTimeStamp", "start_time_stamp"),
        ("volcengine-rtc.WbTranscodeFinished", "ErrCodeN", "err_code_n"),
        ("volcengine-rtc.VoiceChat", "UserID", "user_id"),
        ("volcengine-rtc.VoiceChat", "RoundID", "round_id"),
        ("volcengine-rtc.VoiceChat", "ErrorInfo.Errorcode", "errorcode"),
        ("zego-cloud-player.PlayerCreated", "AppID", "app_id"),
        ("volcengine-live.PushStart", "detail.fp_client_ip", "fp_client_ip"),
    ],
)
def test_odd_spellings_have_ordinary_names(event_type: str, wire: str, name: str) -> None:
    """Written out, so that the rule that makes names cannot prove itself."""
    assert dict(_fields(TYPES[event_type].table))[wire].name == name


@pytest.mark.parametrize(
    ("event_type", "place"),
    [
        ("volcengine-rtc.TranscodeStarted", "PushURL"),
        ("volcengine-rtc.TranscodeStopped", "PushURL"),
        ("volcengine-rtc.TranscodeUpdated", "PushURL"),
        ("volcengine-rtc.TranscodeStateChanged", "PushURL"),
        ("volcengine-rtc.RelayStreamStateChanged", "StreamUrl"),
        ("volcengine-live.PushStart", "detail.fp_user_url"),
    ],
)
def test_addresses_that_hold_keys_are_sensitive(event_type: str, place: str) -> None:
    """They are masked wherever they are printed."""
    assert dict(_fields(TYPES[event_type].table))[place].is_sensitive


@pytest.mark.parametrize("event_type", vendors()["volcengine-rtc"].types)
def test_the_envelopes_members_are_in_every_class(event_type: str) -> None:
    """Each type of the RTC has the application, its business and the version of the envelope."""
    members = [{"name": name, "type": "String"} for name in ("AppId", "BusinessId", "Version")]

    assert _faults(vendors()["volcengine-rtc"].types[event_type].table, members) == []


def test_later_release_notes_are_followed() -> None:
    """`ExtraInfo` came to every event of a user, `UserExtraInfo` is its older name on joins."""
    types = vendors()["volcengine-rtc"].types
    with_extra = {name for name, found in types.items() if "ExtraInfo" in found.table}
    with_older = {name for name, found in types.items() if "UserExtraInfo" in found.table}
    of_users = {name for name in types if name.startswith(("User", "Invisible", "RoleChange"))}

    assert len(of_users) == 14
    assert with_extra == of_users | {"VoiceChat"}
    assert with_older == {"UserJoinRoom", "InvisibleUserJoinRoom"}


def test_the_studios_codes_are_known() -> None:
    """The 25 codes in the order of the documents, each with a meaning; only one is no failure."""
    assert list(CODES) == DOCUMENTED_CODES
    assert len(CODES) == 25
    assert [name for name, code in CODES.items() if code.severity == "info"] == ["Success"]
    assert all(code.meaning for code in CODES.values())


@EVENT_TYPES
def test_what_names_an_occurrence_is_documented(event_type: EventType) -> None:
    """A natural id is made of fields of the class, and only where the vendor names no events."""
    identity = event_type.identity or NaturalId(fields=(), required=())
    names = " ".join(IDENTITIES.get(event_type.short_name, "").split())

    assert " ".join(identity.fields) == names
    assert set(identity.fields) <= set(dict(_fields(event_type.table)))
    assert set(identity.required) <= set(identity.fields)
