"""What the rest of the program asks of Kafka: roles, values and errors, no engine.

Design: `publish`, `tools` and the tests know these names only; `producer.py`, `consumer.py` and
`admin.py` are the only importers of aiokafka, and turn its errors into `SendError` once.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypedDict

import msgspec

from router.errors import UnavailableError
from router.record import Partition, Received, Record


class SecurityArguments(TypedDict, total=False):
    """The engine's arguments for TLS and SASL; every client takes them."""

    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the cluster and what to be called there.

    Attributes:
        bootstrap_servers: `host:port`, several by comma.
        client_id: With the namespace.
        max_request_bytes: The largest record or batch that is sent.
        security: Arguments of the engine for TLS and SASL.
    """

    bootstrap_servers: str
    client_id: str
    max_request_bytes: int = 2 * 1024 * 1024
    security: SecurityArguments = msgspec.field(default_factory=SecurityArguments)


def unreachable(settings: KafkaSettings, error: BaseException) -> UnavailableError:
    """Return what an error of the engine is to everybody else, with the address in it."""
    return UnavailableError(f"Kafka at {settings.bootstrap_servers}: {type(error).__name__}")


class SendError(Exception):
    """A batch was not written, as far as is known.

    Attributes:
        remedy: `retry`: the same producer may try again; `replace`: it can never write this
            partition again; `refuse`: Kafka will not take these records from anybody, and the
            producer may go on with others.
        kind: The engine's name for the error, for logs.
    """

    def __init__(self, remedy: Literal["retry", "replace", "refuse"], kind: str) -> None:
        """Take what to do about it, and its name."""
        super().__init__(f"{kind} ({remedy})")
        self.remedy = remedy
        self.kind = kind


class Producer(Protocol):
    """One generation of a producer: `acks=all`, idempotent, until it breaks or is closed."""

    async def start(self) -> None:
        """Connect; raises `UnavailableError` when no broker answers."""

    async def send(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> asyncio.Future[None]:
        """Hand over one batch; the future ends when all in-sync replicas have it.

        It fails with `SendError`. The records are never larger together than `max_request_bytes`,
        and no two batches of one partition are under way at once.
        """

    async def close(self) -> None:
        """End without waiting for what is under way; nothing is written after it returns."""


class Rebalanced(Protocol):
    """Is told which partitions a member of a group has."""

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Finish or abandon the work of these, and commit: somebody else may have them next."""

    async def assigned(self, partitions: Sequence[Partition]) -> None:
        """Begin with these, at what is committed."""


class Group(Protocol):
    """One member of a consumer group, which keeps its place by itself while it polls."""

    async def start(self, topics: Iterable[str], listener: Rebalanced) -> None:
        """Join; raises `UnavailableError` when no broker answers."""

    async def poll(self, max_records: int) -> list[Received]:
        """Return records, each partition's in order, or none after a short while."""

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Return no more records of these until they are resumed or assigned anew."""

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Return records of these again."""

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit the next offset to read of each; False where that is not known to be done.

        Partitions that are no longer this member's are never committed.
        """

    async def spans(self) -> dict[Partition, tuple[int, int]]:
        """Return of each assigned partition which offset `poll` returns next, and where it ends.

        Kafka is asked, so those that are paused or were never read are among them. Raises
        `UnavailableError` when it does not answer within a few seconds.
        """

    async def close(self) -> None:
        """Leave the group; nobody is told of partitions any more, and nothing is committed."""
