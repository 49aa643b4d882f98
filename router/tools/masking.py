"""Text without the credentials in it, for whatever is printed of events: pure.

Design: masked are the query and the userinfo of every URL, and fields that an event class marks as
sensitive. The text is walked by its string literals and never parsed as a whole: so every number,
space and key that is no secret stays as it came, JSON stays JSON, JSON inside of text is masked
like JSON, and no depth or brokenness of the input matters. Rejected: decode, walk, encode, which
loses numbers that do not fit and ends where the stack ends.
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
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)
_COLON = re.compile(r"\s*+:\s*+")
_TOKEN = re.compile(rf"{_STRING.pattern}|[{{}}\[\]]", re.DOTALL)
_SCALAR = re.compile(r"[^,}\]\s]*")
_START = re.compile(r"(:\\*+/\\*+/)")
_URL = re.compile(rf'{_START.pattern}[^\s"<>]+')
_AUTHORITY_END = re.compile(r"[/?#]")
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
    at, base64_at = 0, -1
    while (begin := text.find('"', at)) >= 0:
        done.append(_without_credentials(text[at:begin]))
        string = _STRING.match(text, begin)
        if string is None or not string[1]:  # a quote always matches, but may be the last one
            at = begin
            break
        at = string.end()
        mask = _masked_base64 if begin == base64_at else _masked_literal
        done.append(mask(string[0], sensitive, depth))
        colon = _COLON.match(text, at)
        if colon is None:
            continue
        name = snake_case(_decoded(string[0]) or "").rstrip("_")
        if name in sensitive:
            at = _value_end(text, colon.end())
            done += (colon[0], _hidden(text[colon.end() : at]))
        elif name == _BASE64:
            base64_at = colon.end()
    done.append(_without_credentials(text[at:]))
    return "".join(done)


def _hidden(value: str) -> str:
    return value if value in ("", "null", '""') else f'"{MASK}"'


def _masked_literal(literal: str, sensitive: Names, depth: int) -> str:
    value = _decoded(literal)
    if value is None:
        return _without_credentials(literal)
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
    return _URL.sub(_masked_url, text) if ":" in text else text


def _masked_url(url: re.Match[str]) -> str:
    """Return the URL, which goes on to the next space or quote, without userinfo and query.

    A path may hold another URL. A query may hold anything: what follows it goes with it.
    """
    done: list[str] = []
    parts = _START.split(url[0])  # the first one is empty; each second one is a start
    for number, part in enumerate(parts, 1):
        shown, has_more = _masked_part(part, is_last=number == len(parts))
        done.append(shown)
        if has_more:
            done.append(MASK)
            break
    return "".join(done)


def _masked_part(part: str, *, is_last: bool) -> tuple[str, bool]:
    """Return what may be shown of authority and path, and whether a query follows."""
    end = _AUTHORITY_END.search(part)
    at = len(part) if end is None else end.start()
    user, _, host = part[:at].rpartition("@")
    authority = f"{MASK}@{host}" if user else part[:at]
    path, mark, query = part[at:].partition("?")
    place, _, fragment = path.partition("#")
    if "=" in fragment:
        return f"{authority}{place}#", True
    return f"{authority}{path}{mark}", mark != "" and (query != "" or not is_last)
