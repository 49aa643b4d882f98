"""What a list of units makes of the store, decided before anything is written: pure but for luck.

Design: the store looks up what the units touch, `Ledger` takes them one by one, and what comes
out of all of them is written with few statements. Versions begin at random: a key that is
removed leaves nothing behind, and made again it has no number that it had before.
"""

import secrets
from collections.abc import Iterable, Mapping

from router.consume.store import Cause, Stored, Unit, Written
from router.record import Record

Place = tuple[str, str]
"""A handler and one of its keys."""

_FIRST_VERSIONS = 1 << 62
"""Far below what 64 bits hold, and too many to meet one twice."""

_ABSENT = Stored(0, None)


class Ledger:
    """The changes of the units that were taken so far.

    Attributes:
        effects: What is to be remembered, by handler.
        values: What the changed keys end with; version 0 and no value where one is removed.
        outbox: Records to be sent by handler, in order.
        versions: What the store had before; a place that is not in it was empty.
    """

    def __init__(
        self, remembered: Iterable[tuple[str, Cause]], versions: Mapping[Place, int]
    ) -> None:
        """Take what the store has of all that the units name."""
        self._remembered = set(remembered)
        self.versions = versions
        self.effects: list[tuple[str, Cause]] = []
        self.values: dict[Place, Stored] = {}
        self.outbox: list[tuple[str, Record]] = []

    def take(self, unit: Unit) -> Written:
        """Return what becomes of the unit, and note its changes if it is `done`."""
        if unit.cause is not None and (unit.handler, unit.cause) in self._remembered:
            return "had-effect"
        if any(self._version((unit.handler, key)) != seen for key, seen in unit.reads.items()):
            return "conflict"
        self._note(unit)
        return "done"

    def _version(self, place: Place) -> int:
        changed = self.values.get(place)
        return self.versions.get(place, 0) if changed is None else changed.version

    def _note(self, unit: Unit) -> None:
        if unit.cause is not None:
            self._remembered.add((unit.handler, unit.cause))
            self.effects.append((unit.handler, unit.cause))
        for key, value in unit.writes.items():
            place = (unit.handler, key)
            self.values[place] = self._next(place, value)
        self.outbox += ((unit.handler, record) for record in unit.outbox)

    def _next(self, place: Place, value: bytes | None) -> Stored:
        if value is None:
            return _ABSENT
        version = self._version(place) or secrets.randbelow(_FIRST_VERSIONS)
        return Stored(version + 1, value)
