"""The two systems as processes: what starts them, when they are ready, what they have used."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from router.event import UNRECOGNIZED
from router.vendors.volcengine_rtc import VENDOR
from tests.bench import obvious_service
from tests.bench.callbacks import SECRET, TYPES
from tests.bench.load import HOST, ROOT, TARGET
from tests.kafka_node import free_ports

OURS = "callback-router"
OBVIOUS = "obvious service"
_OBVIOUS_PREFIX = "obvious.volcengine-rtc."
_START_SECS = 20.0
_POLL_SECS = 0.05
_TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")


class System(msgspec.Struct, frozen=True, kw_only=True):
    """How to run one of them, the topics that it writes to, and its spool if it has one."""

    name: str
    port: int
    command: list[str]
    topics: tuple[str, ...]
    spool: Path | None = None


class SystemDiedError(Exception):
    """A server ended, or does not answer; the message holds the end of its log."""


class Running:
    """A server that answers."""

    def __init__(self, system: System, process: subprocess.Popen[bytes]) -> None:
        """Take what runs, and its process."""
        self.system = system
        self._folder = Path("/proc", str(process.pid))

    def cpu_secs(self) -> float:
        """Return the user and system time of all its threads so far."""
        # After the name in parentheses, which may hold blanks: proc_pid_stat(5), fields 14 and 15.
        fields = self._read("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SEC

    def resident_mib(self) -> float:
        """Return its resident memory."""
        lines = dict(line.split(":", 1) for line in self._read("status").splitlines())
        return int(lines["VmRSS"].split()[0]) / 1024

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except OSError as error:
            raise SystemDiedError(f"the {self.system.name} ended under load") from error


def ours(folder: Path, bootstrap_servers: str, name: str = OURS) -> System:
    """Return the installed command, with a configuration and a spool in *folder*."""
    port, admin_port = free_ports(2)
    config = folder / f"{port}.yaml"
    spool = folder / f"{port}-spool"
    config.write_text(
        f"listen: {HOST}:{port}\n"
        f"admin: {HOST}:{admin_port}\n"
        f"kafka: {{bootstrap_servers: '{bootstrap_servers}'}}\n"
        "topics: {replication: 1, min_insync_replicas: 1}\n"
        f"spool: {{path: '{spool}', max_bytes: 8GiB, allow_ephemeral: true}}\n"
        "sources:\n"
        f"  rtc: {{vendor: volcengine-rtc, secrets: [{{env: {obvious_service.SECRET_VARIABLE}}}]}}\n",
        encoding="utf-8",
    )
    command = Path(sys.executable).with_name("callback-router")
    return System(
        name=name,
        port=port,
        spool=spool,
        command=[str(command), "serve", "--config", str(config)],
        topics=tuple(f"callbacks.{VENDOR.name}.{name}" for name in (*VENDOR.types, UNRECOGNIZED)),
    )


def obvious(bootstrap_servers: str) -> System:
    """Return the obvious service."""
    (port,) = free_ports(1)
    module = [sys.executable, "-m", obvious_service.__name__]
    return System(
        name=OBVIOUS,
        port=port,
        command=[*module, str(port), bootstrap_servers, _OBVIOUS_PREFIX],
        topics=tuple(f"{_OBVIOUS_PREFIX}{name}" for name in TYPES),
    )


@contextmanager
def running(system: System, folder: Path, first: bytes) -> Iterator[Running]:
    """Hold the server as a process that has answered 200 to the callback *first*.

    Raises:
        SystemDiedError: It ended, or did not answer so in time.
    """
    log = folder / f"{system.port}.log"
    environment = {**os.environ, obvious_service.SECRET_VARIABLE: SECRET}
    environment.pop("CALLBACK_ROUTER_CONFIG", None)
    with log.open("wb") as output:
        process = subprocess.Popen(
            system.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_answers(system, process, first, log)
        yield Running(system, process)
    finally:
        process.kill()  # an orderly end waits for a balancer that is not there
        process.wait()


def _wait_answers(
    system: System, process: subprocess.Popen[bytes], first: bytes, log: Path
) -> None:
    deadline = time.monotonic() + _START_SECS
    while not _answers(system.port, first):
        try:
            process.wait(_POLL_SECS)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
        tail = log.read_text(encoding="utf-8", errors="replace")[-4000:]
        raise SystemDiedError(f"the {system.name} does not answer 200; its log:\n{tail}")


def _answers(port: int, body: bytes) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("POST", TARGET, body, {"Content-Type": "application/json"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
