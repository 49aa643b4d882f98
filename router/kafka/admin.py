"""Questions to the cluster and the making of topics, with aiokafka's admin client."""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from router.errors import UnavailableError
from router.kafka.port import KafkaSettings, unreachable

REQUEST_TIMEOUT_MS = 10_000
_TRIES = 100
_TRY_SECS = 0.1


class TopicState(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as the cluster has it."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)


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
            if state.name in wanted
        }

    async def states(self, topics: Iterable[str]) -> dict[str, TopicState]:
        """Return those topics that exist, with all their settings, defaults too.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        wanted = set(topics)
        states = {state.name: state for state in await self._described() if state.name in wanted}
        if not states:
            return {}
        client = await self._connected()
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in states]
        try:
            answers = await client.describe_configs(resources)
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise unreachable(self._settings, error) from error
        for answer in answers:
            for code, _, _, name, entries in answer.resources:
                if code:
                    raise UnavailableError(f"{name}: {kafka_errors.for_code(code).__name__}")
                settings = {str(entry[0]): str(entry[1]) for entry in entries}
                states[name] = msgspec.structs.replace(states[name], settings=settings)
        return states

    async def brokers(self) -> int:
        """Return how many brokers the cluster has.

        Raises:
            UnavailableError: The cluster does not answer.
        """
        client = await self._connected()
        try:
            return len((await client.describe_cluster())["brokers"])
        except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
            raise unreachable(self._settings, error) from error

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
            kind = kafka_errors.for_code(code)
            if code and kind is not kafka_errors.TopicAlreadyExistsError:
                failed[name] = f"{kind.__name__}: {message[0] if message else ''}".rstrip(": ")
        await self.wait_for([topic.name for topic in topics if topic.name not in failed])
        return failed

    async def wait_for(self, topics: list[str]) -> dict[str, int]:
        """Return the partitions of *topics* as soon as all exist: brokers learn of new ones late.

        Raises:
            UnavailableError: Some do not appear, or the cluster does not answer.
        """
        found: dict[str, int] = {}
        for _ in range(_TRIES):
            found = await self.partitions(topics)
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
        return [
            TopicState(
                name=topic["topic"],
                partitions=len(topic["partitions"]),
                replication=len(topic["partitions"][0]["replicas"]),
            )
            for topic in found
            if topic["error_code"] == 0 and topic["partitions"]
        ]

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
