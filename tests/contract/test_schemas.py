"""The schemas hold for what is shipped: samples, configurations, documented examples.

They are read by a validator that is not ours.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from router.consume.discover import find_handlers
from router.tools.config_schema import FILES, config_schema
from router.tools.schema import derived_schemas, vendor_schemas
from router.vendors import vendors
from tests.replay import ask, event_of
from tests.samples import RECOGNIZED, SAMPLES, Sample, each
from tests.unit.assembling import RTC, findings

ROOT = Path(__file__).parents[2]
EVENTS = {name: schema for vendor in vendors().values() for name, schema in vendor_schemas(vendor)}
DERIVED = dict(derived_schemas(find_handlers([str(ROOT / "handlers")])))
SCHEMAS = {**EVENTS, **DERIVED, **{name: config_schema(file) for name, file in FILES.items()}}
# Samples in which a vendor sends what its own documents exclude, and where.
AGAINST_THE_DOCUMENTS = {
    "volcengine_live-PushStart-unconvertible": {"data.priority", "data.backup_count"},
    "volcengine_rtc-RecordStarted-unconvertible": {"data.code", "data.error_message"},
    "volcengine_rtc-RoomCreate-timestamp-not-a-number": {"data.timestamp"},
    "volcengine_rtc-RoomCreate-timestamp-true": {"data.timestamp"},
    "volcengine_rtc-SegmentRealTimeData-unknown-fields": {"data.data.0.sample_rate"},
    "zego_cloud_player-PlayerAnomaly-unconvertible": {"data.detail.code"},
    "zego_cloud_player-PlayerStateChanged-status-true": {"data.detail.status"},
}
MINIMAL = {"listen": "127.0.0.1:8080", "kafka": {"bootstrap_servers": "127.0.0.1:9092"}}
DOCUMENTED = {name: s for name, s in SAMPLES.items() if name not in AGAINST_THE_DOCUMENTS}


@cache
def validator(name: str) -> Draft202012Validator:
    """Return what judges by the schema of that name."""
    return Draft202012Validator(SCHEMAS[name])


def misfits(name: str, value: Any) -> set[str]:
    """Return the dotted places at which *value* does not fit the schema of that name."""
    errors = validator(name).iter_errors(value)
    return {".".join(map(str, error.absolute_path)) for error in errors}


def values_of(file: str) -> dict[str, Any]:
    """Return the values of a YAML file, read without our own reader."""
    values: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())
    return values


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    """Each fits the dialect's own schema, and says which dialect it is."""
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMAS[name])


@each(DOCUMENTED)
def test_a_samples_event_fits_its_schema(sample: Sample) -> None:
    """As it is published, `Unrecognized` too."""
    assert misfits(sample.event["type"], event_of(ask(sample))) == set()


@pytest.mark.parametrize("name", AGAINST_THE_DOCUMENTS)
def test_what_no_document_allows_does_not_fit(name: str) -> None:
    """It is published all the same, and the schema tells which fields are not as documented."""
    event = event_of(ask(SAMPLES[name]))

    assert misfits(event["type"], event) == AGAINST_THE_DOCUMENTS[name]


@each(RECOGNIZED)
def test_what_fits_is_what_a_handler_is_given(sample: Sample) -> None:
    """The schema and the handler's type take the same events and refuse the same ones."""
    vendor, short_type = sample.event["type"].split(".")
    event = event_of(ask(sample))
    try:
        msgspec.convert(event["data"], vendors()[vendor].types[short_type].event_class)
    except msgspec.ValidationError:
        is_given = False
    else:
        is_given = True

    assert (misfits(sample.event["type"], event) == set()) is is_given


@each(DOCUMENTED)
def test_a_field_that_has_gone_is_noticed(sample: Sample) -> None:
    """Every attribute that the schema requires is there, and without it the event does not fit."""
    event = event_of(ask(sample))
    for name in SCHEMAS[sample.event["type"]]["required"]:
        rest = {key: value for key, value in event.items() if key != name}
        assert misfits(sample.event["type"], rest) == {""}


@each(DOCUMENTED)
def test_another_types_schema_does_not_take_it(sample: Sample) -> None:
    """The type and the name of its form are part of the schema."""
    other = next(name for name in EVENTS if name != sample.event["type"])

    assert {"type", "dataschema"} <= misfits(other, event_of(ask(sample)))


@pytest.mark.parametrize("name", EVENTS)
def test_the_form_of_data_has_the_name_that_events_give_it(name: str) -> None:
    """Whoever has the `dataschema` of an event finds the schema of `data` by it."""
    data = EVENTS[name]["properties"]["data"]

    assert data["$id"] == EVENTS[name]["properties"]["dataschema"]["const"]
    assert data["$id"].startswith(f"urn:callback-router:{name}:")


@pytest.mark.parametrize("name", [*EVENTS, *DERIVED])
def test_everything_is_described(name: str) -> None:
    """Each object and each member says what it is, and its examples fit it."""
    assert _silent(SCHEMAS[name], name) == []
    assert _unfitting(SCHEMAS[name], name) == []


@pytest.mark.parametrize("name", FILES)
def test_options_are_described(name: str) -> None:
    """Every option of a file says what it is, and its examples and default fit it."""
    sections = {**SCHEMAS[name]["$defs"], name: SCHEMAS[name]}
    for each_name, section in sections.items():
        assert _silent(section, each_name) == []
        for option, schema in section.get("properties", {}).items():
            whole = Draft202012Validator({**schema, "$defs": SCHEMAS[name]["$defs"]})
            shown = [
                *schema.get("examples", ()),
                *([schema["default"]] if "default" in schema else ()),
            ]
            assert [value for value in shown if not whole.is_valid(value)] == [], option


@pytest.mark.parametrize("name", FILES)
def test_patterns_are_those_of_json_schema(name: str) -> None:
    """Python's own anchors, which this validator would take, mean a letter elsewhere."""
    text = json.dumps(SCHEMAS[name])

    assert '"pattern": "^' in text
    assert not re.search(r"\\\\[AZ]", text)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("router", "config/router.yaml"),
        ("routes", "config/routes.yaml"),
        ("router", "deploy/router.yaml"),
    ],
)
def test_a_shipped_file_fits_its_schema(name: str, file: str) -> None:
    """The configurations that are shipped, read by another YAML reader."""
    assert misfits(name, values_of(file)) == set()


@pytest.mark.parametrize(
    ("name", "change", "place"),
    [
        ("router", {"lisen": "0.0.0.0:8080"}, ""),
        ("router", {"listen": "8080"}, "listen"),
        ("router", {"topics": {"partitions": 0}}, "topics.partitions"),
        ("router", {"topics": {"retention": "a week"}}, "topics.retention"),
        ("router", {"max_body_bytes": 63}, "max_body_bytes"),
        ("router", {"kafka": {}}, "kafka"),
        ("router", {"sources": {}}, "sources"),
        ("router", {"sources": {"RTC": {"vendor": "volcengine-rtc"}}}, "sources"),
        ("router", {"trusted_proxies": ["everybody"]}, "trusted_proxies.0"),
        ("routes", {"base": "callbacks.{subject}"}, "base"),
        ("routes", {"routes": [{"name": "a"}]}, "routes.0"),
    ],
)
def test_a_mistake_is_found_at_its_place(name: str, change: dict[str, Any], place: str) -> None:
    """What `check` would refuse for its form alone does not fit."""
    values = values_of(f"config/{name}.yaml")

    assert misfits(name, {**values, **change}) == {place}


@pytest.mark.parametrize(
    "change",
    [
        {"topics": {"partitions": "${PARTITIONS:-6}"}},
        {"spool": {"allow_ephemeral": "${EPHEMERAL}"}},
        {"listen": "0.0.0.0:${PORT}"},
        {"max_body_bytes": 1 << 20},
        {"kafka": {"bootstrap_servers": "k:9092", "security_protocol": "${PROTOCOL}"}},
    ],
    ids=json.dumps,
)
def test_what_may_be_written_fits(change: dict[str, Any]) -> None:
    """Variables of the environment stand for any word; a size may be a number."""
    values = values_of("config/router.yaml")

    assert misfits("router", {**values, **change}) == set()


def test_handlers_events_are_known() -> None:
    """Those that a class of the handler's module tells have its fields; they all have a cause."""
    ready = DERIVED["callback-router.RecordingReady"]
    data = ready["properties"]["data"]["properties"]

    assert {"causesource", "causeid"} <= set(ready["required"])
    assert data["code"]["type"] == "integer"
    assert data["task_id"]["description"] == "The recording task; null where the vendor names none."


def _silent(schema: dict[str, Any], place: str) -> list[str]:
    found = [] if schema.get("description") else [place]
    for name, member in schema.get("properties", {}).items():
        found += _silent(member, f"{place}.{name}")
    return found


def _unfitting(schema: dict[str, Any], place: str) -> list[str]:
    own = Draft202012Validator(schema)
    found = [place for value in schema.get("examples", ()) if not own.is_valid(value)]
    for name, member in schema.get("properties", {}).items():
        found += _unfitting(member, f"{place}.{name}")
    if "items" in schema:
        found += _unfitting(schema["items"], f"{place}[]")
    return found


@pytest.mark.parametrize(
    "when",
    [
        *(f"{{vendor: {vendor}}}" for vendor in vendors()),
        *(f"{{type: {name}}}" for vendor in vendors().values() for name in vendor.types),
        "{type: [RoomCreate, Unrecognized]}",
        "{vendor: {prefix: volc}, type: {not: [PushStart]}}",
        "{vendor: volcengine_rtc}",
        "{type: roomcreate}",
        "{type: {not: volcengine-rtc.RoomCreate}}",
        "{type: [RoomCreate, RoomCreated]}",
        "{any: [{type: {any: [RoomCreate, x]}}]}",
        "{vendor: 5}",
        "{type: null}",
        "{source: A source}",
    ],
)
def test_an_editor_knows_the_words_that_check_knows(tmp_path: Path, when: str) -> None:
    """The schema refuses a vendor and a type where `check` does, and takes all others."""
    is_fit = misfits("routes", {"routes": [{"name": "n", "when": yaml.safe_load(when), "to": "t"}]})

    errors, _ = findings(tmp_path, RTC, f"routes: [{{name: n, when: {when}, to: t}}]")

    assert (is_fit == set()) is (errors == [])


@pytest.mark.parametrize("vendor", [*vendors(), "${VENDOR}", "volcengine"])
def test_an_editor_knows_the_vendors_of_sources(vendor: str) -> None:
    """Each that there is, or a variable."""
    found = misfits("router", {**MINIMAL, "sources": {"one": {"vendor": vendor}}})

    assert found == ({"sources.one.vendor"} if vendor == "volcengine" else set())
