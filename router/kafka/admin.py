"""Questions to the cluster and the making of topics, with aiokafka's admin client."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from router.errors import UnavailableError
from router.kafka.alter import AlterRequest, AlterResponse
from router.kafka.port import KafkaSettings, unreachable

REQUEST_TIMEOUT_MS = 10_000
_TRIES = 100
_TRY_SECS = 0.1
_REASONS: Mapping[type[kafka_errors.KafkaError], str] = {
    kafka_errors.TopicAuthorizationFailedError: "not authorised",
    kafka_errors.ClusterAuthorizationFailedError: "not authorised",
    kafka_errors.LeaderNotAvailableError: "being made, or all its brokers are away",
    kafka_errors.UnknownTopicOrPartitionError: "being made or deleted, ask again",
}
"""What errors mean here; the others are called as the engine calls them."""


class TopicState(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as the cluster has it.

    Attributes:
        name: With the namespace.
        partitions: How many.
        replication: Copies of each partition; the fewest of any.
        settings: Of the topic, by Kafka's names.
        leaderless: Partitions that nobody can write to now.
        fault: Why the rest is not known now; empty if it is.
    """

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)
    leaderless: int = 0
    fault: str = ""


class KafkaAdmin:
    """One connection for questions; connects when first asked."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Take the settings; nothing is connected yet."""
        self._settings = settings
        self._client: AIOKafkaAdminClient | None = None

    async def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """Return the number of partitions of those topics that exist.

        All topics are asked for, since asking for one by name can create it.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        wanted = set(topics)
        return {
            state.name: state.partitions
            for state in await self._described()
            if state.name in wanted and not state.fault
        }

    async def names(self, prefix: str) -> list[str]:
        """Return the topics that exist and are called so at the beginning, sorted.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        return sorted(
            state.name for state in await self._described() if state.name.startswith(prefix)
        )

    async def states(self, topics: Iterable[str]) -> dict[str, TopicState]:
        """Return those topics that exist, with all their settings, defaults too.

        One about which the cluster does not tell everything has a `fault`.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        wanted = set(topics)
        states = {state.name: state for state in await self._described() if state.name in wanted}
        known = [name for name, state in states.items() if not state.fault]
        if not known:
            return states
        client = await self._connected()
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in known]
        try:
            answers = await client.describe_configs(resources)
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise unreachable(self._settings, error) from error
        for answer in answers:
            for code, _, _, name, entries in answer.resources:
                settings = {str(entry[0]): str(entry[1]) for entry in entries}
                fault = f"its settings: {_reason(code)}" if code else ""
                states[name] = msgspec.structs.replace(states[name], settings=settings, fault=fault)
        return states

    async def brokers(self) -> int:
        """Return how many brokers the cluster has, at least one.

        Raises:
            UnavailableError: The cluster does not answer, or counts none of its brokers as alive,
                as a controller does that has missed their heartbeats.
        """
        client = await self._connected()
        try:
            count = len((await client.describe_cluster())["brokers"])
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise unreachable(self._settings, error) from error
        if count == 0:
            raise UnavailableError(f"{self._settings.bootstrap_servers}: no broker counts as alive")
        return count

    async def create(self, topics: Iterable[TopicState]) -> dict[str, str]:
        """Make topics, wait until they are known; return the error of each that was not made.

        One that somebody else has just made is no error.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        topics = list(topics)
        client = await self._connected()
        new = [
            NewTopic(
                topic.name,
                topic.partitions,
                topic.replication,
                topic_configs=dict(topic.settings),
            )
            for topic in topics
        ]
        try:
            answer = await client.create_topics(new)
        except (kafka_errors.KafkaError, TimeoutError, OSError, AttributeError) as error:
            # AttributeError: aiokafka asks a controller for its id that is None
            raise unreachable(self._settings, error) from error
        failed: dict[str, str] = {}
        for name, code, *message in answer.topic_errors:
            if code and kafka_errors.for_code(code) is not kafka_errors.TopicAlreadyExistsError:
                failed[name] = _reason(code, *message)
        await self.wait_for([topic.name for topic in topics if topic.name not in failed])
        return failed

    async def set_settings(self, settings: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Change these settings of these topics and no others; return the error of each that failed.

        Raises:
            UnavailableError: The cluster does not answer, or does not know the question.
        """
        if not settings:
            return {}
        client = await self._connected()
        try:
            answer = await client._send_request(AlterRequest(settings))  # noqa: SLF001 - see alter
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise unreachable(self._settings, error) from error
        assert isinstance(answer, AlterResponse)  # noqa: S101 - as the request says
        return {name: _reason(code, message) for code, message, _, name in answer.resources if code}

    async def raise_partitions(self, topic: str, total: int) -> str:
        """Give a topic more partitions; return the error, or nothing once they are known.

        Raises:
            UnavailableError: The cluster does not answer, or does not tell of them.
        """
        client = await self._connected()
        try:
            await client.create_partitions({topic: NewPartitions(total)})
        except kafka_errors.BrokerResponseError as error:
            return f"{_REASONS.get(type(error), type(error).__name__)}: {error.args[0]}"
        except (kafka_errors.KafkaError, TimeoutError, OSError, AttributeError) as error:
            # AttributeError: aiokafka asks a controller for its id that is None
            raise unreachable(self._settings, error) from error
        await self.wait_for([topic], at_least=total)
        return ""

    async def wait_for(self, topics: list[str], at_least: int = 1) -> dict[str, int]:
        """Return the partitions of *topics* as soon as all exist: brokers learn of new ones late.

        Each has to have *at_least* so many.

        Raises:
            UnavailableError: Some do not appear, or the cluster does not answer.
        """
        found: dict[str, int] = {}
        for _ in range(_TRIES):
            counts = await self.partitions(topics)
            found = {name: count for name, count in counts.items() if count >= at_least}
            if len(found) == len(topics):
                return found
            await asyncio.sleep(_TRY_SECS)
        missing = ", ".join(sorted(set(topics) - set(found)))
        raise UnavailableError(f"topics do not appear: {missing}")

    async def ask_for(self, topics: Iterable[str]) -> None:
        """Ask for topics by name, which makes them where the broker creates what it is asked for.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        await self._described(list(topics))

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _described(self, topics: list[str] | None = None) -> list[TopicState]:
        client = await self._connected()
        try:
            found = await client.describe_topics(topics)
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            await self.close()
            raise unreachable(self._settings, error) from error
        return [_state(topic) for topic in found]

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._client is None:
            client = AIOKafkaAdminClient(
                bootstrap_servers=self._settings.bootstrap_servers,
                client_id=self._settings.client_id,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
                **self._settings.security,
            )
            try:
                await client.start()
            except (kafka_errors.KafkaError, OSError) as error:
                await client.close()
                raise unreachable(self._settings, error) from error
            self._client = client
        return self._client


def _state(topic: Mapping[str, Any]) -> TopicState:
    """Return what the cluster tells about a topic."""
    partitions, code = topic["partitions"], topic["error_code"]
    fault = _reason(code) if code else ""
    return TopicState(
        name=topic["topic"],
        partitions=len(partitions),
        replication=min((len(partition["replicas"]) for partition in partitions), default=0),
        leaderless=sum(partition["leader"] < 0 for partition in partitions),
        fault=fault or ("" if partitions else "being made"),
    )


def _reason(code: int, message: str | None = None) -> str:
    """Return what an error of the cluster means, and its own words."""
    kind = kafka_errors.for_code(code)
    return ": ".join(dict.fromkeys((_REASONS.get(kind, kind.__name__), message or kind.__name__)))
