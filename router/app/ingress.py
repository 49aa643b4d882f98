"""`serve`: what runs, in which order it starts, and in which order it ends.

Design: the listener waits neither for Kafka nor for what an earlier run left in the spool; only
the spool's folder is looked at first, since a disk that cannot keep what is answered 200 must be
told before the first callback. On SIGTERM the instance says "not ready" and goes on accepting while
the balancer learns of it; then it answers what is under way, then the producer and the spool end,
within a bound. What Kafka does not have by then is in the spool, for the next run.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog

from router.app.descriptors import connections_of, raised_descriptors
from router.app.parts import Hangup, Stop, collect_rarely, keep_learning, opened_admin_port
from router.app.reload import Renewal, renewal_of
from router.assembly import kafka_settings_of, routes_of, sources_of, topics_of
from router.config import Configuration
from router.errors import ConfigError
from router.ingress.admin import admin_app
from router.ingress.server import Listening, Server
from router.kafka.admin import KafkaAdmin
from router.kafka.producer import KafkaProducer, hash_of
from router.observability import Metrics
from router.probes import Readiness
from router.publish.publisher import Publisher
from router.spool.spool import SegmentSpool

PUBLISHER_STOP_SECS = 3.0

Reloading = tuple[Hangup, Callable[[], Configuration]]
"""When to reload, and how the configuration is read."""

log = structlog.get_logger(__name__)


class Ingress:
    """The service `serve`: callbacks in, records out."""

    def __init__(self, configuration: Configuration) -> None:
        """Assemble it; nothing runs yet. Needs a running loop."""
        options = configuration.options
        self.configuration = configuration
        self.topics = topics_of(configuration)
        self.settings = kafka_settings_of(configuration)
        self.metrics = Metrics(version("callback-router"))
        self.readiness = Readiness()
        self._learn_now = asyncio.Event()
        self.spool = SegmentSpool(
            Path(options.spool.path),
            options.spool.max_bytes,
            on_error=self.metrics.spool_error,
            allow_ephemeral=options.spool.allow_ephemeral,
        )
        self.publisher = Publisher(
            partial(KafkaProducer, self.settings),
            hash_of,
            self.metrics,
            self.settings.max_request_bytes,
            self.spool,
        )
        listening = Listening(
            host=options.listen.host,
            port=options.listen.port,
            soft_secs=options.ack.soft,
            hard_secs=options.ack.hard,
            trusted_proxies=options.trusted_proxies,
            connections_per_address=options.connections_per_address,
            connections=connections_of(raised_descriptors()),
        )
        self.server = Server(
            listening,
            sources_of(configuration),
            routes_of(configuration),
            self.publisher,
            self.metrics,
        )

    async def run(
        self,
        stop: Stop,
        on_listening: Callable[[int], None],
        *,
        has_admin_port: bool = True,
        reloading: Reloading | None = None,
    ) -> None:
        """Run until *stop*; *on_listening* is told the port once callbacks can come.

        With *reloading* each hangup is a reload, also one that came before and while it drains.
        """
        if not await self._opened(stop):
            return
        collect_rarely()
        questions = KafkaAdmin(self.settings)
        app = admin_app(self.metrics, self.readiness, self.server)
        address = self.configuration.options.admin
        runner = await opened_admin_port(app, address) if has_admin_port else None
        try:
            port = await self.server.start()
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.publisher.run()),
                    group.create_task(self.server.sweep()),
                    group.create_task(
                        keep_learning(
                            questions, lambda: self.topics, self.publisher, self._learn_now
                        )
                    ),
                    *([group.create_task(self._keep_reloading(*reloading))] if reloading else []),
                ]
                self.readiness.is_ready = True
                log.info("listening", port=port, topics=len(self.topics))
                on_listening(port)
                await stop.wished.wait()
                await self._drain(stop)
                for task in tasks:
                    task.cancel()
        finally:
            await questions.close()
            if runner is not None:
                await runner.cleanup()
        log.info("stopped")

    async def reload(self, read: Callable[[], Configuration]) -> None:
        """Take sources, secrets and routes of what *read* returns; an error changes nothing.

        Requests whose head was read before are finished by the old ones.
        """
        try:
            renewal = await asyncio.to_thread(lambda: renewal_of(self.configuration, read()))
        except ConfigError as error:
            problems = [str(problem) for problem in error.problems]
            log.error("config_reload_failed", problems=problems)  # noqa: TRY400 - no traceback
            self.metrics.reloaded("failed")
        except Exception:  # a bug in reading must not end what runs; logged with its traceback
            log.exception("config_reload_failed", problems=[])
            self.metrics.reloaded("failed")
        else:
            self._take(renewal)

    def _take(self, renewal: Renewal) -> None:
        if renewal.needing_restart:
            log.warning("config_needs_restart", options=renewal.needing_restart)
        self.topics = renewal.topics
        self.server.replace(renewal.sources, renewal.routes)
        self._learn_now.set()
        self.metrics.reloaded("done")
        warnings = [str(warning) for warning in renewal.warnings]
        log.info("config_reloaded", sources=list(renewal.sources.by_name), warnings=warnings)

    async def _opened(self, stop: Stop) -> bool:
        """Open the spool; False: the end is wished, and the disk has not come back yet."""
        opening = asyncio.ensure_future(asyncio.to_thread(self.spool.open))
        wish = asyncio.ensure_future(stop.wished.wait())
        await asyncio.wait([opening, wish], return_when=asyncio.FIRST_COMPLETED)
        wish.cancel()
        if opening.done():
            opening.result()
            return True
        opening.cancel()
        log.warning("stopped_before_start")
        return False

    async def _keep_reloading(self, hangup: Hangup, read: Callable[[], Configuration]) -> None:
        while True:
            await hangup.wait()
            await self.reload(read)

    async def _drain(self, stop: Stop) -> None:
        self.readiness.is_ready = False
        self.server.is_draining = True
        options = self.configuration.options
        log.info("draining", lame_duck_secs=0.0 if stop.urgent.is_set() else options.lame_duck)
        with suppress(TimeoutError):  # the usual end of the lame duck
            async with asyncio.timeout(options.lame_duck):
                await stop.urgent.wait()
        await self.server.stop(options.ack.hard + 0.5)
        left = await self.publisher.stop(PUBLISHER_STOP_SECS)
        if left:
            log.warning("batches_left_unknown", batches=left)
