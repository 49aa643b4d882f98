"""`dev` with its embedded broker, `rejects`, `catalogue`: what works with nothing set up."""

import http.client
import re
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from urllib.parse import urlsplit

import pytest

from router.tools.catalogue import overview
from router.vendors import vendors
from tests.integration.command import (
    PATHS,
    TOKEN,
    Running,
    Service,
    post,
    run,
    write_config,
)
from tests.kafka_node import free_ports
from tests.sender import SIGNATURE, rtc

END_SECS = 1.0


class _Dev(Running):
    """`dev` on a free port, past its first lines."""

    def __init__(self, *arguments: str) -> None:
        super().__init__("dev", *arguments)
        self.banner = self.wait_line(lambda line: line.startswith("callback-router "))
        self.hint = self.wait_line(lambda line: line.startswith("try it:"))

    @property
    def port(self) -> int:
        """Where callbacks go, as the first line says."""
        found = re.search(r"ingress http://127\.0\.0\.1:(\d+)", self.banner)
        assert found, self.banner
        return int(found[1])


def test_dev_shows_callbacks() -> None:
    """With nothing set up, both vendors, a forgery and an unknown event pass by; then it ends."""
    done = run("dev", "--port", "0", "--for", "3", "--rate", "10")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"kafka embedded 127\.0\.0\.1:\d+ ", done.stdout)
    assert re.search(r"rtc +200 .* volcengine-rtc\.\w+ .* -> callbacks\.volc", done.stdout)
    assert re.search(r"studio +200 .* alibaba-caster\.\w+ .* -> callbacks\.ali", done.stdout)
    assert "refused: proof-wrong  (a forgery, sent on purpose)" in done.stdout
    assert "(unknown-type, kept)" in done.stdout
    # Its time is over after 3 s; on a busy machine the end takes a moment.
    assert re.match(r"\[[345] s\] accepted ", done.stdout.splitlines()[-1])


@pytest.mark.parametrize("arguments", [(), ("--no-simulator",)], ids=["busy", "idle"])
def test_ctrl_c_ends_dev_at_once(arguments: tuple[str, ...]) -> None:
    """It is gone within a second, with exit 0, a summary, and nothing on standard error."""
    with _Dev("--port", "0", "--rate", "20", *arguments) as dev:
        if not arguments:
            dev.wait_line(lambda line: " -> " in line)
        began_at = time.monotonic()
        dev.send_signal(SIGINT)
        code = dev.wait_ended()
        took_secs = time.monotonic() - began_at

    assert (code, dev.err) == (0, [])
    assert took_secs < END_SECS
    assert re.match(r"\[\d+ s\] accepted \d+ · refused \d+ · ", dev.out[-1])


def test_the_hint_works_by_hand() -> None:
    """The body that the second line offers is answered 200 and shown as sent by hand."""
    with _Dev("--port", "0", "--no-simulator") as dev:
        command = shlex.split(dev.hint.removeprefix("try it:"))
        url, body = urlsplit(command[2]), command[command.index("-d") + 1]
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10.0)
        # As curl -d sends it.
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", url.path, body.encode(), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"code":0}')
        connection.close()
        line = dev.wait_line(lambda text: "volcengine-rtc.RoomCreate" in text)

    assert command[:2] == ["curl", "-sS"]
    assert re.search(r"rtc +200 +by hand +volcengine-rtc\.RoomCreate +appId/room1 +-> ", line)


def test_a_taken_port_leads_to_another() -> None:
    """Where the port is in use, dev listens on a free one and says on which."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        with _Dev("--port", str(taken), "--no-simulator") as dev:
            port = dev.port
            socket.create_connection(("127.0.0.1", port), timeout=5.0).close()

    assert port not in {0, taken}


def test_a_free_port_is_used() -> None:
    """The port that was asked for is the one that is listened on."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    with _Dev("--port", str(port), "--no-simulator") as dev:
        assert dev.port == port


def test_rejects_shows_what_was_refused(tmp_path: Path) -> None:
    """Time, source, address, reason, hint, names: and neither secret, token, path nor digest."""
    (port,) = free_ports(1)
    (tmp_path / "other").write_text("another-secret")
    rtc_source = {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_CALLBACK_KEY"}]}
    sources = {
        "rtc": rtc_source,
        "other": {**rtc_source, "secrets": [{"file": "other"}]},
        "studio": {"vendor": "alibaba-caster", "tokens": [{"env": "STUDIO_TOKEN"}]},
    }
    admin = f"127.0.0.1:{port}"
    config = write_config(tmp_path, "127.0.0.1:1", admin=admin, sources=sources)
    with Service(config) as service:
        none = run("rejects", "--admin", admin)
        wrong = f"{PATHS['studio']}x"
        sent = (("/callbacks/other", rtc()), (wrong, b"{}"), (PATHS["rtc"], b"Zq7"))
        answers = post(service.port, [(path, body, {}) for path, body in sent])
        done = run("rejects", "--config", config)

    assert [status for status, _ in answers] == [401, 404, 400]
    assert (none.returncode, none.stdout) == (0, "nothing was refused since the start\n")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"20\S+Z  other  127\.0\.0\.1  proof-wrong", lines[0])
    assert lines[1:4] == ["    type: RoomCreate", "    app: appId", lines[3]]
    assert lines[3].startswith("    members: EventType, EventData, ")
    assert lines[4] == "    hint: another source's secret proves it: rtc"
    assert lines[5].endswith("Z  (no source)  127.0.0.1  not-found")
    assert lines[6].endswith("Z  rtc  127.0.0.1  not-json")
    assert lines[-1] == "shown 3 of 3 refusals since the start"
    for secret in (SIGNATURE, TOKEN, "another-secret", "aaBc", "room1", "callbacks", "Zq7"):
        assert secret not in done.stdout


@contextmanager
def _answering(answer: bytes) -> Iterator[str]:
    """Listen, and answer every request with these bytes; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"SSH-2.0-x\r\n",
        b"",
    ],
)
def test_rejects_of_something_else_fails(answer: bytes) -> None:
    """A line and exit 1, whatever answers there."""
    with _answering(answer) as address:
        done = run("rejects", "--admin", address)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("callback-router: ")
    assert address in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_rejects_without_an_instance_fails(tmp_path: Path) -> None:
    """Nobody there: a line and exit 1; no address to ask: exit 2."""
    (port,) = free_ports(1)
    nobody = run("rejects", "--admin", f"127.0.0.1:{port}")
    no_port = run("rejects", "--config", write_config(tmp_path, "127.0.0.1:1"))
    no_address = run("rejects", "--admin", "here")

    assert nobody.returncode == 1
    assert f"no instance answers at 127.0.0.1:{port}" in nobody.stderr
    assert (no_port.returncode, no_address.returncode) == (2, 2)
    assert "port 0" in no_port.stderr
    assert "Traceback" not in nobody.stderr + no_port.stderr + no_address.stderr


def test_catalogue_shows_vendors_types_and_fields() -> None:
    """Without a configuration: all, one vendor, one type by either of its names."""
    everything = run("catalogue")
    vendor = run("catalogue", "volcengine-live")
    by_name = run("catalogue", "volcengine-live", "PushStart")
    by_word = run("catalogue", "volcengine-live", "push_start")

    assert everything.stdout == f"{overview(vendors().values())}\n"
    assert re.search(r"\nPushStart \(push_start\) +A stream began", vendor.stdout)
    assert "\ndetail.time_ms " in by_name.stdout
    assert by_word.stdout == by_name.stdout
    assert [done.returncode for done in (everything, vendor, by_name, by_word)] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "known"),
    [(("nobody",), "volcengine-rtc"), (("volcengine-live", "RoomCreate"), "PushStart")],
)
def test_catalogue_of_what_is_unknown_is_a_mistake(arguments: tuple[str, ...], known: str) -> None:
    """Exit 2, and what there is."""
    done = run("catalogue", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert known in done.stderr
