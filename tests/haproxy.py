"""A real HAProxy for the tests, with the configuration that is shipped.

Design: the file is `deploy/haproxy.cfg` as it is; only the environment, which names addresses,
is the test's. The process listens on free ports and is killed at the end. Everything here blocks:
a coroutine calls it with `asyncio.to_thread`.
"""

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from tests.kafka_node import free_ports
from tests.metrics import total

CONFIG: Final = Path(__file__).parents[1] / "deploy" / "haproxy.cfg"
_HOST = "127.0.0.1"
_START_SECS = 10.0
_POLL_SECS = 0.02
_PORT_ATTEMPTS = 5
_PORT_TAKEN = b"cannot bind socket"

Address = tuple[str, int, int]
"""Of an instance: its host, the port of callbacks, the port of the probes."""


class ToolMissingError(Exception):
    """HAProxy is not installed."""


class BalancerDiedError(Exception):
    """HAProxy ended although nobody asked it to; the message holds what it wrote."""


class HAProxy:
    """HAProxy in front of two instances, which need not run yet; killed at the end of the `with`."""

    def __init__(self, folder: Path, instances: Sequence[Address]) -> None:
        """Start it; it may not listen yet.

        Raises:
            ToolMissingError: There is no haproxy.
        """
        self.port, self._metrics_port = free_ports(2)
        self._output = folder / "haproxy.log"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [tool(), "-db", "-f", CONFIG],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(instances),
                start_new_session=True,  # an interrupt from the keyboard is for the tests only
            )

    @classmethod
    def start(cls, folder: Path, instances: Sequence[Address]) -> Self:
        """Return a balancer that listens.

        Raises:
            ToolMissingError: There is no haproxy.
            BalancerDiedError: It ended, as on a port that another process took each time.
            TimeoutError: It does not answer in time.
        """
        for left in reversed(range(_PORT_ATTEMPTS)):
            with ExitStack() as undo:
                balancer = cls(folder, instances)
                undo.enter_context(balancer)
                try:
                    balancer._wait_listening()
                except BalancerDiedError:
                    if not left or _PORT_TAKEN not in balancer.output:
                        raise
                    continue
                undo.pop_all()
                return balancer
        raise AssertionError("the last attempt returns or raises")

    def __enter__(self) -> Self:
        """Return this, which runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill."""
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        """What paths are added to."""
        return f"http://{_HOST}:{self.port}"

    @property
    def output(self) -> bytes:
        """Everything that it has written so far."""
        return self._output.read_bytes()

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels among theirs."""
        return total(self._get("/metrics"), f"haproxy_{name}", **labels)

    def wait_up(self, server: str, *, up: bool = True, within_secs: float = _START_SECS) -> None:
        """Wait until HAProxy counts the server among those that take callbacks, or not.

        Raises:
            TimeoutError: It does not, in time.
        """
        deadline = time.monotonic() + within_secs
        while (self.metric("server_status", server=server, state="UP") == 1) is not up:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{server}: {self.output.decode()}")
            self._check_runs()

    def _environment(self, instances: Sequence[Address]) -> Mapping[str, str]:
        addresses = {
            "LISTEN": f"{_HOST}:{self.port}",
            "METRICS": f"{_HOST}:{self._metrics_port}",
            "DNS": f"{_HOST}:9",  # never asked: addresses are numbers here
        }
        for number, (host, port, admin_port) in enumerate(instances, 1):
            addresses[f"INGRESS_{number}"] = f"{host}:{port}"
            addresses[f"INGRESS_{number}_ADMIN_PORT"] = str(admin_port)
        return {**os.environ, **addresses}

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection(_HOST, self._metrics_port, timeout=_START_SECS)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def _wait_listening(self) -> None:
        deadline = time.monotonic() + _START_SECS
        while True:
            try:
                self._get("/healthz")
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no answer: {self.output.decode()}") from None
                self._check_runs()
            else:
                return

    def _check_runs(self) -> None:
        """Give it a moment, in which it must not end."""
        try:
            self._process.wait(_POLL_SECS)
        except subprocess.TimeoutExpired:
            return
        raise BalancerDiedError(self.output.decode(errors="replace"))


def tool() -> str:
    """Return the path of HAProxy, which Debian keeps where only root's PATH leads.

    Raises:
        ToolMissingError: It is not installed.
    """
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ToolMissingError("haproxy is not installed (Debian: apt-get install haproxy)")
    return found
