"""Secrets: read from where a reference points, kept so that they do not leak by accident."""

import hmac
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from msgspec import Struct

from router.config.files import read_file, why
from router.config.options import SecretOptions
from router.config.visible import is_name

MAX_SECRET_BYTES: Final = 64 * 1024
MIN_TOKEN_CHARACTERS: Final = 16
_SHORT_SECRET_BYTES: Final = 8
_TOKEN = re.compile(rb"[A-Za-z0-9._~-]+")


class Secret:
    """Bytes that show as stars; only `reveal` gives them.

    It cannot be pickled, copied into JSON or iterated, and comparing two takes the same time
    wherever they differ.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the secret itself, for a digest or a login and nothing else."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same secret, in constant time."""
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        """Return a hash that differs from one process to the next."""
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        """Return stars, as many for every secret."""
        return "********"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a secret is not written anywhere")


class ResolvedSecret(Struct, frozen=True):
    """A signing secret and the AppId that it belongs to, if it belongs to one."""

    app: str | None
    secret: Secret


class Found(Struct, frozen=True):
    """The secret behind a reference; `warning` is about the way it is kept."""

    secret: Secret
    warning: str | None = None


class NotFound(Struct, frozen=True):
    """Why there is no secret behind a reference."""

    reason: str


def resolve(reference: SecretOptions, environ: Mapping[str, str], folder: Path) -> Found | NotFound:
    """Return the secret that *reference* names, or why there is none.

    Args:
        reference: One of `env` and `file` is set.
        environ: The environment.
        folder: What the path of a file is relative to.
    """
    if reference.env is not None:
        return _from_environment(reference.env, environ)
    return _from_file(folder / (reference.file or ""))


def token_fault(token: Secret) -> str | None:
    """Return why *token* must not be the last part of a path, or None if it may."""
    value = token.reveal()
    if not _TOKEN.fullmatch(value):
        return "a token consists of A-Z a-z 0-9 . _ ~ - only"
    if len(value) < MIN_TOKEN_CHARACTERS:
        return f"a token has at least {MIN_TOKEN_CHARACTERS} characters"
    return None


def signing_doubt(secret: Secret) -> str | None:
    """Return what is doubtful about a signing secret; vendors' own examples are that short."""
    if len(secret.reveal()) < _SHORT_SECRET_BYTES:
        return f"a secret of less than {_SHORT_SECRET_BYTES} bytes is easily guessed"
    return None


def _from_environment(name: str, environ: Mapping[str, str]) -> Found | NotFound:
    shown = f"the environment variable {name}" if is_name(name) else "this environment variable"
    text = environ.get(name)
    if text is None:
        return NotFound(f"{shown} is not set")
    if not text:
        return NotFound(f"{shown} is empty")
    try:  # Python reads bytes of the environment that are no UTF-8 as lone surrogates
        return Found(Secret(text.encode("utf-8", "surrogateescape")))
    except UnicodeEncodeError:
        return NotFound(f"{shown} is not text")


def _from_file(path: Path) -> Found | NotFound:
    try:
        value, mode = read_file(path, MAX_SECRET_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return NotFound(f"cannot read this file: {why(error)}")
    if len(value) > MAX_SECRET_BYTES:
        return NotFound(f"this file is larger than {MAX_SECRET_BYTES // 1024} KiB")
    value = value.removesuffix(b"\n").removesuffix(b"\r") if value.endswith(b"\n") else value
    if not value:
        return NotFound("this file is empty")
    is_open = mode & stat.S_IROTH
    return Found(Secret(value), "everybody can read this file" if is_open else None)
