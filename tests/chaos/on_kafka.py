"""Classes of faults: what happens to Kafka and to the way there."""

from collections.abc import Callable
from functools import partial
from typing import Final

from tests.chaos.callbacks import BASE
from tests.chaos.proxy import Proxy
from tests.chaos.scene import Fault, Scene

_SLOW_SECS = 0.8
_NARROW_BYTES_PER_SEC = 40_000.0


def _outage(scene: Scene) -> None:
    scene.begin()
    scene.kafka.kill(1)
    scene.wait(20)
    scene.kafka.restart(1)
    scene.load.wait_accepted(500)


def _away_at_start(scene: Scene) -> None:
    scene.kafka.away()
    scene.begin(warm_up=0)
    scene.wait(15)
    scene.kafka.back()
    scene.load.wait_accepted(1000)


def _freeze(scene: Scene) -> None:
    scene.begin()
    scene.kafka.freeze(1)
    scene.wait(20)
    scene.kafka.thaw(1)
    scene.load.wait_accepted(500)


def _quiet(scene: Scene) -> None:
    """An outage longer than any wait of the client's, and nothing new that would wake a lane."""
    scene.begin(warm_up=10)
    scene.kafka.away()
    scene.wait(40)
    scene.kafka.back()
    scene.load.wait_accepted(20)


def _short_freezes(scene: Scene) -> None:
    """Each about as long as the soft deadline: the spool is begun and left, again and again."""
    scene.begin()
    for _ in range(20):
        scene.kafka.freeze(1)
        scene.wait(scene.random.uniform(0.1, 1.2))
        scene.kafka.thaw(1)
        scene.wait(scene.random.uniform(0.1, 1.0))
    scene.load.wait_accepted(500)


def _bad_way(scene: Scene, worsen: Callable[[Proxy], None], secs: float) -> None:
    scene.begin()
    for proxy in scene.kafka.proxies.values():
        worsen(proxy)
    scene.wait(secs)
    scene.kafka.back()
    scene.load.wait_accepted(500)


def _slow(proxy: Proxy) -> None:
    proxy.delay_secs = _SLOW_SECS


def _narrow(proxy: Proxy) -> None:
    proxy.bytes_per_sec = _NARROW_BYTES_PER_SEC


def _cut(scene: Scene) -> None:
    scene.begin()
    for _ in range(15):
        for proxy in scene.kafka.proxies.values():
            proxy.cut()
        scene.wait(1)
    scene.load.wait_accepted(500)


def _leader_killed(scene: Scene) -> None:
    scene.begin()
    for _ in range(2):
        leader = scene.kafka.leader(scene.topics[0])
        scene.kafka.kill(leader)
        scene.wait(8)
        scene.kafka.restart(leader)
        scene.load.wait_accepted(500)


def _leader_frozen(scene: Scene) -> None:
    scene.begin()
    leader = scene.kafka.leader(scene.topics[0])
    scene.kafka.freeze(leader)
    scene.wait(15)
    scene.kafka.thaw(leader)
    scene.load.wait_accepted(500)


def _too_few(scene: Scene) -> None:
    """One of three is left: it may not write alone."""
    scene.begin()
    scene.kafka.freeze(2)
    scene.kafka.freeze(3)
    scene.wait(15)
    scene.kafka.thaw(2)
    scene.kafka.thaw(3)
    scene.load.wait_accepted(500)


def _all_away(scene: Scene) -> None:
    scene.begin()
    for number in (1, 2, 3):
        scene.kafka.kill(number)
    scene.wait(15)
    scene.kafka.heal()
    scene.load.wait_accepted(500)


def _missing_topic(scene: Scene) -> None:
    scene.begin(warm_up=0)
    scene.wait(10)
    scene.make_topics()
    scene.load.wait_accepted(1000)


def _more_partitions(scene: Scene) -> None:
    """The topic grows twice, once while records of it wait."""
    scene.begin()
    scene.kafka.grow(f"{scene.namespace}{BASE}", 9)
    scene.wait(10)
    scene.kafka.away()
    scene.wait(5)
    scene.kafka.grow(f"{scene.namespace}{BASE}", 12)
    scene.kafka.back()
    scene.load.wait_accepted(1500)


def _refused_records(scene: Scene) -> None:
    """A few records are larger than the topic takes: they block no others, and are not lost."""
    scene.begin()
    scene.wait(15)


FAULTS: Final = (
    Fault(name="broker killed 20 s", act=_outage, at_least=4000),
    Fault(name="Kafka away at start", act=_away_at_start, at_least=3000),
    Fault(name="broker frozen 20 s", act=_freeze, at_least=4000),
    Fault(name="few quiet rooms, Kafka away 40 s", act=_quiet, at_least=50, rate=2.0, rooms=4),
    Fault(name="broker frozen for moments", act=_short_freezes, at_least=4000),
    Fault(
        name="broker slow by 800 ms", act=partial(_bad_way, worsen=_slow, secs=20), at_least=4000
    ),
    Fault(
        name="connection of 40 kB/s", act=partial(_bad_way, worsen=_narrow, secs=15), at_least=3000
    ),
    Fault(name="connections cut every second", act=_cut, at_least=3000),
    Fault(
        name="black hole 20 s",
        act=partial(_bad_way, worsen=Proxy.fall_silent, secs=20),
        at_least=4000,
    ),
    Fault(name="topic missing", act=_missing_topic, at_least=2000, makes_topics=False),
    Fault(name="topic gets more partitions", act=_more_partitions, at_least=3000, may_stray=True),
    Fault(
        name="records that Kafka refuses",
        act=_refused_records,
        at_least=2000,
        large_bytes=20_000,
        topic={"max.message.bytes": "10000"},
    ),
    Fault(name="leader killed, of three", act=_leader_killed, at_least=4000, brokers=3),
    Fault(name="leader frozen, of three", act=_leader_frozen, at_least=4000, brokers=3),
    Fault(name="two of three frozen", act=_too_few, at_least=4000, brokers=3),
    Fault(name="all three killed 15 s", act=_all_away, at_least=4000, brokers=3),
)
