"""A file of routing tests: what is read, and how every mistake is told at its place."""

from pathlib import Path

import pytest

from router.tools.rule_cases import EventOptions, read_cases
from tests.unit.tools.rule_testing import ROUTES, SOURCES, read

EVENT = "event: {type: RoomCreate}"


def test_a_test_is_read(tmp_path: Path) -> None:
    """Its line, what comes in, and what shall come of it."""
    (case,), problems = read(
        tmp_path,
        "# comment\ntests:\n  - name: one\n    source: rtc\n"
        "    event: {type: RoomCreate, subject: s, data: {room_id: r}}\n"
        "    expect: [a, {topic: b, key: k}]\n    matches: [failed]\n",
    )

    assert problems == []
    assert (case.name, case.line, case.source) == ("one", 3, "rtc")
    assert case.given == EventOptions(type="RoomCreate", subject="s", data={"room_id": "r"})
    assert [str(item) for item in case.expect or ()] == ["a", "b  key k"]
    assert case.matches == ("failed",)


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ("body: {b: [1, null], a: x}", b'{"b":[1,null],"a":"x"}'),
        ("body: 'a=1&b=2'", b"a=1&b=2"),
        ("body_file: in.bin", b"\xff\x00"),
    ],
)
def test_bodies_are_read(tmp_path: Path, given: str, body: bytes) -> None:
    """A mapping as JSON in its order, text and files as they are; files beside the tests."""
    (tmp_path / "in.bin").write_bytes(b"\xff\x00")

    (case,), problems = read(tmp_path, f"tests: [{{name: n, source: rtc, {given}, expect: []}}]")

    assert problems == []
    assert case.given == body


def test_every_sample_can_be_used(tmp_path: Path) -> None:
    """Those of the source's vendor are named by their files."""
    (case,), problems = read(
        tmp_path,
        "tests: [{name: n, source: studio, sample: alibaba-caster/OperateCallback, expect: []}]",
    )

    assert problems == []
    assert isinstance(case.given, bytes)
    assert b"OperateCallback" in case.given


@pytest.mark.parametrize(
    ("test", "where", "message"),
    [
        (f"source: rtx, {EVENT}, expect: []", "source", "no source is called so, did you mean rtc?"),
        (f"source: nobody, {EVENT}, expect: []", "source", "no source is called so; there are rtc, studio"),
        ("source: rtc, event: {type: RoomCreated}, expect: []", "event.type", "no type of volcengine-rtc is called so, did you mean RoomCreate?"),
        ("source: rtc, event: {type: RoomCreate, time: noon}, expect: []", "event.time", "expected a time such as 2026-11-21T08:00:00Z"),
        ("source: rtc, sample: alibaba-caster/OperateCallback, expect: []", "sample", "expected a sample of the source's vendor: volcengine-rtc/..."),
        ("source: rtc, sample: volcengine-rtc/RoomCreat, expect: []", "sample", "no sample is called so, did you mean RoomCreate?"),
        ("source: rtc, sample: volcengine-rtc/../RoomCreate, expect: []", "sample", "no sample is called so, did you mean RoomCreate?"),
        ("source: rtc, body_file: none.json, expect: []", "body_file", "cannot read this file: No such file or directory"),
        ('source: rtc, body_file: "a\\0", expect: []', "body_file", "cannot read this file: not a path"),
        ("source: rtc, expect: []", "", "expected exactly one of body, body_file, sample, event"),
        (f"source: rtc, body: x, {EVENT}, expect: []", "", "expected exactly one of body, body_file, sample, event"),
        (f"source: rtc, {EVENT}", "", "asks for nothing: add expect, dropped or matches"),
        (f"source: rtc, {EVENT}, dropped: true, expect: [a]", "dropped", "what is dropped is published nowhere: see expect"),
        (f"source: rtc, {EVENT}, matches: [fail]", "matches[0]", "no rule is called so, did you mean failed?"),
        (f"source: rtc, {EVENT}, data: {{a: 1}}, expect: []", "data", "goes with a sample only"),
        (f"source: rtc, {EVENT}, expect: [{{topik: a}}]", "expect[0].topik", "unknown key, did you mean topic?"),
        (f"source: rtc, {EVENT}, expect: [3]", "expect[0]", "expected a mapping, got a whole number"),
        (f"source: rtc, {EVENT}, expects: []", "expects", "unknown key, did you mean expect?"),
        (f"source: rtc, {EVENT}, expect: [], matches: '${{HOME}}'", "matches", "the environment variable HOME is not set"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_places(
    tmp_path: Path, test: str, where: str, message: str
) -> None:
    """Each with the path from the file's root, and nothing is run."""
    cases, problems = read(tmp_path, f"tests: [{{name: n, {test}}}]")

    told = [(problem.where, problem.message) for problem in problems]
    assert (f"tests[0].{where}".rstrip("."), message) in told
    assert cases == []


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Those of every test, and two tests of one name, in the order of the file."""
    test = f"{{name: n, source: rtx, {EVENT}, matches: [x, y]}}"

    _, problems = read(tmp_path, f"tests: [{test}, {test}]")

    assert [problem.where for problem in problems] == [
        "tests[0].source",
        "tests[0].matches[0]",
        "tests[0].matches[1]",
        "tests[1].name",
        "tests[1].source",
        "tests[1].matches[0]",
        "tests[1].matches[1]",
    ]


def test_a_mistake_is_shown_in_its_line(tmp_path: Path) -> None:
    """With a caret, as everything that `check` tells; a required list cannot be left out."""
    _, (problem,) = read(tmp_path, "tests: []  # none yet")

    assert problem.shown().splitlines() == [
        f"{tmp_path}/routes.test.yaml:1:8: tests: an empty list: expected at least one",
        "    tests: []  # ***",
        "           ^",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tests: [{name: n, evnt: {type: Zq7}}]", "tests: [{name: n, evnt: {***: ***}}]"),
        ("tests: [{body: {url: 'rtmp://h/Zq7'}}]", "tests: [{body: {url: 'rtmp://***}}]"),
        ("tests: - name: Zq7", "tests: - name: ***"),
    ],
)
def test_what_may_be_secret_is_not_shown(tmp_path: Path, text: str, shown: str) -> None:
    """The keys and values of tests are known; what no value was made of is hidden."""
    _, problems = read(tmp_path, text)

    assert problems
    assert {problem.excerpt.splitlines()[0] for problem in problems} == {shown}


@pytest.mark.parametrize("text", ["", "tests: []", "tests: {}", "[]", "a: [", "\x00"])
def test_what_is_no_file_of_tests_is_told(tmp_path: Path, text: str) -> None:
    """At least one mistake, and no test."""
    cases, problems = read(tmp_path, text)

    assert cases == []
    assert problems


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its name and why."""
    cases, (problem,) = read_cases(tmp_path / "none.yaml", SOURCES.by_name, ROUTES.rules)

    assert cases == []
    assert str(problem).endswith("none.yaml:1:1: cannot read this file: No such file or directory")
