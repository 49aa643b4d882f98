"""What alerts, image and CI name exists: metrics, files, folders, users."""

import itertools
import re
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from router.config.options import SpoolOptions, StateOptions
from router.observability import Metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


def test_alerts_ask_for_metrics_that_exist() -> None:
    """Each metric in an alert's expression is one that the program has."""
    known = {name for family in Metrics("1").registry.collect() for name in _names(family)}
    groups = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert rules
    for rule in rules:
        asked = set(re.findall(r"callback_router_\w+", rule["expr"]))
        assert asked
        assert asked <= known, rule["alert"]


def test_every_alert_is_in_the_runbook() -> None:
    """The metric behind each alert has a row or a line in the README."""
    readme = (ROOT / "README.md").read_text()
    asked = re.findall(r"callback_router_(\w+)", (DEPLOY / "alerts.yaml").read_text())

    assert asked
    assert [name for name in asked if name not in readme] == []


def test_the_image_is_made_of_files_that_exist() -> None:
    """Each source of a COPY from the context is in the repository."""
    copied = [words.split()[:-1] for words in _instructions("COPY") if "--from" not in words]
    names = list(itertools.chain.from_iterable(copied))

    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_image_writes_to_its_volume_only() -> None:
    """Spool and state, where nothing else is configured, lie in the volume, which the user owns."""
    [volume] = _instructions("VOLUME")
    [folder] = _instructions("WORKDIR")[-1:]
    state = StateOptions().url.removeprefix("sqlite:///")
    for path in (SpoolOptions().path, state):
        assert (PurePosixPath(folder) / path).is_relative_to(volume)
    assert re.search(rf"install .*--owner=10001 .*{volume}$", DOCKERFILE, re.MULTILINE)


def test_the_image_runs_as_an_ordinary_user() -> None:
    """The user is a number, so that an orchestrator sees that it is not root."""
    assert _instructions("USER") == ["10001:10001"]
    assert "useradd --uid 10001" in DOCKERFILE


def test_nothing_is_skipped_in_ci() -> None:
    """Each tool without which tests are skipped is required there."""
    script = (ROOT / ".ci" / "run").read_text()
    required = set(re.findall(r"(REQUIRE_\w+)=1", script))
    assert required == {"REQUIRE_HAPROXY", "REQUIRE_KAFKA", "REQUIRE_POSTGRES"}


def _instructions(name: str) -> list[str]:
    """Return what the instructions of this name say, in order."""
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def _names(family: Any) -> list[str]:
    return [family.name, f"{family.name}_total"]
