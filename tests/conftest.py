"""Fixtures of all tests: a real Kafka, shared or to be broken, and names of one's own.

A test with a real Kafka carries the marker `kafka`. Without Java or Maven it is skipped, or
fails where `REQUIRE_KAFKA=1` says that there must be one.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import Cluster, ToolMissingError
from tests.kafka_node import BRIEF_SECS, LASTING_SECS

_FIXTURES = {"kafka", "kafka_cluster_of_three"}
# The first start on a machine also fetches the jars.
_TIMEOUT = pytest.mark.timeout(300)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test that may start a Kafka the time for it, unless it names its own."""
    for item in items:
        uses = _FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if uses and item.get_closest_marker("timeout") is None:
            item.add_marker(_TIMEOUT)


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name that no other test and no other run uses, fit for topics, groups and clients.

    Topics of the shared broker that begin so are deleted behind the test: thousands of partitions
    would make every later one slower, until the broker answers no more.
    """
    name = f"t{uuid.uuid4().hex[:12]}"
    yield name
    if "kafka" in request.fixturenames:
        request.getfixturevalue("kafka").delete_topics(name)


@pytest.fixture
def topic_prefix(unique: str) -> str:
    """A prefix for this test's topics, with the dot at its end."""
    return f"{unique}."


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One broker for the whole run: use topics of your own, and do not break it."""
    directory = tmp_path_factory.mktemp("kafka")
    with _start(directory, brokers=1, session_secs=LASTING_SECS) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kafka_cluster_of_three(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], Cluster]]:
    """A function that returns three brokers that a test may kill and freeze.

    The first call in a module starts them; a later one mends what a test before has broken.
    """
    started: list[Cluster] = []
    with ExitStack() as stack:

        def cluster_of_three() -> Cluster:
            if started:
                started[0].heal()
            else:
                directory = tmp_path_factory.mktemp("kafka-of-three")
                started.append(stack.enter_context(_start(directory, brokers=3)))
            return started[0]

        yield cluster_of_three


def _start(directory: Path, brokers: int, session_secs: float = BRIEF_SECS) -> Cluster:
    try:
        return Cluster.start(directory, brokers=brokers, session_secs=session_secs)
    except ToolMissingError as error:
        if os.environ.get("REQUIRE_KAFKA") == "1":
            pytest.fail(f"REQUIRE_KAFKA=1, but {error}")
        pytest.skip(str(error))
