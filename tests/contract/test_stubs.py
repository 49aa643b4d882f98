"""Our stubs of aiokafka tell the truth about the package that is installed.

aiokafka ships no types, so mypy believes what `tests/stubs` says. Types are not compared, since
the package gives few; names, bases, values, kinds of functions, parameters and defaults are.
"""

import ast
import importlib
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from inspect import Parameter
from pathlib import Path
from typing import TypeVar

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.producer.sender import Sender
from aiokafka.structs import TopicPartition

STUBS = Path(__file__).parents[1] / "stubs"
FILES = {path.relative_to(STUBS).as_posix(): path for path in sorted(STUBS.rglob("*.pyi"))}

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
ANSWERS = {
    "CreateTopicsResponse": ("topic_errors", ("topic", "error_code")),
    "DescribeConfigsResponse": (
        "resources",
        ("error_code", "error_message", "resource_type", "resource_name", "config_entries"),
    ),
}
# Stubs that a changed package would make of ours, and what is said of them.
CHANGES = [
    ("partitioner", "def murmur3(data): ...", "murmur3: no function"),
    ("partitioner", "def murmur2(value): ...", "murmur2: no parameter value"),
    ("partitioner", "def murmur2(data, seed): ...", "murmur2: no parameter seed"),
    ("partitioner", "def murmur2(*, data): ...", "murmur2: data is positional or keyword"),
    ("partitioner", "def murmur2(data=b''): ...", "murmur2: the default of data differs"),
    ("partitioner", "def murmur2(): ...", "murmur2: data must be given"),
    ("partitioner", "async def murmur2(data): ...", "murmur2: `async` differs"),
    ("partitioner", "class murmur2: ...", "murmur2: no class"),
    ("errors", "class KafkaError(ValueError): ...", "KafkaError: not a ValueError"),
    ("errors", "InvalidMessageError = KafkaError", "InvalidMessageError: not KafkaError"),
    ("structs", "class TopicPartition(NamedTuple): topic: str", "TopicPartition: other fields"),
    ("structs", "class ConsumerRecord: body: str", "ConsumerRecord.body: not there"),
    ("structs", "from aiokafka.errors import Gone", "Gone: not in aiokafka.errors"),
    ("structs", "__all__ = ['Gone']", "Gone: not there"),
    ("protocol.api", "Response = TypeVar('Response')", "Response: no type variable"),
    ("structs", "if True: x: int", "if True:\n    x: int: cannot be compared"),
    ("producer", "class AIOKafkaProducer: _task: int", "AIOKafkaProducer._task: not there"),
    (
        "producer.sender",
        "class Sender:\n @property\n def start(self): ...",
        "Sender.start: no prop",
    ),
    (
        "admin.config_resource",
        "class ConfigResourceType: TOPIC = 3",
        "ConfigResourceType.TOPIC: not",
    ),
    (
        "admin.new_topic",
        "class NewTopic:\n def __init__(self, name, replication_factor, num_partitions): ...",
        "NewTopic.__init__: by position: self, name, num_partitions",
    ),
]
MISSING = object()

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _module(path: Path) -> str:
    """Return the dotted name of the module that the stub describes."""
    parts = path.relative_to(STUBS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _lies(body: list[ast.stmt], owner: object) -> Iterator[str]:
    """Yield what the statements of a stub claim of a module or class and is not so."""
    for node in body:
        match node:
            case ast.ImportFrom():
                yield from _import_lies(node, owner)
            case ast.ClassDef():
                yield from _class_lies(node, owner)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _function_lies(node, owner)
            case ast.AnnAssign(target=ast.Name(name)):
                if name not in _attributes(owner):
                    yield f"{name}: not there"
            case ast.Assign(targets=[ast.Name(name)]):
                yield from _value_lies(name, node.value, owner)
            case ast.Import() | ast.Expr(ast.Constant()):
                continue
            case _:
                yield f"{ast.unparse(node)}: cannot be compared"


def _value_lies(name: str, node: ast.expr, owner: object) -> Iterator[str]:
    """Yield where a name has another value; of `__all__`, what is not there."""
    if name == "__all__":
        exported = ast.literal_eval(node)
        yield from (f"{export}: not there" for export in exported if not hasattr(owner, export))
        return
    if isinstance(node, ast.Call):  # of TypeVar, which no other module has the very value of
        if not isinstance(_named(owner, name), TypeVar):
            yield f"{name}: no type variable"
        return
    value = _named(owner, node.id) if isinstance(node, ast.Name) else ast.literal_eval(node)
    if _named(owner, name) is MISSING or _named(owner, name) != value:
        yield f"{name}: not {ast.unparse(node)}"


def _import_lies(node: ast.ImportFrom, owner: object) -> Iterator[str]:
    """Yield the names that cannot be imported so, or are something else in *owner*."""
    source = importlib.import_module(node.module or "")
    for alias in node.names:
        original = _named(source, alias.name)
        if original is MISSING:
            yield f"{alias.name}: not in {node.module}"
        elif _named(owner, alias.name) not in (MISSING, original):
            yield f"{alias.name}: not the one of {node.module}"


def _class_lies(node: ast.ClassDef, owner: object) -> Iterator[str]:
    """Yield what the stub of a class claims and is not so."""
    found = _named(owner, node.name)
    if not isinstance(found, type):
        yield f"{node.name}: no class"
        return
    bases = {base.__name__ for base in found.__mro__}
    plain = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    stubbed = {ast.unparse(base) for base in plain}
    if "NamedTuple" in stubbed:
        fields = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
        if tuple(map(ast.unparse, fields)) != getattr(found, "_fields", None):
            yield f"{node.name}: other fields"
    elif not stubbed <= bases:
        yield f"{node.name}: not a {', '.join(stubbed - bases)}"
    yield from (f"{node.name}.{lie}" for lie in _lies(node.body, found))


def _function_lies(node: Function, owner: object) -> Iterator[str]:
    """Yield what the stub of a function, method or property claims and is not so."""
    found = inspect.getattr_static(owner, node.name, MISSING)
    if any(ast.unparse(decorator) == "property" for decorator in node.decorator_list):
        if not isinstance(found, property):
            yield f"{node.name}: no property"
        return
    if not inspect.isfunction(found):
        yield f"{node.name}: no function"
        return
    if inspect.iscoroutinefunction(found) != isinstance(node, ast.AsyncFunctionDef):
        yield f"{node.name}: `async` differs"
    real = inspect.signature(found).parameters
    yield from (f"{node.name}: {lie}" for lie in _parameter_lies(node.args, dict(real)))


def _parameter_lies(stubbed: ast.arguments, real: dict[str, Parameter]) -> Iterator[str]:
    """Yield where the stub's parameters are not the function's.

    A parameter may be left out if calls may do so too; those by position only at the end.
    """
    ours = {parameter.name: (parameter, default) for parameter, default in _parameters(stubbed)}
    for name, (parameter, default) in ours.items():
        if name not in real:
            yield f"no parameter {name}"
        elif parameter.kind is not real[name].kind:
            yield f"{name} is {real[name].kind.description}"
        elif not _same_default(default, real[name].default):
            yield f"the default of {name} differs"
    for name in real.keys() - ours:
        if real[name].default is Parameter.empty and real[name].kind.name[:4] != "VAR_":
            yield f"{name} must be given"
    by_position = [name for name, (given, _) in ours.items() if given.kind in POSITIONAL]
    theirs = [name for name, parameter in real.items() if parameter.kind in POSITIONAL]
    if by_position != theirs[: len(by_position)]:
        yield f"by position: {', '.join(theirs)}"


def _parameters(stubbed: ast.arguments) -> Iterator[tuple[Parameter, ast.expr | None]]:
    """Yield the stub's parameters, each with its default."""
    positional = [*stubbed.posonlyargs, *stubbed.args]
    without = len(positional) - len(stubbed.defaults)
    defaults = itertools.chain(itertools.repeat(None, without), stubbed.defaults)
    for arg, default in zip(positional, defaults, strict=True):
        yield Parameter(arg.arg, POSITIONAL[arg in stubbed.args]), default
    if stubbed.vararg:
        yield Parameter(stubbed.vararg.arg, Parameter.VAR_POSITIONAL), None
    for arg, default in zip(stubbed.kwonlyargs, stubbed.kw_defaults, strict=True):
        yield Parameter(arg.arg, Parameter.KEYWORD_ONLY), default
    if stubbed.kwarg:
        yield Parameter(stubbed.kwarg.arg, Parameter.VAR_KEYWORD), None


def _same_default(stubbed: ast.expr | None, real: object) -> bool:
    """Return whether both have none or the same; `...` stands for any."""
    if stubbed is None or real is Parameter.empty:
        return stubbed is None and real is Parameter.empty
    value = ast.literal_eval(stubbed)
    return value is ... or (type(value) is type(real) and value == real)


def _attributes(owner: object) -> set[str]:
    """Return what an instance has: on its class, declared or assigned in it, or in its schema."""
    names = set(dir(owner)) | set(getattr(owner, "__annotations__", ()))
    names |= set(getattr(getattr(owner, "SCHEMA", None), "names", ()))
    source = textwrap.dedent(inspect.getsource(owner)) if isinstance(owner, type) else ""
    stored = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute))
    return names | {
        node.attr
        for node in stored
        if isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self"
    }


def _named(owner: object, name: str) -> object:
    """Return the member of a module or class, or `MISSING`."""
    return getattr(owner, name, MISSING)


def _widths() -> dict[str, int]:
    """Return how many values each row of an answer has, by the stub."""
    tree = ast.parse(FILES["aiokafka/protocol/admin.pyi"].read_text(encoding="utf-8"))
    rows = {
        node.name: item.annotation.slice.slice
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.annotation, ast.Subscript)
        and isinstance(item.annotation.slice, ast.Subscript)
    }
    return {name: len(row.elts) for name, row in rows.items() if isinstance(row, ast.Tuple)}


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_a_stub_agrees_with_the_package(path: Path) -> None:
    """Everything that the stub declares is in the installed package, and is called the same way."""
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert list(_lies(tree.body, importlib.import_module(_module(path)))) == []


@pytest.mark.parametrize(("module", "stub", "lie"), CHANGES, ids=[change[2] for change in CHANGES])
def test_a_change_of_the_package_is_seen(module: str, stub: str, lie: str) -> None:
    """What the package does not have, or calls differently, is named."""
    lies = _lies(ast.parse(stub).body, importlib.import_module(f"aiokafka.{module}"))

    assert next(lies).startswith(lie)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_has_the_rows_that_are_unpacked(answer: str) -> None:
    """Each version of an answer is stubbed, and its rows hold these values in this order."""
    field, names = ANSWERS[answer]
    protocol = importlib.import_module("aiokafka.protocol.admin")
    schemas = {
        name: getattr(protocol, name).SCHEMA
        for name in dir(protocol)
        if name.startswith(f"{answer}_v")
    }
    rows = {
        name: schema.fields[schema.names.index(field)].array_of.names
        for name, schema in schemas.items()
    }

    assert {row[: len(names)] for row in rows.values()} == {names}
    assert {name: len(row) for name, row in rows.items()} == {
        name: width for name, width in _widths().items() if name.startswith(answer)
    }


async def test_the_private_names_are_what_we_take_them_for() -> None:
    """A producer that was never started has a client, a sender without task, and may be dropped.

    What it is to send is told apart by its place, and counted by place.
    """
    producer = AIOKafkaProducer(enable_idempotence=True)
    place = TopicPartition("topic", 0)
    builder = producer.create_batch()
    builder.append(timestamp=None, key=b"k", value=b"v")
    batch = producer._message_accumulator._append_batch(builder, place)

    assert type(producer.client) is AIOKafkaClient
    assert type(producer._sender) is Sender
    assert producer._sender.sender_task is None
    assert producer._closed is False
    assert list(producer._message_accumulator._batches[place]) == [batch]
    assert (batch.tp, batch.retry_count) == (place, 0)
    producer._txn_manager.increment_sequence_number(place, 3)
    producer._txn_manager.increment_sequence_number(place, -2)
    assert producer._txn_manager.sequence_number(place) == 1

    producer._closed = True  # else its destructor warns, and warnings are errors here
