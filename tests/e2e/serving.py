"""The installed command as a process on free ports, with all its output kept."""

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from tests.e2e import callbacks
from tests.e2e.wire import HOST, Answer, ClosedError, ask, head
from tests.kafka_node import free_ports

_COMMAND = Path(sys.executable).parent / "callback-router"
_START_SECS = 20.0
_STOP_SECS = 10.0
_POLL_SECS = 0.02
_PORT_ATTEMPTS = 5
_PORT_TAKEN = b"in use"

SOURCES: dict[str, dict[str, Any]] = {
    "rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_CALLBACK_KEY"}]},
    "rotated": {
        "vendor": "volcengine-rtc",
        "secrets": [{"env": "RTC_NEW_KEY"}, {"env": "RTC_OLD_KEY"}],
    },
    "apps": {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_APP_KEY", "app": "65f1c0"}]},
    "studio": {
        "vendor": "alibaba-caster",
        "tokens": [{"env": "STUDIO_TOKEN"}, {"env": "STUDIO_SECOND_TOKEN"}],
    },
    "guarded": {
        "vendor": "volcengine-rtc",
        "secrets": [{"env": "RTC_CALLBACK_KEY"}],
        "allow": ["203.0.113.0/24", "127.0.9.0/24"],
    },
}


class DiedError(Exception):
    """The command ended before it was ready; the message holds its output."""


class Server:
    """`callback-router serve`, ready; killed at the end of the `with` if it still runs."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Write the configuration into *folder* and start the command there."""
        self.port, self.admin_port = free_ports(2)
        self._output = folder / "output"
        configuration = {
            "listen": f"{HOST}:{self.port}",
            "admin": f"{HOST}:{self.admin_port}",
            "topics": {"replication": 1, "min_insync_replicas": 1},
            "sources": SOURCES,
            **settings,
        }
        file = folder / "router.yaml"
        file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [_COMMAND, "serve", "--config", file],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **callbacks.SECRETS},
                start_new_session=True,  # an interrupt from the keyboard is for the tests only
            )

    @classmethod
    def start(cls, folder: Path, settings: Mapping[str, Any]) -> Self:
        """Return a server that is ready; *settings* are added to, or replace, the usual ones.

        Raises:
            DiedError: The command ended.
            TimeoutError: It is not ready in time.
        """
        for _ in range(_PORT_ATTEMPTS):
            server = cls(folder, settings)
            try:
                server._wait_ready()
            except DiedError:
                if _PORT_TAKEN not in server.output:
                    raise
            except TimeoutError:
                server.kill()
                raise
            else:
                return server
        raise DiedError(f"others took a port in each of {_PORT_ATTEMPTS} attempts")

    def __enter__(self) -> Self:
        """Return this, which is ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill."""
        self.kill()

    @property
    def output(self) -> bytes:
        """Everything that the command has written so far."""
        return self._output.read_bytes()

    def get(self, path: str) -> Answer:
        """Return the admin port's answer to GET."""
        request = head(f"GET {path} HTTP/1.1", "Host: localhost")
        return ask(self.admin_port, request)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        self._process.send_signal(number)

    def wait_ended(self, within_secs: float = _STOP_SECS) -> int:
        """Return the exit code.

        Raises:
            subprocess.TimeoutExpired: It lives on.
        """
        return self._process.wait(within_secs)

    def kill(self) -> None:
        """End the command as `kill -9` does; on return it is gone."""
        self._process.kill()
        self._process.wait()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_SECS
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready; its output:\n{self.output!r}")
            try:
                code = self._process.wait(_POLL_SECS)
            except subprocess.TimeoutExpired:
                continue
            raise DiedError(f"ended with {code}; its output:\n{self.output.decode()}")

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz").status == 200
        except (ConnectionError, ClosedError, TimeoutError):
            return False


def leaks(output: bytes) -> list[str]:
    """Return the names of secrets that *output* holds in any usual spelling, and signatures."""
    found = [
        name
        for name, secret in callbacks.SECRETS.items()
        if any(spelling in output for spelling in _spellings(secret.encode()))
    ]
    # No other hash of 256 bits is ever written.
    return found + [match.decode() for match in re.findall(rb"[0-9a-fA-F]{64}", output)]


def _spellings(secret: bytes) -> tuple[bytes, ...]:
    whole = base64.b64encode(secret).rstrip(b"=")
    return secret, secret[::-1], secret[:12], whole, secret.hex().encode()
