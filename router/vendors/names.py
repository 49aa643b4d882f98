"""What names an event: its subject, its id, its time, by the vendor's table.

Design: every part is read from what was proven, and is safe to print, to compare and to use as a
key: whole numbers become their digits, and text is bounded and free of control characters.
"""

import re
from hashlib import sha256
from itertools import takewhile
from typing import Any

import msgspec

from router.clock import LAST_MS, parse_rfc3339
from router.event import IdBasis, TimeBasis
from router.vendors.fields import Field, Table, at, snake_case
from router.vendors.spec import EventType, Moment, NaturalId, Vendor, VendorId
from router.vendors.verify import unix_secs

MAX_NAME_BYTES = 256
_DIGITS = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_canonical = msgspec.json.Encoder(order="deterministic")


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a message of a known type says.

    Attributes:
        members: The envelope, by the documented spelling.
        sent: What may be documented, as it came.
        data: The same and all the rest, renamed and typed.
    """

    members: dict[str, Any]
    sent: dict[str, Any]
    data: dict[str, Any]

    def field(self, path: str) -> Any:
        """Return the field that the vendor calls *path*, as it stands in `data`.

        One that another spelling put under the same name is not the vendor's, and names nothing.
        """
        if at(self.sent, path) is None:
            return None
        return at(self.data, ".".join(snake_case(part) for part in path.split(".")))


def subject_of(
    vendor: Vendor, event_type: EventType, members: dict[str, Any], sent: dict[str, Any]
) -> str | None:
    """Return the subject, or None where a part of it cannot be read."""
    parts: list[str] = []
    for member in vendor.subject.within:
        value = at(members, member)
        name = _name(value)
        if name is None or _is_disguised(value, event_type.table.get(member)):
            return None
        parts.append(name)
    for path in event_type.entity:
        value = at(sent, path)
        if value in (None, ""):
            continue
        name = _name(value)
        if name is None:
            return None
        parts.append(name)
        break
    else:
        if event_type.entity:
            return None
    return "/".join(parts) or None


def _is_disguised(value: Any, field: Field | None) -> bool:
    """Tell whether a documented number came as a text that is not its digits.

    `7.0` would be 7 in `data`, but another application where secrets are looked up by the text.
    """
    if type(value) is not str or field is None or field.kind is not int:
        return False
    return _DIGITS.fullmatch(value) is None


def any_subject(vendor: Vendor, members: dict[str, Any], sent: dict[str, Any]) -> str | None:
    """Return as much of a subject as a message that is not understood still names, or None."""
    within = [_name(at(members, member)) for member in vendor.subject.within]
    entities = (_name(at(sent, path)) for path in vendor.subject.entity)
    parts = [*within, next((name for name in entities if name is not None), None)]
    return "/".join(takewhile(bool, parts)) or None  # type: ignore[arg-type]  # no None is left


def identity_of(
    vendor: Vendor, event_type: EventType, content: Content
) -> tuple[str, IdBasis] | None:
    """Return the id and its basis, or None where a field that names the event is unreadable."""
    if vendor.identity is not None:
        name = vendor_id(vendor.identity, content.members)
        return None if name is None else (name, "vendor")
    natural = event_type.identity
    values: list[Any] = []
    for path in () if natural is None else natural.fields:
        value = content.field(path)
        if not _can_name(value, event_type.table, path) and path != vendor.payload.member:
            return None
        values.append(value)
    if natural is None or _lacks_required(natural, values):
        return hash_of([vendor.name, event_type.short_name, content.data]), vendor.unnamed
    return hash_of([vendor.name, event_type.short_name, *values]), "natural"


def vendor_id(identity: VendorId, members: dict[str, Any]) -> str | None:
    """Return the vendor's own id, or None where a part of it cannot be read."""
    parts: list[str] = []
    for member in identity.members:
        name = _name(members.get(member))
        if name is None:
            return None
        parts.append(name)
    return "/".join(parts)


def time_of(vendor: Vendor, content: Content) -> tuple[int | None, TimeBasis]:
    """Return when it happened in Unix ms, and what says so; None where only the receipt is known."""
    for moment in vendor.time:
        unix_ms = _read(moment, content)
        if unix_ms is not None and 0 <= unix_ms <= LAST_MS:
            return unix_ms, moment.basis
    return None, "received"


def hash_of(values: list[Any]) -> str:
    """Return the first 32 hex digits of SHA-256 over the compact JSON of *values*, keys sorted."""
    return sha256(_canonical.encode(values)).hexdigest()[:32]


def _read(moment: Moment, content: Content) -> int | None:
    if moment.basis == "event":
        value = content.field(moment.path)
        if type(value) is str and _DIGITS.fullmatch(value):  # where nothing is documented
            value = int(value)
        value = value if type(value) is int else None
    else:
        value = at(content.members, moment.path)
        if moment.unit == "rfc3339":
            return parse_rfc3339(value) if isinstance(value, str) else None
        value = unix_secs(value)
    return value * 1000 if value is not None and moment.unit == "s" else value


def _lacks_required(natural: NaturalId, values: list[Any]) -> bool:
    pairs = zip(natural.fields, values, strict=True)
    return any(path in natural.required and value in (None, "") for path, value in pairs)


def _can_name(value: Any, table: Table, path: str) -> bool:
    """Tell whether a field's value is safe, and is what the documents say of it."""
    if value in (None, ""):  # missing, which is another matter
        return True
    kind = _kind_at(table, path)
    if type(value) is bool:
        return kind is bool
    if type(value) is int:
        return True
    return isinstance(value, str) and kind is not int and _is_safe(value)


def _kind_at(table: Table, path: str) -> type:
    head, _, rest = path.partition(".")
    field = table[head]  # what names an event is documented
    return field.kind if field.table is None or not rest else _kind_at(field.table, rest)


def _name(value: Any) -> str | None:
    """Return *value* as text that can name something, or None."""
    if type(value) is int:
        value = str(value)
    return value if type(value) is str and value and _is_safe(value) else None


def _is_safe(text: str) -> bool:
    if len(text) <= MAX_NAME_BYTES // 4 and text.isprintable():
        return True  # nearly every name: UTF-8 takes four bytes a character at most
    if len(text) > MAX_NAME_BYTES or len(text.encode()) > MAX_NAME_BYTES:
        return False
    return _CONTROL.search(text) is None
