"""Every option of the file of the routes, in the form of `options`."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from router.config.options import Text

_TEMPLATE: Final = r"\A(?:[A-Za-z0-9._-]|\{(?:vendor|type|source)\}){1,249}\Z"

TopicTemplate = Annotated[
    str,
    Meta(
        pattern=_TEMPLATE,
        examples=["callbacks.{vendor}.{type}"],
        extra={
            "expected": "letters, digits, ., _, -, {vendor}, {type} and {source}, never what a "
            "sender wrote"
        },
    ),
]


class RouteOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule: events that meet `when` go to `to` as well, or nowhere."""

    name: Annotated[
        str,
        Meta(
            description="Names the rule in messages and metrics.",
            pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}\Z",
            examples=["failed-recordings"],
            extra={"expected": "up to 64 letters, digits, spaces, ., _ and -, no sign first"},
        ),
    ]
    when: Annotated[
        dict[str, Any],
        Meta(description="Conditions, all of which must hold.", extra={"defined": "When"}),
    ]
    to: Annotated[
        tuple[TopicTemplate, ...],
        Meta(
            description="A topic or a list of topics.",
            examples=["alerts.recordings"],
            extra={"or_one": True},
        ),
    ] = ()
    key: Annotated[
        Text | None,
        Meta(description="The key there; default the subject.", examples=["{data.task_id}"]),
    ] = None
    drop: Annotated[bool, Meta(description="Publish nothing of such an event.")] = False


class RoutesOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of the routes; an empty one is complete."""

    base: Annotated[TopicTemplate, Meta(description="The topic of every event.")] = (
        "callbacks.{vendor}.{type}"
    )
    routes: Annotated[
        tuple[RouteOptions, ...],
        Meta(description="Rules; each that matches acts.", extra={"unique": "name"}),
    ] = ()
