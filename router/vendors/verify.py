"""A `Message` to a `Verified`: the only place that makes one.

Design: *verified* is a type, so that nothing unproven can reach `normalise`. There are two ways:
a message proves itself, or the vendor's own API hands it out (`fetched`). The functions return
for any message. Digests are compared as bytes in constant time, all secrets are tried, and what
was hashed is exactly what is used later: one parse serves both.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from router.vendors.decode import raw_members
from router.vendors.fields import at
from router.vendors.refusal import Refused
from router.vendors.spec import KeyedDigest, Message, PathToken, SendTime, SortedDigest, Vendor

_SECS = re.compile(r"[1-9][0-9]{9}")
_LARGEST_SIGNED = 10**18

Secrets = Mapping[str | None, tuple[bytes, ...]]
"""Secrets by application, newest first; those under None serve applications without their own."""


class Verified(msgspec.Struct, frozen=True):
    """A message that its vendor is proven to have sent, though perhaps not now.

    Attributes:
        vendor: Whose it is.
        message: What was proven.
        staleness: How far outside its window it comes, in words; empty inside.
    """

    vendor: Vendor
    message: Message
    staleness: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether it comes outside its vendor's window."""
        return self.staleness != ""


def verify(vendor: Vendor, message: Message, secrets: Secrets, now_ms: int) -> Verified | Refused:
    """Return the message as `Verified` if any fitting one of *secrets* proves it, else why not.

    Total over hostile input: it returns for any message, and raises nothing.
    Constant time in the digest.

    Args:
        vendor: The table that says what is signed and how.
        message: The decoded body; values exactly as received.
        secrets: May be empty only where a token of the path is the proof, which the caller has
            checked before.
        now_ms: Wall clock in Unix ms, for the window on the send time.

    Source: Volcengine RTC, Receive callbacks (69820), section on the signature; ZEGO,
    Authenticating server-to-server callbacks; Volcengine Live, Callback content (1126932).
    """
    members = message.members or {}
    refused: Refused | None = None
    match vendor.proof:
        case PathToken():
            pass
        case SortedDigest() as proof:
            refused = _fault_of_sorted(proof, message, members, secrets)
        case KeyedDigest() as proof:
            refused = _fault_of_keyed(proof, members, secrets)
        case _:
            assert_never(vendor.proof)
    if refused is not None:
        return refused
    return Verified(vendor, message, _staleness(vendor.window, members, now_ms))


def fetched(vendor: Vendor, message: Message) -> Verified:
    """Return a message that the vendor's own API told us that it sent.

    Its digest proves nothing more, and its window tells copies from originals, which this is: so
    neither is looked at, and it is never stale.
    """
    return Verified(vendor, message)


def _staleness(window: SendTime | None, members: dict[str, Any], now_ms: int) -> str:
    """Return how far outside its window the message comes; empty where it does not."""
    if window is None:
        return ""
    sent_secs = unix_secs(at(members, window.member))
    if sent_secs is None:
        return f"{window.member} is no time in Unix seconds"
    age_ms = now_ms - sent_secs * 1000
    if -window.before_secs * 1000 <= age_ms <= window.after_secs * 1000:
        return ""
    side = "before" if age_ms > 0 else "after"  # which of the two, our clock or theirs, is wrong
    return f"{window.member} lies {abs(age_ms) // 1000} s {side} the receipt"


def unix_secs(value: Any) -> int | None:
    """Return Unix seconds that came as a number or text of ten digits, else None.

    Ten exactly, as from 2001 to 2286: digits may have been moved here from another signed value.
    """
    text = str(value) if type(value) is int and 0 <= value < _LARGEST_SIGNED else value
    return int(text) if type(text) is str and _SECS.fullmatch(text) else None


def _fault_of_sorted(
    proof: SortedDigest, message: Message, members: dict[str, Any], secrets: Secrets
) -> Refused | None:
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
    spellings = {(text,) for text in texts if text is not None} if proof.any_of else {()}
    if not spellings:
        return Refused("proof-missing", f"{' or '.join(proof.any_of)} is missing")
    candidates = _candidates(proof, message, members, secrets)
    if not candidates:
        return Refused("unknown-app", f"no secret is configured for this {proof.app[0]}")
    given = signature.lower().encode()
    is_proven = False
    for spelling in spellings:
        for secret in candidates:  # all of them, so that time tells nothing
            text = b"".join(sorted((*values, *spelling, secret)))
            is_proven |= hmac.compare_digest(_digest(proof.algorithm, text), given)
    return None if is_proven else Refused("proof-wrong")


def _fault_of_keyed(
    proof: KeyedDigest, members: dict[str, Any], secrets: Secrets
) -> Refused | None:
    signature, value = at(members, proof.signature), at(members, proof.over)
    if signature == "":
        hint = (
            f"{proof.signature} is empty: switch authentication on at the vendor, or configure the "
            "source with `unsigned: true` and `tokens`"
        )
        return Refused("proof-missing", hint)
    if type(signature) is not str:
        return Refused("proof-missing", f"{proof.signature} is missing or no text")
    if type(value) is int and abs(value) < _LARGEST_SIGNED:
        value = str(value)
    if type(value) is not str:
        return Refused("proof-missing", f"{proof.over} is missing, or neither number nor text")
    given, signed = signature.lower().encode(), value.encode()
    keys = secrets.get(None, ())
    is_proven = is_swapped = False
    for key in keys:  # all of them, so that time tells nothing
        is_proven |= hmac.compare_digest(_digest(proof.algorithm, key + signed), given)
        is_swapped |= hmac.compare_digest(_digest(proof.algorithm, signed + key), given)
    if is_proven:
        return None
    return Refused("proof-wrong", _swapped(proof) if is_swapped else "")


def _swapped(proof: KeyedDigest) -> str:
    return f"the digest fits the key behind {proof.over}; the vendor documents the key before it"


def _digest(algorithm: str, text: bytes) -> bytes:
    digest = getattr(hashlib, algorithm)(text, usedforsecurity=False)
    return bytes(digest.hexdigest(), "ascii")


def _candidates(
    proof: SortedDigest, message: Message, members: dict[str, Any], secrets: Secrets
) -> tuple[bytes, ...]:
    """Return the secrets of the message's application, or those for all without their own."""
    if len(secrets) > (None in secrets):
        texts = (_signed_text(message, members, name) for name in proof.app)
        app = next((text for text in texts if text is not None), b"")
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
