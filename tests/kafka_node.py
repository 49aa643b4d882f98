"""One Kafka broker as a process: its settings, its ports, and the signals that tests send it."""

import base64
import os
import signal
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.kafka_jars import jars, tool
from tests.processes import start_tied

_HOST = "127.0.0.1"
_JAVA = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_PORT_TAKEN = ("BindException", "Address already in use")
_POLL_SECS = 0.05

BRIEF_SECS = 3.0
"""Of a broker's session: one that was killed is let in again after 4 s instead of 11."""

LASTING_SECS = 60.0
"""For a broker that nobody breaks: with thousands of partitions on a busy machine its controller
takes longer than a brief session to fence them all, so one late heartbeat would fence it for ever.
"""

# ApiVersions, version 0: length, key, version, correlation id, no client id.
_CORRELATION_ID = 0x0C0FFEE0
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, _CORRELATION_ID, -1)
_ANSWER_HEAD = struct.Struct(">iih")


class NodeDiedError(Exception):
    """A broker ended although nobody asked it to."""


class PortTakenError(NodeDiedError):
    """A broker ended since another process took its port between the choice and the start."""


def free_ports(count: int) -> list[int]:
    """Return *count* different ports that were free a moment ago."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def new_cluster_id() -> str:
    """Return 22 characters that no other cluster has: Kafka's way of writing 16 bytes.

    Brokers of different clusters refuse each other, should a port ever lead to the wrong one.
    """
    head, *rest = uuid.uuid4().bytes
    # Below 128 the first character is a letter; a hyphen would look like an option.
    return base64.urlsafe_b64encode(bytes([head % 128, *rest])).decode().rstrip("=")


class Node:
    """A broker that is also a controller; everything it writes is below its own folder."""

    def __init__(
        self,
        parent: Path,
        number: int,
        ports: Sequence[tuple[int, int]],
        java_options: Sequence[str],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Write the settings of node *number*; *ports* are all nodes' (broker, controller)."""
        self.number = number
        self.address = f"{_HOST}:{ports[number - 1][0]}"
        self._folder = parent / f"node-{number}"
        self._settings = self._folder / "server.properties"
        self._log = self._folder / "broker.log"
        self._java_options = java_options
        self._process: subprocess.Popen[bytes] | None = None
        (self._folder / "tmp").mkdir(parents=True)
        written = {**_settings(number, ports, self._folder / "data"), **(settings or {})}
        lines = [f"{k}={v}" for k, v in written.items()]
        self._settings.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def is_running(self) -> bool:
        """Whether the process lives, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """The id of the process, which runs."""
        return self._running().pid

    def format(self, cluster_id: str) -> subprocess.Popen[bytes]:
        """Start the preparation of the data folder; the process ends with 0 when it is done."""
        arguments = ["format", "-t", cluster_id, "-c", str(self._settings)]
        return self._java("kafka.tools.StorageTool", *arguments)

    def launch(self) -> None:
        """Start the broker; `wait_answers` tells when it is there."""
        self._process = self._java("kafka.Kafka", str(self._settings))

    def kill(self) -> None:
        """End the process as `kill -9` does, if there is one; on return it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self, timeout_secs: float) -> None:
        """End the process in order.

        Raises:
            subprocess.TimeoutExpired: It lives on.
        """
        process = self._running()
        process.terminate()
        process.wait(timeout_secs)

    def freeze(self) -> None:
        """Stop the process in mid-step; on return none of its threads runs."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        """Let the process go on, if there is one."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def answers(self) -> bool:
        """Return whether the broker answers ApiVersions without an error within a second."""
        host, port = self.address.split(":")
        try:
            with socket.create_connection((host, int(port)), timeout=1.0) as connection:
                connection.sendall(_API_VERSIONS)
                with connection.makefile("rb") as answer:
                    head = answer.read(_ANSWER_HEAD.size)
        except OSError:
            return False
        # Compared with ours: a connection to a closed local port can be a connection to itself,
        # and then what comes back is the question.
        return len(head) == _ANSWER_HEAD.size and _ANSWER_HEAD.unpack(head)[1:] == (
            _CORRELATION_ID,
            0,
        )

    def wait_answers(self, deadline: float) -> None:
        """Wait until the broker answers.

        Raises:
            NodeDiedError: It ended; as `PortTakenError` where its log names the port as the cause.
            TimeoutError: The monotonic clock passed *deadline*.
        """
        process = self._running()
        while not self.answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"node {self.number} does not answer; its log:\n{self._tail()}")
            try:
                process.wait(_POLL_SECS)
            except subprocess.TimeoutExpired:
                continue
            raise self.died()

    def died(self) -> NodeDiedError:
        """Return the error that says why the last process ended, with the end of its log."""
        tail = self._tail()
        kind = PortTakenError if any(text in tail for text in _PORT_TAKEN) else NodeDiedError
        return kind(f"node {self.number} ended by itself; its log:\n{tail}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise NodeDiedError(f"node {self.number} does not run; its log:\n{self._tail()}")
        return self._process

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a Java program whose output goes to the node's log, emptied first."""
        scratch = self._folder / "tmp"  # a killed broker leaves native libraries there
        options = [*_JAVA, f"-Djava.io.tmpdir={scratch}", *self._java_options]
        # In a fixed order: the archive of classes is for exactly one class path.
        class_path = os.pathsep.join(map(str, jars()))
        command = [tool("java"), *options, "-cp", class_path, main, *arguments]
        return start_tied(command, self._folder, self._log)

    def _tail(self) -> str:
        if not self._log.exists():
            return "(none)"
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]


def _settings(
    number: int, ports: Sequence[tuple[int, int]], data: Path
) -> dict[str, str | int | Path]:
    """Return a node's settings; small, quick to start and quick to notice a death."""
    port, controller_port = ports[number - 1]
    voters = (f"{n}@{_HOST}:{controller}" for n, (_, controller) in enumerate(ports, 1))
    copies = len(ports)
    in_sync = min(2, copies)
    return {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"PLAINTEXT://{_HOST}:{port},CONTROLLER://{_HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{_HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "log.segment.delete.delay.ms": 0,
        "log.cleaner.dedupe.buffer.size": 2097152,  # 152 MB resident instead of 285
        "broker.session.timeout.ms": round(BRIEF_SECS * 1000),
        "broker.heartbeat.interval.ms": 500,
    }
