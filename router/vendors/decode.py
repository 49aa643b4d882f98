"""A body to a `Message`: total over any bytes, whatever the declared media type says.

Design: JSON is tried first and never percent-decoded before, since a JSON text may hold `%2F` and
`+` that mean themselves. What a vendor may send instead is a list of functions in its table.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec

from router.vendors.refusal import Refused
from router.vendors.spec import Message, PathToken, Vendor

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHALLOW = 100
_MAX_FORM_FIELDS = 1000
_MAX_ENCODED_BYTES = 64 * 1024
"""Of a body that is no JSON: decoding takes 0.3 s a megabyte, and can make it six times as long."""
_any = msgspec.json.Decoder()
_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""All that msgspec raises on hostile text: bad UTF-8 is a ValueError, depth a RecursionError."""


def json_value(text: bytes | str) -> Any:
    """Return the JSON value in *text*, or `NOT_JSON` where there is none."""
    try:
        return _any.decode(text)
    except UNDECODABLE:
        return NOT_JSON


NOT_JSON = object()
"""What `json_value` returns for anything but one JSON value; null is None."""


def without_mark(body: bytes) -> bytes:
    """Return *body* without a UTF-8 byte-order mark at its start."""
    return body.removeprefix(_BYTE_ORDER_MARK)


def raw_members(message: Message) -> dict[str, msgspec.Raw]:
    """Return the members of a message that is a JSON object, each as its own text."""
    return message.raw or _raw_members.decode(message.text)


def raw_payload(vendor: Vendor, message: Message) -> dict[str, msgspec.Raw]:
    """Return the members of the vendor's payload, where that is an object, each as its own text."""
    return message.inner or _raw_members.decode(raw_members(message)[vendor.payload.member])


def decode(vendor: Vendor, body: bytes) -> Message | Refused:
    """Return the body as a message, or why the vendor cannot have sent it.

    A vendor that proves itself inside the body must send a JSON object, after its own decoding if
    need be. Where the proof is elsewhere, anything but an empty body is a message, if need be
    without members.
    """
    text = without_mark(body)
    if not text or text.isspace():
        return Refused("empty-body")
    message = _message(vendor, body, text)
    may_be_encoded = message is None and len(text) <= _MAX_ENCODED_BYTES
    for decoder in vendor.decoders if may_be_encoded else ():
        decoded = decoder(text)
        message = None if decoded is None else _message(vendor, body, decoded)
        if message is not None:
            break
    if message is not None:
        return message
    if isinstance(vendor.proof, PathToken):
        return Message(body=body, text=text, members=None)
    return Refused("not-json", "the body is no JSON object")


def percent_encoded_json(text: bytes) -> bytes | None:
    """Return the JSON in a body that is percent-encoded as a whole; there `+` is a space."""
    if text.lstrip()[:3].lower() != b"%7b":
        return None
    return unquote_to_bytes(text.replace(b"+", b" "))


def form_fields(text: bytes) -> bytes | None:
    """Return a form's fields as a JSON object of texts, or the JSON that its only field holds."""
    try:
        pairs = parse_qsl(
            text.decode().strip().strip("&"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FORM_FIELDS,
        )
    except ValueError:
        return None
    if len(pairs) > 1:
        is_cut_json = pairs[0][0].lstrip()[:1] == "{"  # whose URLs hold & and =
        return None if is_cut_json else msgspec.json.encode(dict(pairs))
    return next(
        (part.encode() for pair in pairs for part in reversed(pair) if part.lstrip()[:1] == "{"),
        None,
    )


def _message(vendor: Vendor, body: bytes, text: bytes) -> Message | None:
    """Return the message if *text* is a JSON object."""
    try:
        members = _any.decode(text)
        if not isinstance(members, dict):
            return None
        if text.count(b"[") + text.count(b"{") <= _SHALLOW:
            return Message(body=body, text=text, members=members)
        # How deep the stack still reaches differs from here to there: what may be deep is cut
        # into its members now, or counts as no JSON.
        raw = _raw_members.decode(text)
        has_inner = vendor.payload_proof and isinstance(members.get(vendor.payload.member), dict)
        inner = _raw_members.decode(raw[vendor.payload.member]) if has_inner else None
    except UNDECODABLE:
        return None
    return Message(body=body, text=text, members=members, raw=raw, inner=inner)
