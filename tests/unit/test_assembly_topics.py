"""What is wrong with topics is said before they are made, and what rules take from handlers."""

from pathlib import Path

import pytest

from router.assembly import CHECKS, CHECKS_WITH_HANDLERS
from router.config import load
from router.errors import ConfigError
from tests.unit.assembling import ENVIRON, findings

RTC = "vendor: volcengine-rtc, secrets: [{env: KEY}]"
HANDLER = '''"""A handler."""

from router.handler import Context, Event, handler
from router.vendors.volcengine_rtc.events import RoomCreate, RoomDestroy


@handler("rooms", events=[RoomCreate, RoomDestroy], emits=["Room"])
async def rooms(event: Event[RoomCreate | RoomDestroy], context: Context) -> None:
    """Do nothing."""
'''


def _said(folder: Path, routes: str) -> list[str]:
    """Return what is said, without the file; a `?` marks a warning."""
    errors, warnings = findings(folder, RTC, routes)
    return [each.partition(": ")[2] for each in errors] + [
        f"?{each.partition(': ')[2]}" for each in warnings
    ]


def _rule(*topics: str, when: str = "{type: RoomCreate}", rest: str = "") -> str:
    quoted = ", ".join(f"'{topic}'" for topic in topics)
    return f"routes: [{{name: a, when: {when}, to: [{quoted}]{rest}}}]"


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        (_rule("x", "a-{vendor}.{source}_x"), []),
        (
            _rule("a" * 240 + "-{type}"),
            [f"routes[0].to: {'a' * 80}... is longer than the 249 that Kafka takes"],
        ),
        (
            f"base: {'b' * 240}.{{type}}",
            [f"base: {'b' * 80}... is longer than the 249 that Kafka takes"],
        ),
        (
            _rule("x.y", "x", "x_y"),
            ["routes[0].to[2]: Kafka takes x_y for x.y: they differ in . and _ only"],
        ),
        (
            _rule("callbacks.volcengine-rtc_RoomCreate"),
            [
                (
                    "routes[0].to: Kafka takes callbacks.volcengine-rtc_RoomCreate for "
                    "callbacks.volcengine-rtc.RoomCreate: they differ in . and _ only"
                )
            ],
        ),
        (
            _rule("derived.{type}"),
            ["routes[0].to: derived.RoomCreate is for what handlers emit; choose another name"],
        ),
        (
            "base: callback-router.dead.x",
            ["base: callback-router.dead.x is for what cannot be handled; choose another name"],
        ),
        (
            _rule("callbacks.{vendor}.{type}"),
            [
                (
                    "?routes[0].to: callbacks.volcengine-rtc.RoomCreate is the base topic, "
                    "where every such event goes anyway"
                )
            ],
        ),
        (
            _rule("callbacks.{vendor}.{type}", rest=', key: "{type}"'),
            [
                (
                    "?routes[0].to: callbacks.volcengine-rtc.RoomCreate is the base topic, "
                    "where every such event goes once more, under another key"
                )
            ],
        ),
        (
            _rule("callbacks.volcengine-rtc.RoomDestroy"),
            [
                (
                    "?routes[0].to: callbacks.volcengine-rtc.RoomDestroy is the base topic of "
                    "volcengine-rtc.RoomDestroy, read by its handlers"
                )
            ],
        ),
        ("base: all", []),
        ("base: '{source}.{vendor}'", []),
        (
            _rule(
                "never.{type}",
                "never_{type}",
                when="{vendor: alibaba-caster, type: OperateCallback}",
            ),
            [
                "?routes[0].when: no configured source has such events, so nothing comes of this rule"
            ],
        ),
    ],
)
def test_topics_are_names_of_their_own(tmp_path: Path, routes: str, said: list[str]) -> None:
    """Short enough, apart from each other, and not what belongs to handlers; once a template."""
    assert _said(tmp_path, routes) == said


def test_a_namespace_belongs_to_the_name(tmp_path: Path) -> None:
    """Kafka sees the whole name; what is reserved begins behind the namespace."""
    (tmp_path / "routes.yaml").write_text(_rule("derived.x", "y" * 245), encoding="utf-8")
    (tmp_path / "router.yaml").write_text(
        'listen: "127.0.0.1:1"\nroutes: routes.yaml\n'
        'kafka: {bootstrap_servers: "127.0.0.1:1", namespace: prod.}\n'
        f"sources: {{one: {{{RTC}}}}}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "router.yaml", ENVIRON, CHECKS)

    assert [problem.message for problem in caught.value.problems] == [
        "prod.derived.x is for what handlers emit; choose another name",
        f"prod.{'y' * 75}... is longer than the 249 that Kafka takes",
    ]


@pytest.fixture
def _handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a folder `handlers` of one handler."""
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "rooms.py").write_text(HANDLER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("{type: RoomCreate}, drop: true", "drop: the handler rooms loses RoomCreate"),
        (
            "{vendor: volcengine-rtc}, drop: true",
            "drop: the handler rooms loses RoomCreate, RoomDestroy",
        ),
        (
            "{type: {not: RoomDestroy}, data.room_id: {prefix: test-}}, drop: true",
            "drop: the handler rooms loses such RoomCreate",
        ),
        ("{type: RecordStopped}, drop: true", ""),
        ("{type: RoomCreate}, to: x", ""),
    ],
)
def test_a_handler_that_loses_events_is_named(tmp_path: Path, rules: str, said: str) -> None:
    """By each rule that drops what it reads; a warning, since that may be meant."""
    routes = f"routes: [{{name: a, when: {rules}}}]"
    errors, warnings = findings(tmp_path, RTC, routes, CHECKS_WITH_HANDLERS)

    assert errors == []
    found = [each.partition(": routes[0].")[2] for each in warnings]
    assert found == ([said] if said else [])


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("topic", ["derived_Room", "callback-router_dead.rooms"])
def test_a_topic_is_apart_from_those_of_handlers(tmp_path: Path, topic: str) -> None:
    """Derived events and dead letters have topics that Kafka could take for a rule's."""
    rule = _rule("x", topic, when="{vendor: volcengine-rtc}")
    errors, _ = findings(tmp_path, RTC, rule, CHECKS_WITH_HANDLERS)

    other = {"derived_Room": "derived.Room"}.get(topic, "callback-router.dead.rooms")
    message = f"Kafka takes {topic} for {other}: they differ in . and _ only"
    assert [each.partition(": ")[2] for each in errors] == [f"routes[0].to[1]: {message}"]


@pytest.mark.usefixtures("_handlers")
def test_a_collision_of_rules_is_told_once(tmp_path: Path) -> None:
    """The look at handlers does not tell it again."""
    errors, _ = findings(tmp_path, RTC, _rule("a.b", "a_b"), CHECKS_WITH_HANDLERS)

    assert len(errors) == 1


@pytest.mark.usefixtures("_handlers")
def test_handlers_that_cannot_be_loaded_are_a_warning(tmp_path: Path) -> None:
    """With their own place, at the option that names them: where `serve` runs they may be absent."""
    (tmp_path / "handlers" / "broken.py").write_text("x = (", encoding="utf-8")
    errors, (warning,) = findings(tmp_path, RTC, "", CHECKS_WITH_HANDLERS)

    assert errors == []
    assert warning.partition(": ")[2].startswith("handlers: handlers/broken.py:1:")


@pytest.mark.usefixtures("_handlers")
def test_handlers_of_a_broken_file_are_not_looked_for(tmp_path: Path) -> None:
    """Which they are cannot be known."""
    errors, _ = findings(tmp_path, f"{RTC}, on_stale: 7", "", CHECKS_WITH_HANDLERS)

    assert [each.partition(": ")[2].partition(":")[0] for each in errors] == [
        "sources.one.on_stale"
    ]
