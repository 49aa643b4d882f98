"""Routing tests, run: what passes, and what is told of what does not."""

from pathlib import Path

import pytest

from router.tools.rule_tests import RuleTests
from tests.unit.tools.rule_testing import ROUTES, SOURCES, outcomes

STOPPED = "source: rtc, event: {type: RecordStopped, subject: s, data: {code: 1, task_id: t}}"
BASE = "callbacks.volcengine-rtc.RecordStopped"


@pytest.mark.parametrize(
    "test",
    [
        f"{STOPPED}, expect: [{BASE}, alerts.rtc]",
        f"{STOPPED}, expect: [alerts.rtc, {{topic: {BASE}, key: s}}]",
        f"{STOPPED}, expect: [{BASE}, {{topic: alerts.rtc, key: t}}], matches: [failed]",
        "source: rtc, event: {type: RecordUploadProcessing}, dropped: true",
        "source: rtc, event: {type: RecordUploadProcessing}, expect: [], matches: [noise]",
        "source: rtc, event: {type: RoomCreate}, matches: []",
        "source: rtc, event: {type: RoomCreate}, expect: [{topic: callbacks.volcengine-rtc.RoomCreate, key: rtc}]",
        "source: rtc, event: {type: Unrecognized, data: {reason: stale}}, expect: [callbacks.volcengine-rtc.Unrecognized]",
        "source: rtc, sample: volcengine-rtc/RecordStopped-2023-06-01, data: {code: 0}, matches: []",
        "source: rtc, sample: volcengine-rtc/RecordStopped-2023-06-01, data: {code: 7}, matches: [failed]",
        "source: studio, body: {CasterId: c, EventType: New}, expect: [callbacks.alibaba-caster.Unrecognized]",
    ],
)  # fmt: skip
def test_what_is_as_expected_passes(tmp_path: Path, test: str) -> None:
    """Topics in any order, with keys where they are told, and the rules."""
    (outcome,) = outcomes(tmp_path, test)

    assert outcome.lines == ()
    assert outcome.is_passed


def test_a_body_needs_no_signature(tmp_path: Path) -> None:
    """An unsigned one is decided as a proven one would be, and is nothing else than that."""
    data = '{\\"RoomId\\":\\"r\\",\\"Timestamp\\":1679383924691}'
    body = (
        f'body: {{EventType: RoomCreate, EventData: "{data}", EventTime: "2023-03-21T07:32:04Z", '
        'EventId: "1", AppId: a, Version: "2020-12-01"}'
    )

    (outcome,) = outcomes(
        tmp_path,
        f"source: rtc, {body}, expect: [{{topic: callbacks.volcengine-rtc.RoomCreate, key: a/r}}]",
    )

    assert outcome.lines == ()


def test_what_is_missing_and_what_is_too_much_are_told(tmp_path: Path) -> None:
    """Both with their keys, then the event, and the rules that act or lead to what is missing."""
    (outcome,) = outcomes(
        tmp_path,
        "source: rtc, event: {type: RecordStopped, subject: s, data: {code: 0}}, "
        f"expect: [alerts.rtc, {{topic: {BASE}, key: t}}], matches: [failed]",
    )

    assert outcome.lines == (
        f"- expected  {BASE}  key t",
        "- expected  alerts.rtc",
        f"+ got       {BASE}  key s",
        "- expected  rule failed to match",
        "event volcengine-rtc.RecordStopped, subject s",
        "rule failed: kept from it by data.code: {not: 0}, which saw 0",
    )


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Where the subject serves instead, so that nobody looks for the reason."""
    (outcome,) = outcomes(
        tmp_path,
        "source: rtc, event: {type: RecordStopped, subject: s, data: {code: 1}}, "
        f"expect: [{BASE}, {{topic: alerts.rtc, key: t}}]",
    )

    assert outcome.lines == (
        "- expected  alerts.rtc  key t",
        "+ got       alerts.rtc  key s",
        "event volcengine-rtc.RecordStopped, subject s",
        "rule failed: matches",
        "rule failed: its key has no single value here, so the subject is the key",
    )


def test_what_was_dropped_is_told(tmp_path: Path) -> None:
    """The rule that dropped is named; rules that have no part in it are not."""
    (outcome,) = outcomes(
        tmp_path, "source: rtc, event: {type: RecordUploadProcessing}, expect: [x], matches: []"
    )

    assert outcome.lines == (
        "- expected  x",
        "+ got       rule noise matches",
        "event volcengine-rtc.RecordUploadProcessing, subject rtc",
        "dropped by noise",
        "rule noise: matches",
    )


def test_a_topic_counts_as_often_as_it_is_expected(tmp_path: Path) -> None:
    """One record does not stand for two expectations."""
    (outcome,) = outcomes(tmp_path, f"{STOPPED}, expect: [{BASE}, alerts.rtc, alerts.rtc]")

    assert outcome.lines[0] == "- expected  alerts.rtc"


def test_overrides_go_into_objects(tmp_path: Path) -> None:
    """What is not named stays, inside of objects too."""
    sample = "source: studio, sample: alibaba-caster/ShowListDTSCallback"

    asis, changed = outcomes(
        tmp_path,
        f"{sample}, matches: []",
        f"{sample}, data: {{event_message: {{show_name: mine}}}}, matches: [shows]",
    )

    assert (asis.lines, changed.lines) == ((), ())


def test_what_shall_be_dropped_is_not_published(tmp_path: Path) -> None:
    """`dropped` expects no record at all."""
    (outcome,) = outcomes(tmp_path, "source: rtc, event: {type: RoomCreate}, dropped: true")

    assert outcome.lines[0] == "+ got       callbacks.volcengine-rtc.RoomCreate  key rtc"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("body: no JSON", "not-json (the body is no JSON object)"),
        ("body: ''", "empty-body"),
        ("body_file: large", "too-large"),
    ],
)
def test_a_body_that_would_be_refused_fails(tmp_path: Path, given: str, reason: str) -> None:
    """With the reason that the server would answer: a proof has to have its place in the body."""
    (tmp_path / "large").write_text(f'{{"a":"{"x" * (1 << 20)}"}}', encoding="utf-8")

    (outcome,) = outcomes(tmp_path, f"source: rtc, {given}, expect: []")

    assert outcome.lines == (f"the body is refused: {reason}",)


def test_credentials_are_masked(tmp_path: Path) -> None:
    """Keys and subjects are shown as everywhere."""
    (outcome,) = outcomes(
        tmp_path,
        "source: rtc, event: {type: RecordStopped, subject: 'rtmp://h/l?k=Zq7', "
        "data: {code: 1, task_id: 'rtmp://h/l?k=Zq7'}}, expect: []",
    )

    assert "Zq7" not in "\n".join(outcome.lines)


def test_rules_that_nobody_reaches_are_known(tmp_path: Path) -> None:
    """A rule counts as reached where it matches, whether the test passes or not."""
    found = outcomes(
        tmp_path, f"{STOPPED}, expect: []", "source: rtc, event: {type: RoomCreate}, matches: []"
    )
    running = RuleTests(SOURCES, ROUTES)

    assert running.unreached(found) == ["noise", "shows"]
    assert running.unreached([]) == ["failed", "noise", "shows"]
