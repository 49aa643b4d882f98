"""Files to a configuration: defaults, places, references, checks."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest

from router.config import (
    Address,
    Configuration,
    Duration,
    Finding,
    KafkaOptions,
    Options,
    ResolvedSecret,
    RoutesOptions,
    Secret,
    SecretOptions,
    SourceOptions,
    load,
)
from router.errors import ConfigError, Problem
from tests.certificates import CERTIFICATE

ENVIRON = {"KEY": "signing-secret", "OLD": "old-signing-secret", "TOKEN": "0123456789abcdef"}

MINIMAL = """\
listen: 127.0.0.1:8080
kafka: {bootstrap_servers: "127.0.0.1:9092"}
sources:
  rtc: {vendor: volcengine-rtc, secrets: [{env: KEY}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory: a folder that holds a certificate."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text(CERTIFICATE, encoding="utf-8")
    return tmp_path


def _load(text: str, routes: str | None = None) -> Configuration:
    """Write the files into the working directory and load them."""
    if routes is not None:
        Path("routes.yaml").write_text(routes, encoding="utf-8")
        text += "routes: routes.yaml\n"
    Path("router.yaml").write_text(text, encoding="utf-8")
    return load(Path("router.yaml"), ENVIRON)


def _problems(text: str, routes: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(text, routes)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.usefixtures("folder")
def test_a_minimal_file_is_complete() -> None:
    """`listen`, `kafka` and `sources` are enough; the rest is as documented."""
    configuration = _load(MINIMAL)

    assert configuration == Configuration(
        options=Options(
            listen=Address("127.0.0.1", 8080),
            kafka=KafkaOptions(bootstrap_servers="127.0.0.1:9092"),
            sources={
                "rtc": SourceOptions(vendor="volcengine-rtc", secrets=(SecretOptions(env="KEY"),))
            },
        ),
        routes=RoutesOptions(),
        secrets={"rtc": (ResolvedSecret(None, Secret(b"signing-secret")),)},
        tokens={"rtc": ()},
        sasl_password=None,
        warnings=(),
        path=Path("router.yaml"),
    )


@pytest.mark.usefixtures("folder")
def test_without_secrets_none_is_looked_for() -> None:
    """What only tells of a configuration needs neither variables nor files; the rest is checked."""
    kafka = "{bootstrap_servers: k:1, security_protocol: SSL, ssl_ca_file: nowhere.pem}"
    source = "{vendor: v, secrets: [{env: NOBODY}], tokens: [{file: nowhere}]}"
    text = f"listen: 127.0.0.1:1\nkafka: {kafka}\nsources: {{rtc: {source}}}\n"
    Path("router.yaml").write_text(text, encoding="utf-8")
    configuration = load(Path("router.yaml"), {}, with_secrets=False)

    assert [len(found) for found in (*configuration.secrets.values(), configuration.tokens)] == [
        1,
        1,
    ]
    assert configuration.options.sources["rtc"].secrets == (SecretOptions(env="NOBODY"),)
    assert configuration.warnings == ()
    assert len(_problems(text)) == 3
    Path("router.yaml").write_text(f"{text}lisen: x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="lisen"):
        load(Path("router.yaml"), {}, with_secrets=False)


def test_defaults_are_those_of_the_contract() -> None:
    """Durations are in seconds, sizes in bytes."""
    kafka = KafkaOptions(bootstrap_servers="a:1")
    options = Options(listen=Address("a", 1), kafka=kafka, sources={})

    assert options.admin == Address("127.0.0.1", 8081)
    assert (options.trusted_proxies, options.connections_per_address) == ((), 1024)
    assert (options.kafka.security_protocol, options.kafka.namespace) == ("PLAINTEXT", "")
    assert msgspec.structs.astuple(options.topics) == (6, 3, 2, 604_800, 2_097_152)
    assert (options.routes, options.handlers) == (None, ("handlers",))
    assert options.max_body_bytes == 1_048_576
    assert options.lame_duck == Duration(10)
    assert msgspec.structs.astuple(options.ack) == (0.3, 3)
    assert msgspec.structs.astuple(options.spool) == ("var/spool", 2_147_483_648, False)
    assert options.state.url == "sqlite:///var/state.db"
    assert options.volcengine_live is None


def test_defaults_keep_their_own_rules() -> None:
    """A default that the loader would refuse in a file would be a trap."""
    kafka = KafkaOptions(bootstrap_servers="a:1")
    options = Options(listen=Address("a", 1), kafka=kafka, sources={})

    assert options.ack.soft < options.ack.hard
    assert options.topics.max_message_bytes >= 2 * options.max_body_bytes


@pytest.mark.usefixtures("folder")
def test_every_option_is_read() -> None:
    """Each kind of value arrives as its type."""
    Path("old").touch(mode=0o600)
    Path("old").write_text("old-secret\n", encoding="utf-8")
    text = """\
listen: "[::1]:8080"
admin: ${ADMIN:-127.0.0.1:9000}
trusted_proxies: [10.0.0.0/8, "2001:db8::/32"]
connections_per_address: ${CONNECTIONS:-16}
kafka:
  bootstrap_servers: a:1, b:2
  security_protocol: SASL_SSL
  sasl_mechanism: SCRAM-SHA-512
  sasl_username: me
  sasl_password: {env: KEY}
  ssl_ca_file: ca.pem
  namespace: staging.
topics: {partitions: 1, replication: 1, min_insync_replicas: 1, retention: 1h, max_message_bytes: 8KiB}
sources:
  live: {vendor: v, unsigned: true, tokens: [{env: TOKEN}]}
  rtc:
    vendor: volcengine-rtc
    secrets: [{env: KEY}, {file: old, app: "65f1c0"}]
    allow: [203.0.113.0/24]
    on_stale: reject
max_body_bytes: 4096
ack: {soft: 0s, hard: 500ms}
lame_duck: 0s
"""
    configuration = _load(text)
    options = configuration.options

    assert options.listen == Address("::1", 8080)
    assert options.admin == Address("127.0.0.1", 9000)
    assert options.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    assert options.connections_per_address == 16
    assert (options.kafka.namespace, options.kafka.ssl_ca_file) == ("staging.", "ca.pem")
    assert msgspec.structs.astuple(options.topics) == (1, 1, 1, 3600, 8192)
    assert options.sources["live"].unsigned
    assert options.sources["rtc"].allow == (ip_network("203.0.113.0/24"),)
    assert options.sources["rtc"].on_stale == "reject"
    assert options.max_body_bytes == 4096
    assert options.lame_duck == Duration(0)
    assert msgspec.structs.astuple(options.ack) == (0, 0.5)
    assert configuration.sasl_password == Secret(b"signing-secret")
    assert configuration.tokens == {"live": (Secret(b"0123456789abcdef"),), "rtc": ()}
    assert configuration.secrets["rtc"] == (
        ResolvedSecret(None, Secret(b"signing-secret")),
        ResolvedSecret("65f1c0", Secret(b"old-secret")),
    )
    assert configuration.warnings == ()


@pytest.mark.usefixtures("folder")
def test_routes_are_read() -> None:
    """One topic may stand without a list; conditions arrive as they are written."""
    routes = """\
base: all.{source}
routes:
  - {name: a, when: {type: [X, 1, 1.5, true, null], data.code: {not: 0}}, to: "x.{type}", key: "{data.a}"}
  - {name: b, when: {}, to: [y, z]}
  - {name: c, when: {vendor: "${V:-v}"}, drop: true}
"""
    read = _load(MINIMAL, routes).routes

    assert read.base == "all.{source}"
    assert [route.to for route in read.routes] == [("x.{type}",), ("y", "z"), ()]
    assert read.routes[0].when == {"type": ["X", 1, 1.5, True, None], "data.code": {"not": 0}}
    assert read.routes[0].key == "{data.a}"
    assert read.routes[2].when == {"vendor": "v"}
    assert [route.drop for route in read.routes] == [False, False, True]


def test_files_are_relative_to_the_configuration(folder: Path) -> None:
    """The working directory does not matter, and names stay as the user gave them."""
    (folder / "etc").mkdir()
    (folder / "etc/secret").write_text("a-secret-in-a-file", encoding="utf-8")
    (folder / "etc/secret").chmod(0o600)
    text = MINIMAL.replace("env: KEY", "file: secret") + "routes: routes.yaml\n"
    text = text.replace('9092"}', '9092", security_protocol: SSL, ssl_ca_file: ../ca.pem}')
    (folder / "etc/router.yaml").write_text(text, encoding="utf-8")
    (folder / "etc/routes.yaml").write_text("base: a b\n", encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load(Path("etc/router.yaml"), {})
    assert [problem.file for problem in caught.value.problems] == ["etc/routes.yaml"]

    (folder / "etc/routes.yaml").write_text("base: a\n", encoding="utf-8")
    configuration = load(Path("etc/router.yaml"), {})
    assert configuration.secrets["rtc"][0].secret == Secret(b"a-secret-in-a-file")
    assert configuration.options.kafka.ssl_ca_file == "etc/../ca.pem"


@pytest.mark.usefixtures("folder")
def test_a_missing_file_is_a_problem() -> None:
    """Each missing file is reported where it is named."""
    with pytest.raises(ConfigError) as caught:
        load(Path("etc/none.yaml"), {})

    message = "cannot read this file: No such file or directory"
    assert caught.value.problems == (Problem("etc/none.yaml", 1, 1, "", message),)
    assert _problems(MINIMAL + "routes: none.yaml\n") == [
        "router.yaml:5:9: routes: cannot read none.yaml: No such file or directory"
    ]


@pytest.mark.usefixtures("folder")
def test_warnings_do_not_stop() -> None:
    """What is allowed but not meant is told with its place, from top to bottom."""
    text = MINIMAL.replace(
        '9092"}', '9092", sasl_username: me, sasl_password: {env: KEY}, ssl_ca_file: router.yaml}'
    ).replace("env: KEY}]", "env: SHORT}]")
    text += "topics: {replication: 1}\n"
    Path("router.yaml").write_text(text, encoding="utf-8")

    warnings = load(Path("router.yaml"), {**ENVIRON, "SHORT": "abcd"}).warnings

    assert [str(warning).removeprefix("router.yaml:") for warning in warnings] == [
        "2:61: kafka.sasl_username: has no effect, since security_protocol is PLAINTEXT",
        "2:80: kafka.sasl_password: has no effect, since security_protocol is PLAINTEXT",
        "2:105: kafka.ssl_ca_file: has no effect, since security_protocol is PLAINTEXT",
        "4:49: sources.rtc.secrets[0].env: a secret of less than 8 bytes is easily guessed",
        "5:9: topics.min_insync_replicas: more than replication, so it is capped at 1",
    ]


@pytest.mark.usefixtures("folder")
def test_checks_speak_with_places() -> None:
    """A finding becomes a problem or a warning at its value, or at what surrounds it."""

    def check(configuration: Configuration) -> Iterator[Finding]:
        assert configuration.secrets["rtc"][0].secret == Secret(b"signing-secret")
        yield Finding("router", ("sources", "rtc", "vendor"), "unknown vendor")
        yield Finding("router", ("sources", "rtc", "tokens"), "wise", is_warning=True)
        yield Finding("routes", ("routes", 0, "when", "x"), "unknown condition")

    Path("router.yaml").write_text(MINIMAL + "routes: routes.yaml\n", encoding="utf-8")
    Path("routes.yaml").write_text(
        "routes:\n- name: a\n  when: {x: 1}\n  to: b\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load(Path("router.yaml"), ENVIRON, [check])

    assert [str(problem) for problem in caught.value.problems] == [
        "router.yaml:4:17: sources.rtc.vendor: unknown vendor",
        "routes.yaml:3:13: routes[0].when.x: unknown condition",
    ]


@pytest.mark.usefixtures("folder")
def test_warnings_of_checks_are_kept() -> None:
    """A check that only warns lets the configuration through, also without a file of routes."""

    def check(_configuration: Configuration) -> list[Finding]:
        return [
            Finding("routes", ("base",), "plain", is_warning=True),
            Finding("router", ("sources", "rtc", "tokens"), "wise", is_warning=True),
        ]

    Path("router.yaml").write_text(MINIMAL, encoding="utf-8")

    assert [str(warning) for warning in load(Path("router.yaml"), ENVIRON, [check]).warnings] == [
        "router.yaml:1:1: base: plain",
        "router.yaml:4:8: sources.rtc.tokens: wise",
    ]


@pytest.mark.usefixtures("folder")
def test_checks_speak_beside_a_missing_secret() -> None:
    """An unset variable hides nothing: checks run in the same breath, on a stand-in."""

    def check(configuration: Configuration) -> list[Finding]:
        assert len(configuration.tokens["rtc"][0].reveal()) >= 16
        return [Finding("router", ("sources", "rtc", "vendor"), "unknown vendor")]

    text = MINIMAL.replace("secrets: [{env: KEY}]", "tokens: [{env: UNSET}]")
    Path("router.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("router.yaml"), ENVIRON, [check])

    assert [str(problem) for problem in caught.value.problems] == [
        "router.yaml:4:17: sources.rtc.vendor: unknown vendor",
        "router.yaml:4:48: sources.rtc.tokens[0].env: the environment variable UNSET is not set",
    ]


@pytest.mark.usefixtures("folder")
def test_checks_speak_beside_what_cannot_be_read() -> None:
    """A broken value hides nothing elsewhere: sources that could be read are checked."""

    def check(configuration: Configuration) -> list[Finding]:
        assert list(configuration.options.sources) == ["rtc"]
        return [Finding("router", ("sources", "rtc", "vendor"), "unknown vendor")]

    sources = MINIMAL + "  broken: {vendor: 1}\nack: 1\n"
    Path("router.yaml").write_text(sources, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("router.yaml"), ENVIRON, [check])

    assert [problem.where for problem in caught.value.problems] == [
        "sources.rtc.vendor",
        "sources.broken.vendor",
        "ack",
    ]


@pytest.mark.usefixtures("folder")
def test_checks_speak_of_each_rule_at_its_own_place() -> None:
    """A rule that cannot be read does not move those behind it."""

    def check(configuration: Configuration) -> list[Finding]:
        names = [route.name for route in configuration.routes.routes]
        return [Finding("routes", ("routes", names.index("second"), "when"), "no such type")]

    Path("router.yaml").write_text(MINIMAL + "routes: routes.yaml\n", encoding="utf-8")
    rules = "routes:\n  - {name: 1}\n  - {name: second, when: {type: X}, to: t}\n"
    Path("routes.yaml").write_text(rules, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(Path("router.yaml"), ENVIRON, [check])

    assert "routes.yaml:3:26: routes[1].when: no such type" in map(str, caught.value.problems)
