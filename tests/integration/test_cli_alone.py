"""`dev` with its embedded broker, and `explain`: what works with nothing set up."""

import http.client
import json
import re
import shlex
import socket
import time
from pathlib import Path
from signal import SIGINT
from urllib.parse import urlsplit

import pytest

from tests.integration.command import Running, run, write_config
from tests.sender import rtc

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
    assert done.stdout.splitlines()[-1].startswith("[3 s] accepted ")


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


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose Kafka is never asked; `other` has a secret of its own."""
    (tmp_path / "secret").write_text("another-secret")
    sources = {
        "rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_CALLBACK_KEY"}]},
        "other": {"vendor": "volcengine-rtc", "secrets": [{"file": "secret"}]},
        "studio": {"vendor": "alibaba-caster", "tokens": [{"env": "STUDIO_TOKEN"}]},
    }
    rule = "{name: NAME, when: {vendor: volcengine-rtc, data.room_id: VALUE}, to: rooms}"
    routes = ", ".join(
        rule.replace("NAME", name).replace("VALUE", value)
        for name, value in (("mine", "room1"), ("theirs", "room2"))
    )
    (tmp_path / "routes.yaml").write_text(f"routes: [{routes}]", encoding="utf-8")
    return write_config(tmp_path, "127.0.0.1:1", "ns.", sources=sources, routes="routes.yaml")


@pytest.mark.parametrize("way", ["file", "standard input", "dash"])
def test_explain_shows_what_becomes_of_a_body(config: Path, tmp_path: Path, way: str) -> None:
    """A proven body: the proof, the event, which rules match and which not and why, the topics."""
    file = tmp_path / "body"
    file.write_bytes(rtc())
    ways: dict[str, tuple[str | Path, ...]] = {
        "file": (file,),
        "standard input": (),
        "dash": ("-",),
    }

    done = run("explain", "--source", "rtc", "--config", config, *ways[way], sent=rtc())

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "proven by its signature: source rtc, vendor volcengine-rtc"
    event = json.loads("\n".join(lines[lines.index("{") : lines.index("}") + 1]))
    assert (event["id"], event["type"]) == ("appId/123456", "volcengine-rtc.RoomCreate")
    assert "rule mine: matches" in lines
    assert "rule theirs: kept from it by data.room_id" in lines
    assert lines[-2:] == [
        "-> ns.callbacks.volcengine-rtc.RoomCreate  key appId/room1",
        "-> ns.rooms  key appId/room1",
    ]


def test_explain_says_why_not(config: Path) -> None:
    """A refused body: the reason, nothing about topics, exit 1."""
    done = run("explain", "--source", "rtc", "--config", config, sent=rtc().replace(b"om1", b"om2"))

    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("refused: proof-wrong")
    assert "->" not in done.stdout
    assert "hint" not in done.stdout


def test_explain_knows_whose_secret_it_was(config: Path) -> None:
    """A body that another source would have proven: the hint names that source."""
    done = run("explain", "--source", "other", "--config", config, sent=rtc())

    assert done.returncode == 1
    assert "hint: another source's secret proves it: rtc" in done.stdout.splitlines()


def test_explain_tells_what_is_unrecognized(config: Path) -> None:
    """What is authentic and unknown is no refusal."""
    body = rtc(EventType="RoomMoved")
    done = run("explain", "--source", "rtc", "--config", config, sent=body)

    assert done.returncode == 0
    assert "unrecognized: unknown-type" in done.stdout
    assert "-> ns.callbacks.volcengine-rtc.Unrecognized  key appId" in done.stdout


def test_explain_of_an_unknown_source_is_a_mistake(config: Path) -> None:
    """Exit 2, and the names that there are; neither a secret nor a traceback."""
    done = run("explain", "--source", "rtx", "--config", config, sent=rtc())

    assert done.returncode == 2
    assert all(name in done.stderr for name in ("rtx", "rtc", "other", "studio"))
    assert "Traceback" not in done.stderr


def test_explain_shows_no_secret(config: Path) -> None:
    """Neither the signature nor the secret is in what is printed, refused or not."""
    signature = json.loads(rtc())["Signature"]
    for source in ("rtc", "other"):
        done = run("explain", "--source", source, "--config", config, sent=rtc())

        assert signature not in done.stdout + done.stderr
        assert "another-secret" not in done.stdout + done.stderr
