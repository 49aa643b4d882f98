"""`spool drain`: what a spool holds to Kafka, without a listener.

Design: for a volume whose instance is gone. It is the same spool, lanes and pump as in `serve`, so
the order is the same, and what is not delivered when it is interrupted stays where it is.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from router.app.parts import keep_learning
from router.assembly import kafka_settings_of
from router.config import Configuration
from router.kafka.admin import KafkaAdmin
from router.kafka.producer import KafkaProducer, hash_of
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.spool.port import Usage
from router.spool.spool import SegmentSpool
from router.spool.survey import survey

PUBLISHER_STOP_SECS = 5.0
_TELL_SECS = 1.0
_LOOK_SECS = 0.1


async def drain(
    configuration: Configuration,
    folder: Path,
    stop: asyncio.Event,
    tell: Callable[[Usage], None],
) -> Usage:
    """Publish what *folder* holds until nothing is left or *stop*; return what is left.

    *tell* is called every second.

    Raises:
        ConfigError: The folder cannot be used.
        UnavailableError: Another process uses it.
    """
    settings = kafka_settings_of(configuration)
    metrics = Metrics()
    spool = SegmentSpool(
        folder,
        configuration.options.spool.max_bytes,
        on_error=metrics.spool_error,
        allow_ephemeral=True,  # nothing is taken that would be promised
    )
    await asyncio.to_thread(spool.open)
    topics = list((await asyncio.to_thread(survey, folder)).topics)
    publisher = Publisher(
        partial(KafkaProducer, settings), hash_of, metrics, settings.max_request_bytes, spool
    )
    questions = KafkaAdmin(settings)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(publisher.run()),
                group.create_task(
                    keep_learning(questions, lambda: topics, publisher, asyncio.Event())
                ),
                group.create_task(_tell(tell, spool)),
            ]
            while not publisher.is_empty and not stop.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECS):
                        await stop.wait()
            await publisher.stop(PUBLISHER_STOP_SECS)
            for task in tasks:
                task.cancel()
    finally:
        await questions.close()
    return spool.usage


async def _tell(tell: Callable[[Usage], None], spool: SegmentSpool) -> None:
    while True:
        await asyncio.sleep(_TELL_SECS)
        tell(spool.usage)
