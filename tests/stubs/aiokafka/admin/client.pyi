from ssl import SSLContext
from typing import Any

from aiokafka.admin.config_resource import ConfigResource
from aiokafka.admin.new_partitions import NewPartitions
from aiokafka.admin.new_topic import NewTopic
from aiokafka.protocol.admin import (
    CreateTopicsResponse_v0,
    CreateTopicsResponse_v1,
    CreateTopicsResponse_v2,
    CreateTopicsResponse_v3,
    DescribeConfigsResponse_v0,
    DescribeConfigsResponse_v1,
    DescribeConfigsResponse_v2,
)
from aiokafka.protocol.api import Request

class AIOKafkaAdminClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = "localhost",
        client_id: str = ...,
        request_timeout_ms: int = 40000,
        security_protocol: str = "PLAINTEXT",
        ssl_context: SSLContext | None = None,
        sasl_mechanism: str = "PLAIN",
        sasl_plain_username: str | None = None,
        sasl_plain_password: str | None = None,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(
        self, new_topics: list[NewTopic]
    ) -> (
        CreateTopicsResponse_v0
        | CreateTopicsResponse_v1
        | CreateTopicsResponse_v2
        | CreateTopicsResponse_v3
    ): ...
    async def describe_topics(self, topics: list[str] | None = None) -> list[Any]: ...
    async def describe_cluster(self) -> dict[str, Any]: ...
    async def describe_configs(
        self, config_resources: list[ConfigResource]
    ) -> list[
        DescribeConfigsResponse_v0 | DescribeConfigsResponse_v1 | DescribeConfigsResponse_v2
    ]: ...
    # Raises the error of the first topic that has one.
    async def create_partitions(self, topic_partitions: dict[str, NewPartitions]) -> object: ...
    # Its answer is of the request's own `RESPONSE_TYPE`.
    async def _send_request(self, request: Request[Any]) -> object: ...
    # Raw answers: `groups` holds (error, group, state, protocol type, protocol, members, ...).
    async def describe_consumer_groups(self, group_ids: list[str]) -> list[Any]: ...
