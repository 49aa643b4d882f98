"""`Scene`: one class of faults from the start of the service to the verdict."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import SubprocessError
from typing import Final, Self

from confluent_kafka import KafkaException
from msgspec import Struct, field

from tests.chaos.callbacks import BASE, COPIES, names_in
from tests.chaos.checker import Verdict, judge
from tests.chaos.kafka import Kafka
from tests.chaos.load import ROOMS, Load
from tests.chaos.service import EndedError, Ingress
from tests.chaos.table import Row
from tests.cluster import read_all

PARTITIONS: Final = 6
_DRAIN_SECS = 90.0
_READ_SECS = 60.0
_LOOK_SECS = 0.1
_QUICK = 0.3


TROUBLE: Final = (EndedError, KafkaException, OSError, RuntimeError, SubprocessError)
"""What the parts of a scene may end with: then the class fails, and the others go on."""


class SkippedError(Exception):
    """The class cannot be run here; the message says why."""


class Fault(Struct, frozen=True, kw_only=True):
    """A class of faults.

    Attributes:
        name: In the table.
        act: Starts the service with `begin`, breaks it, and mends what it can.
        brokers: One or three.
        may_refuse: Authentic callbacks may get other answers than 200.
        may_stray: Keys may move to another partition.
        at_least: So many accepted events, else it says nothing.
        rate: Events a second, at most.
        padding: Bytes that make each event larger.
        large_bytes: Bytes that make a few events larger.
        rooms: How many send, each one event at a time.
        spool: Options of the spool.
        topic: Settings of the topics.
        makes_topics: The topics are there from the beginning.
    """

    name: str
    act: Callable[["Scene"], None]
    brokers: int = 1
    may_refuse: bool = False
    may_stray: bool = False
    at_least: int = 1000
    rate: float = 400.0
    padding: int = 0
    large_bytes: int = 0
    rooms: int = ROOMS
    spool: dict[str, object] = field(default_factory=dict)
    topic: dict[str, str] = field(default_factory=dict)
    makes_topics: bool = True


class Scene:
    """The parts that a class of faults breaks, and what it has noticed; `with` it."""

    def __init__(self, fault: Fault, kafka: Kafka, folder: Path, *, is_quick: bool) -> None:
        """Make topics and the configuration; the service does not run yet."""
        self.kafka = kafka
        self.problems: list[str] = []
        self.random = random.Random(fault.name)  # noqa: S311 - the same faults in every run
        self.twin: Sequence[str] = ()
        self.fault = fault
        self.namespace = f"c{uuid.uuid4().hex[:8]}."
        self.folder = folder
        self._is_settled = False
        self._scale = _QUICK if is_quick else 1.0
        self._pause = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        self.ingress = Ingress(folder, kafka.outside_servers, self.namespace, fault.spool)
        self.load = Load(
            self.ingress.port, fault.rate, fault.padding, fault.large_bytes, fault.rooms
        )
        if fault.makes_topics:
            self.make_topics()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the load and the service, whatever state they are in."""
        self.kafka.back()
        self.ingress.kill()
        self.load.give_up()

    @property
    def topics(self) -> list[str]:
        """The topics of this scene, with its namespace."""
        return [f"{self.namespace}{name}" for name in (BASE, COPIES)]

    def make_topics(self) -> None:
        """Make the topics, with as many copies as there are brokers."""
        copies = self.fault.brokers
        config = {"min.insync.replicas": str(min(2, copies)), **self.fault.topic}
        self.kafka.create_topics(self.topics, PARTITIONS, copies, config)

    def begin(self, *faults: str, warm_up: int = 200) -> None:
        """Start the service, with faults inside, and the load; the first events are accepted."""
        self.ingress.start([*self.twin, *faults])
        self.load.start()
        self.load.wait_accepted(warm_up)

    def secs(self, secs: float) -> float:
        """Return the time that is meant, less where the run is quick."""
        return secs * self._scale

    def wait(self, secs: float) -> None:
        """Let *secs* pass, less where the run is quick."""
        self._pause.wait(self.secs(secs))

    def restart(self, *faults: str) -> None:
        """Start the service once more."""
        self.ingress.start([*self.twin, *faults])

    def expect(self, claim: object, otherwise: str) -> None:
        """Note a problem unless the claim holds."""
        if not claim:
            self.problems.append(otherwise)

    def settle(self) -> None:
        """Mend what is broken, and bring everything to its end; once more does nothing.

        Raises:
            EndedError: The service did not end in order.
        """
        if self._is_settled:
            return
        self.kafka.back()
        self.kafka.heal()
        if not self.ingress.is_running:
            self.restart()
        self.load.stop()
        self.load.write_book(self.folder / "book")
        self._drain()
        self.ingress.terminate()
        self._is_settled = True

    def verdict(self) -> Verdict:
        """Settle, and return the verdict over everything that was sent."""
        self.settle()
        records = read_all(self.kafka.bootstrap_servers, self.topics, deadline_secs=_READ_SECS)
        return judge(self.load.book, records, self.namespace, self._refused())

    def _refused(self) -> set[str]:
        """Return the names of the events that are kept apart, since Kafka refused them."""
        kept = (path.read_bytes() for path in self.ingress.spool.glob("refused/*.rec"))
        return {name for each in kept for name in names_in(each)}

    def _drain(self) -> None:
        """Wait until nothing is left on disk."""
        deadline = time.monotonic() + self.secs(_DRAIN_SECS)
        while left := self.ingress.metric("spool_records"):
            if time.monotonic() > deadline:
                self.problems.append(f"{left:.0f} records are still in the spool")
                return
            self._pause.wait(_LOOK_SECS)


def play(scene: Scene) -> Row:
    """Return the row of a scene's class, whatever happens in it."""
    fault, began_at = scene.fault, time.monotonic()
    verdict = None
    try:
        with scene:
            fault.act(scene)
            verdict = scene.verdict()
    except SkippedError as reason:
        return Row(name=fault.name, skipped=f"skipped: {reason}")
    except TROUBLE as error:
        scene.problems.append(str(error))
    problems = list(scene.problems)
    if verdict is not None:
        problems += verdict.problems(may_refuse=fault.may_refuse, may_stray=fault.may_stray)
        if verdict.accepted < scene.secs(fault.at_least):
            problems.append(f"only {verdict.accepted} accepted: that says nothing")
    return Row(
        name=fault.name, verdict=verdict, problems=problems, secs=time.monotonic() - began_at
    )
