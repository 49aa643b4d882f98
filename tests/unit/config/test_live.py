"""The section for Volcengine Live's management API: its rules, and whose secrets it needs."""

from pathlib import Path

import pytest

from router.config import Configuration, Secret, load
from router.errors import ConfigError

MINIMAL = """\
listen: 127.0.0.1:8080
kafka: {bootstrap_servers: "127.0.0.1:9092"}
sources: {live: {vendor: volcengine-live, secrets: [{env: KEY}]}}
volcengine_live:
  access_key: {env: ACCESS}
  secret_key: {file: access}
  callbacks:
"""
ENVIRON = {"KEY": "16lettersOrDigits", "ACCESS": "AKLT-an-id"}
URL = "source: live, url: http://a/callbacks/live"


def _load(folder: Path, *callbacks: str, with_live_keys: bool = False) -> Configuration:
    lines = [f"    - {{{callback}}}" for callback in callbacks]
    (folder / "router.yaml").write_text(MINIMAL + "\n".join(lines or ["    []"]))
    return load(folder / "router.yaml", ENVIRON, with_live_keys=with_live_keys)


def _problems(folder: Path, *callbacks: str, with_live_keys: bool = False) -> list[str]:
    """Return every error, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        _load(folder, *callbacks, with_live_keys=with_live_keys)
    return [str(problem).partition("router.yaml:")[2] for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("callback", "told"),
    [
        (
            f"{URL}, message_types: [push]",
            "8:7: volcengine_live.callbacks[0]: expected exactly one of domain and vhost",
        ),
        (
            f"{URL}, domain: d, vhost: v, message_types: [push]",
            "8:7: volcengine_live.callbacks[0]: expected exactly one of domain and vhost",
        ),
        (
            f"{URL}, domain: d, app: show, message_types: [push]",
            "8:68: volcengine_live.callbacks[0].app: belongs to a vhost; a domain is registered as a whole",
        ),
        (
            f"{URL}, vhost: v, app: a/b, message_types: [push]",
            "8:67: volcengine_live.callbacks[0].app: expected up to 30 letters, digits, _, . and -",
        ),
        (
            f"{URL}, vhost: v, app: {'a' * 31}, message_types: [push]",
            "8:67: volcengine_live.callbacks[0].app: expected up to 30 letters, digits, _, . and -",
        ),
        (
            f"{URL}, vhost: v, message_types: [push, pushend]",
            "8:84: volcengine_live.callbacks[0].message_types[1]: expected one of push, push_end, snapshot, record, audit_snapshot; did you mean push_end?",
        ),
        (
            f"{URL}, vhost: v, message_types: [everything]",
            "8:78: volcengine_live.callbacks[0].message_types[0]: expected one of push, push_end, snapshot, record, audit_snapshot",
        ),
        (
            f"{URL}, vhost: v, message_types: []",
            "8:77: volcengine_live.callbacks[0].message_types: an empty list: expected at least one",
        ),
        (
            f"{URL}, vhost: v, message_types: [push, record], transcode: true",
            "8:104: volcengine_live.callbacks[0].transcode: only push and push_end tell of transcoded streams: give the others their own entry",
        ),
        (
            "source: live, url: ftp://x, vhost: v, message_types: [push]",
            "8:27: volcengine_live.callbacks[0].url: expected a URL",
        ),
        (
            f"{URL}, vhost: v, message_types: [push, push]",
            "8:84: volcengine_live.callbacks[0].message_types[1]: named before, for the same place: one would undo the other",
        ),
    ],
)
def test_each_rule_of_the_api_is_told_with_its_place(
    tmp_path: Path, callback: str, told: str
) -> None:
    """Before anything is sent, and by `check` too."""
    assert _problems(tmp_path, callback) == [told]


def test_a_type_is_registered_once_for_a_place(tmp_path: Path) -> None:
    """A second entry is told at its type; another application is another place."""
    push = f"{URL}, vhost: v, message_types: [push]"

    (told,) = _problems(tmp_path, push, f"{URL}, vhost: v, message_types: [record, push]")
    assert told.startswith("9:86: volcengine_live.callbacks[1].message_types[1]: named before")
    (told,) = _problems(tmp_path, push, f"{URL}, vhost: V, message_types: [push]")
    assert "named before" in told
    others = (
        f"{URL}, vhost: v, app: a, message_types: [push]",
        f"{URL}, domain: v, message_types: [push]",
    )
    assert len(_load(tmp_path, push, *others).options.volcengine_live.callbacks) == 3  # type: ignore[union-attr]  # it is there


def test_only_who_asks_needs_the_keys(tmp_path: Path) -> None:
    """A service starts without them; a command that manages says what is missing."""
    push = f"{URL}, vhost: v, message_types: [push]"
    assert _load(tmp_path, push).live_keys is None
    assert _problems(tmp_path, push, with_live_keys=True) == [
        "6:22: volcengine_live.secret_key.file: cannot read this file: No such file or directory"
    ]
    (tmp_path / "access").write_text("the-secret\n")
    (tmp_path / "access").chmod(0o600)
    keys = _load(tmp_path, push, with_live_keys=True).live_keys
    assert keys is not None
    assert keys.access_key == Secret(b"AKLT-an-id")
    assert keys.secret_key == Secret(b"the-secret")
    assert "the-secret" not in repr(keys)
    assert "AKLT" not in repr(keys)


def test_who_asks_needs_something_to_ask_about(tmp_path: Path) -> None:
    """A service may name nothing; a command would do nothing, and say that all is well."""
    assert _load(tmp_path).warnings == ()
    assert (
        "8:5: volcengine_live.callbacks: nothing is named here: say what shall be registered"
        in (_problems(tmp_path, with_live_keys=True))
    )


def test_who_asks_needs_the_section(tmp_path: Path) -> None:
    """Its absence is told before anything is looked up."""
    text = MINIMAL[: MINIMAL.index("volcengine_live")]
    (tmp_path / "router.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "router.yaml", ENVIRON, with_live_keys=True)

    (problem,) = caught.value.problems
    assert problem.message.startswith("required for the management API")
    assert load(tmp_path / "router.yaml", ENVIRON).options.volcengine_live is None
