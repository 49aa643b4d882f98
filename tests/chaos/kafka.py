"""`Kafka`: brokers that the service reaches through proxies only; the checker reaches them directly."""

from itertools import chain
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions  # .admin does not export it to type checkers

from tests.chaos.proxy import HOST, Proxy
from tests.cluster import Cluster
from tests.kafka_node import free_ports

_CALL_SECS: Final = 10.0


class Kafka(Cluster):
    """A cluster with a listener more per broker, which a proxy stands before."""

    proxies: dict[int, Proxy]

    @property
    def outside_servers(self) -> str:
        """What the service is told: the proxies' addresses."""
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.proxies.values())

    def away(self) -> None:
        """Refuse every connection of the service."""
        for proxy in self.proxies.values():
            proxy.down()

    def back(self) -> None:
        """Let the service reach every broker again, at once."""
        for proxy in self.proxies.values():
            proxy.up()

    def leader(self, topic: str, partition: int = 0) -> int:
        """Return the broker that leads a partition."""
        found = self._admin_client().list_topics(topic, timeout=_CALL_SECS).topics[topic]
        return found.partitions[partition].leader

    def grow(self, topic: str, partitions: int) -> None:
        """Give a topic more partitions."""
        admin = self._admin_client()  # held: its requests end with it
        for done in admin.create_partitions([NewPartitions(topic, partitions)]).values():
            done.result(timeout=_CALL_SECS)

    def stop(self) -> None:
        """Kill every broker, end the proxies, and delete the folder."""
        super().stop()
        for proxy in getattr(self, "proxies", {}).values():
            proxy.close()

    def _admin_client(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 2})

    def _boot(self) -> None:
        self.proxies = {}
        for node, outside in zip(self._nodes.values(), free_ports(len(self._nodes)), strict=True):
            self.proxies[node.number] = Proxy(outside)
            _behind(node._settings, outside, self.proxies[node.number].port)
        super()._boot()


def _behind(settings: Path, outside: int, advertised: int) -> None:
    """Add the listener to a node's settings."""
    lines = settings.read_text(encoding="utf-8").splitlines()
    added = {
        "listeners": f"OUTSIDE://{HOST}:{outside}",
        "advertised.listeners": f"OUTSIDE://{HOST}:{advertised}",
        "listener.security.protocol.map": "OUTSIDE:PLAINTEXT",
    }
    changed = (
        f"{line},{added[name]}" if (name := line.partition("=")[0]) in added else line
        for line in lines
    )
    settings.write_text("\n".join(chain(changed, [""])), encoding="utf-8")
