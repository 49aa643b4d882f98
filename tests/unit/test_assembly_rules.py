"""What is wrong with rules is said before they run, each thing at its place."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.assembly import CHECKS, routes_of
from router.config import Configuration, RouteOptions, RoutesOptions
from router.routing import explain
from tests.unit.assembling import CASTER, RTC, findings, load_one, said_of_rule
from tests.unit.routing.asked import EVENT

UNKNOWN_CONDITION = (
    "unknown condition; use a value, a list for any of several, "
    "or not, prefix, exists, gt, gte, lt, lte, any, all"
)
OBJECT = (
    "data.record_file_list is an object, no value; name a field such as data.record_file_list.vid"
)
UNKNOWN_PATH = (
    "unknown path; use one of vendor, type, source, subject, time, data.<field>, any, all"
)
MISSING_SPACE = "a space is missing behind the colon"
UNKNOWN_TASK = "no document of RecordStopped knows data.taks_id; did you mean data.task_id?"
NOTHING_COMES = "when: no configured source has such events, so nothing comes of this rule"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (
            "{vendor: zego}",
            ["when.vendor: no vendor is called 'zego'; did you mean zego-cloud-player?"],
        ),
        ("{vendor: x}", ["when.vendor: no vendor is called 'x'"]),
        (
            "{type: [RoomCreate, RoomCreat]}",
            ["when.type[1]: no type is called 'RoomCreat'; did you mean RoomCreate?"],
        ),
        (
            "{type: roomcreate}",
            ["when.type: no type is called 'roomcreate'; did you mean RoomCreate?"],
        ),
        (
            "{type: {not: volcengine-rtc.RoomCreate}}",
            [
                (
                    "when.type.not: no type is called 'volcengine-rtc.RoomCreate'; "
                    "did you mean RoomCreate?"
                )
            ],
        ),
        ("{type: 5}", ["when.type: no type is called 5"]),
        ("{type: true}", ["when.type: no type is called true"]),
        ("{type: {prefix: Recording}}", ["when.type.prefix: no type begins with 'Recording'"]),
        (
            "{source: {any: [one, onee]}}",
            ["when.source.any[1]: no source is called 'onee'; did you mean one?"],
        ),
        ("{vendor: {bigger: zego}}", [f"when.vendor.bigger: {UNKNOWN_CONDITION}"]),
        (
            "{vendor: volcengine-rtc, type: [PushStart, RoomCreate]}",
            ["when.type[0]: PushStart is no type of volcengine-rtc"],
        ),
        (
            "{source: one, type: ShowListDTSCallback}",
            ["when.type: ShowListDTSCallback is no type of volcengine-rtc"],
        ),
        (
            "{vendor: volcengine-rtc, any: [{type: RoomCreate}, {type: UploadDone}]}",
            ["when.any[1].type: UploadDone is no type of volcengine-rtc"],
        ),
        ("{vendor: [zego-cloud-player, volcengine-live], type: PushStart}", [f"?{NOTHING_COMES}"]),
        ("{source: {not: one}}", [f"?{NOTHING_COMES}"]),
        ("{type: PushStart}", [f"?{NOTHING_COMES}"]),
        ("{any: [{type: PushStart, data.app: x}, {type: RoomCreate}]}", []),
        (
            "{vendor: {not: volcengine-live}, type: PushStart}",
            [
                "when.type: PushStart is no type of alibaba-caster, volcengine-rtc, zego-cloud-player"
            ],
        ),
        ("{vendor: alibaba-caster, source: one}", [f"?{NOTHING_COMES}"]),
        ("{type: RoomCreate, source: one, vendor: volcengine-rtc}", []),
        ("{type: Unrecognized}", []),
        ("{any: [{type: RoomCreate}, {type: RoomDestroy}]}", []),
    ],
)
def test_words_are_those_that_there_are(tmp_path: Path, when: str, said: list[str]) -> None:
    """Vendors, their types and configured sources; what is wrong is told with a guess."""
    assert said_of_rule(tmp_path, when) == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (
            "{type: RecordStopped, data.codes: 1}",
            [
                "?when.data.codes: no document of RecordStopped knows data.codes; did you mean data.code?"
            ],
        ),
        (
            "{type: RecordStopped, data.TaskId: x}",
            [
                (
                    "?when.data.TaskId: no document of RecordStopped knows data.TaskId; "
                    "did you mean data.task_id?"
                )
            ],
        ),
        (
            "{type: RecordStopped, data.vid: x}",
            [
                (
                    "?when.data.vid: no document of RecordStopped knows data.vid; "
                    "did you mean data.record_file_list.vid?"
                )
            ],
        ),
        (
            "{type: [RoomCreate, RoomDestroy], data.code.x: 1}",
            ["?when.data.code.x: no document of RoomCreate and RoomDestroy knows data.code.x"],
        ),
        (
            "{data.progress_time: 1}",
            [
                "?when.data.progress_time: no document of such an event knows data.progress_time; did you mean data.progress?"
            ],
        ),
        (
            "{type: RoomCreate, any: [{data.room_id: x}, {data.foo: 1}]}",
            ["?when.any[1].data.foo: no document of RoomCreate knows data.foo"],
        ),
        ("{any: [{type: RoomCreate, data.room_id: x}, {type: RecordStopped, data.code: 1}]}", []),
        ("{data.code: {not: 0}}", []),
        ("{type: RecordStopped, data.record_file_list.duration: {gt: 60000}}", []),
        ("{type: Unrecognized, data.reason: stale, data.body.EventType: x}", []),
        ("{type: RecordUploadDone, data.version: {exists: false}}", []),
    ],
)
def test_fields_are_those_of_the_documents(tmp_path: Path, when: str, said: list[str]) -> None:
    """Of the types that the rule leaves; others may come all the same, so this is a warning."""
    assert said_of_rule(tmp_path, when) == said


def test_a_field_is_found_inside_of_another(tmp_path: Path) -> None:
    """The guess for a name that stands deeper; nothing is said below what is not documented."""
    assert said_of_rule(tmp_path, "{type: ShowListDTSCallback, data.progress_time: 1}", CASTER) == [
        (
            "?when.data.progress_time: no document of ShowListDTSCallback knows data.progress_time; "
            "did you mean data.event_message.progress_time?"
        )
    ]
    live = "vendor: volcengine-live, secrets: [{env: KEY}], tokens: [{env: TOKEN}]"
    assert said_of_rule(tmp_path, "{type: RecordEvent, data.detail.anything.else: 1}", live) == []


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('{data.code: "0"}', ['?when.data.code: data.code is a whole number, never "0"']),
        (
            "{data.code: {not: [0, x]}}",
            ["?when.data.code.not[1]: data.code is a whole number, never x"],
        ),
        ("{data.code: 0.5}", ["?when.data.code: data.code is a whole number, never 0.5"]),
        ("{data.code: true}", ["?when.data.code: data.code is a whole number, never true"]),
        (
            "{data.code: {prefix: a}}",
            ["?when.data.code.prefix: data.code is a whole number, never a"],
        ),
        (
            "{data.code: {gt: 1, lt: 2}}",
            ["?when.data.code: data.code is a whole number; none fits this"],
        ),
        ("{data.room_id: 7}", ["?when.data.room_id: data.room_id is text, never 7"]),
        ("{data.room_id: {gt: 7}}", ["?when.data.room_id.gt: data.room_id is text, never 7"]),
        (
            "{data.record_file_list: x}",
            [
                (
                    "?when.data.record_file_list: data.record_file_list is an object, no value; "
                    "name a field such as data.record_file_list.vid"
                )
            ],
        ),
        (
            "{type: Unrecognized, data.reason: old}",
            [
                (
                    "when.data.reason: no Unrecognized event has this reason; there are "
                    "stale, suspicious, unknown-type, bad-payload, bad-field"
                )
            ],
        ),
        (
            "{data.record_file_list: {not: 0}}",
            [f"?when.data.record_file_list: {OBJECT}"],
        ),
        ("{type: Unrecognized, data.reason: {prefix: bad}}", []),
        ("{data.record_file_list: {exists: true}}", []),
        ("{data.code: [0, 1.0, null]}", []),
        ("{data.code: {gt: 0.5, lt: 1.5}}", []),
        ("{data.code: {gt: 5, lt: 3}}", ["when.data.code: nothing can fit this"]),
        ("{data.code: {exists: false, not: 0}}", ["when.data.code: nothing can fit this"]),
        ("{data.any: {all: [1, 2]}}", ["when.data.any: nothing can fit this"]),
        ("{subject: {exists: false}}", ["when.subject: nothing can fit this"]),
        ("{subject: {gt: 1}}", ["when.subject: nothing can fit this"]),
        (
            '{time: {gt: "2026-01-02T00:00:00Z", lt: "2026-01-01T00:00:00Z"}}',
            ["when.time: nothing can fit this"],
        ),
        ('{time: {gte: "2026-01-02T00:00:00Z"}}', []),
    ],
)
def test_values_are_of_the_documented_kind(tmp_path: Path, when: str, said: list[str]) -> None:
    """What no value fits is an error, what no documented value fits a warning."""
    if "type:" not in when:
        when = f"{{type: RecordStopped, {when[1:]}"
    assert said_of_rule(tmp_path, when) == said


@pytest.mark.parametrize(
    ("when", "column", "said"),
    [
        ("{typ: RoomCreate}", 34, f"typ: {UNKNOWN_PATH}; did you mean type?"),
        ("{code: 0}", 34, f"code: {UNKNOWN_PATH}; did you mean data.code?"),
        ("{Code: 0}", 34, f"Code: {UNKNOWN_PATH}; did you mean data.code?"),
        ("{taskid: a}", 34, f"taskid: {UNKNOWN_PATH}; did you mean data.task_id?"),
        ("{any: [{'': 0}]}", 41, f"any[0].'': {UNKNOWN_PATH}"),
        ("{type:RoomCreate}", 34, f"'type:RoomCreate': {MISSING_SPACE}"),
        ("{data.code:0}", 34, f"'data.code:0': {MISSING_SPACE}"),
        ("{data.code: {gte:0}}", 46, f"data.code.'gte:0': {MISSING_SPACE}"),
        ("{any: [{data.code:0, type: RoomCreate}]}", 41, f"any[0].'data.code:0': {MISSING_SPACE}"),
        ("{not: 0}", 34, f"not: {UNKNOWN_PATH}; not stands behind a path: {{type: {{not: ...}}}}"),
        ("{data.code: {gte: 0, lten: 1}}", 54, f"data.code.lten: {UNKNOWN_CONDITION}; did you mean lte?"),
    ],
)  # fmt: skip
def test_words_of_conditions_are_told_where_they_stand(
    tmp_path: Path, when: str, column: int, said: str
) -> None:
    """A key that nobody knows is shown itself, not its value, with what is meant perhaps."""
    rule = f"routes: [{{name: a, to: x, when: {when}}}]"

    assert findings(tmp_path, RTC, rule)[0] == [f"routes.yaml:1:{column}: routes[0].when.{said}"]


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    """Of all rules, in their order, also beside what is no rule at all."""
    rules = """routes:
  - {name: a, when: {type: RoomCreat}, to: x}
  - {name: b, when: {typ: RoomCreate, data.code: {gt: 1, lt: 0}}, to: x}
  - {name: c, to: "{data.x}"}
  - {name: d, when: {source: two}, drop: true}
"""
    errors, _ = findings(tmp_path, RTC, rules)

    assert [error.split(": ")[:2] for error in errors] == [
        ["routes.yaml:2:28", "routes[0].when.type"],
        ["routes.yaml:3:22", "routes[1].when.typ"],
        ["routes.yaml:3:50", "routes[1].when.data.code"],
        ["routes.yaml:4:5", "routes[2].when"],
        ["routes.yaml:4:19", "routes[2].to"],
        ["routes.yaml:5:30", "routes[3].when.source"],
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "vendor: zego, secrets: [{evn: KEY}]",
            ["vendor", "secrets[0]", "secrets[0].evn", "routes[0].when.source"],
        ),
        ("vendor: volcengine-live, tokens: [{env: 1}]", ["tokens[0].env", "routes[0].when.source"]),
        ("tokens: [{env: TOKEN}]", ["vendor"]),
        ("vendor: [a]", ["vendor"]),
    ],
    ids=["vendor", "protection", "no vendor", "broken vendor"],
)
def test_of_a_source_that_is_wrong_all_else_is_told(
    tmp_path: Path, source: str, said: list[str]
) -> None:
    """Its vendor, and rules about it where that is known; not what it may lack."""
    errors, _ = findings(tmp_path, source, "routes: [{name: a, when: {source: two}, to: x}]")

    told = [error.split(": ")[1].removeprefix("sources.one.") for error in errors]
    assert told == said


def test_a_source_of_an_unknown_vendor_is_told_alone(tmp_path: Path) -> None:
    """Rules about it are not judged: what it sends is not known."""
    rules = "routes: [{name: a, when: {source: one}, to: x}]"

    told = (
        "router.yaml:4:17: sources.one.vendor: unknown vendor; use one of "
        "alibaba-caster, volcengine-live, volcengine-rtc, zego-cloud-player"
    )
    assert findings(tmp_path, "vendor: zego", rules) == ([told], [])


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**99), 10**99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "RoomCreate", "volcengine-rtc", "one", "2026-01-01T00:00:00Z"])
)
PATHS = ["vendor", "type", "source", "subject", "time", "data.code", "data.x", "data", ""]
OTHERS = ["data.record_file_list.vid", "data.reason", "any", "all", "not", "prefix", "exists", "gt"]
NAMES = st.sampled_from([*PATHS, *OTHERS])
WRITTEN = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    """One source, and no rules."""
    return load_one(tmp_path_factory.mktemp("one"), RTC)


@given(when=st.dictionaries(NAMES, WRITTEN, max_size=3), is_drop=st.booleans())
def test_checks_are_total(
    configuration: Configuration,
    when: dict[str, Any],
    is_drop: bool,  # noqa: FBT001  # drawn
) -> None:
    """Whatever stands in a rule, checks tell of it at a place inside of it, or run on."""
    rule = RouteOptions(name="a", when=when, to=() if is_drop else ("x",), drop=is_drop)
    rules = msgspec.structs.replace(configuration, routes=RoutesOptions(routes=(rule,)))
    found = [finding for check in CHECKS for finding in check(rules)]

    assert all(finding.path[:3] == ("routes", 0, "when") for finding in found)
    if not any(finding.is_warning is False for finding in found):
        table = routes_of(rules)
        explain(table, EVENT, "one")
        assert table.records_for(EVENT, "one").dropped_by in ((), ("a",))


def test_problems_without_end_are_cut_off(tmp_path: Path) -> None:
    """After a thousand nothing more is guessed, and it is said that there is more."""
    words = ", ".join(f"T{number}" for number in range(1_001))

    errors, _ = findings(tmp_path, RTC, f"routes: [{{name: a, to: x, when: {{type: [{words}]}}}}]")

    assert len(errors) == 1_001
    assert errors[0] == (
        "routes.yaml:1:1: more than 1,000 problems; the rest is told once these are gone"
    )
    assert errors[1].endswith("when.type[0]: no type is called 'T0'")
