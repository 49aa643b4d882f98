"""The vocabulary of simulated callbacks: what a vendor would send, and what only others would."""

from typing import Literal, Protocol

import msgspec


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """One callback to send.

    Attributes:
        body: Exactly these bytes.
        kind: `ordinary`; `forgery`: must be refused; `unknown`: of a type nobody knows yet.
        has_token: Whether the path holds the right token, where the source has any.
    """

    body: bytes
    kind: Literal["ordinary", "forgery", "unknown"] = "ordinary"
    has_token: bool = True


class Traffic(Protocol):
    """A vendor's traffic: entities that live, a callback at a time. Made as `Traffic(random, key)`.

    Each vendor's folder has one in `traffic.py`. It signs with lines of its own, so that a fault
    in verifying cannot hide itself.
    """

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next thing that happens."""

    def forgery(self, now_ms: int) -> Simulated:
        """Return what somebody without the secret would send."""

    def unknown(self, now_ms: int) -> Simulated:
        """Return a callback of a type that is in no document."""
