"""`explain` as a person or a program calls it: proof, event, rules, topics, and no secret."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from tests.integration.command import LIVE_SECRET, SECRET, run, write_config
from tests.sender import rtc


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
    kept = 'kept from it by data.room_id: room2, which saw "room1"'
    assert f"rule theirs: {kept}" in lines
    assert lines[-2:] == [
        "-> ns.callbacks.volcengine-rtc.RoomCreate  key appId/room1",
        "-> ns.rooms  key appId/room1",
    ]


def test_explain_tells_a_key_that_is_not_there(config: Path, tmp_path: Path) -> None:
    """The record lies under its subject, and it says so, to persons and to programs."""
    rule = '{name: by-task, when: {type: RoomCreate}, to: rooms, key: "{data.task_id}"}'
    (tmp_path / "routes.yaml").write_text(f"routes: [{rule}]", encoding="utf-8")
    arguments = ("explain", "--source", "rtc", "--config", config)

    done = run(*arguments, sent=rtc())

    told = "rule by-task: its key has no single value here, so the subject is the key"
    assert told in done.stdout.splitlines()
    assert json.loads(run(*arguments, "--json", sent=rtc()).stdout)["keyless"] == ["by-task"]


def test_explain_as_json_tells_the_same(config: Path) -> None:
    """One object for programs: proof, event, rules with what decided, records; or the reason."""
    arguments = ("explain", "--json", "--source", "rtc", "--config", config)
    accepted = run(*arguments, sent=rtc())
    refused = run(*arguments, sent=rtc().replace(b"om1", b"om2"))

    told = json.loads(accepted.stdout)
    assert (told["source"], told["proven_by"]) == ("rtc", "signature")
    assert told["event"]["id"] == "appId/123456"
    assert told["rules"] == [
        {"rule": "mine", "fits": True, "decided_by": None, "path": None},
        {
            "rule": "theirs",
            "fits": False,
            "decided_by": "data.room_id: room2",
            "path": "data.room_id",
            "seen": "room1",
        },
    ]
    assert told["records"][1] == {"topic": "ns.rooms", "key": "appId/room1"}
    assert (accepted.returncode, refused.returncode) == (0, 1)
    assert json.loads(refused.stdout)["refused"] == "proof-wrong"


def test_explain_masks_what_a_condition_saw(tmp_path: Path) -> None:
    """A rule about a URL does not print its credentials, neither as text nor as JSON."""
    rule = "{name: n, when: {data.detail.fp_user_url: x}, to: t}"
    (tmp_path / "routes.yaml").write_text(f"routes: [{rule}]", encoding="utf-8")
    config = write_config(tmp_path, "127.0.0.1:1", routes="routes.yaml")
    body = _live(int(time.time()), fp_user_url="Zq7")

    for words in ((), ("--json",)):
        done = run("explain", *words, "--source", "live", "--config", config, sent=body)

        assert done.returncode == 0
        assert "Zq7" not in done.stdout
        assert "fp_user_url: x" in done.stdout


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


def _live(t: int, **detail: object) -> bytes:
    """Return a signed push of Volcengine Live, as its documents tell it."""
    text = f"{LIVE_SECRET}{t}".encode()
    data = {
        "vhost": "space",
        "app": "live",
        "stream": "s",
        "event_type": "push_start",
        "detail": detail,
        "t": t,
        "sign": hashlib.md5(text, usedforsecurity=False).hexdigest(),
    }
    return json.dumps({"code": 0, "data": data}).encode()


def test_explain_shows_no_credentials(tmp_path: Path) -> None:
    """Queries of URLs and what a class marks as sensitive are stars; the rest is there."""
    config = write_config(tmp_path, "127.0.0.1:1")
    body = _live(int(time.time()), fp_user_url="?volcSecret=Zq7", x="rtmp://a:Zq7@h/l?k=Zq7")
    done = run("explain", "--source", "live", "--config", config, sent=body)

    assert (done.returncode, done.stderr) == (0, "")
    assert '"fp_user_url": "***"' in done.stdout
    assert '"x": "rtmp://***@h/l?***"' in done.stdout
    assert "Zq7" not in done.stdout


def test_explain_judges_a_body_by_when_it_came(tmp_path: Path) -> None:
    """An old body is stale today, and the hint says as of when it is not."""
    config = write_config(tmp_path, "127.0.0.1:1")
    arguments = ("explain", "--source", "live", "--config", config)
    old = run(*arguments, sent=_live(1795248000))
    (hint,) = (line for line in old.stdout.splitlines() if line.startswith("hint: "))
    moment = hint.partition("--at ")[2].split()[0]
    then = run(*arguments, "--at", moment, sent=_live(1795248000))

    assert "unrecognized: stale" in old.stdout
    assert moment == "2026-11-21T08:00:00.000Z"
    assert (then.returncode, "stale" in then.stdout) == (0, False)
    assert '"recordedtime": "2026-11-21T08:00:00.000Z"' in then.stdout


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-21", "1969-12-31T23:59:59Z"])
def test_explain_at_no_time_is_a_mistake(config: Path, moment: str) -> None:
    """Exit 2, and how a time looks."""
    done = run("explain", "--source", "rtc", "--config", config, "--at", moment, sent=rtc())

    assert done.returncode == 2
    assert "--at: expected a time such as 2026-11-21T08:00:00Z" in done.stderr


def test_explain_says_what_is_wrong_with_a_secret(tmp_path: Path) -> None:
    """White space around the secret is told, and the secret is not."""
    (tmp_path / "secret").write_text(f" {SECRET} ")
    sources = {"rtc": {"vendor": "volcengine-rtc", "secrets": [{"file": "secret"}]}}
    config = write_config(tmp_path, "127.0.0.1:1", sources=sources)
    done = run("explain", "--source", "rtc", "--config", config, sent=rtc())

    assert done.stdout.splitlines() == [
        "refused: proof-wrong",
        "hint: the secret would prove it without the white space at its ends",
    ]
    assert done.returncode == 1
