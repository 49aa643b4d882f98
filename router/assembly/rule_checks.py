"""What is wrong with rules, as far as configuration, vendors and conditions together tell.

Design: a `when` is judged within the combinations of vendor, type and source that its other lines
leave, inside of `any` and `all` too. An error is what can be proven: a word that nobody has, a
type that none of these vendors has, a test that no value fits. What only the vendors' documents
say is a warning (`field_checks`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from router.assembly.field_checks import (
    check_line,
    nearest_field,
    no_single_value,
    unknown_field,
)
from router.assembly.guesses import closest, did_you_mean
from router.assembly.scope import Scope, left_of, nearest, operands_of, whole_scope
from router.config import Configuration, Finding, RouteOptions
from router.routing import OPERATORS, Fault, parse_conditions
from router.routing.conditions import GROUPS, Line
from router.routing.flow import flow
from router.routing.operators import Place
from router.routing.paths import is_path
from router.routing.templates import (
    DEFAULT_KEY,
    KEY_PLACEHOLDERS,
    has_loose_brace,
    placeholders,
)
from router.vendors import vendors


def check_rules(configuration: Configuration) -> Iterator[Finding]:
    """Yield what is wrong with the rules, each with its own place."""
    scope = whole_scope(configuration)
    sources = configuration.options.sources.values()
    is_known = bool(sources) and all(source.vendor in vendors() for source in sources)
    for index, route in enumerate(configuration.routes.routes):
        at: Place = ("routes", index)
        for fault in parse_conditions(route.when)[1]:
            message = fault.message + (_meant(fault, scope) if fault.known else "")
            place = (*at, "when", *fault.path)
            yield Finding("routes", place, message, at_key=bool(fault.known))
        found = list(_When(configuration, scope).findings(route.when, scope, (*at, "when")))
        yield from found
        left = left_of(scope, route.when)
        yield from _check_key(route, nearest(left), (*at, "key"))
        if is_known and not found and not any(each["source"] for each in left):
            message = "no configured source has such events, so nothing comes of this rule"
            yield Finding("routes", (*at, "when"), message, is_warning=True)


def _meant(fault: Fault, scope: Scope) -> str:
    """Return what somebody may have meant by a key that nobody knows, as a message ends."""
    word = str(fault.path[-1])
    if word in OPERATORS:
        return f"; {word} stands behind a path: {{type: {{{word}: ...}}}}"
    field = f"data.{word}"
    is_field = word and not unknown_field(field, nearest(scope))
    guess = field if is_field else closest(word, fault.known) or nearest_field(field, scope)
    return f"; did you mean {guess}?" if guess else ""


class _When:
    """Looks through `when`s, those inside of others too."""

    def __init__(self, configuration: Configuration, scope: Scope) -> None:
        self._words = {
            "vendor": {each["vendor"] for each in scope},
            "type": {each["type"] for each in scope},
            "source": set(configuration.options.sources),
        }

    def findings(self, when: Mapping[str, Any], scope: Scope, at: Place) -> Iterator[Finding]:
        """Yield what is wrong with *when*, where *scope* is what it can concern."""
        told: set[str] = set()
        for attribute in (name for name in when if name in self._words):
            for finding in self._of_words(attribute, when, scope, (*at, attribute)):
                told.add(attribute)
                yield finding
        left = left_of(scope, when)
        for condition in parse_conditions(when)[0]:
            if isinstance(condition, Line) and condition.path not in told:
                path = condition.path
                yield from check_line(condition, when[path], nearest(left), (*at, path))
        for name in GROUPS:
            members = when.get(name)
            for index, member in enumerate(members if isinstance(members, list) else ()):
                if isinstance(member, dict):
                    yield from self.findings(member, left or scope, (*at, name, index))

    def _of_words(
        self, attribute: str, when: Mapping[str, Any], scope: Scope, at: Place
    ) -> Iterator[Finding]:
        """Yield the words that nothing is called, or nothing that the other lines leave."""
        others = {path: written for path, written in when.items() if path != attribute}
        beside = left_of(scope, others)
        words = self._words[attribute]
        for place, operator, word in operands_of(when[attribute], at):
            if operator == "prefix" and not any(each.startswith(str(word)) for each in words):
                yield Finding("routes", place, f"no {attribute} begins with {_said(word)}")
            elif not operator and word not in words:
                guess = did_you_mean(str(word), words)
                yield Finding("routes", place, f"no {attribute} is called {_said(word)}{guess}")
            elif attribute == "type" and not operator and beside:
                yield from _check_type(word, beside, place)


def _check_type(word: str, beside: Scope, at: Place) -> Iterator[Finding]:
    types = {each["type"] for each in beside}
    if word not in types:
        owners = ", ".join(sorted({each["vendor"] for each in beside}))
        yield Finding("routes", at, f"{word} is no type of {owners}{did_you_mean(word, types)}")


def _check_key(route: RouteOptions, left: Scope, at: Place) -> Iterator[Finding]:
    key = route.key or DEFAULT_KEY
    if has_loose_brace(key):
        message = (
            "a brace without its other one, or one too many; write {subject} or {data.<field>}"
        )
        yield Finding("routes", at, message)
    elif key in KEY_PLACEHOLDERS or _is_field(key):
        message = f"every record has this text as its key; did you mean {{{key}}}?"
        yield Finding("routes", at, message, is_warning=True)
    for name in placeholders(key):
        if _is_field(name):
            why = unknown_field(name, left) or no_single_value(name, left)
            if why:
                message = f"the subject is the key instead: {why}"
                yield Finding("routes", at, message, is_warning=True)
        elif name not in KEY_PLACEHOLDERS:
            is_field = name and left and not unknown_field(f"data.{name}", left)
            guess = f"; did you mean {{data.{name}}}?" if is_field else ""
            message = f"unknown {{{name}}}; use {{subject}} or {{data.<field>}}{guess}"
            yield Finding("routes", at, message)


def _is_field(name: str) -> bool:
    return name.startswith("data.") and is_path(name)


def _said(word: Any) -> str:
    return repr(word) if isinstance(word, str) else flow(word)
