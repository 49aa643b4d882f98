"""`deploy/compose.yaml` is Compose, and fits the image, the configuration and HAProxy's file.

No container engine runs here, so the classes say what the Compose Specification allows of what the
file uses: a key that it does not know, or a value of another type, is an error.
"""

import re
import shutil
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import pytest
import yaml
from msgspec import Meta, Struct

from router.assembly import CHECKS
from router.config import Configuration, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
VOLUME: Final = "/var/lib/callback-router/var"
INSTANCES: Final = ("ingress-1", "ingress-2")
OURS: Final = (*INSTANCES, "consume", "topics")
BROKERS: Final = ("kafka-1", "kafka-2", "kafka-3")
SHUTDOWN_SECS = 25
WRITING_SECS = 7  # for the producer and the spool

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9._-]+$")]
Secs = Annotated[str, Meta(pattern=r"^[0-9]+s$")]
Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has no keys but its own."""


class Build(Strict, frozen=True, kw_only=True):
    """How an image is made."""

    context: str
    dockerfile: str


class Healthcheck(Strict, frozen=True, kw_only=True):
    """How health is asked for."""

    test: list[str]
    interval: Secs
    timeout: Secs
    retries: Annotated[int, Meta(ge=1)]


class Mount(Strict, frozen=True, kw_only=True):
    """A file of `configs`, and where it is seen."""

    source: Name
    target: str


class Dependency(Strict, frozen=True, kw_only=True):
    """What another service must have reached."""

    condition: Condition


class Attachment(Strict, frozen=True, kw_only=True):
    """A network that a service is in."""

    ipv4_address: str


class Service(Strict, frozen=True, kw_only=True):
    """One service."""

    image: str
    build: Build | None = None
    command: list[str] = []
    networks: list[Name] | dict[Name, Attachment]
    configs: list[Mount] = []
    environment: dict[str, str] = {}
    ports: list[Annotated[str, Meta(pattern=r"^([0-9.]+:)?[0-9]+:[0-9]+$")]] = []
    volumes: list[Annotated[str, Meta(pattern=r"^[a-z0-9-]+:/[a-z/-]+$")]] = []
    depends_on: list[Name] | dict[Name, Dependency] = []
    healthcheck: Healthcheck | None = None
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = "no"
    stop_grace_period: Secs = "10s"
    read_only: bool = False
    cap_drop: list[str] = []
    security_opt: list[str] = []


class File(Strict, frozen=True, kw_only=True):
    """A file beside the compose file."""

    file: str


class Subnet(Strict, frozen=True, kw_only=True):
    """The addresses of a network."""

    subnet: str
    ip_range: str


class Addresses(Strict, frozen=True, kw_only=True):
    """How addresses are given."""

    config: list[Subnet]


class Network(Strict, frozen=True, kw_only=True):
    """A network."""

    ipam: Addresses


class Compose(Strict, frozen=True, kw_only=True):
    """The file, its extensions (`x-...`) taken out."""

    services: dict[Name, Service]
    configs: dict[Name, File]
    networks: dict[Name, Network]
    volumes: dict[Name, Strict]


def _compose() -> Compose:
    """Return the file.

    Raises:
        ValidationError: Something is not as the Compose Specification has it.
    """
    document: dict[str, Any] = yaml.safe_load(TEXT)
    known = {key: value for key, value in document.items() if not key.startswith("x-")}
    return msgspec.convert(known, Compose)


COMPOSE = _compose()
SERVICES = COMPOSE.services


def _secs(text: str) -> int:
    return int(text.removesuffix("s"))


def _configuration(path: Path) -> Configuration:
    """Return a configuration, read with a value for every variable of the compose file."""
    environ = {name: f"long-enough-{name.lower()}" for name in SERVICES["consume"].environment}
    brokers = SERVICES["consume"].environment["KAFKA_BOOTSTRAP_SERVERS"]
    return load(path, {**environ, "KAFKA_BOOTSTRAP_SERVERS": brokers}, CHECKS)


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_what_a_service_names_is_there(service: Service) -> None:
    """Networks, volumes, files and other services are declared, and each is of use."""
    assert set(service.networks) == set(COMPOSE.networks)
    assert {volume.split(":")[0] for volume in service.volumes} <= set(COMPOSE.volumes)
    assert {mount.source for mount in service.configs} <= set(COMPOSE.configs)
    for name in service.depends_on:
        assert name in SERVICES


def test_a_service_waits_only_for_what_can_come() -> None:
    """Health is waited for where it is checked; an end only where there is no restart."""
    for service in SERVICES.values():
        needs = service.depends_on if isinstance(service.depends_on, dict) else {}
        for name, dependency in needs.items():
            needed = SERVICES[name]
            match dependency.condition:
                case "service_healthy":
                    assert needed.healthcheck is not None
                case "service_completed_successfully":
                    assert needed.restart == "no"
                case "service_started":
                    pass


def test_files_are_there() -> None:
    """Each file of `configs` and the image's recipe exist."""
    for config in COMPOSE.configs.values():
        assert (DEPLOY / config.file).is_file()
    for service in SERVICES.values():
        if service.build is not None:
            context = DEPLOY / service.build.context
            assert (context / service.build.dockerfile).is_file()


def test_a_variable_that_is_not_set_is_told() -> None:
    """Whoever forgets a variable learns which, and what it holds: none is silently empty."""
    asked = re.findall(r"\$\{?(\w+)(:\?[^}]+)?", TEXT)

    assert asked
    assert [name for name, told in asked if not told] == []


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_what_the_configuration_asks_for(name: str) -> None:
    """Every variable of deploy/router.yaml is set."""
    text = (DEPLOY / "router.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"env: (\w+)", text)) | set(re.findall(r"\$\{(\w+)", text))

    assert asked == set(SERVICES[name].environment)


def test_the_configuration_is_the_shipped_one_but_for_its_place(tmp_path: Path) -> None:
    """Beside the image's routes it loads without a warning; the sources are those of config/."""
    for path in (ROOT / "config" / "routes.yaml", DEPLOY / "router.yaml"):
        shutil.copy(path, tmp_path)
    shipped = _configuration(ROOT / "config" / "router.yaml").options
    found = _configuration(tmp_path / "router.yaml")

    assert found.warnings == ()
    assert found.options.sources == shipped.sources
    assert found.options.topics == shipped.topics
    assert found.options.routes == shipped.routes
    assert found.options.state.url.startswith("postgresql://router:long-enough-postgres_password@")
    assert found.options.lame_duck + found.options.ack.hard + WRITING_SECS <= SHUTDOWN_SECS


def test_the_balancer_alone_is_trusted() -> None:
    """X-Forwarded-For counts from HAProxy's address, which nobody else gets, and from no other."""
    networks = SERVICES["haproxy"].networks
    assert isinstance(networks, dict)
    [attachment] = networks.values()
    text = (DEPLOY / "router.yaml").read_text(encoding="utf-8")

    assert re.search(rf"^trusted_proxies: \[{attachment.ipv4_address}\]", text, re.MULTILINE)


@pytest.mark.parametrize("name", OURS)
def test_the_image_runs_with_few_rights(name: str) -> None:
    """Its root is read-only, it has no capability, and gets none."""
    service = SERVICES[name]

    assert service.read_only
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OURS)
def test_an_end_has_its_time(name: str) -> None:
    """The engine waits longer than the shutdown takes before it kills."""
    assert _secs(SERVICES[name].stop_grace_period) > SHUTDOWN_SECS


def test_each_instance_has_a_spool_of_its_own() -> None:
    """A named volume, where the image's volume is, that no other service has."""
    volumes = [SERVICES[name].volumes for name in INSTANCES]
    users = [v.split(":")[0] for service in SERVICES.values() for v in service.volumes]

    assert volumes == [[f"{name}:{VOLUME}"] for name in INSTANCES]
    assert f"VOLUME {VOLUME}\n" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert len(users) == len(set(users)) == len(COMPOSE.volumes)


def test_the_brokers_are_one_durable_cluster() -> None:
    """Three brokers that know each other keep three copies, and acknowledge with two."""
    settings = [SERVICES[name].environment for name in BROKERS]
    voters = ",".join(f"{number}@{name}:9093" for number, name in enumerate(BROKERS, 1))
    clients = ",".join(f"{name}:9092" for name in BROKERS)

    assert [each["KAFKA_NODE_ID"] for each in settings] == ["1", "2", "3"]
    for name, each in zip(BROKERS, settings, strict=True):
        assert each["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert each["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{name}:9092"
        assert {value for key, value in each.items() if key.endswith("FACTOR")} == {"3"}
        assert {value for key, value in each.items() if key.endswith(("ISR", "REPLICAS"))} == {"2"}
    for name in OURS:
        assert SERVICES[name].environment["KAFKA_BOOTSTRAP_SERVERS"] == clients


def test_the_balancer_finds_the_instances() -> None:
    """Each variable of HAProxy's file has a default, and those of the instances are right here."""
    text = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
    presets: list[tuple[str, str]] = re.findall(r"^\s+presetenv (\w+) (\S+)$", text, re.MULTILINE)
    defaults = dict(presets)
    router = (DEPLOY / "router.yaml").read_text(encoding="utf-8")

    assert set(re.findall(r'"\$\{(\w+)\}"', text)) == set(defaults)
    for number, name in enumerate(INSTANCES, 1):
        assert defaults[f"INGRESS_{number}"] == f"{name}:8080"
        assert defaults[f"INGRESS_{number}_ADMIN_PORT"] == "8081"
    assert "listen: 0.0.0.0:8080\nadmin: 0.0.0.0:8081\n" in router
    assert defaults["LISTEN"].split(":")[1] == SERVICES["haproxy"].ports[0].split(":")[1]
    assert SERVICES["haproxy"].environment == {}
