"""Classes of faults: what happens to the disk of the spool."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from tests.chaos.checker import OK
from tests.chaos.scene import Fault, Scene, SkippedError

HANG_SECS: Final = 5.0
SLOW_SYNC_SECS: Final = 1.0
_VOLUME = "64m"


@contextmanager
def small_volume(folder: Path) -> Iterator[None]:
    """Hold a small file system of memory at *folder*.

    Raises:
        SkippedError: We may not mount.
    """
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None:
        raise SkippedError("no mount here")
    mounting = [mount, "-t", "tmpfs", "-o", f"size={_VOLUME},mode=0700", "chaos", str(folder)]
    done = subprocess.run(mounting, capture_output=True, check=False)
    if done.returncode != 0:
        raise SkippedError("mounting is not permitted")
    try:
        yield
    finally:
        subprocess.run([unmount, "-l", str(folder)], check=True)


def _full_volume(
    scene: Scene,
    *,
    is_away: bool,
    secs: float = 15,
    back_after_secs: float = 5,
    warm_up: int = 200,
    more: int = 500,
) -> None:
    """A neighbour fills the volume for *secs*; *more* events are accepted when all is well again.

    Kafka is back *back_after_secs* after the disk; at once: before the spool looks for room again.
    """
    with small_volume(scene.ingress.spool):
        scene.begin(warm_up=warm_up)
        neighbour = scene.ingress.spool / "neighbour"
        if is_away:
            scene.kafka.away()
        _fill(neighbour)
        scene.wait(secs)
        if is_away:
            _expect_trouble(scene, "full")
        neighbour.unlink()
        scene.wait(back_after_secs)
        scene.kafka.back()
        scene.load.wait_accepted(more)
        scene.settle()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            return


def _quota_reached(scene: Scene) -> None:
    scene.begin()
    scene.kafka.away()
    scene.wait(20)
    _expect_trouble(scene, "full")
    scene.kafka.back()
    scene.load.wait_accepted(500)


def _sync(scene: Scene, action: str, *, is_away: bool) -> None:
    """Syncs fail or hang while the load goes on; then all is well again."""
    scene.begin("spool_appended:3", action)
    if is_away:
        scene.kafka.away()
        scene.wait(2)
    scene.ingress.arm()
    scene.wait(12)
    if is_away and action.startswith("eio"):
        _expect_trouble(scene, "sync")
    scene.ingress.disarm()
    scene.wait(3)
    scene.kafka.back()
    scene.load.wait_accepted(500)


def _expect_trouble(scene: Scene, kind: str) -> None:
    """Expect that the service has noticed what is being done to its disk."""
    told = scene.ingress.metric("spool_errors_total", kind=kind)
    scene.expect(told, f"no trouble of the kind {kind} was told: that says nothing")


def _slow_sync(scene: Scene) -> None:
    """No answer may come before the sync has returned; kill -9 alone would not show it."""
    scene.kafka.away()
    scene.begin("spool_appended", f"delay={SLOW_SYNC_SECS}*", warm_up=0)
    scene.ingress.arm()
    scene.wait(15)
    oks = [attempt.secs for attempt in scene.load.book if attempt.status == OK]
    scene.expect(oks, "no answer 200 came while syncs were slow")
    fastest = min(oks, default=SLOW_SYNC_SECS)
    scene.expect(
        fastest >= SLOW_SYNC_SECS,
        f"an answer came after {fastest:.3f} s, before the disk had its record",
    )
    scene.ingress.disarm()
    scene.kafka.back()
    scene.load.wait_accepted(500)


def _on_sync(name: str, action: str) -> tuple[Fault, Fault]:
    """Return the class with Kafka there, where it is nobody's business, and with Kafka away."""
    there = Fault(name=name, act=partial(_sync, action=action, is_away=False), at_least=3000)
    away = Fault(
        name=f"{name}, Kafka away",
        act=partial(_sync, action=action, is_away=True),
        at_least=1000,
        may_refuse=True,
    )
    return there, away


FAULTS: Final = (
    Fault(
        name="disk full",
        act=partial(_full_volume, is_away=False),
        at_least=3000,
        padding=4000,
    ),
    Fault(
        name="disk full, Kafka away",
        act=partial(_full_volume, is_away=True),
        at_least=1000,
        padding=4000,
        may_refuse=True,
        spool={"max_bytes": "8MiB"},  # so small a reserve is soon used up
    ),
    Fault(
        name="few quiet rooms, disk full, Kafka away",
        act=partial(_full_volume, is_away=True, secs=40, back_after_secs=0, warm_up=10, more=20),
        at_least=30,
        rate=2.0,
        rooms=4,
        padding=50_000,
        may_refuse=True,
        spool={"max_bytes": "8MiB"},
    ),
    Fault(
        name="quota reached, Kafka away",
        act=_quota_reached,
        at_least=1000,
        padding=4000,
        may_refuse=True,
        spool={"max_bytes": "8MiB"},
    ),
    *_on_sync("fdatasync fails once", "eio"),
    *_on_sync("fdatasync fails", "eio*"),
    *_on_sync("fdatasync hangs 5 s", f"delay={HANG_SECS}"),
    Fault(name="fdatasync takes 1 s, Kafka away", act=_slow_sync, may_refuse=True),
)
