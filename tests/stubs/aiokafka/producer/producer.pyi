import asyncio
from ssl import SSLContext
from typing import Literal

from aiokafka.client import AIOKafkaClient
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.producer.sender import Sender
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.structs import RecordMetadata

class AIOKafkaProducer:
    client: AIOKafkaClient
    _closed: bool | None  # private, as is _sender: a producer can be aborted in no public way
    _sender: Sender
    # Private: the numbers of a refused batch can be used again in no public way.
    _message_accumulator: MessageAccumulator
    _txn_manager: TransactionManager

    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = "localhost",
        client_id: str | None = None,
        request_timeout_ms: int = 40000,
        acks: Literal[0, 1, -1, "all"] = ...,
        max_batch_size: int = 16384,
        max_request_size: int = 1048576,
        retry_backoff_ms: int = 100,
        security_protocol: str = "PLAINTEXT",
        ssl_context: SSLContext | None = None,
        enable_idempotence: bool = False,
        sasl_mechanism: str = "PLAIN",
        sasl_plain_password: str | None = None,
        sasl_plain_username: str | None = None,
    ) -> None: ...
    async def start(self) -> None: ...
    def create_batch(self) -> BatchBuilder: ...
    # An empty batch ends with None, without having been sent.
    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata | None]: ...
