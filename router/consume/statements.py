"""The statements of the store: few for any number of units, and the same text for any number."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Delete,
    Executable,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from router.consume.ledger import Ledger, Place
from router.consume.store import Cause, Stored, Unit, Waiting
from router.consume.tables import EFFECTS, OUTBOX, STATE, as_bytes
from router.record import Headers, Record

IsIn = Callable[[Column[Any], Sequence[Any]], ColumnElement[bool]]
"""Makes the condition that a column holds one of the values, of which there is at least one."""
Effect = tuple[str, Cause]
"""A handler and an event that had its effect."""

T = TypeVar("T")

_MAX_ROWS = 1000
"""Of one look-up: SQLite takes 32766 parameters."""

_PLACE = (STATE.c.handler, STATE.c.key)
_EFFECT = (EFFECTS.c.handler, EFFECTS.c.source, EFFECTS.c.id)
_IS_PLACE = (STATE.c.handler == bindparam("of_handler"), STATE.c.key == bindparam("of_key"))

_NEW: dict[str, Any] = {"version": bindparam("new_version"), "value": bindparam("new_value")}

_REMEMBER = insert(EFFECTS)
_ADD = insert(STATE).values(handler=bindparam("of_handler"), key=bindparam("of_key"), **_NEW)
_CHANGE = update(STATE).where(*_IS_PLACE).values(**_NEW)
_REMOVE = delete(STATE).where(*_IS_PLACE)
_EMIT = insert(OUTBOX)
SENT = delete(OUTBOX).where(
    OUTBOX.c.handler == bindparam("of_handler"), OUTBOX.c.sequence == bindparam("of_sequence")
)
"""Takes lists of `of_handler` and `of_sequence`."""

_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(Headers).decode


async def look_up(connection: AsyncConnection, is_in: IsIn, units: Sequence[Unit]) -> Ledger:
    """Return a ledger that knows what the store has of all that *units* name."""
    effects = {(unit.handler, unit.cause) for unit in units if unit.cause is not None}
    places = {(unit.handler, key) for unit in units for key in (*unit.reads, *unit.writes)}
    return Ledger(
        await remembered(connection, is_in, effects),
        await _versions(connection, is_in, places),
    )


async def remembered(
    connection: AsyncConnection, is_in: IsIn, effects: Collection[Effect]
) -> set[Effect]:
    """Return those of *effects* that the store has."""
    by_row = {tuple(_effect_row(effect).values()): effect for effect in effects}
    found: set[Effect] = set()
    for part in _parts(by_row):
        rows = await connection.execute(effects_among(part, is_in))
        found.update(by_row[handler, source, id_] for handler, source, id_ in rows)
    return found


async def _versions(
    connection: AsyncConnection, is_in: IsIn, places: Collection[Place]
) -> dict[Place, int]:
    by_row = {(handler, as_bytes(key)): (handler, key) for handler, key in places}
    found: dict[Place, int] = {}
    for part in _parts(by_row):
        rows = await connection.execute(versions_among(part, is_in))
        found.update((by_row[handler, key], version) for handler, key, version in rows)
    return found


def effects_among(rows: Sequence[tuple[Any, ...]], is_in: IsIn) -> Select[Any]:
    """Return the statement for those of *rows*, which are handler, source and id, that are there."""
    return select(*_EFFECT).where(_is_among(_EFFECT, rows, is_in))


def versions_among(rows: Sequence[tuple[Any, ...]], is_in: IsIn) -> Select[Any]:
    """Return the statement for the versions at *rows*, which are handler and key."""
    return select(*_PLACE, STATE.c.version).where(_is_among(_PLACE, rows, is_in))


def _is_among(
    columns: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]], is_in: IsIn
) -> ColumnElement[bool]:
    """Return the condition that *columns* hold one of *rows*.

    Rows that differ in the last column only share one search. SQLite reads the whole table for a
    list of rows, `(handler, key) IN (VALUES ...)`.
    """
    *heads, last = columns
    by_head: dict[tuple[Any, ...], list[Any]] = {}
    for *head, value in rows:
        by_head.setdefault(tuple(head), []).append(value)
    return or_(
        *(
            and_(
                *(column == each for column, each in zip(heads, head, strict=True)),
                is_in(last, values),
            )
            for head, values in by_head.items()
        )
    )


async def write_down(connection: AsyncConnection, ledger: Ledger, now_ms: int) -> None:
    """Write the changes of a ledger; the outbox in its order."""
    batches: dict[Executable, list[dict[str, Any]]] = {
        _REMEMBER: [_effect_row(effect) | {"at_ms": now_ms} for effect in ledger.effects],
        _ADD: [],
        _CHANGE: [],
        _REMOVE: [],
        _EMIT: [_record_row(handler, record) for handler, record in ledger.outbox],
    }
    for place, new in ledger.values.items():
        is_there = place in ledger.versions
        if new.value is not None:
            batches[_CHANGE if is_there else _ADD].append(_place_row(place) | _value_row(new))
        elif is_there:
            batches[_REMOVE].append(_place_row(place))
    for statement, rows in batches.items():
        if rows:
            await connection.execute(statement, rows)


def value_of(handler: str, key: str) -> Select[int, bytes]:
    """Return the statement for the version and value of a key."""
    is_place = (STATE.c.handler == handler, STATE.c.key == as_bytes(key))
    return select(STATE.c.version, STATE.c.value).where(*is_place)


def oldest_records(handler: str, limit: int) -> Select[Any]:
    """Return the statement for the beginning of a handler's outbox, for `waiting_of`."""
    of_handler = select(OUTBOX).where(OUTBOX.c.handler == handler)
    return of_handler.order_by(OUTBOX.c.sequence).limit(limit)


def waiting_of(row: Row[Any]) -> Waiting:
    """Return what a row of the outbox says."""
    record = Record(
        topic=row.topic, key=row.key, value=row.value, headers=_decode_headers(row.headers)
    )
    return Waiting(row.sequence, record)


def old_effects(before_ms: int, limit: int) -> Delete:
    """Return the statement that removes up to *limit* effects, the oldest first."""
    old = select(*_EFFECT).where(EFFECTS.c.at_ms < before_ms)
    # Two processes may do this at once: each takes others instead of waiting for the other.
    old = old.order_by(EFFECTS.c.at_ms).limit(limit).with_for_update(skip_locked=True)
    return delete(EFFECTS).where(tuple_(*_EFFECT).in_(old))


def _effect_row(effect: Effect) -> dict[str, Any]:
    handler, cause = effect
    return {"handler": handler, "source": as_bytes(cause.source), "id": as_bytes(cause.id)}


def _place_row(place: Place) -> dict[str, Any]:
    handler, key = place
    return {"of_handler": handler, "of_key": as_bytes(key)}


def _value_row(new: Stored) -> dict[str, Any]:
    return {"new_version": new.version, "new_value": new.value}


def _record_row(handler: str, record: Record) -> dict[str, Any]:
    return {
        "handler": handler,
        "topic": record.topic,
        "key": record.key,
        "value": record.value,
        "headers": _encode_headers(record.headers),
    }


def _parts(rows: Collection[T]) -> Iterator[list[T]]:
    """Yield all rows in lists that one statement takes."""
    rest = iter(rows)
    while part := list(islice(rest, _MAX_ROWS)):
        yield part
