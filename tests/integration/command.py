"""The installed command as a process: run to its end, or kept while a test talks to it.

Ports are the kernel's choice (port 0) and read from what the command says, so no two runs meet.
"""

import http.client
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import Signals
from typing import IO, Any, Final, Self

import yaml

COMMAND: Final = Path(sys.executable).parent / "callback-router"
SECRET: Final = "1234"
ZEGO_SECRET: Final = "zego-callback-secret"
LIVE_SECRET: Final = "abc123XYZ"
TOKEN: Final = "studio-token-0123456789"
LIVE_TOKEN: Final = "live-token-0123456789"
PATHS: Final = {
    "rtc": "/callbacks/rtc",
    "studio": f"/callbacks/studio/{TOKEN}",
    "zego": "/callbacks/zego",
    "live": "/callbacks/live",
    "live-unsigned": f"/callbacks/live-unsigned/{LIVE_TOKEN}",
}
_ENVIRONMENT = {
    **{
        k: v for k, v in os.environ.items() if k not in {"CALLBACK_ROUTER_CONFIG", "PYTHONWARNINGS"}
    },
    "RTC_CALLBACK_KEY": SECRET,
    "STUDIO_TOKEN": TOKEN,
    "ZEGO_CALLBACK_SECRET": ZEGO_SECRET,
    "LIVE_AUTH_KEY": LIVE_SECRET,
    "LIVE_TOKEN": LIVE_TOKEN,
}
_WAIT_SECS = 20.0


def write_config(folder: Path, kafka: str, namespace: str = "", **settings: object) -> Path:
    """Return a configuration file for all vendors; *settings* replace or add sections."""
    file = folder / "router.yaml"
    configuration = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "kafka": {"bootstrap_servers": kafka, "namespace": namespace},
        "sources": {
            "rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_CALLBACK_KEY"}]},
            "studio": {"vendor": "alibaba-caster", "tokens": [{"env": "STUDIO_TOKEN"}]},
            "zego": {"vendor": "zego-cloud-player", "secrets": [{"env": "ZEGO_CALLBACK_SECRET"}]},
            "live": {"vendor": "volcengine-live", "secrets": [{"env": "LIVE_AUTH_KEY"}]},
            "live-unsigned": {
                "vendor": "volcengine-live",
                "unsigned": True,
                "tokens": [{"env": "LIVE_TOKEN"}],
            },
        },
        "spool": {"path": str(folder / "spool"), "allow_ephemeral": True},
        **settings,
    }
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return file


def run(
    *arguments: str | Path, sent: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Return the ended command; *sent* is its standard input.

    Raises:
        subprocess.TimeoutExpired: It lives on.
    """
    done = subprocess.run(
        [COMMAND, *arguments],
        input=sent,
        capture_output=True,
        env={**_ENVIRONMENT, **(environment or {})},
        timeout=_WAIT_SECS * 2,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


class Running:
    """A command that runs; its output is read line by line, and nobody else gets its signals."""

    def __init__(self, *arguments: str | Path, descriptors: int | None = None) -> None:
        """Start it, perhaps with no more than so many descriptors."""
        command: list[str | Path] = [COMMAND, *arguments]
        if descriptors is not None:
            command = ["/bin/sh", "-c", f'ulimit -n {descriptors} && exec "$0" "$@"', *command]
        self.out: list[str] = []
        self.err: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            start_new_session=True,
            encoding="utf-8",
        )
        streams = ((self._process.stdout, self.out), (self._process.stderr, self.err))
        self._readers = [
            threading.Thread(target=self._read, args=stream, daemon=True) for stream in streams
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        """Return this, which runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it if it still runs."""
        self._process.kill()
        self._finish()

    def wait_line(self, fits: Callable[[str], bool], within_secs: float = _WAIT_SECS) -> str:
        """Return the next line of either stream that fits; lines before it are passed over.

        Raises:
            AssertionError: The command ended, or the time has passed.
        """
        deadline = time.monotonic() + within_secs
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no such line; it wrote {self.out}, and errors {self.err}")
            if fits(line):
                return line

    @property
    def pid(self) -> int:
        """The process, as the system knows it."""
        return self._process.pid

    def send_signal(self, number: Signals) -> None:
        """Send a signal to the command alone."""
        self._process.send_signal(number)

    def wait_ended(self, within_secs: float = _WAIT_SECS) -> int:
        """Return the exit code; everything that it wrote is in `out` and `err` then.

        Raises:
            subprocess.TimeoutExpired: It lives on.
        """
        code = self._process.wait(within_secs)
        self._finish()
        return code

    def _finish(self) -> None:
        self._process.wait()
        for reader in self._readers:
            reader.join()

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line.rstrip("\n"))
                self._lines.put(lines[-1])
        self._lines.put(None)


class Service(Running):
    """`serve`, listening; *port* is where callbacks go."""

    def __init__(self, config: Path, *, descriptors: int | None = None) -> None:
        """Start it, and return when it listens."""
        super().__init__("serve", "--config", config, descriptors=descriptors)
        try:
            line = self.wait_line(lambda text: '"event": "listening"' in text)
        except AssertionError:
            self.__exit__()
            raise
        self.port = int(json.loads(line)["port"])

    @property
    def url(self) -> str:
        """What paths are added to."""
        return f"http://127.0.0.1:{self.port}"


def post(
    port: int, bodies: Sequence[tuple[str, bytes, Mapping[str, str]]]
) -> list[tuple[int, dict[str, Any]]]:
    """Return status and body of the answer to each (path, body, headers), on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAIT_SECS)
    answers: list[tuple[int, dict[str, Any]]] = []
    try:
        for path, body, headers in bodies:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            answers.append((answer.status, json.loads(answer.read())))
    finally:
        connection.close()
    return answers
