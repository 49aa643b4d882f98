"""What the author of a handler writes with: `@handler`, `Event`, `Context`, `Retry`, `DeadLetter`.

Design: a handler is an async function and nothing else; the decorator marks it and returns a
frozen value, so that importing a module starts and registers nothing. Outcomes that are expected
are values (`None`, `Retry`, `DeadLetter`); an exception is a failure that nobody knows. Everything
that must happen once goes through the context, which writes it in one transaction with the memory
that the event had its effect; whatever else a handler does happens at least once.
"""

import inspect
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog

Data = TypeVar("Data")

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]*")
_MAX_NAME = 64


class Event(msgspec.Struct, Generic[Data], frozen=True, kw_only=True):
    """One event as its handler sees it.

    Attributes:
        id: With `source` the identity of the occurrence.
        source: `/callbacks/{source}`.
        type: `{vendor}.{Type}`.
        subject: The entity that it is about; one event of a subject at a time is handled.
        time: When it happened, UTC. Between topics events may come in another order than this.
        recorded_time: When it was received, UTC.
        data: The content as the event class that the handler named.
        raw: The whole event as it lies in Kafka, with the fields that no document knows.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    recorded_time: datetime
    data: Data
    raw: dict[str, Any]


class Retry(msgspec.Struct, frozen=True):
    """The event cannot be handled yet: try again, while its subject waits.

    Attributes:
        after_secs: How long from now, at least 0.1 s; None lets the usual back-off decide. What
            ends later than the handler's `retry_for_secs` makes the event a dead letter at once.

    Raises:
        ValueError: *after_secs* is no number of seconds from 0 on.
    """

    after_secs: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no clock can wait for, where the author sees which line said it."""
        secs = self.after_secs
        if secs is None:
            return
        if isinstance(secs, bool) or not isinstance(secs, int | float) or not 0 <= secs < math.inf:
            raise ValueError(f"Retry(after_secs={secs!r}): use seconds from 0 on, or None")


class DeadLetter(msgspec.Struct, frozen=True):
    """The event will never be handled: put it aside at once.

    Attributes:
        reason: A short word, for the dead letter's headers and the metric.
    """

    reason: str


Outcome = Retry | DeadLetter | None


class State(Protocol):
    """JSON values of one handler by key, read and written in the event's transaction."""

    async def get(self, key: str) -> Any:
        """Return the value, or None where there is none."""

    async def put(self, key: str, value: Any) -> None:
        """Write a value that JSON can hold; a Struct becomes an object."""

    async def delete(self, key: str) -> None:
        """Remove the value, if there is one."""


class Context(Protocol):
    """What a handler works with, beside its event."""

    @property
    def state(self) -> State:
        """This handler's values."""

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A logger that knows the handler and the event."""

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""

    @property
    def now(self) -> datetime:
        """The wall clock, UTC; the same for the whole call."""

    def emit(self, event_type: str, data: Any, subject: str | None = None) -> None:
        """Announce a derived event of a type that the handler's `emits` names.

        It leaves once the event's transaction is committed. Its subject is the event's unless
        *subject* says otherwise.

        Raises:
            ValueError: `emits` does not name *event_type*, or the event is larger than
                `topics.max_message_bytes` allows.
        """


Function = Callable[[Any, Context], Awaitable[Outcome]]


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """A marked function: what it reads and emits, and how patient it is.

    Attributes:
        name: Of its consumer group, its metrics and its dead letters.
        events: The event classes that it reads.
        emits: The types of derived events that it may emit.
        function: Is called with an event and its context.
        timeout_secs: How long one call may take.
        retry_for_secs: How long failures of one event are retried before it is a dead letter.
        parallel: How many events of different subjects are handled at once.
        max_dead_letters_per_minute: Beyond it the handler stops.
    """

    name: str
    events: tuple[type[msgspec.Struct], ...]
    emits: tuple[str, ...] = ()
    function: Function
    timeout_secs: float = 30.0
    retry_for_secs: float = 300.0
    parallel: int = 64
    max_dead_letters_per_minute: int = 100

    @property
    def description(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def handler(
    name: str,
    *,
    events: Sequence[type[msgspec.Struct]],
    emits: Sequence[str] = (),
    **patience: Any,
) -> Callable[[Function], Handler]:
    """Mark an async function of an event and its context as the handler *name*.

    Args:
        name: Kebab-case, up to 64 characters.
        events: Event classes of `router.vendors`, at least one.
        emits: Types of derived events, such as `RecordingReady`. A Struct of that name in the
            handler's module tells consumers what `data` holds; see `callback-router schema`.
        patience: `timeout_secs`, `retry_for_secs`, `parallel`, `max_dead_letters_per_minute`;
            see `Handler`.

    Raises:
        TypeError: Something here cannot be; the message says what to change.
    """
    _check(name, events, emits, patience)

    def mark(function: Function) -> Handler:
        _check_signature(name, function)
        return Handler(
            name=name, events=tuple(events), emits=tuple(emits), function=function, **patience
        )

    return mark


_PATIENCE = ("timeout_secs", "retry_for_secs", "parallel", "max_dead_letters_per_minute")

_COUNTS = ("parallel", "max_dead_letters_per_minute")


def _check(name: str, events: Sequence[type], emits: Sequence[str], patience: Any) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise TypeError(f"handler {name!r}: use kebab-case of up to {_MAX_NAME} characters")
    if isinstance(events, type) or isinstance(emits, str):
        raise TypeError(f"handler {name}: events and emits are lists")
    if not events:
        raise TypeError(f"handler {name}: events names no event class")
    for event_class in events:
        if not (isinstance(event_class, type) and issubclass(event_class, msgspec.Struct)):
            raise TypeError(f"handler {name}: {event_class!r} is no event class")
    for event_type in emits:
        if not _TYPE.fullmatch(event_type):
            raise TypeError(f"handler {name}: emits {event_type!r}; write it like RecordingReady")
    _check_patience(name, patience)


def _check_patience(name: str, patience: Mapping[str, object]) -> None:
    for key, value in patience.items():
        if key not in _PATIENCE:
            known = ", ".join(_PATIENCE)
            raise TypeError(f"handler {name}: unknown {key}; known are {known}")
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 < value < math.inf
        ):
            raise TypeError(f"handler {name}: {key} must be a number above 0")
        if key in _COUNTS and not isinstance(value, int):
            raise TypeError(f"handler {name}: {key} must be a whole number")


def _check_signature(name: str, function: Function) -> None:
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"handler {name}: write `async def {name.replace('-', '_')}(...)`")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise TypeError(
            f"handler {name}: it is called with two arguments: (event, context)"
        ) from None
