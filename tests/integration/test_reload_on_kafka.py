"""SIGHUP under load, and topics that come and go with the rules, on a real Kafka."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP

import pytest

from tests.cluster import Cluster
from tests.integration.command import PATHS, Service, post, run, write_config
from tests.integration.steady import TOPIC, Steady, stored
from tests.sender import rtc

pytestmark = pytest.mark.kafka

PER_SEC = 150
RELOADS = 20
RULE = "routes: [{name: further, when: {type: RoomCreate}, to: further}]\n"


class Instance(Service):
    """`serve`, listening, whose rules are in a file."""

    def __init__(self, folder: Path, kafka: Cluster, namespace: str) -> None:
        """Start it without a rule."""
        self.routes = folder / "routes.yaml"
        self.routes.write_text("")
        self.config = write_config(folder, kafka.bootstrap_servers, namespace, routes="routes.yaml")
        super().__init__(self.config)

    def reload(self, rules: str) -> None:
        """Return when it acts by these rules."""
        self.routes.write_text(rules)
        self.send_signal(SIGHUP)
        self.wait_line(lambda text: '"event": "config_reloaded"' in text)


@pytest.fixture
def instance(kafka: Cluster, unique: str, tmp_path: Path) -> Iterator[Instance]:
    """An instance that has the topic of RoomCreate and no other."""
    kafka.create_topics([f"{unique}.{TOPIC}"])
    with Instance(tmp_path, kafka, f"{unique}.") as started:
        yield started


async def test_reloads_under_load_are_not_noticed(
    instance: Instance, kafka: Cluster, unique: str
) -> None:
    """Twenty, each with a rule that comes or goes: every callback is answered 200, and stored."""
    kafka.create_topics([f"{unique}.further"])
    async with Steady(instance.url, PER_SEC) as load:
        for number in range(RELOADS):
            await asyncio.to_thread(instance.reload, RULE if number % 2 == 0 else "")
            await load.wait_durable(PER_SEC // 10)
        load.stop()

    assert [sent for sent in load.sent if sent.status != 200] == []
    assert len(load.sent) >= RELOADS * PER_SEC // 10
    ids = await stored(kafka.bootstrap_servers, f"{unique}.{TOPIC}", load.durable)
    assert load.durable == set(ids)
    further = await stored(kafka.bootstrap_servers, f"{unique}.further", ())
    assert set(further) < load.durable
    assert further


def test_a_rules_topic_that_is_missing_is_told_and_waited_for(
    instance: Instance, kafka: Cluster, unique: str
) -> None:
    """Its records wait in the spool, answered 200, also when the rule is gone before it comes."""
    topic = f"{unique}.further"
    assert run("topics", "apply", "--config", instance.config).returncode == 0
    instance.wait_line(lambda text: '"event": "topics_complete"' in text)
    instance.reload(RULE)
    told = instance.wait_line(lambda text: '"event": "topics_missing"' in text)
    answers = post(instance.port, [(PATHS["rtc"], rtc(EventId="waits"), {})])
    instance.reload("")
    kafka.create_topics([topic])

    assert (json.loads(told)["topics"], json.loads(told)["mend"]) == (
        [topic],
        "callback-router topics apply",
    )
    assert [status for status, _ in answers] == [200]
    delivered = asyncio.run(stored(kafka.bootstrap_servers, topic, ["appId/waits"]))
    assert delivered == ["appId/waits"]
