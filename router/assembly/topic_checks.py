"""What is wrong with the names of topics, and what rules take from handlers.

Source: Kafka allows letters, digits, `.`, `_` and `-`, 249 at most, neither `.` nor `..`; metrics
turn `.` into `_`, so a topic is not created where another one differs in these signs only.
"""

import re
from collections.abc import Iterator

import msgspec

from router.assembly.build import handlers_of, topics_of_handlers
from router.assembly.scope import Combination, Scope, left_of, whole_scope
from router.config import Configuration, Finding, RouteOptions
from router.config.yaml_document import KeyPath
from router.consume.runner import Reading
from router.errors import ConfigError
from router.handler import Handler
from router.routing import parse_conditions
from router.routing.compiled import settled
from router.routing.templates import DEFAULT_KEY, filled

_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}")
_SHOWN = 80
_OWN = {"derived.": "what handlers emit", "callback-router.": "what cannot be handled"}
"""Beginnings of topics that no rule and no base may write to, and what they are for."""


class _Use(msgspec.Struct, frozen=True):
    """A topic that is written to, because of what, and by what events.

    Attributes:
        topic: With the namespace.
        at: The place of its template.
        combination: Those of one vendor, type and source.
        key: The key's template.
    """

    topic: str
    at: KeyPath
    combination: Combination
    key: str = DEFAULT_KEY


def check_topics(configuration: Configuration) -> Iterator[Finding]:
    """Yield topics that Kafka would not take, and those that belong to something else."""
    scope = [each for each in whole_scope(configuration) if each["source"]]
    base = list(_base(configuration, scope))
    told: set[KeyPath] = set()
    uses = [*base, *_added(configuration, scope)]
    for use, message in (
        *_illegal(uses, configuration.options.kafka.namespace),
        *_colliding(uses),
    ):
        if use.at not in told:  # once for a template, whatever types it stands for
            told.add(use.at)
            yield Finding("routes", use.at, message)
    for use, message in _in_base(base, uses):
        if use.at not in told:
            told.add(use.at)
            yield Finding("routes", use.at, message, is_warning=True)


def check_handlers(configuration: Configuration) -> Iterator[Finding]:
    """Yield handlers that cannot be loaded, that lose events by a rule, or whose topics collide.

    Imports the modules of handlers. Where they cannot be, that is a warning: `serve` has no need
    of them, and may run where they are not installed.
    """
    try:
        handlers = handlers_of(configuration)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding("router", ("handlers",), str(problem), is_warning=True)
        return
    scope = [each for each in whole_scope(configuration) if each["source"]]
    for index, route in enumerate(configuration.routes.routes):
        for handler, reading in handlers if route.drop else ():
            message = _lost(route, handler, reading, scope)
            if message:
                yield Finding("routes", ("routes", index, "drop"), message, is_warning=True)
    uses = [*_base(configuration, scope), *_added(configuration, scope)]
    own = {_metric(topic): topic for topic in topics_of_handlers(configuration, handlers)}
    told: set[KeyPath] = set()
    for use in uses:
        other = own.get(_metric(use.topic), use.topic)
        if other != use.topic and use.at not in told:
            told.add(use.at)
            yield Finding("routes", use.at, _collision(use.topic, other))


def _base(configuration: Configuration, scope: Scope) -> Iterator[_Use]:
    prefix = configuration.options.kafka.namespace
    for each in scope:
        yield _Use(prefix + filled(configuration.routes.base, each), ("base",), each)


def _added(configuration: Configuration, scope: Scope) -> Iterator[_Use]:
    prefix = configuration.options.kafka.namespace
    for index, route in enumerate(configuration.routes.routes):
        key = route.key or DEFAULT_KEY
        for each in left_of(scope, route.when):
            for number, template in enumerate(route.to):
                at: KeyPath = ("routes", index, "to", number)
                place = at if len(route.to) > 1 else at[:-1]  # one may be written alone
                yield _Use(prefix + filled(template, each), place, each, key)


def _illegal(uses: list[_Use], namespace: str) -> Iterator[tuple[_Use, str]]:
    for use in uses:
        name = use.topic.removeprefix(namespace)
        owner = next((what for begin, what in _OWN.items() if name.startswith(begin)), None)
        if not _NAME.fullmatch(use.topic):
            message = f"{use.topic[:_SHOWN]}... is longer than the 249 that Kafka takes"
            yield use, message if len(use.topic) > _SHOWN else f"Kafka takes no topic {use.topic}"
        elif owner is not None:
            yield use, f"{use.topic} is for {owner}; choose another name"


def _colliding(uses: list[_Use]) -> Iterator[tuple[_Use, str]]:
    first: dict[str, str] = {}
    for use in uses:
        other = first.setdefault(_metric(use.topic), use.topic)
        if other != use.topic:
            yield use, _collision(use.topic, other)


def _metric(topic: str) -> str:
    return topic.replace(".", "_")


def _collision(topic: str, other: str) -> str:
    return f"Kafka takes {topic} for {other}: they differ in . and _ only"


def _in_base(base: list[_Use], uses: list[_Use]) -> Iterator[tuple[_Use, str]]:
    """Yield what rules add to base topics: something twice, or something for others' handlers."""
    owners = {use.topic: use.combination for use in base}
    own = {tuple(use.combination.values()): use.topic for use in base}
    for use in uses[len(base) :]:
        if use.topic == own[tuple(use.combination.values())]:
            other = "once more, under another key" if use.key != DEFAULT_KEY else "anyway"
            yield use, f"{use.topic} is the base topic, where every such event goes {other}"
        elif use.topic in owners:
            owner = f"{owners[use.topic]['vendor']}.{owners[use.topic]['type']}"
            yield use, f"{use.topic} is the base topic of {owner}, read by its handlers"


def _lost(route: RouteOptions, handler: Handler, reading: Reading, scope: Scope) -> str:
    """Return which of its events the handler loses by a rule that drops."""
    conditions, faults = parse_conditions(route.when)
    read = [each for each in scope if f"{each['vendor']}.{each['type']}" in reading.classes]
    lost = [each for each in read if settled(conditions, each) is not None]
    if faults or not lost:
        return ""
    is_whole = all(settled(conditions, each) == () for each in lost)
    types = ", ".join(dict.fromkeys(each["type"] for each in lost))
    return f"the handler {handler.name} loses {'' if is_whole else 'such '}{types}"
