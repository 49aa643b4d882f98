"""SIGHUP while nobody has a Kafka: what a running `serve` takes from files that were changed."""

import ast
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGHUP, SIGTERM
from typing import Any, Literal

import pytest
import yaml

from tests.integration.command import Running, Service, post, write_config
from tests.kafka_node import free_ports
from tests.sender import VECTOR, signature

OLD, NEW = "old-signing-secret", "new-signing-secret"
PATH = "/callbacks/rtc"
ANSWER_SECS = 20.0
KAFKA = "127.0.0.1:1"
PUBLISHED = {"soft": "0s", "hard": "3s"}  # nobody is there: the spool takes everything


class Reloaded(Service):
    """`serve` whose secret is in a file, with its operators' port."""

    def __init__(self, folder: Path) -> None:
        """Write its files, and start it."""
        [self.admin_port] = free_ports(1)
        self.secret = folder / "secret"
        self.config = configured(folder, admin=f"127.0.0.1:{self.admin_port}")
        super().__init__(self.config)

    def reload(self) -> dict[str, Any]:
        """Send SIGHUP; return the line that says what came of it."""
        self.send_signal(SIGHUP)
        return self.wait_outcome()

    def wait_outcome(self) -> dict[str, Any]:
        """Return the next line about a reload."""
        line = self.wait_line(lambda text: '"event": "config_reload' in text)
        outcome: dict[str, Any] = json.loads(line)
        return outcome

    def statuses(self, *bodies: bytes) -> list[int]:
        """Return the statuses of callbacks on one connection."""
        return [status for status, _ in post(self.port, [(PATH, body, {}) for body in bodies])]

    def wait_proving(self, key: str) -> None:
        """Return when a callback signed with *key* is accepted."""
        wait_until(lambda: self.statuses(signed(key)) == [200])

    def reloads(self, outcome: str) -> float:
        """Return how many reloads came to this."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=ANSWER_SECS)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        name = f'callback_router_config_reloads_total{{outcome="{outcome}"}}'
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0


def configured(folder: Path, **settings: object) -> Path:
    """Return a configuration whose only secret is in the file `secret` beside it."""
    write_secret(folder / "secret", OLD)
    sources = {"rtc": {"vendor": "volcengine-rtc", "secrets": [{"file": "secret"}]}}
    usual: dict[str, object] = {"ack": PUBLISHED, "sources": sources, "lame_duck": "2s"}
    return write_config(folder, KAFKA, "", **(usual | settings))


def write_secret(file: Path, secret: str) -> None:
    """Replace the secret as a supervisor does: another file in its place."""
    fresh = file.with_suffix(".fresh")
    fresh.touch(mode=0o600)
    fresh.write_text(secret)
    fresh.rename(file)


def change(config: Path, **settings: object) -> None:
    """Replace sections of the configuration."""
    content = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump(content | settings))


def signed(key: str, event_id: str = "1") -> bytes:
    """Return a callback that this key has signed."""
    values = {**VECTOR, "EventId": event_id}
    return json.dumps({**values, "Signature": signature(values, key)}).encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Reloaded]:
    """A listening instance."""
    with Reloaded(tmp_path) as started:
        yield started


def test_a_secrets_file_is_read_again(service: Reloaded) -> None:
    """The old secret proves until the signal and no longer, the new one from then on."""
    before = service.statuses(signed(OLD), signed(NEW))
    write_secret(service.secret, NEW)
    unasked = service.statuses(signed(OLD), signed(NEW))
    outcome = service.reload()

    assert (before, unasked) == ([200, 401], [200, 401])
    assert (outcome["event"], outcome["sources"]) == ("config_reloaded", ["rtc"])
    assert service.statuses(signed(OLD), signed(NEW)) == [401, 200]
    assert service.reloads("done") == 1


def test_a_kept_connection_is_judged_anew(service: Reloaded) -> None:
    """What counts is when the head of a request comes, not when its connection was made."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=ANSWER_SECS)
    statuses = []
    for secret in (OLD, NEW):
        write_secret(service.secret, secret)
        service.reload()
        connection.request("POST", PATH, signed(OLD))
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()

    assert statuses == [200, 401]


def test_an_open_request_is_finished_by_the_old_configuration(service: Reloaded) -> None:
    """A body that was still coming in is proven by the secret of the moment when its head came."""
    body = signed(OLD)
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", service.port), ANSWER_SECS) as peer:
        peer.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert peer.recv(1000).startswith(b"HTTP/1.1 100 ")
        peer.sendall(body[:10])
        write_secret(service.secret, NEW)
        service.reload()
        peer.sendall(body[10:])
        answer = peer.recv(1000)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert service.statuses(body) == [401]


def test_a_removed_source_is_gone_and_a_new_one_is_there(service: Reloaded) -> None:
    """Sources come and go with the file."""
    change(
        service.config,
        sources={"new": {"vendor": "volcengine-rtc", "secrets": [{"file": "secret"}]}},
    )
    service.reload()
    answers = post(
        service.port, [(f"/callbacks/{name}", signed(OLD), {}) for name in ("rtc", "new")]
    )

    assert [status for status, _ in answers] == [404, 200]


def test_a_broken_file_changes_nothing(service: Reloaded) -> None:
    """Every error is logged with its place, the metric counts, and callbacks come in as before."""
    write_secret(service.secret, NEW)
    good = service.config.read_text()
    service.config.write_text(good.replace("volcengine-rtc", "volcengine-rtx") + "lisen: x\n")
    outcome = service.reload()
    where = good[: good.index("volcengine-rtc")].splitlines()

    assert outcome["event"] == "config_reload_failed"
    assert outcome["problems"][0].startswith(
        f"{service.config}:{len(where)}:{len(where[-1]) + 1}: sources.rtc.vendor: unknown vendor"
    )
    assert f"{service.config}:{len(good.splitlines()) + 1}:1: lisen: " in outcome["problems"][1]
    assert service.statuses(signed(OLD), signed(NEW)) == [200, 401]
    assert (service.reloads("done"), service.reloads("failed")) == (0, 1)

    service.config.write_text(good)
    assert service.reload()["event"] == "config_reloaded"
    assert service.statuses(signed(OLD), signed(NEW)) == [401, 200]


@pytest.mark.parametrize("gone", ["router.yaml", "secret"])
def test_a_file_that_is_gone_changes_nothing(service: Reloaded, gone: str) -> None:
    """As in the moment between the removal of a file and its replacement."""
    (service.config.parent / gone).unlink()

    assert "cannot read this file" in service.reload()["problems"][0]
    assert service.statuses(signed(OLD)) == [200]


def test_what_cannot_be_built_changes_nothing(service: Reloaded) -> None:
    """Also a failure of what is made of a file that can be read: here a secret is replaced too."""
    write_secret(service.secret, NEW)
    (service.config.parent / "ca.pem").write_text("no certificate")
    kafka = {"bootstrap_servers": KAFKA, "security_protocol": "SSL", "ssl_ca_file": "ca.pem"}
    change(service.config, kafka=kafka)

    assert service.reload()["event"] == "config_reload_failed"
    assert service.statuses(signed(OLD), signed(NEW)) == [200, 401]
    assert (service.reloads("done"), service.reloads("failed")) == (0, 1)


def test_the_last_of_two_signals_is_heeded(service: Reloaded) -> None:
    """A file that is changed between two quick signals is read after the second at the latest."""
    for number in range(10):
        newest = f"{NEW}-{number}"
        for secret in (OLD, newest):
            write_secret(service.secret, secret)
            service.send_signal(SIGHUP)
        service.wait_proving(newest)
        assert service.statuses(signed(OLD)) == [401]


def test_what_needs_a_restart_is_named(service: Reloaded) -> None:
    """Options that a running process keeps are told by name; secrets are taken all the same."""
    write_secret(service.secret, NEW)
    change(service.config, lame_duck="9s", max_body_bytes=64, state={"url": "sqlite:///other.db"})
    service.send_signal(SIGHUP)
    line = service.wait_line(lambda text: "config_needs_restart" in text)

    assert json.loads(line)["options"] == ["max_body_bytes", "lame_duck"]
    assert service.wait_outcome()["event"] == "config_reloaded"
    assert service.statuses(signed(NEW)) == [200]


def test_a_reload_while_it_drains_counts_and_holds_up_nothing(service: Reloaded) -> None:
    """Callbacks are still accepted then, so their secrets are still renewed; the end is orderly."""
    service.send_signal(SIGTERM)
    service.wait_line(lambda text: '"event": "draining"' in text)
    write_secret(service.secret, NEW)

    assert service.reload()["event"] == "config_reloaded"
    assert service.statuses(signed(OLD)) == [401]
    with suppress(AssertionError):  # until it has nothing more to say
        while service.wait_line(lambda text: '"event"' in text):
            service.send_signal(SIGHUP)
    assert service.wait_ended() == 0


@pytest.mark.parametrize("command", ["serve", "consume"])
def test_a_signal_during_the_start_is_no_end(tmp_path: Path, command: str) -> None:
    """From the first moment of the command; `serve` reloads as soon as it runs."""
    config = configured(tmp_path, state={"url": f"sqlite:///{tmp_path}/state.db"})
    with Running(command, "--config", config) as running:
        wait_until(lambda: is_taken(running.pid, "SigIgn"))
        while not is_taken(running.pid, "SigCgt"):
            running.send_signal(SIGHUP)
        running.send_signal(SIGHUP)
        expected = "config_reloaded" if command == "serve" else "config_not_reloaded"
        running.wait_line(lambda text: f'"event": "{expected}"' in text)
        running.send_signal(SIGTERM)

        assert running.wait_ended() == 0


@pytest.mark.parametrize("command", ["check", "tail"])
def test_a_signal_ends_any_other_command(command: str) -> None:
    """A terminal that is closed takes them with it."""
    look = f"import signal, sys; sys.argv = ['x', '{command}', '--help']; import router.cli as c"
    tell = "print(signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)"
    done = subprocess.run(
        [sys.executable, "-c", f"{look}\ntry: c.main()\nfinally: {tell}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.endswith("True\n")


def test_nothing_is_loaded_before_the_signal_is_ours() -> None:
    """What the package itself imports is there within milliseconds."""
    look = (
        "import sys; before = set(sys.modules); import router.cli; print(set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert ast.literal_eval(done.stdout) <= {"router", "router.cli", "signal"}


def is_taken(pid: int, how: Literal["SigCgt", "SigIgn"]) -> bool:
    """Tell whether the process has a handler for SIGHUP, or ignores it."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{how}:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(found and int(found[1], 16) >> (SIGHUP - 1) & 1)


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when *holds* does."""
    deadline = time.monotonic() + ANSWER_SECS
    while not holds():
        assert time.monotonic() < deadline, "it never holds"
