"""Secrets: they do not leak by accident, and are found where a reference points."""

import copy
import pickle
from pathlib import Path

import msgspec
import pytest

from router.config.options import SecretOptions
from router.config.secret import (
    Found,
    NotFound,
    ResolvedSecret,
    Secret,
    resolve,
    signing_doubt,
    token_fault,
)

CANARY = b"canary-canary-canary"


def test_a_secret_shows_as_stars() -> None:
    """No way of turning it into text gives the secret, alone or inside a value."""
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        repr(ResolvedSecret("app", secret)),
        repr([secret]),
    ]

    assert not [text for text in shown if "canary" in text]
    assert repr(secret) == repr(Secret(b"x")) == "********"


def test_only_reveal_gives_the_secret() -> None:
    """The bytes come back unchanged."""
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "write", [msgspec.json.encode, pickle.dumps, copy.copy, copy.deepcopy, bytes]
)
def test_a_secret_is_not_written(write: object) -> None:
    """Encoding, pickling and copying refuse it."""
    assert callable(write)
    with pytest.raises(TypeError):
        write(Secret(CANARY))


def test_secrets_compare_by_value() -> None:
    """Equal secrets are equal, also as members of a set; nothing else is."""
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(b"other")
    assert Secret(CANARY) != CANARY
    assert len({Secret(CANARY), Secret(CANARY), Secret(b"other")}) == 2


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"abc", b"abc"),
        (b"abc\n", b"abc"),
        (b"abc\r\n", b"abc"),
        (b"abc\n\n", b"abc\n"),
        (b" abc ", b" abc "),
        (b"a\x00\xff", b"a\x00\xff"),
    ],
)
def test_a_file_loses_one_newline(tmp_path: Path, content: bytes, secret: bytes) -> None:
    """Editors add one newline; everything else belongs to the secret."""
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.write_bytes(content)

    assert resolve(SecretOptions(file="secret"), {}, tmp_path) == Found(Secret(secret))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "this file is empty"),
        (b"\n", "this file is empty"),
        (b"x" * 65_537, "this file is larger than 64 KiB"),
        (None, "cannot read this file: No such file or directory"),
    ],
    ids=["empty", "newline", "large", "missing"],
)
def test_a_file_without_a_secret_is_not_found(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """An empty secret would make every signature forgeable."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)

    assert resolve(SecretOptions(file="secret"), {}, tmp_path) == NotFound(reason)


@pytest.mark.parametrize("file", [".", "a\0b", "\ud800", "x" * 5000], ids=ascii)
def test_an_odd_path_is_not_found(tmp_path: Path, file: str) -> None:
    """A folder, a NUL, half a character and an endless name are answers, not crashes."""
    found = resolve(SecretOptions(file=file), {}, tmp_path)

    assert isinstance(found, NotFound)
    assert found.reason.startswith("cannot read this file: ")


def test_a_file_that_everybody_can_read_is_doubtful(tmp_path: Path) -> None:
    """It works, with a warning."""
    file = tmp_path / "secret"
    file.write_bytes(CANARY)
    file.chmod(0o644)

    found = resolve(SecretOptions(file="secret"), {}, tmp_path)

    assert found == Found(Secret(CANARY), "everybody can read this file")


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"KEY": "abc\n"}, Found(Secret(b"abc\n"))),
        ({"KEY": "caf\u00e9"}, Found(Secret(b"caf\xc3\xa9"))),
        ({"KEY": "\udcff"}, Found(Secret(b"\xff"))),
        ({"KEY": "\ud800"}, NotFound("the environment variable KEY is not text")),
        ({"KEY": ""}, NotFound("the environment variable KEY is empty")),
        ({}, NotFound("the environment variable KEY is not set")),
    ],
    ids=["as-is", "utf-8", "raw-bytes", "surrogate", "empty", "unset"],
)
def test_a_variable_is_taken_as_it_is(environ: dict[str, str], found: Found | NotFound) -> None:
    """The bytes of the environment come back unchanged, and none are an error."""
    assert resolve(SecretOptions(env="KEY"), environ, Path()) == found


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        (b"Az09._~-Az09._~-", None),
        (b"short", "a token has at least 16 characters"),
        (b"0123456789abcde/f", "a token consists of A-Z a-z 0-9 . _ ~ - only"),
        (b"0123456789abcdef\n", "a token consists of A-Z a-z 0-9 . _ ~ - only"),
        (b"0123456789abcde\xc3\xa9", "a token consists of A-Z a-z 0-9 . _ ~ - only"),
    ],
)
def test_a_token_fits_into_a_path(token: bytes, fault: str | None) -> None:
    """A token needs no escaping in a path and is long enough."""
    assert token_fault(Secret(token)) == fault


def test_a_short_signing_secret_is_doubtful() -> None:
    """Below 8 bytes there is a warning, for vendors' own examples are that short."""
    assert signing_doubt(Secret(b"1234567")) == "a secret of less than 8 bytes is easily guessed"
    assert signing_doubt(Secret(b"12345678")) is None
