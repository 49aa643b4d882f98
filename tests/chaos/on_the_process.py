"""Classes of faults: what happens to the service, by signals and at points of its code."""

from functools import partial
from typing import Final

from tests.chaos.scene import Fault, Scene

_KILLS = 8
_RESTARTS = 4
_DOOM_SECS = 20.0
_SEGMENTS_OF = 600

WITH_KAFKA: Final = (
    "head_read",
    "body_read",
    "verified",
    "normalized",
    "lane_joined",
    "produce_called",
    "produce_acked",
    "before_reply",
    "after_reply",
)
"""Points that are passed while Kafka is there."""

WITHOUT_KAFKA: Final = ("spool_appended", "spool_synced", "before_reply", "after_reply")
"""Points that are passed while Kafka is away."""

ON_RETURN: Final = (
    "drain_sent",
    "marks_written",
    "cursor_written",
    "segment_unlinked",
)
"""Points that are passed when Kafka is back."""


def _random_kills(scene: Scene, *, is_away: bool) -> None:
    scene.begin()
    if is_away:
        scene.kafka.away()
    for _ in range(max(2, round(scene.secs(_KILLS)))):
        scene.wait(scene.random.uniform(0.5, 3.0))
        scene.ingress.kill()
        scene.restart()
    if is_away:
        scene.wait(2)  # something new must wait behind what the earlier runs left
        scene.kafka.back()
    scene.load.wait_accepted(500)


def _killed_at(scene: Scene, point: str, times: tuple[int, ...] = (5, 50)) -> None:
    """Die at the point twice, Kafka there: early, and in the middle of much."""
    scene.begin(f"{point}:{times[0]}", "kill")
    for number in (*times[1:], 0):
        scene.ingress.arm()
        scene.ingress.wait_killed(_DOOM_SECS)
        scene.restart(*([f"{point}:{number}", "kill"] if number else []))
        scene.wait(1)
    scene.load.wait_accepted(300)


def _killed_away_at(scene: Scene, point: str, action: str = "kill") -> None:
    """Die at the point while Kafka is away, and once more after the start."""
    scene.begin(f"{point}:10", action)
    scene.kafka.away()
    for faults in ([f"{point}:30", action], []):
        scene.ingress.arm()
        scene.ingress.wait_killed(_DOOM_SECS)
        scene.restart(*faults)
        scene.wait(2)
    scene.kafka.back()
    scene.load.wait_accepted(300)


def _killed_on_return_at(scene: Scene, point: str) -> None:
    """Die at the point while what waited on disk is sent."""
    scene.begin(f"{point}:1", "kill")
    scene.kafka.away()
    scene.load.wait_accepted(_SEGMENTS_OF)
    scene.ingress.arm()
    scene.kafka.back()
    scene.ingress.wait_killed(_DOOM_SECS)
    scene.restart()
    scene.load.wait_accepted(300)
    missing = scene.ingress.metric("spool_errors_total", kind="missing")
    scene.expect(not missing, "a segment was missing after the start")


def _ended_under_load(scene: Scene, *, is_away: bool) -> None:
    scene.begin()
    if is_away:
        scene.kafka.away()
        scene.wait(3)
    for _ in range(max(2, round(scene.secs(_RESTARTS)))):
        scene.load.wait_accepted(100)
        scene.ingress.terminate()
        scene.restart()
    if is_away:
        scene.kafka.back()
    scene.load.wait_accepted(500)


FAULTS: Final = (
    Fault(name="kill -9 at random", act=partial(_random_kills, is_away=False), at_least=2000),
    Fault(
        name="kill -9 at random, Kafka away",
        act=partial(_random_kills, is_away=True),
        at_least=2000,
    ),
    Fault(name="SIGTERM under load", act=partial(_ended_under_load, is_away=False)),
    Fault(name="SIGTERM under load, Kafka away", act=partial(_ended_under_load, is_away=True)),
    *(
        Fault(name=f"kill -9 at {point}", act=partial(_killed_at, point=point), at_least=800)
        for point in WITH_KAFKA
    ),
    *(
        Fault(
            name=f"kill -9 at {point}, Kafka away",
            act=partial(_killed_away_at, point=point),
            at_least=800,
        )
        for point in WITHOUT_KAFKA
    ),
    Fault(
        name="torn write, Kafka away",
        act=partial(_killed_away_at, point="write", action="tear"),
        at_least=800,
    ),
    *(
        Fault(
            name=f"kill -9 at {point}, Kafka back",
            act=partial(_killed_on_return_at, point=point),
            at_least=800,
            spool={"max_bytes": "8MiB"},  # segments of 2 MiB: some are full, and removed
            padding=4000,
        )
        for point in ON_RETURN
    ),
)
