"""What `deploy/` names exists: metrics, reasons, files, commands, variables."""

import re
from pathlib import Path
from typing import Any

import yaml

from router.observability import Metrics

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def test_alerts_ask_for_metrics_that_exist() -> None:
    """Each metric in an alert's expression is one that the program has."""
    known = {name for family in Metrics("1").registry.collect() for name in _names(family)}
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
    for rule in rules:
        asked = set(re.findall(r"callback_router_\w+", rule["expr"]))
        assert asked
        assert asked <= known, rule["alert"]


def test_every_alert_is_in_the_runbook() -> None:
    """The metric behind each alert has a row or a line in the README."""
    readme = (ROOT / "README.md").read_text()
    for name in re.findall(r"callback_router_(\w+)", (DEPLOY / "alerts.yaml").read_text()):
        assert name in readme, name


def test_the_image_is_made_of_files_that_exist() -> None:
    """Each source of a COPY from the context is in the repository."""
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for name in line.split()[1:-1]:
                assert (ROOT / name).exists(), name


def test_compose_sets_what_the_shipped_configuration_asks_for() -> None:
    """Every variable of config/router.yaml that has no default is set for the router."""
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    shipped = (ROOT / "config" / "router.yaml").read_text()
    uncommented = "\n".join(line.partition("#")[0] for line in shipped.splitlines())
    asked = set(re.findall(r"env: (\w+)", uncommented)) | {"KAFKA_BOOTSTRAP_SERVERS"}
    for service in ("router", "topics"):
        assert asked <= set(services[service]["environment"])


def _names(family: Any) -> list[str]:
    return [family.name, f"{family.name}_total"]
