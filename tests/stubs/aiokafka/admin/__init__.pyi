from aiokafka.admin.client import AIOKafkaAdminClient
from aiokafka.admin.new_partitions import NewPartitions
from aiokafka.admin.new_topic import NewTopic

__all__ = ["AIOKafkaAdminClient", "NewPartitions", "NewTopic"]
