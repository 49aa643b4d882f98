"""`@handler`: what it returns, and every mistake that it tells at once."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from router.handler import Context, Event, Handler, Outcome, handler


class Stopped(msgspec.Struct, frozen=True):
    """An event class."""


class Done(msgspec.Struct, frozen=True):
    """Another one."""


async def watch(event: Event[Stopped], context: Context) -> Outcome:
    """Watch what stops.

    And more.
    """
    del event, context
    return None


def _of(function: Callable[..., Any], **given: Any) -> Handler:
    chosen: dict[str, Any] = {"name": "watch", "events": [Stopped], **given}
    return handler(**chosen)(function)


def test_the_decorator_marks_and_registers_nothing() -> None:
    """It returns a frozen value that holds the function and what was said about it."""
    marked = _of(watch, events=[Stopped, Done], emits=["Watched"], timeout_secs=5, parallel=2)

    assert marked == Handler(
        name="watch", events=(Stopped, Done), emits=("Watched",), function=watch,
        timeout_secs=5, parallel=2,
    )  # fmt: skip
    assert marked.description == "Watch what stops."
    with pytest.raises(AttributeError):
        marked.name = "other"  # type: ignore[misc]  # that is what is tested


def test_patience_has_defaults() -> None:
    """Those of the contract: five minutes of retries."""
    marked = _of(watch)

    assert (marked.retry_for_secs, marked.timeout_secs) == (300.0, 30.0)
    assert (marked.parallel, marked.max_dead_letters_per_minute) == (64, 100)


def test_a_function_without_a_docstring_is_described_by_nothing() -> None:
    """`handlers` lists it all the same."""

    async def silent(event: Event[Stopped], context: Context) -> None:
        del event, context

    assert _of(silent).description == ""


@pytest.mark.parametrize("name", ["a", "recording-ready", "h2", "a" * 64], ids=len)
def test_good_names(name: str) -> None:
    """Kebab-case, since groups, topics and metrics are called so."""
    assert _of(watch, name=name).name == name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "RecordingReady"}, "handler 'RecordingReady': use kebab-case of up to 64"),
        ({"name": ""}, "use kebab-case"),
        ({"name": "a_b"}, "use kebab-case"),
        ({"name": "-a"}, "use kebab-case"),
        ({"name": "a--b"}, "use kebab-case"),
        ({"name": "a\n"}, "use kebab-case"),
        ({"name": "a" * 65}, "use kebab-case of up to 64 characters"),
        ({"events": []}, "handler watch: events names no event class"),
        ({"events": ["Stopped"]}, "handler watch: 'Stopped' is no event class"),
        ({"events": [Stopped, int]}, "is no event class"),
        ({"events": [Stopped()]}, "is no event class"),
        ({"emits": ["recording-ready"]}, "emits 'recording-ready'; write it like RecordingReady"),
        ({"emits": ["Ready", ""]}, "emits ''"),
        ({"emits": ["Ready\n"]}, "write it like RecordingReady"),
        ({"timeout": 5}, "handler watch: unknown timeout; known are timeout_secs, retry_for_secs"),
        ({"timeout_secs": 0}, "handler watch: timeout_secs must be a number above 0"),
        ({"retry_for_secs": -1}, "retry_for_secs must be a number above 0"),
        ({"parallel": True}, "parallel must be a number above 0"),
        ({"parallel": "8"}, "parallel must be a number above 0"),
        ({"timeout_secs": None}, "timeout_secs must be a number above 0"),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_its_remedy(given: dict[str, Any], words: str) -> None:
    """At import, in words that name the handler and what to change."""
    with pytest.raises(TypeError) as raised:
        _of(watch, **given)

    assert words in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {"parallel": 2.5},
        {"max_dead_letters_per_minute": 0.5},
        {"timeout_secs": float("nan")},
        {"retry_for_secs": float("inf")},
        {"emits": "Ready"},
        {"events": Stopped},
    ],
    ids=str,
)
def test_what_cannot_work_is_a_mistake_too(given: dict[str, Any]) -> None:
    """Half a worker, no number, an endless patience, a text for a list, a class for a list."""
    with pytest.raises(TypeError, match="handler watch"):
        _of(watch, **given)


def _plain(event: object, context: object) -> None:
    del event, context


async def _one(event: object) -> None:
    del event


async def _three(event: object, context: object, more: object) -> None:
    del event, context, more


async def _generator(event: object, context: object) -> Any:
    del event, context
    yield


async def _named_only(*, event: object, context: object) -> None:
    del event, context


async def _with_default(event: object, context: object, more: int = 1) -> None:
    del event, context, more


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (_plain, "handler watch: write `async def watch(...)`"),
        (_generator, "write `async def watch(...)`"),
        (_one, "handler watch: it is called with two arguments: (event, context)"),
        (_three, "two arguments"),
        (_named_only, "two arguments"),
        (7, "write `async def watch(...)`"),
    ],
    ids=["not async", "a generator", "one", "three", "by name", "no function"],
)
def test_a_wrong_signature_is_told(function: Callable[..., Any], words: str) -> None:
    """Before the first event, not with it."""
    with pytest.raises(TypeError) as raised:
        _of(function)

    assert words in str(raised.value)


def test_more_arguments_may_have_defaults() -> None:
    """They are the author's affair."""
    assert _of(_with_default).function is _with_default
