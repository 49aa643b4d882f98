"""The jars of the Kafka that the tests run, copied once per machine.

Design: Maven and Java instead of a container, so that `pytest` needs no daemon and no root.
Everything lands in one cache folder whose name holds the digest of the POM: another version is
another folder, and nothing in a finished folder is ever changed. Two test runs may start at
once: the first takes the lock, fills a temporary folder and renames it; the second waits.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = "4.3.1"
_POM = Path(__file__).with_name("kafka-pom.xml")
_COPY_SECS = 600


class ToolMissingError(Exception):
    """Java or Maven is not installed, so no Kafka can run here."""


def tool(name: str) -> str:
    """Return the path of the program *name*.

    Raises:
        ToolMissingError: It is not on the path.
    """
    path = shutil.which(name)
    if path is None:
        raise ToolMissingError(f"`{name}` is not installed: a real Kafka needs Java 17 and Maven")
    return path


def home() -> Path:
    """Return the cache folder of exactly the jars that the POM names."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    return Path(root) / "callback-router" / f"kafka-{VERSION}" / digest


def jars() -> list[Path]:
    """Return Kafka's jars, sorted by name; the first call on a machine copies them.

    Raises:
        ToolMissingError: They are not there yet, and Maven is not installed.
        RuntimeError: Maven failed; the message holds what it said.
    """
    folder = home() / "jars"
    if not folder.exists():
        with locked():
            if not folder.exists():
                _copy(folder)
    return sorted(folder.glob("*.jar"))


@contextmanager
def locked() -> Iterator[None]:
    """Hold the cache folder alone, also against other processes."""
    home().mkdir(parents=True, exist_ok=True)
    with (home() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # goes with the process, however that ends
        yield


def _copy(folder: Path) -> None:
    maven = tool("mvn")
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        done = subprocess.run(
            [maven, "-q", "-B", "-f", _POM, *goal, f"-DoutputDirectory={scratch}/jars"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COPY_SECS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"Maven could not copy Kafka's jars:\n{done.stdout[-4000:]}")
        Path(scratch, "jars").rename(folder)
