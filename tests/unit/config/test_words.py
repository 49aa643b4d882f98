"""Words that readers of YAML disagree about, by the two versions of its specification.

Source: YAML 1.1, "Language-Independent Types"; YAML 1.2.2, "Core Schema".
"""

from pathlib import Path

import pytest

from router.config import load
from router.config.words import key_surprise, plain, surprise

MINIMAL = """\
listen: 127.0.0.1:8080
kafka: {bootstrap_servers: "127.0.0.1:9092"}
sources:
  rtc: {vendor: volcengine-rtc, secrets: [{env: KEY}]}
"""


@pytest.mark.parametrize(
    ("words", "reading"),
    [
        ("y Y yes Yes YES on On ON", "true"),
        ("n N no No NO off Off OFF", "false"),
        ("010 -07 0_7 00 089", "a number, perhaps an octal one"),
        ("0x1F 0xfe_ed", "a hexadecimal number"),
        ("0o17", "an octal number"),
        ("0b1010_0111", "a binary number"),
        ("1_000 685_230.15", "a number"),
        ("12:30 12:30:00 190:20:30.15", "a number to the base 60"),
        ("2026-11-21 2001-12-14t21:59:43.10-05:00 2026-1-2", "a date"),
        (".5 +.5 1. 1.e3", "a number"),
        (".inf -.INF .NaN", "infinite or no number"),
        (f"1e999 {'9' * 101}", "a number"),
        ("1e3 2E-5", "text"),
    ],
)
def test_what_others_read_is_known(words: str, reading: str) -> None:
    """Each of these is something else elsewhere."""
    for word in words.split():
        found = surprise(word)
        assert found is not None, word
        assert found.reading == reading, word


@pytest.mark.parametrize(
    "word",
    [
        "a",
        "true",
        "null",
        "0",
        "-12",
        "1.5",
        "1.5e3",
        "0.0",
        "v1",
        "1.2.3",
        "10.0.0.0/8",
        "127.0.0.1:8080",
        "a:1",
        "7d",
        "2MiB",
        "none",
        "non-1",
    ],
)
def test_what_all_read_alike_is_no_surprise(word: str) -> None:
    """Plain text, and what JSON has."""
    assert surprise(word) is None


def test_keys_are_text_here_only() -> None:
    """A key that looks like a number is one elsewhere."""
    assert [key_surprise(word) is not None for word in ("1", "true", "null", "no", "a")] == [
        *[True] * 4,
        False,
    ]
    assert plain("1") == 1


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("no", "text here, and false for other readers of YAML; quote it, or write false"),
        ("[RoomCreate, on]", "text here, and true for other readers of YAML; quote it, or write true"),
        ("{not: 010}", "text here, and a number, perhaps an octal one for other readers of YAML; quote it, or write it without leading zeros"),
        ("1e3", "a number here, and text for other readers of YAML; quote it, or write it without e"),
        ("'no'", None),
        ("'${UNSET:-no}'", None),
    ],
)  # fmt: skip
def test_conditions_warn_of_surprises(tmp_path: Path, condition: str, told: str | None) -> None:
    """A word in a condition is compared as it is read here, so the file should say so."""
    routes = f"routes: [{{name: a, to: b, when: {{data.x: {condition}}}}}]\n"
    (tmp_path / "routes.yaml").write_text(routes)
    (tmp_path / "router.yaml").write_text(f"{MINIMAL}routes: routes.yaml\n")
    warnings = load(tmp_path / "router.yaml", {"KEY": "signing-secret"}).warnings

    assert [warning.message for warning in warnings] == ([told] if told else [])
    assert all(warning.where.startswith("routes[0].when.data.x") for warning in warnings)


def test_names_and_text_warn_of_surprises(tmp_path: Path) -> None:
    """Keys of one's own choice, and options that are text; sizes and durations have a form."""
    text = MINIMAL.replace("{env: KEY}", "{env: NO, app: 0x1F}").replace("rtc:", "123:")
    (tmp_path / "router.yaml").write_text(f"{text}max_body_bytes: 0064\nlame_duck: 1s\n")
    warnings = load(tmp_path / "router.yaml", {"NO": "signing-secret"}).warnings

    assert [str(warning).partition("router.yaml:")[2] for warning in warnings] == [
        "4:3: sources.123: text here, and no text for other readers of YAML; quote it",
        "4:49: sources.123.secrets[0].env: text here, and false for other readers of YAML; quote it",
        "4:58: sources.123.secrets[0].app: text here, and a hexadecimal number for other readers of YAML; quote it",
    ]
