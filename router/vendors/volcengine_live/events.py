"""Volcengine Live's callback types. Only a push's start is documented in full.

The others keep their detail as it comes, its keys renamed. `audit_snapshot` is the name in the
management API; what the body says is in no document, so anything that begins with `audit` is one.

Source: Callback content (1126932), editions of 2024 and 2025; Callback description (BytePlus);
the enumeration of DescribeLiveCallbackData (1529718).
"""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from router.vendors.spec import NaturalId
from router.vendors.volcengine_live.parts import PushDetail

_PUSH = (
    "domain",
    "app",
    "stream",
    "detail.session_id",
    "detail.sequence_id",
    "detail.transcoded",
    "detail.time_ms",
)


class _LiveEvent(msgspec.Struct, frozen=True, kw_only=True):
    vhost: Annotated[
        str, Meta(description="Domain space that the domain belongs to.", examples=["live-space"])
    ]
    domain: Annotated[
        str | None,
        Meta(description="Domain that was pushed to.", examples=["push.example.com"]),
    ] = None
    app: Annotated[str, Meta(description="Application's name.", examples=["live", "show"])]
    stream: Annotated[
        str, Meta(description="Stream's name.", examples=["stream-123456", "stream-7"])
    ]
    event_type: Annotated[
        str | None, Meta(description="The vendor's word for the type.", examples=["push_start"])
    ] = None
    priority: Annotated[
        int | None,
        Meta(description="Rank among the pushes of a stream; unexplained.", examples=[0, 1]),
    ] = None
    backup_count: Annotated[
        str | None,
        Meta(description="Number of backup pushes, as text; unexplained.", examples=["0", "1"]),
    ] = None


class _OpaqueEvent(_LiveEvent, frozen=True, kw_only=True):
    detail: Annotated[
        dict[str, Any] | None,
        Meta(description="As it comes, its keys renamed: no document tells what is in it."),
    ] = None


class PushStart(_LiveEvent, frozen=True, kw_only=True):
    """A stream began to be pushed; with `detail.transcoded` it is one that the vendor transcodes."""

    word: ClassVar[str] = "push_start"
    identity: ClassVar[NaturalId] = NaturalId(fields=_PUSH, required=_PUSH)

    detail: Annotated[PushDetail | None, Meta(description="What is known of the push.")] = None


class PushEnd(_OpaqueEvent, frozen=True, kw_only=True):
    """A stream is no longer pushed."""

    word: ClassVar[str] = "push_end"


class RecordEvent(_OpaqueEvent, frozen=True, kw_only=True):
    """Something happened to a recording."""

    word: ClassVar[str] = "record_event"


class SnapshotEvent(_OpaqueEvent, frozen=True, kw_only=True):
    """A snapshot of a stream was taken."""

    word: ClassVar[str] = "snapshot_event"


class AuditSnapshot(_OpaqueEvent, frozen=True, kw_only=True):
    """A snapshot of a stream was examined for what must not be shown."""

    word: ClassVar[str] = "audit*"
