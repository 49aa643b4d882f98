"""`Ingress`: `serve` as a process that is killed, ended and started again on the same port."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from signal import SIGKILL, SIGTERM, SIGUSR1, SIGUSR2
from typing import Final

import yaml

from tests.chaos.callbacks import ROUTES, SECRET_VARIABLE
from tests.chaos.load import HOST
from tests.kafka_node import free_ports
from tests.metrics import total
from tests.sender import KEY

ROOT: Final = Path(__file__).parents[2]
LAME_DUCK_SECS: Final = 1.0
END_SECS: Final = LAME_DUCK_SECS + 3.5 + 3.0 + 2.5
"""The lame duck, the last answers, the producer's end, and the spool's with some air."""

_COMMAND: Final = Path(sys.executable).with_name("callback-router")
_START_SECS = 30.0
_POLL_SECS = 0.05
_CALL_SECS = 5.0
_SHOWN_LINES = 5


class EndedError(Exception):
    """The service ended when it should not have, or lives on when it should have ended."""


class Ingress:
    """One configuration and its spool; at most one process at a time."""

    def __init__(
        self, folder: Path, kafka: str, namespace: str, spool: dict[str, object] | None = None
    ) -> None:
        """Write the configuration into *folder*; nothing runs yet."""
        self.port, self._admin_port = free_ports(2)
        self.folder = folder
        self.spool = folder / "spool"
        self.log = folder / "service.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "router.yaml"
        settings = {
            "listen": f"{HOST}:{self.port}",
            "admin": f"{HOST}:{self._admin_port}",
            "kafka": {"bootstrap_servers": kafka, "namespace": namespace},
            "topics": {"replication": 1, "min_insync_replicas": 1},
            "sources": {"rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": SECRET_VARIABLE}]}},
            "routes": "routes.yaml",
            "lame_duck": f"{LAME_DUCK_SECS:g}s",
            "spool": {"path": str(self.spool), "allow_ephemeral": True, **(spool or {})},
        }
        self._config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        (folder / "routes.yaml").write_text(yaml.safe_dump(ROUTES), encoding="utf-8")

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def start(self, faults: Sequence[str] = ()) -> None:
        """Start it, and return when it listens; *faults* are arguments of `tests.chaos.faulty`.

        Raises:
            EndedError: It ended, or does not listen in time.
        """
        command = [str(_COMMAND)]
        if faults:
            command = [sys.executable, "-m", "tests.chaos.faulty", *faults, "--"]
        environment = {**os.environ, SECRET_VARIABLE: KEY}
        environment.pop("CALLBACK_ROUTER_CONFIG", None)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "serve", "--config", str(self._config)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt from the keyboard is for the tests only
            )
        deadline = time.monotonic() + _START_SECS
        while self._get("/readyz") is None:
            if not self.is_running or time.monotonic() > deadline:
                raise EndedError(f"does not listen: {self.said()}")
            threading.Event().wait(_POLL_SECS)

    def arm(self) -> None:
        """Let the faults inside begin to count."""
        self._running().send_signal(SIGUSR1)

    def disarm(self) -> None:
        """Let nothing fail any more."""
        self._running().send_signal(SIGUSR2)

    def kill(self) -> None:
        """End it as `kill -9` does, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_killed(self, within_secs: float) -> None:
        """Return when it has killed itself.

        Raises:
            EndedError: It lives on, or ended in another way.
        """
        try:
            code = self._running().wait(within_secs)
        except subprocess.TimeoutExpired:
            raise EndedError(f"the point was not passed in {within_secs} s") from None
        if code != -SIGKILL:
            raise EndedError(f"exit code {code}: {self.said()}")

    def terminate(self) -> float:
        """End it in order; return how many seconds that took.

        Raises:
            EndedError: It lives on, or its exit code is not 0.
        """
        process, began_at = self._running(), time.monotonic()
        process.send_signal(SIGTERM)
        try:
            code = process.wait(END_SECS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise EndedError(f"lives {END_SECS} s after SIGTERM: {self.said()}") from None
        if code != 0:
            raise EndedError(f"exit code {code} after SIGTERM: {self.said()}")
        return time.monotonic() - began_at

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels; 0 where it is away."""
        return total(self._get("/metrics") or "", f"callback_router_{name}", **labels)

    def said(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(["", *lines[-_SHOWN_LINES:]])

    def logged(self, event: str) -> list[dict[str, object]]:
        """Return the lines of an event."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if f'"event": "{event}"' in line]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise EndedError(f"ended by itself: {self.said()}")
        return self._process

    def _get(self, path: str) -> str | None:
        """Return the admin port's page, None if there is nobody or it is not ready."""
        connection = HTTPConnection(HOST, self._admin_port, timeout=_CALL_SECS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            page = answer.read().decode()
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
        return page if answer.status == 200 else None
