"""`Generations`: always one producer, made anew when the old one is broken.

Design: a broken producer is closed before the next begins, so that nothing of the old one is
written after something of the new one. Making one is retried for ever with back-off: Kafka may be
away when we start, and the ingress listens all the same.
"""

import asyncio
from collections.abc import Callable
from random import uniform

import structlog

from router.errors import UnavailableError
from router.kafka.port import Producer

_FIRST_BACKOFF_SECS = 0.1
_MAX_BACKOFF_SECS = 5.0

log = structlog.get_logger(__name__)


class Generations:
    """Holds the living producer."""

    def __init__(self, make: Callable[[], Producer], on_made: Callable[[str], None]) -> None:
        """Take how to make a producer, and whom to tell the reason of each one made."""
        self._make = make
        self._on_made = on_made
        self._current: Producer | None = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a producer now."""
        return self._current is not None

    async def current(self) -> Producer:
        """Return the living producer; wait until there is one."""
        if self._current is None:
            await self._begin("start")
        assert self._current is not None  # noqa: S101 - _begin returns only with one
        return self._current

    async def replace(self, reason: str) -> None:
        """End the living producer and make a new one."""
        await self.close()
        await self._begin(reason)

    async def close(self) -> None:
        """End the living producer; what it had under way fails."""
        producer, self._current = self._current, None
        if producer is not None:
            await _closed(producer)

    async def _begin(self, reason: str) -> None:
        backoff = _FIRST_BACKOFF_SECS
        while self._current is None:
            producer = self._make()
            try:
                await producer.start()
            except asyncio.CancelledError:
                await _closed(producer)
                raise
            except UnavailableError as error:
                log.warning("kafka_unavailable", error=str(error), retry_after_secs=backoff)
                await asyncio.sleep(uniform(backoff / 2, backoff))  # noqa: S311 - jitter
                backoff = min(2 * backoff, _MAX_BACKOFF_SECS)
            else:
                self._current = producer
                self._on_made(reason)
                log.info("producer_made", reason=reason)


async def _closed(producer: Producer) -> None:
    try:
        await producer.close()
    except (TimeoutError, OSError) as error:
        log.warning("producer_close_failed", error=type(error).__name__)
