"""Questions about consumer groups: who is in one, and how far it is. No group is joined."""

from collections.abc import Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient

from router.kafka.port import KafkaSettings, unreachable
from router.record import Partition


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A group as the cluster has it.

    Attributes:
        members: How many consumers are in it.
        behind: Records of its topics that are not committed, by partition.
    """

    members: int
    behind: dict[Partition, int]

    @property
    def lag(self) -> int:
        """All of them."""
        return sum(self.behind.values())


async def members_of(settings: KafkaSettings, groups: Sequence[str]) -> dict[str, int]:
    """Return how many consumers are in each group; 0 where there is no such group.

    Raises:
        UnavailableError: The cluster does not answer.
    """
    return {group: len(found) for group, found in (await clients_of(settings, groups)).items()}


async def clients_of(settings: KafkaSettings, groups: Sequence[str]) -> dict[str, list[str]]:
    """Return the client ids of the consumers in each group; none where there is no such group.

    Raises:
        UnavailableError: The cluster does not answer.
    """
    client = AIOKafkaAdminClient(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=settings.client_id,
        **settings.security,
    )
    try:
        await client.start()
        # One by one: aiokafka cannot read an answer about several of which one has members.
        answers = [
            answer for group in groups for answer in await client.describe_consumer_groups([group])
        ]
    except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
        raise unreachable(settings, error) from error
    finally:
        await client.close()
    found = {
        entry[1]: [str(member[1]) for member in entry[5]]
        for answer in answers
        for entry in answer.groups
    }
    return {group: found.get(group, []) for group in groups}  # one that is not there has no name


async def states_of(
    settings: KafkaSettings, group: str, partitions: Sequence[Partition]
) -> GroupState:
    """Return who is in a group and how far it is in *partitions*.

    Raises:
        UnavailableError: The cluster does not answer.
    """
    places = [TopicPartition(*partition) for partition in partitions]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=settings.client_id,
        group_id=group,
        enable_auto_commit=False,
        **settings.security,
    )
    try:
        await consumer.start()
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        committed = {place: await consumer.committed(place) for place in places}
    except (kafka_errors.KafkaError, TimeoutError, OSError) as error:
        raise unreachable(settings, error) from error
    finally:
        await consumer.stop()
    behind = {
        (place.topic, place.partition): max(
            0, ends[place] - max(committed[place] or 0, begins[place])
        )
        for place in places
    }
    members = (await members_of(settings, [group])).get(group, 0)
    return GroupState(members=members, behind=behind)
