"""The tests' own Kafka keeps what it acknowledged, and comes back after being killed."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Message, Producer

from tests.cluster import Cluster, Read, read_all
from tests.kafka_node import Node, PortTakenError, free_ports, new_cluster_id

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
# Starts a broker from a thread that ends at once, says its id, and lives until it is killed.
STARTER = """
import sys
from pathlib import Path
from threading import Thread
from tests.cluster import Cluster
clusters = []
thread = Thread(target=lambda: clusters.append(Cluster.start(Path(sys.argv[1]))))
thread.start()
thread.join()
print(clusters[0].process_id(1), flush=True)
sys.stdin.read()
"""


class _Sender:
    """An idempotent producer with acks=all that keeps what the brokers acknowledged."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.acknowledged: list[bytes | None] = []
        self.errors: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "enable.idempotence": True,
                "acks": "all",
                "log_level": 2,
            },
        )

    def send(self, topic: str, value: bytes, partition: int = 0) -> None:
        """Queue one record with the key `key` and a header."""
        self._producer.produce(
            topic,
            value,
            b"key",
            partition,
            on_delivery=self._settle,
            headers={"content-type": b"text/plain"},
        )

    def flush(self) -> None:
        """Return when every record is acknowledged or refused."""
        assert self._producer.flush(30) == 0

    def _settle(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged.append(message.value())
        else:
            self.errors.append(error)


def _read(topic: str, partition: int, offset: int, value: bytes) -> Read:
    return Read(
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"key",
        value=value,
        headers={"content-type": b"text/plain"},
        timestamp_type="LogAppendTime",
    )


def test_records_are_read_back_exactly(kafka: Cluster, topic_prefix: str) -> None:
    """Keys, values, headers, partitions and order are those that were sent."""
    topics = [f"{topic_prefix}one", f"{topic_prefix}two"]
    kafka.create_topics(topics, partitions=3)
    sender = _Sender(kafka.bootstrap_servers)
    for number in range(4):
        sender.send(topics[0], b"%d" % number, partition=number % 2)
    sender.send(topics[1], b"alone", partition=2)
    sender.flush()

    read = read_all(kafka.bootstrap_servers, topics)

    assert sender.errors == []
    assert read == [
        _read(topics[0], 0, 0, b"0"),
        _read(topics[0], 0, 1, b"2"),
        _read(topics[0], 1, 0, b"1"),
        _read(topics[0], 1, 1, b"3"),
        _read(topics[1], 2, 0, b"alone"),
    ]


def test_reading_waits_for_what_is_expected(kafka: Cluster, topic_prefix: str) -> None:
    """Fewer records than expected are an error once the deadline has passed, not a short list."""
    topic = f"{topic_prefix}topic"
    kafka.create_topics([topic])
    sender = _Sender(kafka.bootstrap_servers)
    sender.send(topic, b"only")
    sender.flush()

    assert len(read_all(kafka.bootstrap_servers, [topic], expected=1)) == 1
    with pytest.raises(TimeoutError, match="1 of 2 records"):
        read_all(kafka.bootstrap_servers, [topic], expected=2, deadline_secs=0.5)


def test_a_killed_broker_loses_no_acknowledged_write(
    kafka_cluster_of_three: Callable[[], Cluster], topic_prefix: str
) -> None:
    """Writes with acks=all go on with one of three brokers dead, and all are there."""
    cluster = kafka_cluster_of_three()
    topic = f"{topic_prefix}topic"
    cluster.create_topics([topic], partitions=3, replication=3)
    sender = _Sender(cluster.bootstrap_servers)
    values = [b"%03d" % number for number in range(300)]
    for number, value in enumerate(values):
        if number == 100:
            cluster.kill(1)
        sender.send(topic, value, partition=number % 3)
    sender.flush()

    read = read_all(cluster.bootstrap_servers, [topic], expected=300)

    assert sender.errors == []
    assert sorted(record.value or b"" for record in read) == values


def test_a_restarted_broker_answers_again(
    kafka_cluster_of_three: Callable[[], Cluster], topic_prefix: str
) -> None:
    """After a kill and a restart a broker serves what was written while it was away."""
    cluster = kafka_cluster_of_three()
    topic = f"{topic_prefix}topic"
    cluster.create_topics([topic], partitions=1, replication=3)
    cluster.kill(2)
    sender = _Sender(cluster.bootstrap_servers)
    sender.send(topic, b"while it was away")
    sender.flush()

    cluster.restart(2)

    read = read_all(cluster.address(2), [topic], expected=1)
    assert read == [_read(topic, 0, 0, b"while it was away")]


def test_a_frozen_broker_answers_once_thawed(
    kafka_cluster_of_three: Callable[[], Cluster],
) -> None:
    """A frozen broker keeps its port open and says nothing, until it is thawed."""
    cluster = kafka_cluster_of_three()
    node = cluster._nodes[3]
    cluster.freeze(3)

    answered_frozen = node.answers()
    cluster.thaw(3)

    assert not answered_frozen
    assert node.answers()


def test_all_brokers_restart_together(
    kafka_cluster_of_three: Callable[[], Cluster], topic_prefix: str
) -> None:
    """A cluster that was killed as a whole comes back with its records."""
    cluster = kafka_cluster_of_three()
    topic = f"{topic_prefix}topic"
    cluster.create_topics([topic], partitions=1, replication=3)
    sender = _Sender(cluster.bootstrap_servers)
    sender.send(topic, b"kept")
    sender.flush()
    for number in (1, 2, 3):
        cluster.kill(number)

    cluster.heal()

    read = read_all(cluster.bootstrap_servers, [topic], expected=1)
    assert [record.value for record in read] == [b"kept"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.usefixtures("kafka")  # or the skip, where there is none
def test_brokers_die_with_a_killed_test_process(tmp_path: Path) -> None:
    """A broker outlives the thread that asked for it, but not the process, however that ends."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, tmp_path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with starter:
        assert starter.stdout is not None
        broker = os.pidfd_open(int(starter.stdout.readline()))
        outlived_thread = not select.select([broker], [], [], 0.2)[0]
        starter.kill()
    died = bool(select.select([broker], [], [], 10)[0])
    os.close(broker)

    assert outlived_thread
    assert died


@pytest.mark.usefixtures("kafka")
def test_a_taken_port_is_told_apart(tmp_path: Path) -> None:
    """A broker that finds its port taken says so, and the cluster can choose other ports."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        ports = [(holder.getsockname()[1], *free_ports(1))]
        node = Node(tmp_path, 1, ports, [])
        assert node.format(new_cluster_id()).wait(30) == 0
        node.launch()
        with pytest.raises(PortTakenError):
            node.wait_answers(time.monotonic() + 30)
