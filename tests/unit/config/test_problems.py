"""Every error of a configuration has its exact place, and all are told at once."""

import os
from pathlib import Path

import pytest

from router.config import load
from router.errors import ConfigError, Problem
from tests.certificates import CERTIFICATE

ENVIRON = {"KEY": "signing-secret", "TOKEN": "0123456789abcdef", "SHORT": "abcd", "BLANK": "a b"}

MINIMAL = """\
listen: 127.0.0.1:8080
kafka: {bootstrap_servers: "127.0.0.1:9092"}
sources:
  rtc: {vendor: volcengine-rtc, secrets: [{env: KEY}]}
"""
"""Four lines, so that what a test appends begins in line 5."""

WITHOUT_KAFKA = "listen: 127.0.0.1:8080\nsources:\n  rtc: {vendor: v}\nkafka:\n"
"""Four lines, the last of which begins the section of Kafka."""

WITHOUT_SOURCES = 'listen: 127.0.0.1:8080\nkafka: {bootstrap_servers: "a:1"}\nsources:\n  rtc:\n'
"""Four lines, the last of which begins a source."""

TEMPLATE = "letters, digits, ., _, -, {vendor}, {type} and {source}, never what a sender wrote"

ALL_WRONG = """\
listen: 0.0.0.0
kafka:
  bootstrap_servers: ${UNSET}
  security_protocol: SASL_SSL
  sasl_username: 12
  namspace: x
topics: {partitions: "${UNSET:-7}", replication: yes, retention: 7, max_message_bytes: 1MiB}
sources:
  rtc:
    vendro: x
    secrets: [{env: UNSET}, {env: KEY, file: b}, hunter2]
    tokens: {file: x}
  Bad Name:
    vendor: &a x
    tokens: [{env: TOKEN, app: "1"}, {file: nofile}, {env: KEY}]
    on_stale: no
  rtc: {}
routes: routes.yaml
ack: {soft: 3s, hard: 3s}
spool: {path: !x y}
"""

ALL_WRONG_ROUTES = """\
base: a b
routes:
- {name: a, when: {x: *y}}
- {name: a, drop: maybe}
"""


def _problems(folder: Path, text: str, routes: str | None = None) -> list[str]:
    """Return what is told about the files, without the folder's name."""
    (folder / "router.yaml").write_text(text, encoding="utf-8")
    if routes is not None:
        (folder / "routes.yaml").write_text(routes, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(folder / "router.yaml", ENVIRON)
    return [str(problem).removeprefix(f"{folder}{os.sep}") for problem in caught.value.problems]


def test_a_problem_reads_as_editors_expect() -> None:
    """File, line and column come first, so that editors jump there."""
    problem = Problem("config/router.yaml", 14, 7, "sources.rtc.vendor", "unknown")

    assert str(problem) == "config/router.yaml:14:7: sources.rtc.vendor: unknown"
    assert str(ConfigError([problem, problem])) == f"{problem}\n{problem}"
    assert str(Problem("f", 1, 1, "", "not YAML")) == "f:1:1: not YAML"


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (
            "ack: {soft: 1s, <<: {hard: 2s}}",
            "5:17: ack.'<<': merge keys (<<) are not allowed; write the members here",
        ),
        ("ack: {soft:1s, hard: 2s}", "5:7: ack.'soft:***': a space is missing behind the colon"),
        ("ack: soft", "5:6: ack: expected a mapping, got text"),
        ("ack:\n  soft:1s", "6:3: ack: a space is missing behind the colon"),
        ("topics: {partitions: 0x1F}", "5:22: topics.partitions: expected a whole number, got text; write a decimal number"),
        ("topics: {partitions: 010}", "5:22: topics.partitions: expected a whole number, got text; write it without leading zeros"),
        ("topics: {partitions: yes}", "5:22: topics.partitions: expected a whole number, got text"),
        ("routes: ${NOWHERE:-hunter2}", "5:9: routes: cannot read this file: No such file or directory"),
        ("lisen: a", "5:1: lisen: unknown key, did you mean listen?"),
        ("admin: localhost", "5:8: admin: expected HOST:PORT such as 0.0.0.0:8080 or [::1]:8080"),
        ("admin:", "5:7: admin: expected HOST:PORT such as 0.0.0.0:8080 or [::1]:8080"),
        (
            "connections_per_address: 0",
            "5:26: connections_per_address: expected a whole number >= 1",
        ),
        (
            "connections_per_address: 1_000",
            "5:26: connections_per_address: expected a whole number, got text; write it without _",
        ),
        (
            "connections_per_address: ${SHORT}",
            "5:26: connections_per_address: expected a whole number, got text",
        ),
        ("trusted_proxies: 10.0.0.0/8", "5:18: trusted_proxies: expected a list, got text"),
        (
            "trusted_proxies: [10.0.0.0/8, 10.0.0.1/8]",
            (
                "5:31: trusted_proxies[1]: expected a network such as 10.0.0.0/8 or 2001:db8::/32, "
                "no host bits set"
            ),
        ),
        ("topics: 6", "5:9: topics: expected a mapping, got a whole number"),
        ("topics:", "5:8: topics: expected a mapping, got nothing"),
        (
            "topics: {partitions: 6.5}",
            "5:22: topics.partitions: expected a whole number, got a number",
        ),
        (
            "topics: {partitions: true}",
            "5:22: topics.partitions: expected a whole number, got true or false",
        ),
        ("topics: {retention: 1ms}", "5:21: topics.retention: expected at least 1s"),
        (
            "topics: {max_message_bytes: 2MiB}\nmax_body_bytes: 1048577",
            "5:29: topics.max_message_bytes: must be at least 2097154, twice max_body_bytes",
        ),
        (
            "max_body_bytes: 2MiB",
            "1:1: topics.max_message_bytes: must be at least 4194304, twice max_body_bytes",
        ),
        ("max_body_bytes: 1GiB", "5:17: max_body_bytes: expected at most 64MiB"),
        ("ack: {soft: 3s}", "5:13: ack.soft: must be less than ack.hard"),
        (
            "ack: {hard: 12:30}",
            "5:13: ack.hard: expected a duration such as 300ms, 3s, 5m, 2h or 7d",
        ),
        ("lame_duck: 1d", "5:12: lame_duck: expected at most 10m"),
        ("routes: 5", "5:9: routes: expected text, got a whole number: quote it"),
        ('routes: ""', "5:9: routes: must not be empty"),
        ("handlers: [a, '']", "5:15: handlers[1]: must not be empty"),
        (
            "state: {url: 'mysql://x'}",
            "5:14: state.url: expected sqlite:///PATH or postgresql://...",
        ),
        (
            "spool: {allow_ephemeral: no}",
            "5:26: spool.allow_ephemeral: expected true or false, got text; write false",
        ),
    ],
)  # fmt: skip
def test_an_option_out_of_bounds_has_its_place(tmp_path: Path, added: str, told: str) -> None:
    """A value is reported where it stands, an unknown key at the key."""
    assert _problems(tmp_path, MINIMAL + added + "\n") == [f"router.yaml:{told}"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{}", "5:2: kafka.bootstrap_servers: required"),
        (
            "bootstrap_servers: a",
            "5:21: kafka.bootstrap_servers: expected HOST:PORT, or several with commas between them",
        ),
        (
            "bootstrap_servers: 'a:1,'",
            "5:21: kafka.bootstrap_servers: expected HOST:PORT, or several with commas between them",
        ),
        (
            "{bootstrap_servers: 'a:1', namespace: a/b}",
            "5:40: kafka.namespace: expected up to 100 letters, digits, ., _ and -",
        ),
        (
            "{bootstrap_servers: 'a:1', security_protocol: ssl}",
            "5:48: kafka.security_protocol: expected one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL; did you mean SSL?",
        ),
        (
            "{bootstrap_servers: 'a:1', security_protocol: SASL_SSL, sasl_username: a}",
            "5:2: kafka.sasl_password: required, since security_protocol is SASL_SSL",
        ),
        (
            "{bootstrap_servers: 'a:1', security_protocol: SASL_PLAINTEXT, sasl_password: {env: KEY}}",
            "5:2: kafka.sasl_username: required, since security_protocol is SASL_PLAINTEXT",
        ),
        (
            "{bootstrap_servers: 'a:1', sasl_password: hunter2}",
            "5:44: kafka.sasl_password: expected a mapping, got text",
        ),
        (
            "{bootstrap_servers: 'a:1', security_protocol: SSL, ssl_cert_file: own.pem}",
            "5:2: kafka.ssl_key_file: required: a certificate and its key go together",
        ),
        (
            "{bootstrap_servers: 'a:1', security_protocol: SSL, ssl_ca_file: none}",
            "5:66: kafka.ssl_ca_file: cannot read this file: No such file or directory",
        ),
    ],
)
def test_kafka_needs_what_its_protocol_needs(tmp_path: Path, options: str, told: str) -> None:
    """Logins and certificates are complete, or the missing half is named."""
    (tmp_path / "own.pem").write_text(CERTIFICATE, encoding="utf-8")

    assert _problems(tmp_path, f"{WITHOUT_KAFKA} {options}\n") == [f"router.yaml:{told}"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{}", "5:5: sources.rtc.vendor: required"),
        ("{vendor: ''}", "5:14: sources.rtc.vendor: must not be empty"),
        ("{vendor: v, secret: []}", "5:17: sources.rtc.secret: unknown key, did you mean secrets?"),
        ("{vendor: v, zzz: []}", "5:17: sources.rtc.zzz: unknown key, known: vendor, secrets, tokens, allow, unsigned, on_stale"),
        ("{vendor: v, secrets: [hunter2]}", "5:27: sources.rtc.secrets[0]: expected a mapping, got text"),
        ("{vendor: v, secrets: [{env: KEY, value: x}]}", "5:38: sources.rtc.secrets[0].***: unknown key, known: env, file, app"),
        ("{vendor: v, secrets: [{}]}", "5:27: sources.rtc.secrets[0]: expected exactly one of env and file"),
        ("{vendor: v, secrets: [{env: KEY, file: a}]}", "5:27: sources.rtc.secrets[0]: expected exactly one of env and file"),
        ("{vendor: v, secrets: [{env: NO}]}", "5:33: sources.rtc.secrets[0].env: the environment variable NO is not set"),
        ("{vendor: v, secrets: [{env: a-b}]}", "5:33: sources.rtc.secrets[0].env: expected the name of an environment variable"),
        ("{vendor: v, secrets: [{file: no}]}", "5:34: sources.rtc.secrets[0].file: cannot read this file: No such file or directory"),
        ("{vendor: v, secrets: [{env: KEY, app: 123}]}", "5:43: sources.rtc.secrets[0].app: expected text, got a whole number: quote it"),
        ("{vendor: v, tokens: [{env: SHORT}]}", "5:32: sources.rtc.tokens[0].env: a token has at least 16 characters"),
        ("{vendor: v, tokens: [{env: BLANK}]}", "5:32: sources.rtc.tokens[0].env: a token consists of A-Z a-z 0-9 . _ ~ - only"),
        ("{vendor: v, tokens: [{env: TOKEN, app: a}]}", "5:44: sources.rtc.tokens[0].app: a token belongs to no app"),
        ("{vendor: v, tokens:}", "5:24: sources.rtc.tokens: expected a list, got nothing"),
        ("{vendor: v, allow: []}", "5:24: sources.rtc.allow: an empty list: leave the key out instead"),
        ("{vendor: v, unsigned: true, secrets: [{env: KEY}]}", "5:42: sources.rtc.secrets: an unsigned source has tokens, no secrets"),
        ("{vendor: v, on_stale: drop}", "5:27: sources.rtc.on_stale: expected one of publish, reject"),
    ],
)  # fmt: skip
def test_a_source_is_checked(tmp_path: Path, source: str, told: str) -> None:
    """References, tokens and names; a secret at the wrong place is not repeated."""
    problems = _problems(tmp_path, f"{WITHOUT_SOURCES}    {source}\n")

    assert problems == [f"router.yaml:{told}"]
    assert "hunter2" not in problems[0]


@pytest.mark.parametrize("name", ["RTC", "-a", "a.b", "a/b", "''", "x" * 33, '"a\\n"'])
def test_the_name_of_a_source_fits_into_a_path(tmp_path: Path, name: str) -> None:
    """Names are in paths and metrics, so their letters are few."""
    text = f"{WITHOUT_SOURCES.replace('rtc:', f'{name}:')}    {{vendor: v}}\n"

    assert [problem.partition(": ")[::2] for problem in _problems(tmp_path, text)] == [
        (
            "router.yaml:4:3",
            f"{_shown(name)}: expected a name of up to 32 of a-z, 0-9, _ and -, a letter or digit first",
        )
    ]


def _shown(name: str) -> str:
    """Return how the key is shown behind `sources`."""
    return "sources." + {"a/b": "'a/b'", '"a\\n"': "'a\\n'"}.get(name, name)


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ("base: a/b", f"1:7: base: expected {TEMPLATE}"),
        ("base: '{subject}'", f"1:7: base: expected {TEMPLATE}"),
        ("base: ..", "1:7: base: not the name of a topic"),
        ("bas: a", "1:1: bas: unknown key, did you mean base?"),
        ("[]", "1:1: expected a mapping, got a list"),
        ("routes:", "1:8: routes: expected a list, got nothing"),
        ("routes:\n- {when: {}, to: a}", "2:3: routes[0].name: required"),
        ("routes:\n- {name: a, to: a}", "2:3: routes[0].when: required"),
        ("routes:\n- {name: a, when: x, to: a}", "2:19: routes[0].when: expected a mapping, got text"),
        ("routes:\n- {name: a, when: {}}", "2:3: routes[0]: expected to or drop: true"),
        ("routes:\n- {name: a, when: {}, drop: true}", "2:19: routes[0].when: this would drop every event"),
        ("routes:\n- {name: a, when: {b: c}, drop: true, to: x}", "2:33: routes[0].drop: a rule that drops has neither to nor key"),
        ("routes:\n- {name: a, when: {}, to: 'a b'}", f"2:27: routes[0].to: expected {TEMPLATE}"),
        ("routes:\n- {name: a, when: {}, to: [b, '.']}", "2:31: routes[0].to[1]: not the name of a topic"),
        ("routes:\n- {name: a, when: {}, to: [b, 1]}", "2:31: routes[0].to[1]: expected text, got a whole number: quote it"),
        ("routes:\n- {name: a, when: {}, to: b, key: ''}", "2:35: routes[0].key: must not be empty"),
        ("routes:\n- {name: a, when: {}, to: b}\n- {name: a, when: {}, to: c}", "3:10: routes[1].name: the same name as in line 2"),
        ("routes:\n- {name: a, when: vendor:zego, to: b}", "2:19: routes[0].when: a space is missing behind the colon"),
        ("routes:\n- {name: '', when: {}, to: b}", "2:10: routes[0].name: expected up to 64 letters, digits, spaces, ., _ and -, no sign first"),
        ("routes:\n- {name: a, when: {type: *x}, to: b}", "2:26: routes[0].when.type: aliases (*name) are not allowed; write the value again, or quote it"),
        (f"base: {'x' * 250}", f"1:7: base: expected {TEMPLATE}"),
    ],
)  # fmt: skip
def test_routes_are_checked(tmp_path: Path, routes: str, told: str) -> None:
    """Topics hold only what topics may hold, and a rule does one thing."""
    problems = _problems(tmp_path, MINIMAL + "routes: routes.yaml\n", routes)

    assert problems == [f"routes.yaml:{told}"]


def test_a_missing_section_is_required(tmp_path: Path) -> None:
    """An empty file lacks the three sections that have no default."""
    assert _problems(tmp_path, "") == [
        "router.yaml:1:1: listen: required",
        "router.yaml:1:1: kafka: required",
        "router.yaml:1:1: sources: required",
    ]
    assert _problems(
        tmp_path, MINIMAL.partition("  rtc")[0].replace("sources:", "sources: {}")
    ) == ["router.yaml:3:10: sources: expected at least one member"]


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Nothing hides behind an earlier error: YAML, types, bounds, rules, references, routes."""
    assert _problems(tmp_path, ALL_WRONG, ALL_WRONG_ROUTES) == [
        "router.yaml:1:9: listen: expected HOST:PORT such as 0.0.0.0:8080 or [::1]:8080",
        "router.yaml:3:3: kafka.sasl_password: required, since security_protocol is SASL_SSL",
        "router.yaml:3:22: kafka.bootstrap_servers: the environment variable UNSET is not set",
        "router.yaml:5:18: kafka.sasl_username: expected text, got a whole number: quote it",
        "router.yaml:6:3: kafka.namspace: unknown key, did you mean namespace?",
        "router.yaml:7:50: topics.replication: expected a whole number, got text",
        "router.yaml:7:66: topics.retention: expected a duration such as 300ms, 3s, 5m, 2h or 7d",
        "router.yaml:10:5: sources.rtc.vendro: unknown key, did you mean vendor?",
        "router.yaml:10:5: sources.rtc.vendor: required",
        "router.yaml:11:21: sources.rtc.secrets[0].env: the environment variable UNSET is not set",
        "router.yaml:11:29: sources.rtc.secrets[1]: expected exactly one of env and file",
        "router.yaml:11:50: sources.rtc.secrets[2]: expected a mapping, got text",
        "router.yaml:12:13: sources.rtc.tokens: expected a list, got a mapping",
        (
            "router.yaml:13:3: sources.'Bad Name': expected a name of up to 32 of a-z, 0-9, _ and -, "
            "a letter or digit first"
        ),
        "router.yaml:14:13: sources.'Bad Name'.vendor: anchors (&name) are not allowed; remove it, or quote the value",
        "router.yaml:15:32: sources.'Bad Name'.tokens[0].app: a token belongs to no app",
        (
            "router.yaml:15:45: sources.'Bad Name'.tokens[1].file: cannot read this file: "
            "No such file or directory"
        ),
        "router.yaml:15:60: sources.'Bad Name'.tokens[2].env: a token has at least 16 characters",
        "router.yaml:16:15: sources.'Bad Name'.on_stale: expected one of publish, reject",
        "router.yaml:17:3: sources.rtc: duplicate key, the first is in line 9; remove one of them",
        "router.yaml:19:13: ack.soft: must be less than ack.hard",
        "router.yaml:20:15: spool.path: tags (!name) are not allowed; remove it, or quote the value",
        f"routes.yaml:1:7: base: expected {TEMPLATE}",
        "routes.yaml:3:23: routes[0].when.x: aliases (*name) are not allowed; write the value again, or quote it",
        "routes.yaml:4:3: routes[1].when: required",
        "routes.yaml:4:10: routes[1].name: the same name as in line 3",
        "routes.yaml:4:19: routes[1].drop: expected true or false, got text",
    ]


def test_equal_names_are_told_beside_what_else_is_wrong(tmp_path: Path) -> None:
    """A rule that cannot be read hides neither its own name's twin nor that of others."""
    routes = "routes:\n- {name: a, when: {}, to: b}\n- {name: a, when: {}}\n- {name: [a], when: {}, to: b}"

    assert _problems(tmp_path, MINIMAL + "routes: routes.yaml\n", routes) == [
        "routes.yaml:3:3: routes[1]: expected to or drop: true",
        "routes.yaml:3:10: routes[1].name: the same name as in line 2",
        "routes.yaml:4:10: routes[2].name: expected text, got a list",
    ]
