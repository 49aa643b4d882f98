"""What of a file may be shown again: by where it stands in the options, never by how it looks.

Design: a secret is a literal where a reference belongs, so whatever stands where options lead to a
`SecretOptions`, or to nothing that is known, is hidden; so are unknown keys that neither look like
an option nor come near one of the section's. The other way round, by what looks like a secret,
would fail the first time that one looks like a word.
"""

import difflib
import re
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec
from msgspec import Struct

from router.config.options import Options, SecretOptions
from router.config.route_options import RoutesOptions

HIDDEN: Final = "***"
_NEAR: Final = 0.8
_LONGEST: Final = 32
Path = tuple[str | int, ...]

_NAME = re.compile(r"[A-Z]{1,24}[0-9]{0,2}(?:_(?:[A-Z]{1,24}[0-9]{0,2}|[0-9]{1,2}))*")
_LIKE_OPTION = re.compile(r"[a-z_-]{1,32}|<<")  # none of ours has a digit
_FILE = re.compile(r"\.{0,2}(?:/[a-z0-9._-]{1,64})+")
_SCHEME = re.compile(r"['\"]?[a-z][a-z0-9+.-]{1,20}://")
_REFERENCES: Final = {"env": re.compile(rf"(?:\$\{{)?{_NAME.pattern}\}}?"), "file": _FILE}


def is_name(text: str) -> bool:
    """Tell whether text reads like the name of a variable, which a secret at its place would not.

    Words of capital letters with few digits between underscores.
    """
    return _NAME.fullmatch(text) is not None


def shown_path(root: type[Struct] | None, path: Path) -> Path:
    """Return *path* with `HIDDEN` for keys that may be secrets; *root* is what the file holds."""
    if root is None:
        return path
    shown: list[str | int] = []
    for index, part in enumerate(path):
        is_hidden = isinstance(part, str) and not is_key_shown(root, path[: index + 1])
        shown.append(_until_colon(root, str(part)) if is_hidden else part)
    return tuple(shown)


def is_key_shown(root: type[Struct], path: Path) -> bool:
    """Tell whether the key at the end of *path* may be shown."""
    kind, key = _kind_at(root, path[:-1]), str(path[-1])
    if kind is None or kind is SecretOptions:
        known = SecretOptions.__struct_fields__
        is_near = len(key) < 2 * len("file") and difflib.get_close_matches(key, known, 1)
        return kind is not None and bool(is_near)
    is_container = kind is Any or get_origin(kind) is dict or _is_struct(kind)
    is_likely = not _is_struct(kind) or _LIKE_OPTION.fullmatch(key) is not None
    return is_container and (is_likely or _is_near(key, kind))


def shown_value(root: type[Struct], path: Path, written: str) -> str:
    """Return what may be shown of a value at *path*, as it is written in one line of the file."""
    if path and path[-1] in _REFERENCES and _kind_at(root, path[:-1]) is SecretOptions:
        fits = _REFERENCES[str(path[-1])].fullmatch(written.strip("'\""))
        return written if fits else HIDDEN
    kind = _kind_at(root, path)
    if kind is None or _leads_to_secrets(kind):
        return HIDDEN
    scheme = _SCHEME.match(written)
    if scheme:
        return f"{scheme[0]}{HIDDEN}"
    return HIDDEN if "@" in written or "://" in written else written


def is_option(root: type[Struct], word: str) -> bool:
    """Tell whether a word is the name of an option, wherever it stands."""
    return any(word in _names(each) for each in (root, Options, RoutesOptions))


def _is_near(key: str, section: type[Struct]) -> bool:
    """Tell whether a key is an option of the section in other spelling, `bootstrapServers`."""
    near = difflib.get_close_matches(key.lower(), _members(section), 1, cutoff=_NEAR)
    return ":" not in key and len(key) <= _LONGEST and bool(near)  # `secrets:...` is no spelling


def _kind_at(root: type[Struct], path: Path) -> Any:
    """Return the type of the value at *path*; None where no option is."""
    kind: Any = root
    for part in path:
        kind = _member(kind, part)
        if kind is None:
            return None
    return kind


def _member(kind: Any, part: str | int) -> Any:
    if kind is Any:
        return Any
    if _is_struct(kind):
        return _members(kind).get(str(part))
    arguments = get_args(kind)
    if get_origin(kind) is tuple and isinstance(part, int):
        return _plain(arguments[0])
    return _plain(arguments[1]) if get_origin(kind) is dict and isinstance(part, str) else None


@cache
def _members(section: type[Struct]) -> dict[str, Any]:
    return {field.name: _plain(field.type) for field in msgspec.structs.fields(section)}


@cache
def _plain(annotation: Any) -> Any:
    """Return the type without its notes, and without None beside it."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    members = [kind for kind in get_args(annotation) if kind is not type(None)]
    is_optional = type(None) in get_args(annotation) and len(members) == 1
    return _plain(members[0]) if is_optional else annotation


@cache
def _leads_to_secrets(kind: Any) -> bool:
    if kind is SecretOptions:
        return True
    members = _members(kind).values() if _is_struct(kind) else map(_plain, get_args(kind))
    return any(_leads_to_secrets(member) for member in members)


@cache
def _names(kind: Any) -> frozenset[str]:
    if not _is_struct(kind):
        return frozenset[str]().union(*(_names(_plain(member)) for member in get_args(kind)))
    return frozenset(_members(kind)).union(*map(_names, _members(kind).values()))


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _until_colon(root: type[Struct], key: str) -> str:
    """Return what is no secret of a hidden key: `password:` of `password:...`, or nothing."""
    name, colon, _ = key.partition(":")
    return f"{name}:{HIDDEN}" if colon and is_option(root, name) else HIDDEN
