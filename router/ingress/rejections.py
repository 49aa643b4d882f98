"""`Rejections`: the last refusals, kept in memory for `rejects`, without anything secret.

Design: what is shown must not help those who see it to get in, whatever a sender wrote where: of a
body only names of members and two values are shown, and of these none that holds a secret, a token,
a value of the proof, or what looks like a digest. Looking into a body costs a second decoding and
some hashes, so it is done ten times a second at most of one source and reason, and not for large
bodies; beyond that the metric counts, and nothing is kept. A flood of one kind pushes out its own
kind first: a scanner does not hide the wrong secret.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from router.ingress.failures import Buckets
from router.ingress.hints import hints
from router.ingress.printable import printable
from router.ingress.sources import Source, Sources
from router.vendors.decode import decode
from router.vendors.fields import at
from router.vendors.normalise import documented
from router.vendors.refusal import Reason, Refused
from router.vendors.spec import SortedDigest, Vendor

KEPT = 100
KEPT_PER_SEC = 10
MAX_EXAMINED_BYTES = 16 << 10
MAX_NAMES = 40
MAX_SHOWN = 64
HIDDEN = "***"
_MIN_INSIDE = 4
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a refused body.

    Attributes:
        hints: What may be wrong.
        members: Names of members as they came, those of a payload that proves as `data.sign`.
        members_omitted: How many more there were.
        type: The vendor's word for the type; empty where there is none.
        app: The application; empty where there is none.
    """

    hints: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    members_omitted: int = 0
    type: str = ""
    app: str = ""


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal.

    Attributes:
        time: RFC 3339, when it was refused.
        source: Its name; empty where none was reached.
        address: The sender's, behind trusted proxies.
        reason: As it was answered.
        shown: What may be shown of the body, and hints.
    """

    time: str
    source: str
    address: str
    reason: Reason
    shown: Shown = Shown()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /rejects` answers.

    Attributes:
        refused: All refusals since the start.
        not_kept: Those among them that came too fast to be looked at.
        rejections: The last ones, oldest first.
    """

    refused: int
    not_kept: int
    rejections: tuple[Rejection, ...]


class Rejections:
    """The last refusals, at most `KEPT`."""

    def __init__(self, kept: int = KEPT) -> None:
        """Begin with none."""
        self._kept = kept
        self._refused = self._not_kept = 0
        self._rejections: deque[Rejection] = deque()
        self._rate = Buckets(KEPT_PER_SEC, KEPT_PER_SEC)

    def admits(self, source: str, reason: Reason, now: float) -> bool:
        """Count a refusal; True if it may be looked at and kept. *now*: monotonic seconds.

        Every kind has a rate of its own: sources are configured and reasons a fixed list, so
        there are few of them, and no flood of one leaves another unseen.
        """
        is_admitted = self._rate.take(f"{reason} {source}", now)
        self._refused += 1
        self._not_kept += not is_admitted
        return is_admitted

    def keep(self, rejection: Rejection) -> None:
        """Keep it; where there are too many, forget the oldest of the most frequent kind."""
        self._rejections.append(rejection)
        if len(self._rejections) > self._kept:
            kinds = [(kept.source, kept.reason) for kept in self._rejections]
            ((frequent, _),) = Counter(kinds).most_common(1)
            del self._rejections[kinds.index(frequent)]

    def report(self) -> Report:
        """Return what is kept, and how much is not."""
        return Report(
            refused=self._refused, not_kept=self._not_kept, rejections=tuple(self._rejections)
        )


def shown_of(refused: Refused, body: bytes, source: Source, sources: Sources) -> Shown:
    """Return what may be shown of a body that *source* refused: total, and free of secrets."""
    if len(body) > MAX_EXAMINED_BYTES:
        return Shown(hints=(refused.hint,) if refused.hint else ())
    found = hints(refused, body, source, sources)
    vendor, message = source.vendor, decode(source.vendor, body)
    if isinstance(message, Refused) or message.members is None:
        return Shown(hints=found)
    members = documented(vendor, message)
    hidden = _hidden(vendor, members, sources)
    names = list(_names(vendor, message.members))
    return Shown(
        hints=found,
        members=tuple(_safe(name, hidden) for name in names[:MAX_NAMES]),
        members_omitted=max(0, len(names) - MAX_NAMES),
        type=_safe(_word(at(members, vendor.type_of)), hidden),
        app=_safe(_app(vendor, members), hidden),
    )


def _names(vendor: Vendor, members: dict[str, Any]) -> Iterator[str]:
    yield from members
    payload = members.get(vendor.payload.member)
    if vendor.payload_proof and isinstance(payload, dict):
        yield from (f"{vendor.payload.member}.{name}" for name in payload)


def _app(vendor: Vendor, members: dict[str, Any]) -> str:
    names = vendor.proof.app if isinstance(vendor.proof, SortedDigest) else ()
    return next((word for name in names if (word := _word(members.get(name)))), "")


def _word(value: Any) -> str:
    """Return a text or a whole number as text; anything else is no word."""
    if type(value) is int:
        return str(value) if abs(value) < 10**MAX_SHOWN else ""
    return value if type(value) is str else ""


def _hidden(vendor: Vendor, members: dict[str, Any], sources: Sources) -> frozenset[str]:
    """Return what must not be shown: every secret and token, and what proves this body."""
    secrets = (
        secret.decode(errors="replace")
        for source in sources.by_name.values()
        for own in (source.tokens, *source.secrets.values())
        for secret in own
    )
    proof = (_word(at(members, path)) for path in vendor.proof.members)
    return frozenset(word.strip().lower() for word in (*secrets, *proof)) - {""}


def _safe(text: str, hidden: frozenset[str]) -> str:
    """Return *text* bounded and printable, or stars where it tells what must not be shown."""
    lower = text.lower()
    is_hidden = any(
        word == lower or (len(word) >= _MIN_INSIDE and word in lower) for word in hidden
    )
    if is_hidden or _DIGEST.search(text):
        return HIDDEN
    escaped = printable(text[:MAX_SHOWN])
    return escaped if len(escaped) <= MAX_SHOWN and len(text) <= MAX_SHOWN else _cut(escaped)


def _cut(text: str) -> str:
    return f"{text[: MAX_SHOWN - 3]}..."
