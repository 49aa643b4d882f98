"""Samples that were cut, renamed, retyped or enlarged: a refusal, or what the contract says.

Each change is made to what the vendor sends, and signed again where the digest covers it.
"""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from router.vendors.refusal import Refused
from tests.replay import (
    PAYLOADS,
    Members,
    ask,
    assert_becomes,
    changed,
    doubted,
    event_of,
    holder_of,
    rename,
    renamed,
    with_data,
)
from tests.samples import PROOFS, RECOGNIZED, SAMPLES, SIGNED, Sample, each, members_of
from tests.sender import SIGNED as SIGNED_BY_RTC

CATALOGUES = {
    "volcengine-rtc": ("rtc", "EventData"),
    "alibaba-caster": ("caster", ""),
    "zego-cloud-player": ("zego", ""),
    "volcengine-live": ("live", "data"),
}
"""The list of documented fields, and the member that holds them; none: they are the body's own."""

NUMBERS = re.compile(r"number|u?int(32|64)?", re.IGNORECASE)
NUMBERS_IN_TEXT = {"ProgressTime", "Duration"}
ENTITIES = ("RoomId", "PublicStreamId", "TaskId")
NEW = {"ZzNewField": {"InnerKey": [1, None]}}
NEW_NAMED = {"zz_new_field": {"inner_key": [1, None]}}
CUTS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)

Fields = list[dict[str, Any]]


def _documented() -> dict[str, Fields]:
    """Return the documented fields of each type, those of several editions one after another."""
    found: dict[str, Fields] = {}
    for vendor, (file, _) in CATALOGUES.items():
        path = Path(__file__).with_name(f"{file}_catalogue.json")
        for entry in json.loads(path.read_bytes()):
            found.setdefault(f"{vendor}.{entry['type']}", []).extend(entry["fields"])
    return found


DOCUMENTED = _documented()
KNOWN = {name: sample for name, sample in RECOGNIZED.items() if sample.vendor in CATALOGUES}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _proving(sample: Sample) -> list[str]:
    """Return the members without any of which nothing is proven; of two nonces both."""
    if sample.vendor == "volcengine-rtc":
        return [*SIGNED_BY_RTC[:6], "Signature", "Nonce Noce"]
    holder = PAYLOADS[sample.vendor] if sample.vendor == "volcengine-live" else ()
    return [*PROOFS[sample.vendor], *holder]


def _naming(sample: Sample) -> dict[str, str]:
    """Return the members that name the type, the subject and the payload, and what comes of it."""
    match sample.vendor:
        case "volcengine-rtc":
            names = {field["name"] for field in DOCUMENTED[sample.event["type"]]}
            entities = [f"EventData.{name}" for name in ENTITIES if name in names]
            return dict.fromkeys(entities[:1], "bad-field")
        case "volcengine-live":
            parts = {f"data.{name}": "bad-field" for name in ("vhost", "app", "stream")}
            return {"data.event_type": "unknown-type", **parts}
        case "zego-cloud-player":
            entity = "UploadTaskId" if sample.short_type.startswith("Upload") else "PlayerId"
            is_empty = sample.short_type in {"UploadDone", "UploadExpired"}
            payload = {} if is_empty else {"Detail": "bad-payload"}
            return {
                "EventType": "unknown-type",
                entity: "bad-field",
                "AppID": "bad-field",
            } | payload
        case _:
            is_its_own = sample.short_type in {"OperateCallback", "RuntimeErrorCallback"}
            own = {"CasterId": "bad-field"} if is_its_own else {}
            return {"EventType": "unknown-type", "EventMessage": "bad-payload", **own}


RENAMED = {
    f"{name}-{path}": (sample, path, reason)
    for name, sample in KNOWN.items()
    for path, reason in _naming(sample).items()
    if holder_of(members_of(sample.body), path.partition(".")[0])
}
IDENTITY = {
    "OperateCallback": ["EventMessage.RequestId"],
    "ShowListDTSCallback": ["EventMessage.ShowId", "EventMessage.ProgressTime", "ResponseTime"],
    "PushStart": [
        "data.domain",
        *(f"data.detail.{n}" for n in ("session_id", "sequence_id", "transcoded", "time_ms")),
    ],
}
NATURAL = {
    f"{name}-{path}": (sample, path)
    for name, sample in KNOWN.items()
    if sample.event["idbasis"] == "natural"
    for path in IDENTITY.get(sample.short_type, ["EventTime"])
}


@each(SIGNED)
def test_a_cut_body_is_refused(sample: Sample) -> None:
    """What is cut off is no JSON; only of a form the last field may be, if the proof is before."""
    whole = sample.body.rstrip("= \n").encode()
    is_form = re.match(rb"\w+=[^&]*&", whole) is not None
    outcomes = [ask(sample, whole[: int((len(whole) - 1) * part)]) for part in CUTS]
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]

    may_be_form = sample.vendor == "zego-cloud-player"  # a query inside of a URL looks like one
    proof = {"proof-missing", "proof-wrong"} if may_be_form else set[str]()
    assert reasons[0] == "empty-body"
    assert set(reasons[1:]) <= {"not-json"} | proof
    assert len(reasons) == len(CUTS) or is_form


@each({name: sample for name, sample in SAMPLES.items() if not sample.secret})
def test_a_cut_body_that_a_token_proves_is_kept(sample: Sample) -> None:
    """It is `Unrecognized`, and what there was of it is in the event."""
    whole = sample.body.encode().rstrip()
    cuts = [whole[: int((len(whole) - 1) * part)] for part in CUTS[1:]]

    for cut in cuts:
        event = event_of(ask(sample, cut))
        assert event["type"] == f"{sample.vendor}.Unrecognized"
        assert event["data"]["reason"] == "bad-payload"
        assert b64decode(event["data"]["body_base64"]) == cut
    assert ask(sample, b"") == Refused("empty-body")


@each({name: sample for name, sample in SIGNED.items() if sample.vendor in PROOFS})
def test_without_its_proof_it_is_refused(sample: Sample) -> None:
    """Each member that proves it, under another name, is missing."""
    for paths in _proving(sample):
        members = members_of(sample.body)
        for path in paths.split():
            if holder_of(members, path):
                rename(members, path)
        outcome = ask(sample, json.dumps(members))

        assert isinstance(outcome, Refused), paths
        assert outcome.reason == "proof-missing", paths


@pytest.mark.parametrize(("sample", "path", "reason"), RENAMED.values(), ids=RENAMED)
def test_without_what_names_it_it_is_kept(sample: Sample, path: str, reason: str) -> None:
    """A member that names type, subject or payload, under another name: `Unrecognized`."""
    body = changed(sample, lambda members: rename(members, path))

    assert_becomes(doubted(sample, body, reason), ask(sample, body))


@pytest.mark.parametrize(("sample", "path"), NATURAL.values(), ids=NATURAL)
def test_without_a_part_of_its_name_it_is_another_event(sample: Sample, path: str) -> None:
    """It stays what it is; the whole content names it then, and nothing at the caster's."""
    body = changed(sample, lambda members: rename(members, path))

    event = event_of(ask(sample, body))

    renamed_to = _snake_case(renamed(path.rpartition(".")[2]))
    basis = "none" if sample.vendor == "alibaba-caster" else "content"
    data = with_data(replace(sample, event={**sample.event, "idbasis": basis}), event["data"])
    name = "contentid" if basis == "none" else "id"
    assert (event["type"], event["idbasis"]) == (sample.event["type"], basis)
    assert event["subject"] == sample.event["subject"]
    assert event[name] == data.event[name]
    assert f'"{renamed_to}":' in json.dumps(event["data"])


@each(KNOWN)
def test_an_unknown_spelling_is_an_undocumented_field(sample: Sample) -> None:
    """An ordinary field under another name arrives with that name, and its value as it came."""
    names: list[str] = []
    body = changed(sample, lambda members: names.extend(_rename_ordinary(sample, members)))

    got = ask(sample, body)

    data = json.loads(json.dumps(sample.event["data"]))
    holder = data["event_message"] if sample.vendor == "alibaba-caster" else data
    sent = _ordinary_holder(sample, members_of(body))
    for name in names:
        del holder[_snake_case(name)]
        holder[_snake_case(renamed(name))] = sent[renamed(name)]
    assert_becomes(with_data(sample, data), got)


@each(KNOWN)
def test_a_documented_number_may_come_as_text(sample: Sample) -> None:
    """It is the same event: the same id, time and data."""
    _, place = CATALOGUES[sample.vendor]

    def change(members: Members) -> None:
        fields = DOCUMENTED.get(sample.event["type"], [])
        _numbers_to_text(members[place] if place else members, fields)

    body = changed(sample, change)

    assert_becomes(sample, ask(sample, body))


@each(KNOWN)
def test_a_field_that_nobody_knows_is_added_and_changes_nothing(sample: Sample) -> None:
    """New fields, at the top and in every object below, arrive renamed; all else stays."""
    _, place = CATALOGUES[sample.vendor]

    def change(members: Members) -> None:
        grown = _grown(members, NEW)
        if place:
            del grown["ZzNewField"]  # it would meet the one inside
        members.update(grown)

    body = changed(sample, change)

    assert body.count("ZzNewField") >= 1
    assert_becomes(with_data(sample, _grown(sample.event["data"], NEW_NAMED)), ask(sample, body))


def _grown(value: Any, new: Members) -> Any:
    """Return the value with new fields in every object."""
    if isinstance(value, list):
        return [_grown(item, new) for item in value]
    if isinstance(value, dict):
        return {**{name: _grown(inner, new) for name, inner in value.items()}, **new}
    return value


def _numbers_to_text(holder: Members, fields: Fields) -> None:
    """Replace each documented whole number by its digits."""
    for field in fields:
        value = holder.get(field["name"])
        is_number = NUMBERS.fullmatch(field["type"]) or field["name"] in NUMBERS_IN_TEXT
        if type(value) is int and is_number:
            holder[field["name"]] = str(value)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                _numbers_to_text(inner, field.get("fields", []))


def _ordinary_holder(sample: Sample, members: Members) -> Members:
    """Return the object whose ordinary fields are renamed."""
    name = {"zego-cloud-player": "", "alibaba-caster": PAYLOADS["alibaba-caster"][0]}
    place = name.get(sample.vendor, CATALOGUES[sample.vendor][1])
    found = members[place] if place else members
    opened = json.loads(found) if isinstance(found, str) else found
    assert isinstance(opened, dict)
    return opened


def _rename_ordinary(sample: Sample, members: Members) -> list[str]:
    """Rename the documented fields that name nothing and hold no object; return their names."""
    holder = _ordinary_holder(sample, members)
    spelled = [_snake_case(name) for name in holder]
    ordinary = {
        "volcengine-rtc": {field["name"] for field in DOCUMENTED[sample.event["type"]]}
        - {"AppId", "BusinessId", "Timestamp", *ENTITIES},
        "alibaba-caster": {"Message", "ShowName", "Duration"},
        "zego-cloud-player": {"RoomId", "PlayerName", "StreamUrl", "Title"},
        "volcengine-live": {"priority", "backup_count"},
    }[sample.vendor]
    names = [
        name
        for name, value in holder.items()
        if name in ordinary
        and not isinstance(value, dict | list)
        and spelled.count(_snake_case(name)) == 1
    ]
    for name in names:
        rename(holder, name)
    return names
