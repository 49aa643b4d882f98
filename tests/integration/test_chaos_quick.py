"""The quick part of `make chaos`: some thousand events, and twins that the classes must catch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.__main__ import FAULTS
from tests.chaos.flawed import CAUGHT_BY
from tests.chaos.kafka import Kafka
from tests.chaos.scene import Scene, play
from tests.chaos.table import Row

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def broken_kafka(kafka: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """One broker behind a proxy, to be broken."""
    del kafka  # which is there, so this one can be had too
    with Kafka.start(tmp_path_factory.mktemp("kafka-to-break")) as cluster:
        yield cluster


def played(name: str, kafka: Kafka, folder: Path, *twin: str) -> Row:
    """Return the row of a class, in a third of its time."""
    kafka.back()
    kafka.heal()
    scene = Scene(BY_NAME[name], kafka, folder / "scene", is_quick=True)
    scene.twin = [*(("--twin", *twin) if twin else ())]
    return play(scene)


@pytest.mark.parametrize(
    "name", ["black hole 20 s", "kill -9 at random, Kafka away", "SIGTERM under load"]
)
def test_nothing_is_lost_late_or_out_of_order(
    broken_kafka: Kafka, tmp_path: Path, name: str
) -> None:
    """Whatever happens, what was answered 200 is in Kafka, in order, and nothing else is."""
    row = played(name, broken_kafka, tmp_path)

    assert row.problems == []
    assert row.verdict is not None
    assert row.verdict.accepted > 300


@pytest.mark.parametrize("twin", ["early-answer", "live-overtakes"])
def test_a_flawed_twin_is_caught(broken_kafka: Kafka, tmp_path: Path, twin: str) -> None:
    """The same class fails for a service with a known mistake, and says why."""
    name, mistake = CAUGHT_BY[twin]
    row = played(name, broken_kafka, tmp_path, twin)

    assert mistake in "; ".join(row.problems)
