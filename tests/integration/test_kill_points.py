"""A member that is killed at each point of an event's way: nothing is lost, effects happen once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Final

import pytest

from tests.cluster import Cluster
from tests.integration.stores import running_postgres
from tests.integration.storm_handlers._doomed import POINTS
from tests.integration.storming import (
    HANDLERS,
    NOTING,
    Feed,
    Scene,
    all_notes,
    balance,
    ended_well,
)
from tests.postgres import Postgres

pytestmark = pytest.mark.kafka

ROOMS: Final = 40
NUMBERS: Final = 8
RATE: Final = 160.0
DOOM_SECS: Final = 40.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """One server for all of these tests."""
    yield from running_postgres()


@pytest.mark.parametrize("point", POINTS)
def test_what_a_killed_member_left_is_done_by_the_next(
    kafka: Cluster, postgres: Postgres, tmp_path: Path, unique: str, point: str
) -> None:
    """Killed at any point: each event has its effect once, in order, and what it announced is out."""
    scene = Scene(kafka, tmp_path, unique, postgres)
    records = scene.numbered(ROOMS, NUMBERS, lambda *_: "moment 0.005")
    records.insert(len(records) // 3, scene.raw("RoomCreate", "room-7", b"no event"))
    doomed = [sys.executable, str(HANDLERS / "_doomed.py"), str(scene.config), NOTING, point]
    with Feed(scene, records, RATE) as feed:
        died = subprocess.run(doomed, check=False, timeout=DOOM_SECS, capture_output=True)
        feed.wait_sent()
    assert died.returncode == -SIGKILL, died.stderr.decode()[-4000:]

    with scene.member() as member:
        scene.wait_done()
        member.send_signal(SIGTERM)
        ended_well(member)

    balance(scene, all_notes(ROOMS, NUMBERS))
    dead = scene.dead()
    assert {record.value for record in dead} == {b"no event"}
    assert len(dead) <= 2
