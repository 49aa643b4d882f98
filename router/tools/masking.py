"""Text without the credentials in it, for whatever is printed of events: pure.

Design: masked are the query and the userinfo of every URL, and fields that an event class marks as
sensitive. The text is walked by its string literals and never parsed as a whole: so every number,
space and key that is no secret stays as it came, JSON stays JSON, JSON inside of text is masked
like JSON, and no depth or brokenness of the input matters. Where a URL ends nobody can tell, since
senders write blanks, quotes and brackets into it: so a query goes on to the end of its literal,
and to the end of the whole text if that is no JSON. To hide too much is the right side. Rejected:
decode, walk, encode, which loses numbers that do not fit and ends where the stack ends.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from router.vendors import vendors
from router.vendors.decode import UNDECODABLE
from router.vendors.fields import Table, snake_case
from router.vendors.spec import Vendor

MASK = "***"
_MAX_TEXTS_IN_TEXTS = 16
# No group is repeated possessively: before Python 3.11.5 that finds too little. Without it they are
# linear too, since no two ways lead through the same text.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*("?)', re.DOTALL)
_COLON = re.compile(r"\s*+:\s*+")
_TOKEN = re.compile(rf"{_STRING.pattern}|[{{}}\[\]]", re.DOTALL)
_SCALAR = re.compile(r"[^,}\]\s]*")
_SCALARS = r"-?\d[\d.eE+-]*+|true|false|null|NaN|-?Infinity"
_NO_TEXT = re.compile(rf"(?:[\s,:\[\]{{}}]|{_SCALARS})*")
_BEHIND_LITERALS = frozenset(",:]}")


def _mark(char: str) -> str:
    """Return the pattern of *char* as it is, percent-encoded (again and again), or escaped."""
    code = f"{ord(char):02x}"
    return rf"(?:{re.escape(char)}|(?i:%(?:25)*{code}|\\u00{code}))"


_ESCAPES = r"(?i:\\(?!u00)|%(?:25)*5c|\\u005c)*"
_SLASHES = f"{_mark('/')}{_ESCAPES}{_mark('/')}"
_SCHEME_END = re.compile(f"({_mark(':')}{_ESCAPES}{_SLASHES})")
_START = re.compile(rf"{_SCHEME_END.pattern}|{_SLASHES}(?=\S)")
_QUERY, _FRAGMENT, _EQUALS, _COLON_IN_URL, _AT = (re.compile(_mark(char)) for char in "?#=:@")
_AUTHORITY_END = re.compile("[/#]")  # encoded ones do not end it: a user may hold them
_HOST = re.compile(r"[^/?#\s]*+")
_NO_PORT = re.compile(rf"{_mark(':')}(?!\d*+$)")
_BASE64 = "body_base64"
"""Where `Unrecognized` keeps what is no JSON."""

Names = frozenset[str]
"""Names of sensitive fields, as the event names them."""


class _Typed(msgspec.Struct):
    type: str


def masked_value(value: bytes) -> str:
    """Return a record's value as text without credentials; bytes that are no UTF-8 are replaced.

    The sensitive fields are those of the event's vendor; of every vendor where it names none.
    """
    try:
        vendor = msgspec.json.decode(value, type=_Typed).type.partition(".")[0]
    except UNDECODABLE:
        vendor = ""
    return masked(value.decode(errors="replace"), sensitive_names(vendor))


def masked(text: str, sensitive: Names = frozenset()) -> str:
    """Return *text*, or JSON, without the credentials in its URLs and *sensitive* fields.

    Total over any text; linear in its length.
    """
    return _masked(text, sensitive, _MAX_TEXTS_IN_TEXTS)


@cache
def sensitive_names(vendor: str = "") -> Names:
    """Return the names of a vendor's sensitive fields; of all vendors where it is no vendor."""
    known = vendors()
    chosen: Iterable[Vendor] = (known[vendor],) if vendor in known else known.values()
    tables = (event_type.table for each in chosen for event_type in each.types.values())
    return frozenset(name for table in tables for name in _sensitive(table))


def _sensitive(table: Table) -> Iterator[str]:
    for field in table.values():
        if field.is_sensitive:
            yield from (snake_case(field.name), snake_case(field.wire))
        yield from _sensitive(field.table or {})


def _masked(text: str, sensitive: Names, depth: int) -> str:
    done: list[str] = []
    at, base64_at, is_json = 0, -1, True
    while (begin := text.find('"', at)) >= 0:
        string = _STRING.match(text, begin)
        if string is None or not string[1]:  # a quote always matches, but may be the last one
            break
        is_json = is_json and _is_between(text, at, begin)
        mask = _masked_base64 if begin == base64_at else _masked_literal
        done += (text[at:begin], mask(string[0], sensitive, depth))
        at = string.end()
        colon = _COLON.match(text, at)
        if colon is None:
            continue
        name = snake_case(_decoded(string[0]) or "").rstrip("_")
        if name in sensitive:
            at = _value_end(text, colon.end())
            done += (colon[0], _hidden(text[colon.end() : at]))
        elif name == _BASE64:
            base64_at = colon.end()
    shown = "".join((*done, text[at:]))
    return shown if is_json and _is_between(text, at, len(text)) else _without_credentials(shown)


def _is_between(text: str, begin: int, end: int) -> bool:
    """Tell whether that part of *text*, beside or between literals, may stand there in JSON."""
    part = text[begin:end].strip()
    if not _NO_TEXT.fullmatch(part):
        return False
    return begin == 0 or part[:1] in _BEHIND_LITERALS or (end == len(text) and not part)


def _hidden(value: str) -> str:
    return value if value in ("", "null", '""') else f'"{MASK}"'


def _masked_literal(literal: str, sensitive: Names, depth: int) -> str:
    value = _decoded(literal)
    if value is None:
        return f'"{_without_credentials(literal[1:-1])}"'
    within = _masked(value, sensitive, depth - 1) if depth else MASK
    return literal if within == value else _encoded(within)


def _masked_base64(literal: str, sensitive: Names, depth: int) -> str:
    try:
        encoded = b64decode(_decoded(literal) or "", validate=True)
    except ValueError:
        return _masked_literal(literal, sensitive, depth)
    text = encoded.decode("utf-8", "surrogateescape")
    within = _masked(text, sensitive, depth - 1) if depth else MASK
    if within == text:
        return _masked_literal(literal, sensitive, depth)
    return _encoded(b64encode(within.encode("utf-8", "surrogateescape")).decode())


def _value_end(text: str, begin: int) -> int:
    """Return where the JSON value ends that begins there; the text's end if it never does."""
    token = _TOKEN.match(text, begin)
    if token is None or token[0] in "}]":
        scalar = _SCALAR.match(text, begin)
        return begin if scalar is None else scalar.end()
    depth = 0
    for token in _TOKEN.finditer(text, begin):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth <= 0:
            return token.end()
    return len(text)


def _decoded(literal: str) -> str | None:
    if "\\" not in literal:
        return literal[1:-1]
    try:
        value: Any = json.loads(literal, strict=False)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def _encoded(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _without_credentials(text: str) -> str:
    """Return *text*, which is no JSON, without the userinfo of its URLs and from a query on."""
    start = _START.search(text)
    if start is None:
        return text
    end = _hidden_from(text, start.end())
    shown = text[: start.end()] + _without_users(text[start.end() : end], text[end:])
    return shown if end == len(text) or shown.endswith(MASK) else f"{shown}{MASK}"


def _hidden_from(text: str, begin: int) -> int:
    """Return where a query begins, or a fragment that holds parameters; else the text's end."""
    query = _QUERY.search(text, begin)
    end = len(text) if query is None else query.end()
    fragment = _FRAGMENT.search(text, begin, end)
    if fragment is not None and _EQUALS.search(text, fragment.end(), end):
        return fragment.end()
    return end


def _without_users(text: str, hidden: str) -> str:
    """Return what follows a URL's start, and may hold more URLs, without userinfo.

    Behind it comes what is *hidden*: a query, or the rest of a password with a `?` in it.
    """
    parts = _SCHEME_END.split(text)  # each second one is the end of a scheme
    for number in range(0, len(parts), 2):
        if _has_password(parts[number]):  # which may hold what looks like another URL
            rest = _without_user("".join(parts[number:]))
            parts[number:] = [MASK if _AT.search(hidden) else rest]
            break
        parts[number] = _without_user(parts[number])
    return "".join(parts)


def _has_password(part: str) -> bool:
    """Tell whether its authority is none: no port behind the colon, and the `@` still to come."""
    host = _HOST.match(part)
    if host is None or "@" in host[0] or host[0][:1] == "[":
        return False
    return _NO_PORT.search(host[0]) is not None


def _without_user(part: str) -> str:
    """Return what follows the start of one URL without its userinfo.

    With a colon before it, an `@` may end a password that holds anything, slashes too; without
    one it counts in the authority only, for paths hold it as well.
    """
    found = [mark.start() for mark in _AT.finditer(part)]
    begin = part.find("]") + 1 if part[:1] == "[" else 0  # behind an IPv6 address
    if found and not _COLON_IN_URL.search(part, begin, found[-1]):
        authority_end = _AUTHORITY_END.search(part)
        end = len(part) if authority_end is None else authority_end.start()
        found = [at for at in found if at < end]
    return f"{MASK}{part[found[-1] :]}" if found and found[-1] else part
