"""A namespace of a test's own on a real Kafka, and what the tests of its topics look at."""

from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource  # .admin does not export it to mypy

from router.vendors import vendors
from tests.cluster import Cluster
from tests.integration.command import write_config

TYPES: Final = sorted([*vendors()["alibaba-caster"].types, "Unrecognized"])
_STUDIO = {"studio": {"vendor": "alibaba-caster", "tokens": [{"env": "STUDIO_TOKEN"}]}}
_TOPICS = {"partitions": 3, "replication": 1, "min_insync_replicas": 1}
_CALL_SECS = 10.0


class TopicsBench:
    """A configuration with few topics, and an independent look at the cluster."""

    def __init__(self, cluster: Cluster, prefix: str, folder: Path) -> None:
        self.cluster = cluster
        self.prefix = prefix
        self.names = [f"{prefix}callbacks.alibaba-caster.{name}" for name in TYPES]
        self._folder = folder
        self._admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})

    def config(self, topics: dict[str, object] | None = None, **settings: object) -> Path:
        """Return a configuration file with the topic options of the test."""
        servers = self.cluster.bootstrap_servers
        needed = {"sources": _STUDIO, "handlers": [], "topics": {**_TOPICS, **(topics or {})}}
        settings = {**needed, **settings}
        return write_config(self._folder, servers, self.prefix, **settings)

    def found(self) -> dict[str, tuple[int, int]]:
        """Return partitions and replication of every topic of the namespace."""
        topics = self._admin.list_topics(timeout=_CALL_SECS).topics
        return {
            name: (len(topic.partitions), len(topic.partitions[0].replicas))
            for name, topic in topics.items()
            if name.startswith(self.prefix)
        }

    def settings(self, name: str) -> dict[str, str]:
        """Return what was set for one topic."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        entries = self._admin.describe_configs([resource])[resource].result(_CALL_SECS)
        return {name: str(entry.value) for name, entry in entries.items() if not entry.is_default}
