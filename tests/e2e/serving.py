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
from tests.metrics import total

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
    "zego": {"vendor": "zego-cloud-player", "secrets": [{"env": "ZEGO_KEY"}]},
    "zego-rotated": {
        "vendor": "zego-cloud-player",
        "secrets": [{"env": "ZEGO_FIRST_KEY"}, {"env": "ZEGO_LAST_KEY"}],
    },
    "zego-apps": {
        "vendor": "zego-cloud-player",
        "secrets": [{"env": "ZEGO_APP_KEY", "app": "987654321"}],
    },
    "zego-strict": {
        "vendor": "zego-cloud-player",
        "secrets": [{"env": "ZEGO_KEY"}],
        "on_stale": "reject",
    },
    "zego-guarded": {
        "vendor": "zego-cloud-player",
        "secrets": [{"env": "ZEGO_KEY"}],
        "tokens": [{"env": "ZEGO_TOKEN"}],
    },
    "live": {"vendor": "volcengine-live", "secrets": [{"env": "LIVE_KEY"}]},
    "live-rotated": {
        "vendor": "volcengine-live",
        "secrets": [{"env": "LIVE_KEY"}, {"env": "LIVE_OLD_KEY"}],
    },
    "live-strict": {
        "vendor": "volcengine-live",
        "secrets": [{"env": "LIVE_KEY"}],
        "on_stale": "reject",
    },
    "live-unsigned": {
        "vendor": "volcengine-live",
        "tokens": [{"env": "LIVE_TOKEN"}],
        "unsigned": True,
    },
}


_KEY = {"secrets": [{"env": "LIVE_KEY"}]}
_TOKEN = {"tokens": [{"env": "LIVE_TOKEN"}]}

# A source named `one`, the exit code of `check`, and what that says of it.
CHECKED: list[tuple[dict[str, Any], int, str | None]] = [
    ({"vendor": "zego-cloud-player", **_KEY}, 0, r"sources\.one: .*tokens.*warning"),
    ({"vendor": "volcengine-live", **_KEY}, 0, r"sources\.one: .*tokens.*warning"),
    ({"vendor": "zego-cloud-player", **_KEY, **_TOKEN}, 0, None),
    ({"vendor": "volcengine-live", **_KEY, **_TOKEN}, 0, None),
    ({"vendor": "volcengine-live", "unsigned": True, **_TOKEN}, 0, None),
    ({"vendor": "volcengine-rtc", **_KEY}, 0, None),
    ({"vendor": "volcengine-live", "unsigned": True}, 2, r"sources\.one: .*tokens"),
    ({"vendor": "volcengine-live", **_TOKEN}, 2, r"sources\.one: .*secrets"),
    ({"vendor": "zego-cloud-player", **_TOKEN}, 2, r"sources\.one: .*secrets"),
    (
        {"vendor": "zego-cloud-player", "unsigned": True, **_TOKEN},
        2,
        r"sources\.one\.unsigned: ",
    ),
    ({"vendor": "volcengine-rtc", "unsigned": True, **_TOKEN}, 2, r"sources\.one\.unsigned: "),
    (
        {"vendor": "volcengine-rtc", **_KEY, "on_stale": "reject"},
        0,
        r"sources\.one\.on_stale: .*warning",
    ),
    ({"vendor": "zego-cloud-player", **_KEY, **_TOKEN, "on_stale": "reject"}, 0, None),
]


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
            "spool": {
                "path": str(folder / "spool"),
                "allow_ephemeral": True,  # where the temporary folder is in memory
                **settings.get("spool", {}),
            },
        }
        file = _written(folder, configuration)
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

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels among theirs."""
        return total(self.get("/metrics").body.decode(), f"callback_router_{name}", **labels)

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


def check(folder: Path, sources: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """Return the ended `callback-router check` of a configuration with these sources."""
    kafka = {"bootstrap_servers": f"{HOST}:9"}  # nobody is asked
    configuration = {"listen": f"{HOST}:0", "kafka": kafka, "sources": sources}
    return subprocess.run(
        [_COMMAND, "check", "--config", _written(folder, configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **callbacks.SECRETS},
        timeout=_START_SECS,
        check=False,
        encoding="utf-8",
    )


def leaks(output: bytes) -> list[str]:
    """Return the names of secrets that *output* holds in any usual spelling, and signatures."""
    found = [
        name
        for name, secret in callbacks.SECRETS.items()
        if any(spelling in output for spelling in _spellings(secret.encode()))
    ]
    # No other hash of 256 bits is ever written, nor one of 160.
    hashes = re.findall(rb"[0-9a-fA-F]{64}|\b[0-9a-fA-F]{40}\b", output)
    return found + [match.decode() for match in hashes]


def _written(folder: Path, configuration: Mapping[str, Any]) -> Path:
    """Return the file that holds the configuration now."""
    file = folder / "router.yaml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return file


def _spellings(secret: bytes) -> tuple[bytes, ...]:
    whole = base64.b64encode(secret).rstrip(b"=")
    return secret, secret[::-1], secret[:12], whole, secret.hex().encode()
