"""Load from another process: wrk where it is installed, else `tests.bench.generator`."""

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

HOST = "127.0.0.1"
TARGET = "/callbacks/rtc"
ROOT = Path(__file__).parents[2]
_SCRIPT = Path(__file__).with_name("wrk.lua")
_EXTRA_SECS = 30.0


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the load saw.

    Attributes:
        requests: Answered ones, whatever the status.
        secs: How long it lasted.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
        failures: Answers other than 200, refused and broken connections, time-outs.
    """

    requests: int
    secs: float
    p50_ms: float
    p99_ms: float
    failures: int


class LoadError(Exception):
    """The load could not be run; the message holds what it said."""


def generator_name() -> str:
    """Return the generator that is used when none is asked for."""
    return "own" if shutil.which("wrk") is None else "wrk"


def load(name: str, port: int, connections: int, secs: float, bodies: Path) -> Answers:
    """Return what *connections* got from the server on *port*, each body of the file in turn.

    Args:
        name: `wrk` or `own`.
        port: Of the server, on this machine.
        connections: Kept open; one request at a time on each.
        secs: How long.
        bodies: A file with one body per line.

    Raises:
        LoadError: The generator failed.
    """
    command = _wrk(port, connections, secs, bodies)
    if name == "own":
        command = _own(port, connections, secs, bodies)
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=secs + _EXTRA_SECS,
        check=False,
    )
    lines = done.stdout.splitlines()
    try:
        return msgspec.json.decode(lines[-1] if lines else b"", type=Answers)
    except msgspec.MsgspecError as error:
        said = done.stdout.decode(errors="replace")
        raise LoadError(f"{command[0]} ended with {done.returncode}:\n{said}") from error


def _wrk(port: int, connections: int, secs: float, bodies: Path) -> list[str]:
    """Return the command; one thread is enough for more than these servers answer."""
    size = ["-t", "1", "-c", str(connections), "-d", f"{max(1, round(secs))}s", "--timeout", "5s"]
    url = f"http://{HOST}:{port}{TARGET}"
    return ["wrk", *size, "-s", str(_SCRIPT), url, "--", str(bodies)]


def _own(port: int, connections: int, secs: float, bodies: Path) -> list[str]:
    where = [HOST, str(port), TARGET]
    module = [sys.executable, "-m", "tests.bench.generator"]
    return [*module, *where, str(connections), str(secs), str(bodies)]
