"""What is wrong with the key of a rule is said: it is made of what events have."""

from pathlib import Path

import pytest

from tests.unit.assembling import CASTER, said_of_rule

INSTEAD = "the subject is the key instead"
LOOSE_BRACE = (
    "key: a brace without its other one, or one too many; write {subject} or {data.<field>}"
)
ONE_KEY = "key: every record has this text as its key"
UNKNOWN_TASK = "no document of RecordStopped knows data.taks_id; did you mean data.task_id?"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("{data.code}{room}", ["key: unknown {room}; use {subject} or {data.<field>}"]),
        ("{time}", ["key: unknown {time}; use {subject} or {data.<field>}"]),
        (
            "{task_id}",
            [
                (
                    "key: unknown {task_id}; use {subject} or {data.<field>}; "
                    "did you mean {data.task_id}?"
                )
            ],
        ),
        ("{}", ["key: unknown {}; use {subject} or {data.<field>}"]),
        ("{data.}", ["key: unknown {data.}; use {subject} or {data.<field>}"]),
        ("{data.task_id", [LOOSE_BRACE]),
        ("{data.task_id}}", [LOOSE_BRACE]),
        ("{{data.task_id}}", [LOOSE_BRACE]),
        ("data.task_id", [f"?{ONE_KEY}; did you mean {{data.task_id}}?"]),
        ("subject", [f"?{ONE_KEY}; did you mean {{subject}}?"]),
        ("recordings", []),
        (
            "{data.taks_id}",
            [f"?key: {INSTEAD}: {UNKNOWN_TASK}"],
        ),
        (
            "{data.record_file_list.vid}",
            [f"?key: {INSTEAD}: data.record_file_list.vid is no single value"],
        ),
        (
            "{data.record_file_list}",
            [f"?key: {INSTEAD}: data.record_file_list is no single value"],
        ),
        ("{vendor}/{type}/{source}/{subject}/{data.task_id}", []),
    ],
)
def test_keys_are_made_of_what_there_is(tmp_path: Path, key: str, said: list[str]) -> None:
    """Attributes and documented fields."""
    assert said_of_rule(tmp_path, "{type: RecordStopped}", key=key) == said


def test_an_object_is_no_key(tmp_path: Path) -> None:
    """A field in it may be one; what is inside of what nobody documented may be any."""
    when = "{type: ShowListDTSCallback}"

    assert said_of_rule(tmp_path, when, CASTER, "{data.event_message}") == [
        f"?key: {INSTEAD}: data.event_message is no single value"
    ]
    assert said_of_rule(tmp_path, when, CASTER, "{data.event_message.show_id}") == []
    assert said_of_rule(tmp_path, "{type: Unrecognized}", CASTER, "{data.body.RoomId}") == []
