"""`callback-router test` as a person and a CI system call it: no secrets, no Kafka."""

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.integration.command import run, write_config

ROUTES = """
routes:
  - {name: rooms, when: {type: [RoomCreate, RoomDestroy]}, to: rooms}
  - {name: noise, when: {type: RecordUploadProcessing}, drop: true}
"""
PASSES = """
tests:
  - name: a room
    source: rtc
    sample: volcengine-rtc/RoomCreate
    expect: [callbacks.volcengine-rtc.RoomCreate, rooms]
"""
FAILS = """
tests:
  - {name: nobody cares, source: rtc, event: {type: RoomDestroy}, expect: []}
"""
NO_SECRETS = dict.fromkeys(
    ("RTC_CALLBACK_KEY", "STUDIO_TOKEN", "ZEGO_CALLBACK_SECRET", "LIVE_AUTH_KEY", "LIVE_TOKEN"), ""
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration in a namespace, with two rules."""
    (tmp_path / "routes.yaml").write_text(ROUTES, encoding="utf-8")
    return write_config(tmp_path, "127.0.0.1:1", "ns.", routes="routes.yaml")


def _test(config: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("test", "--config", config, *arguments, environment=NO_SECRETS)


def test_the_file_beside_the_routes_is_run(config: Path) -> None:
    """No secret is set, the namespace does not matter, and the rule without a test is told."""
    (config.parent / "routes.test.yaml").write_text(PASSES, encoding="utf-8")

    done = _test(config)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "rule noise: no test reaches it",
        "1 passed, 0 failed, 1 rules reached by no test",
    ]


def test_fields_that_no_document_knows_are_told(config: Path) -> None:
    """A warning at the field, of a sample's or an event's data, with a guess and its line."""
    (config.parent / "routes.test.yaml").write_text(
        """tests:
  - name: a
    source: rtc
    sample: volcengine-rtc/RoomCreate
    data: {room_id: r, rom_id: r}
    matches: [rooms]
  - name: b
    source: rtc
    event: {type: RecordStopped, data: {record_file_list: [{duration: 1}, {x: {y: 2}}]}}
    matches: []
""",
        encoding="utf-8",
    )

    done = _test(config)

    file = config.parent / "routes.test.yaml"
    assert done.returncode == 0
    assert done.stdout.splitlines()[:6] == [
        (
            f"{file}:5:24: tests[0].data.rom_id: no document of RoomCreate knows data.rom_id; "
            "did you mean data.room_id? (warning)"
        ),
        "        data: {room_id: r, rom_id: r}",
        "                           ^",
        (
            f"{file}:9:76: tests[1].event.data.record_file_list[1].x: "
            "no document of RecordStopped knows data.record_file_list.x (warning)"
        ),
        "        event: {type: RecordStopped, data: {record_file_list: [{duration: 1}, {x: {y: 2}}]}}",
        f"    {' ' * 75}^",
    ]


def test_a_failure_is_a_diff_with_its_place(config: Path) -> None:
    """Exit 1; every file that is named is run."""
    one, two = config.parent / "one.yaml", config.parent / "two.yaml"
    one.write_text(PASSES, encoding="utf-8")
    two.write_text(FAILS, encoding="utf-8")

    done = _test(config, one, two)

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{two}:3: nobody cares",
        "    + got       callbacks.volcengine-rtc.RoomDestroy  key rtc",
        "    + got       rooms  key rtc",
        "    event volcengine-rtc.RoomDestroy, subject rtc",
        "    rule rooms: matches",
        "rule noise: no test reaches it",
        "1 passed, 1 failed, 1 rules reached by no test",
    ]


def test_coverage_can_be_required(config: Path) -> None:
    """A rule that no test reaches is exit 1 then, and a failure in the report."""
    (config.parent / "routes.test.yaml").write_text(PASSES, encoding="utf-8")
    report = config.parent / "report.xml"

    done = _test(config, "--require-coverage", "--junit", report)

    assert done.returncode == 1
    root = ET.parse(report).getroot()  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert [case.get("name") for case in root.iter("testcase")] == ["a room", "rule noise"]
    assert float(root.get("time", "no")) > 0


def test_mistakes_of_all_files_are_exit_2(config: Path) -> None:
    """Each with its place and its line, as `check` shows them; nothing is run."""
    one, two = config.parent / "one.yaml", config.parent / "two.yaml"
    one.write_text(PASSES.replace("source: rtc", "source: rtx"), encoding="utf-8")
    two.write_text(FAILS.replace("expect", "expects"), encoding="utf-8")

    done = _test(config, one, two)

    line = "- {name: nobody cares, source: rtc, event: {type: RoomDestroy}, expects: []}"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"{one}:4:13: tests[0].source: no source is called so, did you mean rtc?",
        "        source: rtx",
        "                ^",
        f"{two}:3:5: tests[0]: asks for nothing: add expect, dropped or matches",
        f"      {line}",
        "        ^",
        f"{two}:3:67: tests[0].expects: unknown key, did you mean expect?",
        f"      {line}",
        f"    {' ' * 66}^",
    ]


def test_a_bad_configuration_is_exit_2(config: Path) -> None:
    """What is wrong with rules is told before any test; missing secrets are not."""
    (config.parent / "routes.yaml").write_text(ROUTES.replace("RoomCreate", "RoomMade"))

    done = _test(config)

    assert done.returncode == 2
    assert "routes[0].when.type" in done.stderr
    assert "not set" not in done.stderr


@pytest.mark.parametrize("what", ["no tests", "no routes", "no folder"])
def test_what_cannot_be_read_or_written_is_exit_2(config: Path, what: str) -> None:
    """A missing file of tests, a configuration without routes, a report that has no folder."""
    if what == "no routes":
        write_config(config.parent, "127.0.0.1:1")
    if what == "no folder":
        (config.parent / "routes.test.yaml").write_text(PASSES, encoding="utf-8")

    done = _test(config, "--junit", config.parent / "none" / "report.xml")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    told = {
        "no tests": "routes.test.yaml:1:1: cannot read this file: No such file",
        "no routes": "names no file of routes; name a FILE of tests",
        "no folder": "--junit: cannot write",
    }
    assert told[what] in done.stderr
