"""The README holds: its YAML loads, its event is what comes out, its commands run."""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from router.assembly import CHECKS
from router.cli.lines import PUBLISHED_VECTOR
from router.config import load
from router.config.yaml_document import read_document
from router.consume.discover import find_handlers
from router.errors import ConfigError
from router.ingress.receive import Accepted, Instant, Request, decide
from router.ingress.sources import Head, Limits, Source, Sources
from router.routing import OPERATORS, RouteTable, parse_conditions
from router.testing import run as run_handler
from router.testing import sample
from router.tools.catalogue import overview
from router.tools.config_schema import FILES
from router.tools.option_table import option_table
from router.vendors import vendors
from router.vendors.volcengine_rtc.events import RoomCreate
from tests.cluster import Cluster
from tests.live_api.server import ACCESS_KEY, SECRET_KEY, LiveApiServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
SECRETS = {
    "RTC_CALLBACK_KEY": "1234",
    "STUDIO_TOKEN": "a-token-for-the-studio",
    "ZEGO_CALLBACK_SECRET": "long-enough-secret",
    "ZEGO_TOKEN": "a-token-for-the-player",
    "LIVE_AUTH_KEY": "longEnoughLiveKey",
    "LIVE_TOKEN": "a-token-for-the-pushes",
    "VOLCENGINE_ACCESS_KEY": ACCESS_KEY,
    "VOLCENGINE_SECRET_KEY": SECRET_KEY,
}
ENDLESS = {"serve", "consume", "tail"}
# Commands that ask no Kafka, so there need be no topics for them.
ALONE = {
    *("asyncapi", "check", "explain", "schema", "spool", "test"),
    *("delete-callback", "describe-callback", "update-callback"),
}
RUNNING = (b'"listening"', b'"consuming"', b"tail:")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Return every command of the shell blocks and of inline code, without its comment."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    lines += re.findall(r"`(\.venv/bin/callback-router [^`{]+)`", README)
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(".venv")]


def test_the_first_screen_has_the_two_commands() -> None:
    """`make run` and `make test` are there, and are targets; so are those named further below."""
    makefile = (ROOT / "Makefile").read_text()
    for target in ("run", "test", "install", "bench", "chaos"):
        assert f"make {target}" in README
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_configurations_load(tmp_path: Path) -> None:
    """The first YAML blocks are a configuration, the next its routes, without a warning."""
    router, live, routes, _ = blocks("yaml")
    (tmp_path / "router.yaml").write_text(f"{router}{live}routes: routes.yaml\n")
    (tmp_path / "routes.yaml").write_text(routes)
    long_enough = SECRETS | {"RTC_CALLBACK_KEY": "long-enough-key"}
    configuration = load(tmp_path / "router.yaml", long_enough, CHECKS, with_live_keys=True)
    assert list(configuration.options.sources) == ["rtc", "studio", "zego", "live"]
    assert [route.name for route in configuration.routes.routes] == ["recordings", "no-noise"]
    assert configuration.warnings == ()


def test_the_shown_error_is_what_check_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second text block is the error of a vendor's name that is no vendor's."""
    monkeypatch.chdir(tmp_path)
    file = Path("config/router.yaml")
    file.parent.mkdir()
    head = "listen: 127.0.0.1:0\nkafka: {bootstrap_servers: 'a:1'}\nsources:\n  rtc:\n"
    line = "    vendor: volcengine-rtx\n    secrets: [{env: RTC_CALLBACK_KEY}]\n"
    file.write_text("\n" * 9 + head + line)
    with pytest.raises(ConfigError) as caught:
        load(file, SECRETS, CHECKS)
    assert f"{caught.value.problems[0].shown()}\n" == blocks("text")[1]


def test_the_shown_tests_of_rules_pass(tmp_path: Path) -> None:
    """The third YAML block are tests of the second, and reach each of its rules."""
    router, _, routes, tests = blocks("yaml")
    (tmp_path / "router.yaml").write_text(f"{router}routes: routes.yaml\n")
    (tmp_path / "routes.yaml").write_text(routes)
    (tmp_path / "routes.test.yaml").write_text(tests)
    command = [str(BIN / "callback-router"), "test", "--require-coverage", "--config"]
    done = subprocess.run(
        [*command, str(tmp_path / "router.yaml")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode()


def test_the_shown_conditions_are_conditions() -> None:
    """Each row of the table is one, and every operator that there is has been shown."""
    table = README.split("<!-- conditions -->")[1].split("<!-- /conditions -->")[0]
    rows = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    inline = re.findall(r"\(`(data\..*?)`\)", README)
    for text in rows + inline:
        when = read_document("README.md", f"{{{text}}}".encode(), {}).data
        assert isinstance(when, dict)
        conditions, faults = parse_conditions(when)
        assert (len(conditions), faults) == (1, [])
    shown = set(re.findall(r"\w+", " ".join(rows)))
    assert OPERATORS.keys() <= shown


def test_the_shown_event_is_what_comes_out() -> None:
    """The published callback of the vendor's document becomes the event of the JSON block."""
    (shown,) = (json.loads(block) for block in blocks("json"))
    source = Source(name="rtc", vendor=vendors()["volcengine-rtc"], secrets={None: (b"1234",)})
    sources = Sources([source], Limits(max_body_bytes=1 << 20, max_record_bytes=2 << 20))
    head = Head(method="POST", target="/callbacks/rtc", address="192.0.2.1")
    request = Request(head=head, body=PUBLISHED_VECTOR.encode(), traceparent=shown["traceparent"])
    now = Instant(1_795_248_000_123, "0" * 31 + "1")  # 2026-11-21T08:00:00.123Z
    outcome = decide(request, sources, RouteTable(), now)
    assert isinstance(outcome, Accepted)
    value: dict[str, Any] = msgspec.json.decode(outcome.records[0].value)
    assert value == shown


def test_the_shown_handler_works(tmp_path: Path) -> None:
    """The Python block is a module of a folder, found there, and does what the text says."""
    (tmp_path / "own_handlers").mkdir()
    (tmp_path / "own_handlers" / "rooms_seen.py").write_text(blocks("python")[0])
    (found,) = find_handlers([str(tmp_path / "own_handlers")])

    events = [sample(RoomCreate, room_id="a", event_id=f"app/{number}") for number in range(2)]
    result = asyncio.run(run_handler(found, events))
    assert result.announced("RoomSeen") == [
        {"room_id": "a", "times": 1},
        {"room_id": "a", "times": 2},
    ]


def test_every_vendor_is_in_the_table() -> None:
    """Each vendor that is found has a row."""
    for name in vendors():
        assert f"`vendor: {name}`" in README


def test_the_types_are_those_of_the_catalogue() -> None:
    """The table of vendors and types is what `catalogue` prints."""
    shown = re.findall(r"<!-- catalogue -->\n(.*?)\n<!-- /catalogue -->", README, re.DOTALL)
    assert shown == [overview(vendors().values())]


@pytest.mark.parametrize("file", FILES)
def test_the_options_are_those_of_the_code(file: str) -> None:
    """The table of a file is what `schema --table` prints of it."""
    shown = re.findall(
        rf"<!-- options {file} -->\n(.*?)\n<!-- /options {file} -->", README, re.DOTALL
    )
    assert shown == [option_table(FILES[file])]


def test_the_shown_lines_are_those_of_dev() -> None:
    """The shown output has the banner's and the events' form, as `lines` prints them."""
    shown = blocks("text")[0].splitlines()
    assert re.fullmatch(
        r"callback-router \d+\.\d+   ingress http://\S+   kafka embedded .+", shown[0]
    )
    assert shown[1].startswith("try it:  curl -sS http://127.0.0.1:8080/callbacks/rtc -d '{")
    line = re.compile(
        r"\d\d:\d\d:\d\d ("
        r"(rtc|studio|zego|live) +\d{3} +\d+ ms  (refused: |\S+ +\S+ +-> \S+@\d+)"
        r"|  └ [a-z-]+  [A-Z]\w+  .+  -> derived\.\w+\[\d+\]@\d+)"
    )
    assert all(line.match(text) for text in shown[2:-1])
    assert re.fullmatch(r"\[30 s\] accepted .* p99 \d+ ms", shown[-1])


@pytest.mark.kafka
@pytest.mark.parametrize("command", commands(), ids=" ".join)
async def test_every_command_runs(
    command: list[str], kafka: Cluster, unique: str, tmp_path: Path
) -> None:
    """Each command of the README does its work with the shipped configuration."""
    async with LiveApiServer({"live-space": ["push.example.com"]}) as vendor:
        for name in ("router.yaml", "routes.yaml", "routes.test.yaml"):
            text = (ROOT / "config" / name).read_text()
            (tmp_path / "config").mkdir(exist_ok=True)
            (tmp_path / "config" / name).write_text(_isolated(text, unique, vendor.endpoint))
        (tmp_path / "body.json").write_text(PUBLISHED_VECTOR)
        (tmp_path / "var" / "spool").mkdir(parents=True)  # as an earlier `serve` has left it
        await asyncio.to_thread(_run, command, tmp_path, kafka.bootstrap_servers)


def _run(command: list[str], folder: Path, kafka: str) -> None:
    """Run a command to its end, or until it serves; it must end well."""
    environ = os.environ | SECRETS | {"KAFKA_BOOTSTRAP_SERVERS": kafka}
    run = [BIN / "callback-router"]
    if "--connect" in command or not ALONE.intersection(command):
        subprocess.run([*run, "topics", "apply"], cwd=folder, env=environ, check=True)
    process = subprocess.Popen([*run, *command], cwd=folder, env=environ, stderr=subprocess.PIPE)
    assert process.stderr is not None
    if command[0] in ENDLESS:
        for line in process.stderr:
            if any(word in line for word in RUNNING):
                break
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode in ((0, 130) if command[0] in ENDLESS else (0,)), errors.decode()
    assert b"Traceback" not in errors


def _isolated(text: str, unique: str, live_endpoint: str) -> str:
    """Return the shipped file with free ports, a namespace of its own, and another vendor."""
    text = re.sub(r"^listen: .*$", "listen: 127.0.0.1:0", text, flags=re.MULTILINE)
    text = re.sub(r"^admin: .*$", "admin: 127.0.0.1:0", text, flags=re.MULTILINE)
    before, section, live = text.partition("# volcengine_live:\n")
    live = re.sub("^# ", "", live, flags=re.MULTILINE)
    live = live.replace("https://live.volcengineapi.com", live_endpoint)
    text = f"{before}{section.removeprefix('# ')}{live}"
    return re.sub(r"^(\s+)namespace: .*$", rf"\1namespace: {unique}.", text, flags=re.MULTILINE)
