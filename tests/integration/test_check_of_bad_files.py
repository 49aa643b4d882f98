"""`check` of files that are none, endless, hostile or in another coding: a line, exit 2, soon."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.command import run, write_config

GOOD = """\
listen: 127.0.0.1:0
kafka: {bootstrap_servers: "127.0.0.1:1"}
sources:
  rtc: {vendor: volcengine-rtc, secrets: [{env: RTC_CALLBACK_KEY}]}
"""


def _folder(place: Path) -> None:
    place.mkdir()


def _pipe(place: Path) -> None:
    os.mkfifo(place)


def _endless(place: Path) -> None:
    place.symlink_to("/dev/zero")


def _loop(place: Path) -> None:
    place.symlink_to(place)


def _socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(place.parent, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{folder}/{place.name}")  # a short name for a long path
        os.close(folder)


MADE: dict[str, tuple[Callable[[Path], None], str]] = {
    "folder": (_folder, "Is a directory"),
    "pipe": (_pipe, "Not an ordinary file"),
    "endless": (_endless, "Not an ordinary file"),
    "loop": (_loop, "Too many levels of symbolic links"),
    "socket": (_socket, "No such device or address"),
}


@pytest.mark.parametrize(("make", "why"), MADE.values(), ids=MADE)
def test_a_configuration_that_is_no_file(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    """Nobody waits for the other end of a pipe, nor for the end of a device."""
    place = tmp_path / "router.yaml"
    make(place)
    done = run("check", "--config", place)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"{place}:1:1: cannot read this file: {why}"]


@pytest.mark.parametrize(("make", "why"), MADE.values(), ids=MADE)
def test_what_a_configuration_names_is_no_file(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    """The same for routes, secrets, tokens and certificates, each where it is named."""
    make(tmp_path / "odd")
    sources = {
        "rtc": {"vendor": "volcengine-rtc", "secrets": [{"file": "odd"}]},
        "studio": {"vendor": "alibaba-caster", "tokens": [{"file": "odd"}]},
    }
    config = write_config(tmp_path, "127.0.0.1:1", sources=sources, routes="odd")
    ssl = "kafka: {bootstrap_servers: 'a:1', security_protocol: SSL, ssl_ca_file: odd}\n"
    text = config.read_text()
    kafka = text[text.index("kafka:") : text.index("listen:")]
    config.write_text(text.replace(kafka, ssl))
    done = run("check", "--config", config)

    assert done.returncode == 2
    for named in ("sources.rtc.secrets[0].file", "sources.studio.tokens[0].file"):
        assert f": {named}: cannot read this file: {why}\n" in done.stderr
    assert f": kafka.ssl_ca_file: cannot read this file: {why}\n" in done.stderr
    assert f": routes: cannot read {tmp_path / 'odd'}: {why}\n" in done.stderr


BOMB = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60))
CONTENTS: dict[str, tuple[bytes, str]] = {
    "utf-16": (GOOD.encode("utf-16"), "1:1: UTF-16 text; save the file as UTF-8"),
    "latin-1": (f"{GOOD}# é".encode("latin-1"), "5:3: not UTF-8 text; save the file as UTF-8"),
    "nul": (f"{GOOD}a: \0".encode(), "5:4: not valid YAML: a NUL; save the file as UTF-8"),
    "tab": (
        GOOD.replace("  rtc", "\trtc").encode(),
        "4:1: not valid YAML: a tab; indent with spaces",
    ),
    "large": (GOOD.encode() + b"#" * (10 << 20), "1:1: larger than the 512 KiB that are read"),
    "brackets": (b"a: " + b"[" * 3000, "1:36: not valid YAML: nested deeper than 32 levels"),
    "braces": (b"{a: " * 3000, "not valid YAML: nested deeper than 32 levels"),
    "dashes": (b"- " * 3000, "not valid YAML: nested deeper than 32 levels"),
    "blocks": (
        "\n".join(f"{' ' * n}a:" for n in range(350)).encode(),
        "34:34: not valid YAML: nested deeper than 32 levels",
    ),
    "bomb": (BOMB.encode(), "1:5: ***: anchors (&name) are not allowed"),
    "aliases": (b"a: [" + b"*a, " * 130_000 + b"]", "1:5: a[0]: aliases (*name) are not allowed"),
    "errors": (b"a: b\n" * 104_000, "2:1: a: duplicate key, the first is in line 1"),
}


@pytest.mark.parametrize(("content", "told"), CONTENTS.values(), ids=CONTENTS)
def test_a_hostile_file_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    """With a place, without a traceback, and before a generous deadline."""
    file = tmp_path / "router.yaml"
    file.write_bytes(content)
    done = run("check", "--config", file)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.startswith(f"{file}:")
    assert "Traceback" not in done.stderr


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Editors of some systems begin every file with one."""
    file = tmp_path / "router.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    assert run("check", "--config", file).returncode == 0


def test_errors_and_warnings_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Each with its line and a caret; the program's form says the same, for editors."""
    file, routes = tmp_path / "router.yaml", tmp_path / "routes.yaml"
    file.write_text(f"{GOOD}routes: routes.yaml\nack: {{soft: 9s}}\n")
    routes.write_text("base: a b\nroutes: [{name: a, when: {type: on}, to: b}]\n")
    done = run("check", "--config", file)
    told = json.loads(run("check", "--json", "--config", file).stdout)

    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[:3] == [
        f"{file}:6:13: ack.soft: must be less than ack.hard",
        "    ack: {soft: 9s}",
        "                ^",
    ]
    assert lines[3].startswith(f"{routes}:1:7: base: expected letters")
    assert lines[-3].endswith("quote it, or write true (warning)")
    assert [(one["file"], one["severity"], one["path"]) for one in told] == [
        (str(file), "error", "ack.soft"),
        (str(routes), "error", "base"),
        (str(routes), "error", "routes[0].when.type"),
        (str(file), "warning", "sources.rtc.secrets[0].env"),
        (str(routes), "warning", "routes[0].when.type"),
    ]
    assert told[0] == {
        "file": str(file),
        "line": 6,
        "column": 13,
        "path": "ack.soft",
        "message": "must be less than ack.hard",
        "severity": "error",
    }


def test_the_programs_form_has_the_same_exit_codes(tmp_path: Path) -> None:
    """0 and an array of warnings, 2 and the errors, 2 where it is asked for too much."""
    file = tmp_path / "router.yaml"
    file.write_text(GOOD)
    good = run("check", "--json", "--config", file)
    none = run("check", "--json", "--config", tmp_path / "none.yaml")
    both = run("check", "--json", "--connect", "--config", file)

    assert (good.returncode, good.stderr) == (0, "")
    assert [one["severity"] for one in json.loads(good.stdout)] == ["warning"]
    assert (none.returncode, none.stderr) == (2, "")
    assert [one["severity"] for one in json.loads(none.stdout)] == ["error"]
    assert (both.returncode, both.stdout) == (2, "")


def test_what_a_variable_holds_is_never_shown(tmp_path: Path) -> None:
    """Neither in a message of the routes nor in a line: as it is written, and no further."""
    file = tmp_path / "router.yaml"
    file.write_text(f"{GOOD}routes: ${{ROUTES}}\nlame_duck: ${{DUCK}}\n")
    environment = {"ROUTES": "Zq7-Hunter2", "DUCK": "Zq7-Hunter2"}
    first = run("check", "--config", file, environment=environment)
    (tmp_path / "routes.yaml").write_text("routes: [{name: a, when: {type: '${DUCK}'}, to: b}]")
    environment["ROUTES"] = "routes.yaml"
    file.write_text(f"{GOOD}routes: ${{ROUTES}}\n")
    second = run("check", "--config", file, environment=environment)

    assert ":5:9: routes: cannot read this file: No such file" in first.stderr
    assert "    lame_duck: ${DUCK}\n" in first.stderr
    assert "no type is called" in second.stderr
    assert "Hunter2" not in first.stderr + second.stderr
