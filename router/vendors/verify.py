"""A `Message` to a `Verified`: the only place that makes one.

Design: *verified* is a type, so that nothing unproven can reach `normalise`. The functions return
for any message. Digests are compared as bytes in constant time, all secrets are tried, and what
was hashed is exactly what is used later: one parse serves both.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from itertools import product
from typing import assert_never

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
    signature = (message.members or {}).get(proof.signature)
    if not isinstance(signature, str) or not signature:
        return Refused("proof-missing", f"{proof.signature} is missing or no text")
    values: list[list[bytes]] = []
    for spellings in proof.over:
        found = _signed_values(message, spellings)
        if not found:
            return Refused("proof-missing", f"{_words(spellings)} is missing")
        values.append(found)
    app = _signed_text(message, proof.app) if proof.app else None
    candidates = secrets.get(app.decode()) if app is not None else None
    if candidates is None:
        candidates = secrets.get(None, ())
    if not candidates:
        return Refused("unknown-app", f"no secret is configured for this {proof.app}")
    given = signature.lower().encode()
    is_proven = False
    for digest in _digests(proof.algorithm, values, candidates):
        is_proven |= hmac.compare_digest(digest, given)
    return Verified(vendor, message) if is_proven else Refused("proof-wrong")


def _digests(
    algorithm: str, values: list[list[bytes]], secrets: tuple[bytes, ...]
) -> Iterator[bytes]:
    for choice in product(*values):
        for secret in secrets:
            text = b"".join(sorted((*choice, secret)))
            yield hashlib.new(algorithm, text).hexdigest().encode()


def _signed_values(message: Message, spellings: str | tuple[str, ...]) -> list[bytes]:
    names = (spellings,) if isinstance(spellings, str) else spellings
    found: list[bytes] = []
    for name in names:
        text = _signed_text(message, name)
        if text is not None and text not in found:
            found.append(text)
    return found


def _signed_text(message: Message, name: str) -> bytes | None:
    """Return what the vendor hashed: a text's own characters, of anything else its JSON."""
    value = (message.members or {}).get(name)
    if isinstance(value, str):
        return value.encode()
    return None if value is None else bytes(raw_members(message.body)[name])


def _words(spellings: str | tuple[str, ...]) -> str:
    return spellings if isinstance(spellings, str) else " or ".join(spellings)
