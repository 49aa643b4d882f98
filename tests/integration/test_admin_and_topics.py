"""`topics plan` and `apply`, `check --connect`, and the questions behind them, on a real Kafka."""

import itertools
import time
from pathlib import Path

import pytest

from router.errors import UnavailableError
from router.kafka.admin import KafkaAdmin, TopicState
from router.kafka.port import KafkaSettings
from tests.cluster import Cluster
from tests.integration.command import run, write_config
from tests.integration.topics_bench import TYPES, TopicsBench
from tests.kafka_node import free_ports

pytestmark = pytest.mark.kafka

CALL_SECS = 10.0


@pytest.fixture
def bench(kafka: Cluster, topic_prefix: str, tmp_path: Path) -> TopicsBench:
    """A namespace of the test's own, with nothing in it."""
    return TopicsBench(kafka, topic_prefix, tmp_path)


def test_a_plan_changes_nothing(bench: TopicsBench) -> None:
    """Every topic that is missing is shown, and stays missing."""
    done = run("topics", "plan", "--config", bench.config())

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        *(f"+ {name}: 3 partitions x 1" for name in bench.names),
        _one_copy(bench.names),
        f"{len(TYPES)} missing, 0 differ, 0 as configured",
    ]
    assert bench.found() == {}


def test_apply_makes_what_is_missing(bench: TopicsBench) -> None:
    """Each topic gets its partitions, its settings, and the broker's time stamps."""
    topics: dict[str, object] = {"retention": "36h", "max_message_bytes": "3MiB"}

    done = run("topics", "apply", "--config", bench.config(topics))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *(f"+ {name}: 3 partitions x 1" for name in bench.names),
        _one_copy(bench.names),
        f"{len(TYPES)} made, 0 differ, 0 as configured",
    ]
    assert bench.found() == dict.fromkeys(bench.names, (3, 1))
    for name in bench.names:
        settings = bench.settings(name)
        assert settings["message.timestamp.type"] == "LogAppendTime"
        assert settings["retention.ms"] == str(36 * 3_600_000)
        assert settings["max.message.bytes"] == str(3 << 20)
        assert settings["min.insync.replicas"] == "1"


def test_a_second_apply_makes_nothing(bench: TopicsBench) -> None:
    """What is as it shall be is left alone, also by `--grow`, and is shown without a mark."""
    config = bench.config()
    run("topics", "apply", "--config", config)

    before = {name: bench.settings(name) for name in bench.names}
    done = [
        run("topics", *words, "--config", config)
        for words in (("apply",), ("apply", "--grow"), ("plan",))
    ]

    shown = [*(f"  {name}" for name in bench.names), _one_copy(bench.names)]
    last = [
        f"0 {verb}, 0 differ, {len(TYPES)} as configured" for verb in ("made", "made", "missing")
    ]
    assert [each.returncode for each in done] == [0, 0, 0]
    assert [each.stdout.splitlines() for each in done] == [[*shown, line] for line in last]
    assert {name: bench.settings(name) for name in bench.names} == before


def test_what_differs_is_shown_and_left(bench: TopicsBench) -> None:
    """A topic with other partitions or settings is told apart and not changed without --grow."""
    other = bench.names[0]
    bench.cluster.create_topics([other], partitions=1, config={"retention.ms": "60000"})
    config = bench.config()

    planned = run("topics", "plan", "--config", config)
    applied = run("topics", "apply", "--config", config)

    lost = "keys change their partition then: order across that moment is lost"
    assert _about(planned.stdout, other) == [
        f"partitions: 1 -> 3  (with --grow; {lost})",
        "max.message.bytes: 1048588 -> 2MiB  (with --grow)",
        "retention.ms: 1m -> 7d  (with --grow)",
    ]
    assert _about(applied.stdout, other) == [
        line.replace("with --grow", "left; --grow raises it")
        for line in _about(planned.stdout, other)
    ]
    assert planned.stdout.endswith(f"{len(TYPES) - 1} missing, 1 differ, 0 as configured\n")
    assert bench.found() == {other: (1, 1), **dict.fromkeys(bench.names[1:], (3, 1))}
    assert bench.settings(other)["retention.ms"] == "60000"


def test_replication_is_capped_with_a_warning(bench: TopicsBench) -> None:
    """One broker cannot hold three copies: topics get one, and it is said what that means."""
    done = run(
        "topics",
        "apply",
        "--config",
        bench.config({"replication": 3, "min_insync_replicas": 2}),
    )

    assert done.returncode == 0
    warnings = [line for line in done.stdout.splitlines() if line.startswith("warning")]
    assert len(warnings) == 2
    assert "replication 3 is more than the 1 broker" in warnings[0]
    assert "min.insync.replicas is 1, less than configured" in warnings[1]
    assert bench.found() == dict.fromkeys(bench.names, (3, 1))
    assert bench.settings(bench.names[0])["min.insync.replicas"] == "1"


def test_topics_of_rules_are_made(bench: TopicsBench) -> None:
    """What rules add is needed too; it has the namespace."""
    config = bench.config(routes="routes.yaml")
    rule = "routes: [{name: all, when: {vendor: alibaba-caster}, to: 'all.{source}'}]"
    (config.parent / "routes.yaml").write_text(rule, encoding="utf-8")

    done = run("topics", "apply", "--config", config)

    assert done.returncode == 0
    assert set(bench.found()) == {*bench.names, f"{bench.prefix}all.studio"}


def test_topics_of_handlers_are_made(bench: TopicsBench) -> None:
    """What handlers emit and where their dead letters go is needed too, in the namespace."""
    done = run("topics", "apply", "--config", bench.config(handlers=["handlers"]))

    assert done.returncode == 0
    assert set(bench.found()) == {
        *bench.names,
        f"{bench.prefix}derived.ShowProgress",
        f"{bench.prefix}derived.RecordingReady",
        f"{bench.prefix}derived.RecordingOverdue",
        f"{bench.prefix}callback-router.dead.recording-ready",
        f"{bench.prefix}callback-router.dead.show-list-progress",
    }


def test_check_connects(bench: TopicsBench) -> None:
    """With `--connect` missing topics are a failure that shows what is missing, until applied."""
    config = bench.config()

    before = run("check", "--connect", "--config", config)
    run("topics", "apply", "--config", config)
    after = run("check", "--connect", "--config", config)

    assert before.returncode == 1
    assert f"+ {bench.names[0]}: 3 partitions x 1" in before.stdout.splitlines()
    assert after.returncode == 0
    assert f"{bench.cluster.bootstrap_servers}: ok, 1 broker" in after.stdout
    assert after.stdout.splitlines()[-1] == f"0 missing, 0 differ, {len(TYPES)} as configured"
    assert bench.names[0] not in after.stdout.replace(_one_copy(bench.names), "")
    assert "Traceback" not in before.stderr + after.stderr


@pytest.mark.parametrize(
    "command",
    [("check", "--connect"), ("topics", "plan"), ("topics", "apply"), ("tail",)],
    ids=["check", "plan", "apply", "tail"],
)
def test_a_kafka_that_is_away_is_a_failure(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Without a broker it fails soon, with a line and no traceback."""
    config = write_config(tmp_path, f"127.0.0.1:{free_ports(1)[0]}")
    began_at = time.monotonic()

    done = run(*command, "--config", config)

    assert done.returncode == 1
    assert time.monotonic() - began_at < CALL_SECS
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("callback-router: ")]


def test_check_connect_asks_nobody_about_a_bad_file(tmp_path: Path) -> None:
    """A mistake in the configuration is the user's to change: exit 2."""
    config = write_config(tmp_path, "127.0.0.1:1", topics={"partitions": 0})

    done = run("check", "--connect", "--config", config)

    assert done.returncode == 2
    assert f"{config}:" in done.stderr
    assert "topics.partitions" in done.stderr


async def test_questions_about_topics(bench: TopicsBench) -> None:
    """Topics that exist are described, those that do not are neither reported nor made."""
    name, absent = f"{bench.prefix}there", f"{bench.prefix}absent"
    bench.cluster.create_topics([name], partitions=2, config={"retention.ms": "60000"})
    admin = KafkaAdmin(_settings(bench.cluster.bootstrap_servers))
    try:
        partitions = await admin.partitions([name, absent])
        states = await admin.states([name, absent])
        brokers = await admin.brokers()
    finally:
        await admin.close()

    assert partitions == {name: 2}
    assert list(states) == [name]
    assert (states[name].partitions, states[name].replication) == (2, 1)
    assert states[name].settings["retention.ms"] == "60000"
    assert brokers == 1
    assert list(bench.found()) == [name]


async def test_topics_that_cannot_be_made_say_why(bench: TopicsBench) -> None:
    """Each has its error; the others are made, and one that is there already is none."""
    good, bad = f"{bench.prefix}good", f"{bench.prefix}bad"
    admin = KafkaAdmin(_settings(bench.cluster.bootstrap_servers))
    topics = [
        TopicState(name=good, partitions=1, replication=1),
        TopicState(name=bad, partitions=1, replication=1, settings={"retention.ms": "soon"}),
    ]
    try:
        first = await admin.create(topics)
        second = await admin.create(topics[:1])
    finally:
        await admin.close()

    assert list(first) == [bad]
    assert "InvalidConfig" in first[bad]
    assert second == {}
    assert bench.found() == {good: (1, 1)}


async def test_questions_need_a_broker() -> None:
    """Without one each question says so; it may be asked again, and closed."""
    admin = KafkaAdmin(_settings(f"127.0.0.1:{free_ports(1)[0]}"))

    for question in (admin.partitions(["t"]), admin.states(["t"]), admin.brokers()):
        with pytest.raises(UnavailableError):
            await question
    await admin.close()


def _one_copy(names: list[str]) -> str:
    """Return the warning that one copy of each record is enough, as it is about these topics."""
    words = "min.insync.replicas is 1: a 200 may mean as few copies of an event"
    return f"warning: {words}: {', '.join(names[:2])} and {len(names) - 2} more"


def _about(shown: str, topic: str) -> list[str]:
    """Return the lines that tell how a topic differs."""
    _, _, after = shown.partition(f"~ {topic}\n")
    return [line.strip() for line in itertools.takewhile(_is_indented, after.splitlines())]


def _is_indented(line: str) -> bool:
    return line.startswith("    ")


def _settings(servers: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=servers, client_id="admin")
