"""`Refused`: why a request is not accepted, as a value that the edges can count and answer.

Design: refusals are the attack's hot path, so they are returned and never raised. `reason` is a
closed list because it is a metric's label and part of the answer; the hint is for operators, goes
to the log and to `explain` only, and never holds what the sender sent.
"""

from typing import Literal

import msgspec

Reason = Literal[
    "malformed",
    "empty-body",
    "not-json",
    "proof-missing",
    "proof-wrong",
    "unknown-app",
    "address",
    "not-found",
    "method",
    "timeout",
    "too-large",
    "media-type",
    "too-many-failures",
    "stale",
    "unavailable",
]


class Refused(msgspec.Struct, frozen=True):
    """The request is not accepted; nothing of it is published.

    Attributes:
        reason: Part of the answer.
        hint: For operators only.
        source: The name of the source, where the request reached one.
    """

    reason: Reason
    hint: str = ""
    source: str = ""
