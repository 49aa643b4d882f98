"""The tests of a condition: each a value that answers yes or no about what a path names.

Design: a test sees one value, an element of a list or `MISSING`; the condition fits where the
test fits any value that its path names. To add one, write a class and its name in `OPERATORS`:
the syntax, `explain`, the schema, the compiled form and the README's test follow. `fits` is what
it means; `compiled` is the same as a closure, for the hot path, held against it by a property test.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol

import msgspec

from router.clock import parse_rfc3339
from router.routing.paths import MISSING

Place = tuple[str | int, ...]
"""Keys and positions from `when` to a value in it."""

Fits = Callable[[Any], bool]

_NUMBERS = frozenset({int, float})
"""The types of JSON's one kind of number; true is of another type, though Python's 1 equals it."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a part of `when`, and where in it.

    Attributes:
        path: Keys and positions to it.
        message: What is wrong.
        known: Where the last key of `path` is a word that nobody knows: those that may stand there.
    """

    path: Place
    message: str
    known: tuple[str, ...] = ()


class Test(Protocol):
    """What is asked of one value."""

    def fits(self, found: Any) -> bool:
        """Tell whether *found*, which may be `MISSING`, is what is asked for."""

    def compiled(self) -> Fits:
        """Return `fits` as a function that decides nothing anew."""

    def operands(self) -> Iterator[Any]:
        """Yield every plain value that is compared with: beside these, answers do not change."""


class Reader:
    """What was written beside one path, to tests; `faults` collects what is wrong."""

    def __init__(self, path: str) -> None:
        """Begin for the condition on *path*; that of `time` takes instants."""
        self.is_time = path == "time"
        self.faults: list[Fault] = []

    def test(self, written: Any, at: Place) -> Test:
        """Return the test: a value, a list for any of several, or operators that all must fit."""
        if isinstance(written, dict):
            return self._operators(written, at)
        if isinstance(written, list):
            return AnyOf(tuple(self.listed(written, at)))
        return Equals(self.operand(written, at))

    def listed(self, written: list[Any], at: Place) -> list["Equals"]:
        """Return the values of a list, at least one."""
        if not written:
            self.fault(at, "an empty list fits no event; name at least one value")
        return [Equals(self.operand(item, (*at, index))) for index, item in enumerate(written)]

    def operand(self, written: Any, at: Place) -> Any:
        """Return a plain value, as it is compared."""
        if isinstance(written, dict | list):
            return self.fault(at, "a list holds plain values only; `any` takes conditions")
        return self.instant(written, at) if self.is_time else written

    def instant(self, written: Any, at: Place) -> Any:
        """Return a moment as Unix milliseconds."""
        found = parse_rfc3339(written) if isinstance(written, str) else None
        if found is None:
            message = "time is compared with a moment such as 2026-11-21T08:00:00Z"
            return self.fault(at, message)
        return found

    def fault(self, at: Place, message: str, known: Iterable[str] = ()) -> None:
        """Note what is wrong at a place; see `Fault`."""
        self.faults.append(Fault(at, message, tuple(known)))

    def _operators(self, written: Mapping[str, Any], at: Place) -> Test:
        tests: list[Test] = []
        for name, argument in written.items():
            found = OPERATORS.get(name)
            if found is None:
                known = ", ".join(OPERATORS)
                message = f"unknown condition; use a value, a list for any of several, or {known}"
                self.fault((*at, name), message, OPERATORS)
            else:
                tests.append(found.parse(self, argument, (*at, name)))
        if not written:
            self.fault(at, "an empty mapping asks for nothing; remove the line")
        return tests[0] if len(tests) == 1 else AllTests(tuple(tests))


class Equals(msgspec.Struct, frozen=True):
    """`path: value`: the value is this very one; 1 equals 1.0, and true is no number."""

    value: Any

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is the value."""
        is_same_kind = isinstance(found, bool) == isinstance(self.value, bool)
        return bool(is_same_kind and found == self.value)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        value = self.value
        if value is None or isinstance(value, bool):
            return lambda found: found is value
        if isinstance(value, str):
            return lambda found: found == value
        return lambda found: type(found) in _NUMBERS and found == value

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        yield self.value


class AnyOf(msgspec.Struct, frozen=True):
    """`path: [value, value]`: the value is one of these."""

    values: tuple[Equals, ...]

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is one of the values."""
        return any(value.fits(found) for value in self.values)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        values = frozenset(each.value for each in self.values)
        types = {type(each.value) for each in self.values}
        if types == {str}:
            return lambda found: type(found) is str and found in values
        if types <= _NUMBERS:
            return lambda found: type(found) in _NUMBERS and found in values
        return _any(self.values)

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        return _operands(self.values)


class Not(msgspec.Struct, frozen=True):
    """`not: test`: a value is there, and the test does not fit it."""

    test: Test

    @classmethod
    def parse(cls, reader: Reader, written: Any, at: Place) -> Test:
        """Take a value, a list, or further operators."""
        return cls(reader.test(written, at))

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is there and is something else."""
        return _is_there(found) and not self.test.fits(found)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        fits = self.test.compiled()
        return lambda found: _is_there(found) and not fits(found)

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        return self.test.operands()


class Prefix(msgspec.Struct, frozen=True):
    """`prefix: text`: the value is a text that begins so; a list names several beginnings."""

    beginnings: tuple[str, ...]

    @classmethod
    def parse(cls, reader: Reader, written: Any, at: Place) -> Test:
        """Take a text or a list of texts."""
        if reader.is_time:
            reader.fault(at, "time is a moment, no text; use gte and lt")
        if isinstance(written, list):
            values = tuple(each.value for each in reader.listed(written, at))
        else:
            values = (written,)
        if not all(isinstance(value, str) and value for value in values):
            reader.fault(at, "expected the beginning of a text, or a list of such")
        return cls(values)

    def fits(self, found: Any) -> bool:
        """Tell whether *found* begins like one of them."""
        return isinstance(found, str) and found.startswith(self.beginnings)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        beginnings = self.beginnings
        return lambda found: isinstance(found, str) and found.startswith(beginnings)

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        yield from self.beginnings


class Exists(msgspec.Struct, frozen=True):
    """`exists: true` or `false`: something is there, be it null or an empty list; or nothing is."""

    is_wanted: bool

    @classmethod
    def parse(cls, reader: Reader, written: Any, at: Place) -> Test:
        """Take true or false."""
        if not isinstance(written, bool):
            reader.fault(at, "expected true or false")
        return cls(written is True)

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is there, or is not, as wanted."""
        return (found is not MISSING) is self.is_wanted

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        is_wanted = self.is_wanted
        return lambda found: (found is not MISSING) is is_wanted

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        return iter(())


class Compares(msgspec.Struct, frozen=True):
    """`gt`, `gte`, `lt`, `lte`: the value is a number, and greater or less; of `time` a moment."""

    name: str
    bound: int | float

    symbols: ClassVar[Mapping[str, Callable[[Any, Any], bool]]] = {
        "gt": operator.gt,
        "gte": operator.ge,
        "lt": operator.lt,
        "lte": operator.le,
    }

    @classmethod
    def called(cls, name: str) -> "Parse":
        """Return what parses the comparison of this name."""

        def parse(reader: Reader, written: Any, at: Place) -> Test:
            if reader.is_time:
                return cls(name, reader.instant(written, at) or 0)
            if isinstance(written, bool) or not isinstance(written, int | float):
                reader.fault(at, "expected a number")
                return cls(name, 0)
            return cls(name, written)

        return parse

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is a number on the right side of the bound."""
        return type(found) in _NUMBERS and self.symbols[self.name](found, self.bound)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        holds, bound = self.symbols[self.name], self.bound
        return lambda found: type(found) in _NUMBERS and holds(found, bound)

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        yield self.bound


class AnyTest(msgspec.Struct, frozen=True):
    """`any: [test, test]`: one of the tests fits the value."""

    tests: tuple[Test, ...]

    @classmethod
    def parse(cls, reader: Reader, written: Any, at: Place) -> Test:
        """Take a list of tests."""
        return cls(_tests(reader, written, at))

    def fits(self, found: Any) -> bool:
        """Tell whether any test fits *found*."""
        return any(test.fits(found) for test in self.tests)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        return _any(self.tests)

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        return _operands(self.tests)


class AllTests(msgspec.Struct, frozen=True):
    """`all: [test, test]`, and several operators beside each other: all fit the same value."""

    tests: tuple[Test, ...]

    @classmethod
    def parse(cls, reader: Reader, written: Any, at: Place) -> Test:
        """Take a list of tests."""
        return cls(_tests(reader, written, at))

    def fits(self, found: Any) -> bool:
        """Tell whether every test fits *found*."""
        return all(test.fits(found) for test in self.tests)

    def compiled(self) -> Fits:
        """Return `fits` as a function."""
        each = tuple(test.compiled() for test in self.tests)
        return lambda found: all(fits(found) for fits in each)

    def operands(self) -> Iterator[Any]:
        """Yield what is compared with."""
        return _operands(self.tests)


Parse = Callable[[Reader, Any, Place], Test]

TEST = {"$ref": "#/$defs/Test"}
"""In `Operator.takes`: all that may stand beside a path."""

_TESTS = {"$ref": "#/$defs/Tests"}
_TEXT = {"type": "string", "minLength": 1}
_BOUND = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d[Tt ]"}]}


class Operator(msgspec.Struct, frozen=True):
    """What belongs to the name of an operator.

    Attributes:
        kind: Its class; the first line of whose docstring says what it means.
        parse: What makes a test of its argument.
        takes: The argument as JSON Schema.
    """

    kind: type
    parse: Parse
    takes: Mapping[str, Any]

    @property
    def meaning(self) -> str:
        """What it asks, in a line."""
        return (self.kind.__doc__ or "").partition("\n")[0]


OPERATORS: Mapping[str, Operator] = {
    "not": Operator(Not, Not.parse, TEST),
    "prefix": Operator(
        Prefix, Prefix.parse, {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
    ),
    "exists": Operator(Exists, Exists.parse, {"type": "boolean"}),
    **{
        name: Operator(Compares, Compares.called(name), _BOUND)
        for name in ("gt", "gte", "lt", "lte")
    },
    "any": Operator(AnyTest, AnyTest.parse, _TESTS),
    "all": Operator(AllTests, AllTests.parse, _TESTS),
}
"""Every operator by its name in YAML."""


def _tests(reader: Reader, written: Any, at: Place) -> tuple[Test, ...]:
    if not isinstance(written, list) or not written:
        reader.fault(at, "expected a list of values or conditions")
        return ()
    return tuple(reader.test(item, (*at, index)) for index, item in enumerate(written))


def _any(tests: tuple[Test, ...]) -> Fits:
    each = tuple(test.compiled() for test in tests)
    return lambda found: any(fits(found) for fits in each)


def _operands(tests: Iterable[Test]) -> Iterator[Any]:
    return (operand for test in tests for operand in test.operands())


def _is_there(found: Any) -> bool:
    """Tell whether *found* is a value that could be another; an empty list has none."""
    return found is not MISSING and found != []
