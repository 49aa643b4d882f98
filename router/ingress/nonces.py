"""`Nonces`: digests that may come once, and what they came with, as far as this instance remembers.

Design: where a digest covers a random value and not the content, whoever sees one callback can
send another content under it. Retries carry the same content again, so only another one is
doubted, and still published as such: the genuine callback may be the second. Bounded in time by
the vendor's window, beyond which a copy is stale anyway, and in number. What a digest covers is
not compared, but the digest itself: then digits cannot move from one value to another either.
"""

from collections import OrderedDict
from hashlib import sha256

import msgspec

from router.vendors.decode import raw_members
from router.vendors.spec import SortedDigest
from router.vendors.verify import Verified

MAX_REMEMBERED = 200_000
_sorted_keys = msgspec.json.Encoder(order="deterministic")


class Nonces:
    """Digests of the last minutes."""

    def __init__(self, capacity: int = MAX_REMEMBERED) -> None:
        """Remember nothing yet, and never more than *capacity*."""
        self._capacity = capacity
        self._seen: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def is_reused(self, proven: Verified, now_ms: int) -> bool:
        """Tell whether the message's digest came before with other content; remember it if not."""
        proof, window = proven.vendor.proof, proven.vendor.window
        if not isinstance(proof, SortedDigest) or not proof.is_single_use or window is None:
            return False
        self._expire(now_ms)
        raw = raw_members(proven.message)
        digest = msgspec.json.decode(raw[proof.signature], type=str).lower()
        content = {key: value for key, value in raw.items() if key not in proof.members}
        fingerprint = sha256(_sorted_keys.encode(content)).digest()[:16]
        known = self._seen.get(digest)
        if known is not None:
            return known[0] != fingerprint
        if len(self._seen) >= self._capacity:
            self._seen.popitem(last=False)
        window_ms = (window.before_secs + window.after_secs) * 1000
        self._seen[digest] = fingerprint, now_ms + window_ms
        return False

    def _expire(self, now_ms: int) -> None:
        while self._seen:
            digest, (_, until_ms) = next(iter(self._seen.items()))
            if until_ms >= now_ms:
                return
            del self._seen[digest]
