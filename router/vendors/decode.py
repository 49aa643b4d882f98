"""A body to a `Message`: total over any bytes, whatever the declared media type says."""

from typing import Any

import msgspec

from router.vendors.refusal import Refused
from router.vendors.spec import Message, PathToken, Vendor

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHALLOW = 100
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
    return message.raw or _raw_members.decode(without_mark(message.body))


def decode(vendor: Vendor, body: bytes) -> Message | Refused:
    """Return the body as a message, or why the vendor cannot have sent it.

    A vendor that proves itself inside the body must send a JSON object. Where the proof is
    elsewhere, anything but an empty body is a message, if need be without members.
    """
    text = without_mark(body)
    if not text or text.isspace():
        return Refused("empty-body")
    try:
        members = _any.decode(text)
        # How deep the stack still reaches differs from here to there: what may be deep is cut
        # into its members now, or counts as no JSON.
        may_be_deep = text.count(b"[") + text.count(b"{") > _SHALLOW
        raw = _raw_members.decode(text) if may_be_deep else None
    except UNDECODABLE:
        members = raw = None  # also an array of more than _SHALLOW brackets: no object either
    if isinstance(members, dict):
        return Message(body=body, members=members, raw=raw)
    if isinstance(vendor.proof, PathToken):
        return Message(body=body, members=None)
    return Refused("not-json", "the body is no JSON object")
