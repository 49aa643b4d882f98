"""What Volcengine Live's callbacks are made of."""

from typing import Annotated

import msgspec
from msgspec import Meta


class PushDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A push, as its start tells of it."""

    time: Annotated[
        int | None, Meta(description="Start of the push, Unix seconds.", examples=[1640849510])
    ] = None
    time_ms: Annotated[
        int | None, Meta(description="Start of the push, Unix ms.", examples=[1640849510029])
    ] = None
    transcoded: Annotated[
        bool | None,
        Meta(
            description="true: a transcoded stream, told where TranscodeCallback is 1; "
            "false: the stream as pushed.",
            examples=[False, True],
        ),
    ] = None
    fp_node_ip: Annotated[
        str | None,
        Meta(description="Address of the node that is pushed to.", examples=["10.0.0.1"]),
    ] = None
    fp_client_ip: Annotated[
        str | None, Meta(description="Address of the client that pushes.", examples=["10.0.0.2"])
    ] = None
    fp_user_url: Annotated[
        str | None,
        Meta(
            description="Parameters of the URL that is pushed to; may hold its credentials.",
            examples=["?user=7&volcSecret=example"],
            extra={"is_sensitive": True},
        ),
    ] = None
    session_id: Annotated[
        str | None, Meta(description="Session of this push.", examples=["3693930911_150"])
    ] = None
    sequence_id: Annotated[
        str | None,
        Meta(
            description="One push from its start to its end; the same in both.",
            examples=["seq-20260101-1"],
        ),
    ] = None
