import asyncio

from aiokafka.cluster import ClusterMetadata

class AIOKafkaClient:
    cluster: ClusterMetadata
    # Done at once for a topic that was added before, found or not.
    def add_topic(self, topic: str) -> asyncio.Future[bool]: ...
    def force_metadata_update(self) -> asyncio.Future[bool]: ...
    async def close(self) -> None: ...
