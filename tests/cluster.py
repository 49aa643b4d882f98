"""A real Kafka for the tests: one or three brokers as processes that a test may kill or freeze.

Design: every node is broker and controller, started from Maven's jars (`tests/kafka_jars.py`);
no container, no root, no fixed port, no file outside the cluster's own folder. Brokers die with
the test process, even if that is killed: the kernel sees to it (Linux). Ending a cluster is
`kill -9` and deleting its folder, since an orderly end of three nodes takes 7 s. Everything here
blocks: a coroutine calls it with `asyncio.to_thread`.
"""

import functools
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic  # .admin does not export it to type checkers

from tests.kafka_jars import ToolMissingError, home, jars, locked
from tests.kafka_node import (
    BRIEF_SECS,
    Node,
    NodeDiedError,
    PortTakenError,
    free_ports,
    new_cluster_id,
)
from tests.kafka_records import Read, read_all

__all__ = ["Cluster", "NodeDiedError", "Read", "ToolMissingError", "read_all"]

_START_SECS = 60.0
_CALL_SECS = 10.0
_POLL_SECS = 0.02
_PORT_ATTEMPTS = 5


class Cluster:
    """Brokers with the numbers 1 to n, all below one folder, gone at the end of the `with`."""

    def __init__(self, folder: Path, nodes: Sequence[Node]) -> None:
        self._folder = folder
        self._cluster_id = new_cluster_id()
        self._nodes = {node.number: node for node in nodes}

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        *,
        brokers: int = 1,
        session_secs: float = BRIEF_SECS,
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a cluster that answers and knows all its brokers, in a new folder in *directory*.

        *session_secs* is how long a broker that says nothing counts as one that lives; *settings*
        are more of the brokers'.

        Raises:
            ToolMissingError: Java or Maven is not installed.
            NodeDiedError: A broker ended; the message holds the end of its log.
            TimeoutError: It does not answer within a minute.
        """
        archive = _archive()
        java_options = [f"-XX:SharedArchiveFile={archive}"] * bool(archive)
        timeout = {"broker.session.timeout.ms": str(round(session_secs * 1000))}
        return cls._start(directory, brokers, java_options, {**timeout, **(settings or {})})

    @classmethod
    def _start(
        cls,
        directory: Path | None,
        brokers: int,
        java_options: Sequence[str],
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        for _ in range(_PORT_ATTEMPTS):
            folder = Path(tempfile.mkdtemp(prefix="kafka-", dir=directory))
            with ExitStack() as undo:
                cluster = cls(folder, _nodes(folder, brokers, java_options, settings))
                undo.callback(cluster.stop)
                try:
                    cluster._boot()
                except PortTakenError:
                    continue
                undo.pop_all()
                return cluster
        raise PortTakenError(f"others took a port in each of {_PORT_ATTEMPTS} attempts")

    def __enter__(self) -> Self:
        """Return this, which runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill and delete."""
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of all brokers, dead ones too, separated by commas."""
        return ",".join(node.address for node in self._nodes.values())

    @property
    def folder(self) -> Path:
        """The folder of everything that the brokers write."""
        return self._folder

    def address(self, number: int) -> str:
        """Return the address of one broker, as `host:port`."""
        return self._nodes[number].address

    def process_id(self, number: int) -> int:
        """Return the process id of one broker, which runs."""
        return self._nodes[number].process_id

    def kill(self, number: int) -> None:
        """End a broker as `kill -9` does; on return it is gone and its port is closed."""
        self._nodes[number].kill()

    def freeze(self, number: int) -> None:
        """Stop a broker in mid-step (SIGSTOP): connections stay open, nothing answers."""
        self._nodes[number].freeze()

    def thaw(self, number: int) -> None:
        """Let a frozen broker go on."""
        self._nodes[number].thaw()

    def restart(self, *numbers: int) -> None:
        """Start brokers again on their data and ports; they answer on return.

        Those that still run are killed first. A broker is let in again when its old session has
        ended, so this takes about 4 s. Without a majority of controllers no broker answers:
        restart all dead ones in one call.
        """
        for number in numbers:
            self._nodes[number].kill()
        for number in numbers:
            self._nodes[number].launch()
        self._wait_ready(numbers)

    def heal(self) -> None:
        """Thaw and restart whatever is frozen or dead; on return every broker sees all others."""
        for node in self._nodes.values():
            node.thaw()
            if not node.is_running:
                node.launch()
        self._wait_ready(self._nodes)

    def stop(self) -> None:
        """Kill every broker and delete the folder; once more does nothing."""
        for node in self._nodes.values():
            node.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_topics(
        self,
        names: Iterable[str],
        partitions: int = 6,
        replication: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """Make topics; on return every broker that answers knows every partition's leader.

        Time stamps are the broker's unless *config* says otherwise, as in production.

        Raises:
            KafkaException: The cluster refuses, for example since a topic exists.
            TimeoutError: A leader is missing after ten seconds.
        """
        settings = {"message.timestamp.type": "LogAppendTime", **(config or {})}
        topics = [NewTopic(name, partitions, replication, config=dict(settings)) for name in names]
        admin = _admin(self.bootstrap_servers)  # held: its requests end with it
        for made in admin.create_topics(topics).values():
            made.result(timeout=_CALL_SECS)
        for node in self._nodes.values():
            if node.answers():
                _wait_leaders(node.address, {topic.topic for topic in topics}, partitions)

    def delete_topics(self, prefix: str) -> None:
        """Let every topic whose name begins so be deleted, soon."""
        admin = _admin(self.bootstrap_servers)
        names = [name for name in admin.list_topics().topics if name.startswith(prefix)]
        deleted = admin.delete_topics(names) if names else {}
        for done in deleted.values():
            done.result(timeout=_CALL_SECS)

    def _boot(self) -> None:
        formats = [node.format(self._cluster_id) for node in self._nodes.values()]
        for node, process in zip(self._nodes.values(), formats, strict=True):
            if process.wait(_START_SECS) != 0:
                raise node.died()
        for node in self._nodes.values():
            node.launch()
        self._wait_ready(self._nodes)

    def _wait_ready(self, numbers: Iterable[int]) -> None:
        """Wait until each of these brokers answers and sees all of these in the cluster."""
        deadline = time.monotonic() + _START_SECS
        nodes = [self._nodes[number] for number in numbers]
        for node in nodes:
            node.wait_answers(deadline)
        for node in nodes:
            self._wait_sees(node, {other.number for other in nodes}, deadline)

    def _wait_sees(self, node: Node, numbers: set[int], deadline: float) -> None:
        """Wait until the node reports the brokers *numbers*, and that they are of this cluster."""
        admin = _admin(node.address)
        while not (self._seen(admin) >= numbers and node.is_running):
            if not node.is_running:
                raise node.died()  # and another cluster's broker answers at its port
            if time.monotonic() > deadline:
                raise TimeoutError(f"broker {node.number} does not see all of {numbers}")
            admin.poll(_POLL_SECS)

    def _seen(self, admin: AdminClient) -> set[int]:
        try:
            found = admin.list_topics(timeout=1.0)
        except KafkaException:
            return set()
        return set(found.brokers) if found.cluster_id == self._cluster_id else set()


def _nodes(
    folder: Path, brokers: int, java_options: Sequence[str], settings: Mapping[str, str] | None
) -> list[Node]:
    """Return nodes that know each other's ports, none of them started."""
    ports = free_ports(2 * brokers)
    addresses = list(zip(ports[:brokers], ports[brokers:], strict=True))
    return [
        Node(folder, number, addresses, java_options, settings) for number in range(1, brokers + 1)
    ]


def _admin(bootstrap_servers: str) -> AdminClient:
    # 2 is "critical": a broker that a test has killed is no news.
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})


def _wait_leaders(address: str, names: set[str], partitions: int) -> None:
    admin = _admin(address)
    deadline = time.monotonic() + _CALL_SECS
    missing = names
    while missing:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{address} knows no leaders of {missing}")
        found = admin.list_topics(timeout=_CALL_SECS).topics
        leaders = {
            name: [p.leader for p in found[name].partitions.values() if p.leader > 0]
            for name in names & found.keys()
        }
        missing = {name for name in names if len(leaders.get(name, ())) < partitions}
        admin.poll(_POLL_SECS * bool(missing))


@functools.cache
def _archive() -> Path | None:
    """Return the archive of Kafka's loaded classes, made once per machine: starts take 1 s less.

    It is a convenience: None where this Java cannot make one.
    """
    jars()
    path = home() / "kafka.jsa"
    if not path.exists():
        with locked():
            if not path.exists():
                _make_archive(path)
    return path if path.exists() else None


def _make_archive(path: Path) -> None:
    """Let a broker that is ended in order write what it has loaded, and move that to *path*."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        unfinished = Path(scratch, path.name)
        try:
            options = [f"-XX:ArchiveClassesAtExit={unfinished}"]
            with Cluster._start(Path(scratch), 1, options) as cluster:
                cluster._nodes[1].terminate(_START_SECS)
            unfinished.rename(path)
        except (NodeDiedError, OSError, TimeoutExpired):
            return
