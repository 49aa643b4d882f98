"""A real PostgreSQL for the tests: a server of one's own that a test may kill, freeze and restart.

Design: made by `initdb` from the installed packages in a folder of its own, on a free port, gone
at the end. As root it runs as another user, since PostgreSQL refuses root. The server dies with
the test process, even if that is killed. Everything here blocks: a coroutine calls it with
`asyncio.to_thread`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, Self

from tests.kafka_node import free_ports
from tests.processes import start_tied

PASSWORD: Final = "postgres-test-password"
_HOST = "127.0.0.1"
_SUPERUSER = "router"
_START_SECS = 30.0
_POLL_SECS = 0.02
_PORT_ATTEMPTS = 5

_SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",  # processes die here, not machines
    "listen_addresses": _HOST,
    "logging_collector": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "unix_socket_directories": "",
}


class ToolMissingError(Exception):
    """PostgreSQL's server is not installed."""


class ServerDiedError(Exception):
    """The server ended although nobody asked it to; the message holds the end of its log."""


class Postgres:
    """One server with one database, gone at the end of the `with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user, self._group = _unprivileged()
        self._data = folder / "data"
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @classmethod
    def start(cls) -> Self:
        """Return a server that answers.

        Raises:
            ToolMissingError: There is no initdb.
            ServerDiedError: It ended, as on a port that another process took each time.
            TimeoutError: It does not answer within half a minute.
        """
        initdb = _tool("initdb")
        # Not below pytest's folder: only its owner may enter that.
        server = cls(Path(tempfile.mkdtemp(prefix="postgres-")))
        with ExitStack() as undo:
            undo.callback(server.stop)
            server._make(initdb)
            server._launch()
            undo.pop_all()
        return server

    def __enter__(self) -> Self:
        """Return this, which runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill and delete."""
        self.stop()

    @property
    def url(self) -> str:
        """The URL of the database, with its password."""
        return self.url_of("postgres")

    def url_of(self, database: str, password: str = PASSWORD) -> str:
        """Return the URL of one database."""
        return f"postgresql://{_SUPERUSER}:{password}@{_HOST}:{self._port}/{database}"

    def psql(self, statement: str, database: str = "postgres") -> str:
        """Return what the statement prints, in psql's plain form.

        Raises:
            CalledProcessError: The server refused it; a note says why.
        """
        command = [_tool("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement]
        try:
            done = subprocess.run(
                [*command, self.url_of(database)], check=True, capture_output=True, text=True
            )
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise
        return done.stdout.strip()

    def restart(self) -> None:
        """End every session at once, as an operator's restart does, and start again."""
        self.end()
        self.resume()

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the server with the signal; on return it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()

    def resume(self) -> None:
        """Start on the same data and port; it answers on return."""
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        command = [_tool("postgres"), f"-D{self._data}", f"-p{self._port}", *settings]
        self._process = self._start(command)
        self._wait_ready(self._process)

    def freeze(self) -> None:
        """Stop every process of the server in mid-step: connections stay, nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """Kill the server and delete the folder; once more does nothing."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
        self.end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, initdb: str) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        options = ["--no-locale", "--encoding=UTF8", "--no-sync", "--auth=scram-sha-256"]
        command = [initdb, *options, f"-U{_SUPERUSER}", f"--pwfile={password}", f"-D{self._data}"]
        if os.getuid() == 0:
            for path in (self._folder, password):
                os.chown(path, self._user, self._group)
        done = self._start(command)
        if done.wait() != 0:
            raise self._died()

    def _launch(self) -> None:
        for left in reversed(range(_PORT_ATTEMPTS)):
            self._port = free_ports(1)[0]
            try:
                self.resume()
            except ServerDiedError as error:
                if not left or "Address already in use" not in str(error):
                    raise
            else:
                break

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program as the user; its output goes to the log."""
        user = (self._user, self._group) if os.getuid() == 0 else None
        # SIGQUIT is its quick end, which leaves no shared memory behind.
        return start_tied(command, self._folder, self._log, at_the_end=signal.SIGQUIT, user=user)

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECS
        asks = [_tool("pg_isready"), "-q", f"-h{_HOST}", f"-p{self._port}"]
        while subprocess.run(asks, check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL does not answer; its log:\n{self._tail()}")
            try:
                process.wait(_POLL_SECS)
            except subprocess.TimeoutExpired:
                continue
            raise self._died()

    def _signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the server and its children, which lead sessions of their own."""
        if self._process is None:
            return
        server = self._process.pid
        children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii")
        for process_id in (server, *map(int, children.split())):
            with suppress(ProcessLookupError):
                os.kill(process_id, number)

    def _died(self) -> ServerDiedError:
        return ServerDiedError(f"PostgreSQL ended by itself; its log:\n{self._tail()}")

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]


def _tool(name: str) -> str:
    """Return the path of one of the server's programs, of the newest version there is."""
    # Debian keeps them apart from PATH, one folder for each version.
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: int(path.parts[4]) if path.parts[4].isdigit() else 0,
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise ToolMissingError(f"{name} is not installed (Debian: apt-get install postgresql)")
    return found


def _unprivileged() -> tuple[int, int]:
    """Return the user and group to run as: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return entry.pw_uid, entry.pw_gid
