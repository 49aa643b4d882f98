"""Members of a group that come, go and die while events arrive, and handlers that misbehave.

The storm lasts 40 s, or `STORM_SECS`; `--log-cli-level=INFO` shows its figures.
"""

import json
import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path
from signal import SIGKILL, SIGQUIT, SIGTERM, Signals
from typing import Final

import pytest

from tests.cluster import Cluster
from tests.integration.command import Running
from tests.integration.stores import running_postgres
from tests.integration.storming import (
    IMPATIENT,
    NOTING,
    PARTITIONS,
    Feed,
    Scene,
    all_notes,
    balance,
    ended_well,
    event_id,
    fed,
    said,
)
from tests.postgres import Postgres

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

STORM_SECS: Final = float(os.environ.get("STORM_SECS", "40"))
ROOMS: Final = 200
NUMBERS: Final = 13
MOST_MEMBERS: Final = 4
LEAST_DONE: Final = 0.2  # of all events, while the storm lasts: a group that only rebalances fails

log = logging.getLogger(__name__)

# A group waits 10 s for a member that was killed: if one was all the time, nobody would work.
MILD: Final = ("join", "leave")
MILD_SECS: Final = 20.0
VIOLENT: Final = ("join", "leave", "kill", "kill", "kill", "kill as it leaves")
WEATHER_SECS: Final = 25.0
TOGETHER: Final = 4


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """One server for all of these tests."""
    yield from running_postgres()


@pytest.fixture
def scene(kafka: Cluster, postgres: Postgres, tmp_path: Path, unique: str) -> Scene:
    """A namespace and a state database of the test's own."""
    return Scene(kafka, tmp_path, unique, postgres)


class _Storm:
    """Members, and what became of those that are no longer there."""

    def __init__(self, scene: Scene, stack: ExitStack) -> None:
        self._scene = scene
        self._stack = stack
        self._chance = random.Random(STORM_SECS)  # noqa: S311 - the same storm again
        self._pace = threading.Event()
        self._present: list[Running] = []
        self.left: list[Running] = []
        self.killed: list[Running] = []

    @property
    def members(self) -> list[Running]:
        """All that ever were."""
        return [*self._present, *self.left, *self.killed]

    def act(self, secs: float) -> None:
        """Let one join, leave or die, as the weather is at *secs*, and all live for a while."""
        for member in self._present:
            assert member._process.poll() is None, member.err[-20:]  # nobody ended by itself
        ready = [member for member in self._present if said([member], "consuming")]
        is_mild = secs % WEATHER_SECS < MILD_SECS
        action = self._chance.choice(MILD if is_mild else VIOLENT)
        if len(self._present) < 2 or (action == "join" and len(self._present) < MOST_MEMBERS):
            self._present.append(self._stack.enter_context(self._scene.member()))
        elif action == "leave" and ready:
            self._end(self._chance.choice(ready), self.left, SIGTERM)
        elif action == "kill" and ready:
            self._end(self._chance.choice(ready), self.killed, SIGKILL)
        elif action == "kill as it leaves" and self.left:
            self._kill_the_last_that_left()
        self._pace.wait(self._chance.uniform(0.5, 3.5 if is_mild else 1.5))

    def end(self) -> Running:
        """End all but one member, which is new; return that."""
        last = self._stack.enter_context(self._scene.member())
        for member in tuple(self._present):
            self._end(member, self.killed, SIGKILL)
        for member in self.left:
            ended_well(member)
        return last

    def _end(self, member: Running, ends: list[Running], signal: Signals) -> None:
        self._present.remove(member)
        ends.append(member)
        member.send_signal(signal)

    def _kill_the_last_that_left(self) -> None:
        member = self.left[-1]
        if member._process.poll() is None:
            self.killed.append(self.left.pop())
            member.send_signal(SIGKILL)


@pytest.mark.timeout(STORM_SECS + 300)
def test_a_storm_of_rebalances_loses_and_doubles_nothing(scene: Scene) -> None:
    """Members join, leave and are killed all the time: effects once, in order, all announced."""
    records = scene.numbered(ROOMS, NUMBERS, _cost)
    began = time.monotonic()
    with ExitStack() as stack, Feed(scene, records, len(records) / STORM_SECS) as feed:
        storm, done = _Storm(scene, stack), [0]
        while (secs := time.monotonic() - began) < STORM_SECS:
            storm.act(secs)
            done.append(scene.done())
        last = storm.end()
        feed.wait_sent()
        scene.wait_done(within_secs=120.0)
        last.send_signal(SIGTERM)
        ended_well(last)
    doubles = balance(scene, all_notes(ROOMS, NUMBERS))

    members = [*storm.members, last]
    figures = {
        "events": len(records),
        "done in the storm": done[-1],
        "share done in the storm": round(done[-1] / len(records), 2),
        "steps": len(done) - 1,
        "steps with something done": sum(now > before for before, now in pairwise(done)),
        "seconds": round(time.monotonic() - began, 1),
        "members": len(members),
        "left": len(storm.left),
        "killed": len(storm.killed),
        "members with partitions": sum(bool(said([m], "partitions_assigned")) for m in members),
        "assignments": len(said(members, "partitions_assigned")),
        "commits refused": len(said(members, "commit_failed")),
        "announced twice": doubles,
    }
    log.info("the storm: %s", figures)
    assert storm.killed
    assert storm.left
    assert done[-1] >= LEAST_DONE * len(records), figures


def _cost(_: str, room: str, number: int) -> str:
    """Return enough for a backlog, and for some longer than a partition that goes waits for it."""
    if number == 5 and room.endswith("7"):
        return "moment 6"
    return "moment 1" if number == 9 else "moment 0.15"


def test_a_handler_that_hangs_holds_up_its_own_room_only(scene: Scene) -> None:
    """What hangs once is done when it is tried again, what always hangs dies; others go on."""
    costs = {
        ("RoomCreate", "room-3", 2): f"hang {scene.folder}/hung",
        ("RoomDestroy", "room-5", 1): "hang",
    }
    fed(scene, scene.numbered(20, 5, lambda *event: costs.get(event, "")))
    notes = all_notes(20, 5)
    notes["room-5"]["RoomDestroy"] = [0, 2, 3, 4]
    with scene.member(IMPATIENT) as member:
        member.wait_line(lambda line: '"event": "event_died"' in line)
        at_death = scene.notes(IMPATIENT)
        scene.wait_done(IMPATIENT)
        member.send_signal(SIGTERM)
        ended_well(member)

    assert {room: kinds for room, kinds in at_death.items() if room != "room-5"} == {
        room: kinds for room, kinds in notes.items() if room != "room-5"
    }
    balance(scene, notes, IMPATIENT)
    (dead,) = scene.dead(IMPATIENT)
    assert dead.headers["dead_reason"] == b"timeout"
    assert int(dead.headers["dead_attempts"]) > 1
    assert event_id("RoomDestroy", "room-5", 1).encode() in (dead.value or b"")


def test_a_member_that_stood_still_does_no_harm_when_it_is_back(scene: Scene) -> None:
    """Blocked for longer than a session: another has its partitions, and it writes nothing twice."""
    costs = {("RoomCreate", "room-3", 5): f"block {scene.folder}/blocked"}
    records = scene.numbered(20, 25, lambda *event: costs.get(event, "moment 0.01"))
    with scene.member() as one, scene.member() as other, ExitStack() as stack:
        for member in (one, other):
            member.wait_line(lambda line: f'"count": {PARTITIONS}' in line)  # half of all
        feed = stack.enter_context(Feed(scene, records, rate=40.0))
        feed.wait_sent()
        scene.wait_done()
        for member in (one, other):
            member.send_signal(SIGTERM)
            ended_well(member)

    taken_over = [line["count"] for line in said([one, other], "partitions_assigned")].count(
        2 * PARTITIONS
    )
    assert taken_over >= 1
    balance(scene, all_notes(20, 25))
    assert scene.dead() == []


def test_poison_in_the_middle_dies_alone(scene: Scene) -> None:
    """What is no event, or does not fit its class, is put aside at once, and all others are done."""
    good = json.loads(scene.event("RoomCreate", "room-4", 99).value)
    poison = [
        scene.raw("RoomCreate", "room-4", b"\xff\x00 no event"),
        scene.raw("RoomDestroy", "room-4", b""),
        scene.raw("RoomCreate", "room-9", json.dumps(good | {"data": {"room_id": 7}}).encode()),
    ]
    records = scene.numbered(50, 10)
    middle = len(records) // 2
    fed(scene, [*records[:middle], *poison, *records[middle:]])
    with scene.member() as member:
        scene.wait_done()
        member.send_signal(SIGTERM)
        ended_well(member)

    balance(scene, all_notes(50, 10))
    dead = {(record.value, record.headers["dead_reason"]) for record in scene.dead()}
    assert dead == {
        (poison[0].value, b"undecodable"),
        (poison[1].value, b"undecodable"),
        (poison[2].value, b"bad-field"),
    }


def test_a_database_that_goes_away_under_load_costs_time_only(
    scene: Scene, postgres: Postgres
) -> None:
    """Restarted, crashed and frozen for longer than a call may take: effects once, none lost."""
    pace = threading.Event()
    records = scene.numbered(ROOMS, NUMBERS, lambda *_: "moment 0.01")
    with scene.member() as one, scene.member() as other, Feed(scene, records, 250.0) as feed:
        for member in (one, other):
            member.wait_line(lambda line: f'"count": {PARTITIONS}' in line)
        postgres.restart()
        pace.wait(2.0)
        postgres.end(SIGQUIT)
        pace.wait(2.0)
        postgres.resume()
        pace.wait(2.0)
        postgres.freeze()
        pace.wait(12.0)
        postgres.thaw()
        feed.wait_sent()
        scene.wait_done()
        for member in (one, other):
            member.send_signal(SIGTERM)
            ended_well(member)

    balance(scene, all_notes(ROOMS, NUMBERS))
    assert scene.dead() == []
    assert said([one, other], "state_not_written")


def test_a_second_process_with_a_file_of_its_own_is_refused(
    kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """State in two files would be two halves: the second says so and ends, the first goes on."""
    scene = Scene(kafka, tmp_path, unique, None)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = scene.configured(elsewhere, f"sqlite:///{elsewhere}/state.db")
    with scene.member() as first:
        first.wait_line(lambda line: '"event": "partitions_assigned"' in line)
        with Running("consume", "--config", config, "--only", NOTING) as second:
            assert second.wait_ended(40.0) == 1
        assert first._process.poll() is None
        first.send_signal(SIGTERM)
        ended_well(first)

    assert f"in {unique}.callback-router.{NOTING}, and SQLite serves one" in second.err[-1]
    assert said([second], "partitions_assigned") == []


def test_of_processes_that_start_together_one_works(
    kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """Files of their own and one group: never two side by side, also where none was there first."""
    scene = Scene(kafka, tmp_path, unique, None)
    fed(scene, scene.numbered(40, 5))
    with ExitStack() as stack:
        members: dict[Running, Path] = {}
        for number in range(TOGETHER):
            folder = tmp_path / f"{number}"
            folder.mkdir()
            config = scene.configured(folder, f"sqlite:///{folder}/state.db")
            member = Running("consume", "--config", config, "--only", NOTING)
            members[stack.enter_context(member)] = folder / "state.db"
        deadline, pace = time.monotonic() + 40.0, threading.Event()
        while len(present := [each for each in members if each._process.poll() is None]) > 1:
            assert time.monotonic() < deadline, [said([each], "consuming") for each in present]
            pace.wait(0.2)
        (remaining,) = present
        scene.wait_done()
        remaining.send_signal(SIGTERM)
        ended_well(remaining)
        refused = members.keys() - {remaining}
        assert [member.wait_ended() for member in refused] == [1] * len(refused)

    assert _effects(members[remaining]) == 40 * 5 * 2
    for member in refused:
        assert "SQLite serves one process only" in member.err[-1], member.err[-20:]


def _effects(file: Path) -> int:
    """Return how many events had their effect in a state file."""
    with closing(sqlite3.connect(file)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM callback_router_effects").fetchone()
    return int(count)
