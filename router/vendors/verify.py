"""A `Message` to a `Verified`: the only place that makes one.

Design: *verified* is a type, so that nothing unproven can reach `normalise`. The functions return
for any message. Digests are compared as bytes in constant time, all secrets are tried, and what
was hashed is exactly what is used later: one parse serves both.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from router.vendors.decode import raw_members
from router.vendors.refusal import Refused
from router.vendors.spec import Message, PathToken, SortedDigest, Vendor

Secrets = Mapping[str | None, tuple[bytes, ...]]
"""Secrets by application, newest first; those under None serve applications without their own."""


class Verified(msgspec.Struct, frozen=True):
    """A message that its vendor is proven to have sent."""

    vendor: Vendor
    message: Message


def verify(vendor: Vendor, message: Message, secrets: Secrets) -> Verified | Refused:
    """Return the message as `Verified` if any fitting one of *secrets* proves it, else why not.

    Total over hostile input: it returns for any message, and raises nothing.
    Constant time in the digest.

    Args:
        vendor: The table that says what is signed and how.
        message: The decoded body; values exactly as received.
        secrets: May be empty only where a token of the path is the proof, which the caller has
            checked before.

    Source: Volcengine RTC, Receive callbacks (69820), section on the signature.
    """
    match vendor.proof:
        case PathToken():
            return Verified(vendor, message)
        case SortedDigest() as proof:
            return _verify_sorted_digest(vendor, proof, message, secrets)
    assert_never(vendor.proof)


def _verify_sorted_digest(
    vendor: Vendor, proof: SortedDigest, message: Message, secrets: Secrets
) -> Verified | Refused:
    members = message.members or {}
    signature = members.get(proof.signature)
    if type(signature) is not str or not signature:
        return Refused("proof-missing", f"{proof.signature} is missing or no text")
    values: list[bytes] = []
    for name in proof.over:
        text = _signed_text(message, members, name)
        if text is None:
            return Refused("proof-missing", f"{name} is missing")
        values.append(text)
    texts = (_signed_text(message, members, name) for name in proof.any_of)
    spellings = {text for text in texts if text is not None}
    if not spellings:
        return Refused("proof-missing", f"{' or '.join(proof.any_of)} is missing")
    candidates = _candidates(proof, message, members, secrets)
    if not candidates:
        return Refused("unknown-app", f"no secret is configured for this {proof.app}")
    given = signature.lower().encode()
    digest = getattr(hashlib, proof.algorithm)
    is_proven = False
    for spelling in spellings:
        for secret in candidates:  # all of them, so that time tells nothing
            text = b"".join(sorted((*values, spelling, secret)))
            is_proven |= hmac.compare_digest(digest(text).hexdigest().encode(), given)
    return Verified(vendor, message) if is_proven else Refused("proof-wrong")


def _candidates(
    proof: SortedDigest, message: Message, members: dict[str, Any], secrets: Secrets
) -> tuple[bytes, ...]:
    """Return the secrets of the message's application, or those for all without their own."""
    if proof.app is not None and len(secrets) > (None in secrets):
        app = _signed_text(message, members, proof.app) or b""
        own = secrets.get(app.decode())
        if own is not None:
            return own
    return secrets.get(None, ())


def _signed_text(message: Message, members: dict[str, Any], name: str) -> bytes | None:
    """Return what the vendor hashed: a text's own characters, of anything else its JSON."""
    value = members.get(name)
    if type(value) is str:
        return value.encode()
    return None if value is None else bytes(raw_members(message)[name])
