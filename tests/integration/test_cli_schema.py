"""`schema` and `asyncapi`: documents for programs, with nothing set up."""

import json
from pathlib import Path

import pytest

from router.tools.config_schema import FILES
from router.tools.option_table import option_table
from router.vendors import vendors
from tests.integration.command import run, write_config

NO_SECRETS = {"RTC_CALLBACK_KEY": "", "STUDIO_TOKEN": "", "ZEGO_CALLBACK_SECRET": ""}


def test_schema_lists_what_there_is() -> None:
    """Files, every type of every vendor, what is not recognised, what handlers emit."""
    done = run("schema")
    names = [line.split("  ")[0] for line in done.stdout.splitlines()]
    types = [found.name for vendor in vendors().values() for found in vendor.types.values()]

    assert (done.returncode, done.stderr) == (0, "")
    assert names[:2] == ["router", "routes"]
    assert {*types, "volcengine-rtc.Unrecognized", "callback-router.ShowProgress"} <= set(names)
    assert "volcengine-live.PushStart " in done.stdout
    assert "A stream began to be pushed" in done.stdout


@pytest.mark.parametrize("name", ["router", "routes", "volcengine-rtc.RoomCreate"])
def test_schema_shows_one(name: str) -> None:
    """As JSON."""
    done = run("schema", name)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_schema_writes_all_as_files(tmp_path: Path) -> None:
    """Each is what is shown of it alone; the folder is made."""
    done = run("schema", "--all", tmp_path / "a" / "b")
    files = {path.name: path.read_text() for path in (tmp_path / "a" / "b").iterdir()}

    assert (done.returncode, done.stdout) == (0, "")
    assert f"{len(files)} schemas" in done.stderr
    assert len(files) == len(run("schema").stdout.splitlines())
    assert files["volcengine-rtc.RoomCreate.schema.json"] == (
        run("schema", "volcengine-rtc.RoomCreate").stdout
    )


def test_schema_knows_the_events_of_other_handlers(tmp_path: Path) -> None:
    """Without a class that tells their `data`, it may be any object."""
    (tmp_path / "seen.py").write_text(
        "from router.handler import Context, Event, handler\n"
        "from router.vendors.volcengine_rtc.events import RoomCreate\n\n\n"
        '@handler("seen", events=[RoomCreate], emits=["RoomSeen"])\n'
        "async def seen(event: Event[RoomCreate], context: Context) -> None:\n"
        '    """See."""\n'
    )
    done = run("schema", "callback-router.RoomSeen", "--handlers", tmp_path)

    assert done.returncode == 0
    assert json.loads(done.stdout)["properties"]["data"] == {
        "$id": "urn:callback-router:callback-router.RoomSeen:1",
        "type": "object",
    }


@pytest.mark.parametrize("name", FILES)
def test_schema_shows_options_as_a_table(name: str) -> None:
    """The one of the README."""
    assert run("schema", name, "--table").stdout == f"{option_table(FILES[name])}\n"


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (("RoomCreate",), "volcengine-rtc.RoomCreate"),
        (("zzz",), "router, routes"),
        (("volcengine-rtc.RoomCreate", "--table"), "router, routes"),
    ],
)
def test_schema_of_what_is_unknown_is_a_mistake(arguments: tuple[str, ...], known: str) -> None:
    """Exit 2, and what may be meant."""
    done = run("schema", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert known in " ".join(done.stderr.split())


def test_asyncapi_needs_no_secret_and_no_kafka(tmp_path: Path) -> None:
    """So that CI can publish it; topics have the namespace."""
    config = write_config(tmp_path, "127.0.0.1:1", "staging.")
    done = run("asyncapi", "--config", config, environment=NO_SECRETS)
    told = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert told["asyncapi"] == "3.0.0"
    assert "staging.callbacks.volcengine-rtc.RoomCreate" in told["channels"]
    assert "staging.derived.RecordingReady" in told["channels"]


def test_asyncapi_of_a_wrong_file_tells_why(tmp_path: Path) -> None:
    """All else is checked as ever: exit 2, the place, no document."""
    config = write_config(tmp_path, "127.0.0.1:1", topics={"partitions": 0})
    done = run("asyncapi", "--config", config)

    assert (done.returncode, done.stdout) == (2, "")
    assert "topics.partitions: " in done.stderr
