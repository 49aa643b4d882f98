"""`topics apply --grow`, and topics that cannot be judged or changed, on a real Kafka."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from router.errors import UnavailableError
from router.kafka.admin import KafkaAdmin
from router.kafka.port import KafkaSettings
from tests.cluster import Cluster
from tests.integration.command import run
from tests.integration.topics_bench import TYPES, TopicsBench
from tests.kafka_node import free_ports

pytestmark = pytest.mark.kafka

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
CALL_SECS = 10.0


@pytest.fixture
def bench(kafka: Cluster, topic_prefix: str, tmp_path: Path) -> TopicsBench:
    """A namespace of the test's own, with nothing in it."""
    return TopicsBench(kafka, topic_prefix, tmp_path)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker that keeps lists of who may do what; everybody may do what none forbids."""
    with Cluster.start(tmp_path_factory.mktemp("guarded"), settings=AUTHORIZER) as cluster:
        yield cluster


def test_growing_raises_what_is_less(bench: TopicsBench) -> None:
    """Partitions and settings are raised to what is configured; what else was set stays."""
    other = bench.names[0]
    low = {"retention.ms": "60000", "message.timestamp.type": "CreateTime", "segment.ms": "70000"}
    bench.cluster.create_topics([other], partitions=1, config=low)
    config = bench.config()

    grown = run("topics", "apply", "--grow", "--config", config)
    after = run("topics", "plan", "--config", config)

    assert (grown.returncode, grown.stderr) == (0, "")
    assert "retention.ms: 1m -> 7d  (raised)" in grown.stdout
    assert "message.timestamp.type: CreateTime -> LogAppendTime  (raised)" in grown.stdout
    assert after.stdout.endswith(f"0 missing, 0 differ, {len(TYPES)} as configured\n")
    assert bench.found() == dict.fromkeys(bench.names, (3, 1))
    assert bench.settings(other) == {**bench.settings(bench.names[1]), "segment.ms": "70000"}


def test_growing_lowers_nothing(bench: TopicsBench) -> None:
    """Partitions, retention and the size of records stay where they are more than configured."""
    other = bench.names[0]
    high = {"retention.ms": "-1", "max.message.bytes": "4194304", "min.insync.replicas": "1"}
    bench.cluster.create_topics([other], partitions=5, config=high)
    config = bench.config()

    grown = run("topics", "apply", "--grow", "--config", config)

    assert grown.returncode == 0
    assert "partitions: 5 -> 3  (stays: nothing is lowered)" in grown.stdout
    assert "max.message.bytes: 4MiB -> 2MiB  (stays: nothing is lowered)" in grown.stdout
    assert "retention.ms: no bound -> 7d  (stays: nothing is lowered)" in grown.stdout
    assert bench.found()[other] == (5, 1)
    assert high.items() <= bench.settings(other).items()


def test_what_weakens_the_promise_is_told(bench: TopicsBench) -> None:
    """A leader that may lag, compaction and the sender's time stamps each have a warning."""
    weak = {"unclean.leader.election.enable": "true", "cleanup.policy": "compact"}
    bench.cluster.create_topics(bench.names[:1], partitions=3, config=weak)

    done = run("topics", "plan", "--config", bench.config())

    warnings = [line for line in done.stdout.splitlines() if line.startswith("warning: ")]
    assert [line.split(": ")[1] for line in warnings[1:]] == [
        "unclean.leader.election.enable is true",
        "cleanup.policy is compact",
    ]
    assert all(line.endswith(f": {bench.names[0]}") for line in warnings[1:])


def test_unequal_topics_of_a_handler_are_told(bench: TopicsBench) -> None:
    """A handler whose topics differ in partitions is named, and growing makes them equal."""
    sources = {"rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_CALLBACK_KEY"}]}}
    config = bench.config(handlers=["handlers"], sources=sources)
    names = [
        f"{bench.prefix}callbacks.volcengine-rtc.Record{word}" for word in ("Stopped", "Started")
    ]
    bench.cluster.create_topics(names[:1], partitions=2)

    before = run("topics", "plan", "--config", config)
    run("topics", "apply", "--grow", "--config", config)
    after = run("topics", "plan", "--config", config)

    (told,) = (line for line in before.stdout.splitlines() if "warning: handler" in line)
    assert told.startswith("warning: handler recording-ready needs equal numbers of partitions")
    assert f"{names[0]} 2" in told
    assert told.endswith("; `topics apply --grow` makes them equal")
    assert "warning: handler" not in after.stdout


def test_three_brokers_hold_three_copies(
    kafka_cluster_of_three: Callable[[], Cluster], topic_prefix: str, tmp_path: Path
) -> None:
    """Fewer copies are told and stay; more in-sync ones are raised where there are so many."""
    bench = TopicsBench(kafka_cluster_of_three(), topic_prefix, tmp_path)
    config = bench.config({"replication": 3, "min_insync_replicas": 2})
    one, three = bench.names[:2]
    low = {"min.insync.replicas": "1"}
    bench.cluster.create_topics([one], partitions=3, replication=1, config=low)
    bench.cluster.create_topics([three], partitions=3, replication=3, config=low)

    planned = run("topics", "plan", "--config", config)
    run("topics", "apply", "--grow", "--config", config)

    stays = "stays: kafka-reassign-partitions changes it"
    assert f"replication: 1 -> 3  ({stays})" in planned.stdout
    refused = "stays: with 1 of a record Kafka would refuse every write"
    assert f"min.insync.replicas: 1 -> 2  ({refused})" in planned.stdout
    assert "min.insync.replicas: 1 -> 2  (with --grow)" in planned.stdout
    assert "min.insync.replicas is 1, less than configured" in planned.stdout
    assert bench.found() == {name: (3, 1 if name == one else 3) for name in bench.names}
    assert bench.settings(one)["min.insync.replicas"] == "1"
    assert bench.settings(three)["min.insync.replicas"] == "2"


def test_what_is_not_allowed_is_told(guarded: Cluster, topic_prefix: str, tmp_path: Path) -> None:
    """Topics that may not be described, changed or made fail by name, the others are done; exit 1."""
    bench = TopicsBench(guarded, topic_prefix, tmp_path)
    hidden, fixed, forbidden, *others = bench.names
    guarded.create_topics([hidden, fixed], partitions=1)
    _forbid(guarded, ResourceType.TOPIC, hidden, AclOperation.DESCRIBE_CONFIGS)
    _forbid(guarded, ResourceType.TOPIC, fixed, AclOperation.ALTER_CONFIGS, AclOperation.ALTER)
    _forbid(guarded, ResourceType.BROKER, "kafka-cluster", AclOperation.CREATE)
    _forbid(guarded, ResourceType.TOPIC, forbidden, AclOperation.CREATE)
    config = bench.config()

    planned = run("topics", "plan", "--config", config)
    grown = run("topics", "apply", "--grow", "--config", config)

    assert (planned.returncode, grown.returncode) == (1, 1)
    (fault,) = (line for line in planned.stdout.splitlines() if line.startswith("? "))
    assert fault.startswith(f"? {hidden}: its settings: not authorised")
    assert [line.split(": ")[:3] for line in sorted(grown.stderr.splitlines())] == [
        ["callback-router", name, "not authorised"] for name in (fixed, forbidden)
    ]
    made = dict.fromkeys(others, (3, 1))
    assert bench.found() == {hidden: (1, 1), fixed: (1, 1), **made}


async def test_changes_need_a_broker() -> None:
    """Without one each change says so."""
    servers = f"127.0.0.1:{free_ports(1)[0]}"
    admin = KafkaAdmin(KafkaSettings(bootstrap_servers=servers, client_id="admin"))

    for change in (
        admin.set_settings({"t": {"retention.ms": "1"}}),
        admin.raise_partitions("t", 2),
    ):
        with pytest.raises(UnavailableError):
            await change
    assert await admin.set_settings({}) == {}
    await admin.close()


def _forbid(cluster: Cluster, kind: ResourceType, name: str, *operations: AclOperation) -> None:
    """Forbid everybody to do this to a topic, or to the cluster, and allow the rest."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    rules = dict.fromkeys(operations, AclPermissionType.DENY)
    rules[AclOperation.ALL] = AclPermissionType.ALLOW
    literal = ResourcePatternType.LITERAL
    bindings = [
        AclBinding(kind, name, literal, "User:*", "*", operation, permission)
        for operation, permission in rules.items()
    ]
    for made in admin.create_acls(bindings).values():
        made.result(CALL_SECS)
