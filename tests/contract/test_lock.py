"""The lock pins everything, by hash, and says nothing about where it was made."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def _canonical(name: str) -> str:
    """Return the name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements() -> list[str]:
    """Return the requirements of the lock, each on one line, comments left out."""
    lines = (line for line in LOCK.splitlines() if not line.lstrip().startswith("#"))
    return [line for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


@pytest.mark.parametrize("requirement", _requirements(), ids=lambda line: line.split("==")[0])
def test_a_requirement_is_pinned_with_hashes(requirement: str) -> None:
    """Each requirement names one version and nothing but SHA-256 hashes of its files."""
    pin, *hashes = requirement.split("--hash=")

    assert re.fullmatch(r"[a-z0-9._-]+==[A-Za-z0-9.!+]+\s*(;.*)?", pin.strip())
    assert hashes
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text.strip()) for text in hashes)


def test_the_lock_names_no_address_and_no_place() -> None:
    """Where packages come from is the installing machine's business."""
    assert "://" not in LOCK
    assert not re.search(r"^\s*-(?!-hash=)", LOCK, re.MULTILINE)
    assert not re.search(r"^[^#]*\s@\s", LOCK, re.MULTILINE)


def test_what_the_project_asks_for_is_in_the_lock() -> None:
    """A dependency added to `pyproject.toml` without `make lock` is seen here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    locked = {_canonical(line.split("==")[0]) for line in _requirements()}

    names = {_canonical(found.group()) for text in wanted if (found := NAME.match(text))}

    assert names - locked == set()
