"""The composition root: what runs, in which order it starts, and in which order it ends.

Design: everything that runs is a task of one group, so the death of one (the publisher's pump
above all) ends the program instead of leaving a listener whose answers nobody keeps. The listener
does not wait for Kafka. On SIGTERM the instance says "not ready" and goes on accepting while the
balancer learns of it; then it answers what is under way, then the producer ends, within a bound.
"""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version

import msgspec
import structlog
from aiohttp import web

from router.assembly import kafka_settings_of, routes_of, sources_of, topics_of
from router.config import Configuration
from router.errors import ConfigError, UnavailableError
from router.ingress.admin import Readiness, admin_app
from router.ingress.server import Listening, Server
from router.kafka.admin import KafkaAdmin
from router.kafka.producer import KafkaProducer, partition_of
from router.observability import Metrics
from router.publish.publisher import Publisher

PUBLISHER_STOP_SECS = 3.0
_LEARN_SECS = 30.0
_LEARN_AGAIN_SECS = 1.0
_COLLECT_AFTER = 100_000

log = structlog.get_logger(__name__)


class Stop:
    """The wish to end: `is_urgent` skips the lame duck."""

    def __init__(self) -> None:
        """Begin without it."""
        self.wished = asyncio.Event()
        self.urgent = asyncio.Event()

    def listen_to_signals(self) -> None:
        """Take SIGTERM as a wish, and SIGINT (Ctrl-C) as an urgent one."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.wished.set)
        loop.add_signal_handler(signal.SIGINT, self.now)

    def now(self) -> None:
        """End at once, in good order."""
        self.urgent.set()
        self.wished.set()


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
        self.publisher = Publisher(
            partial(KafkaProducer, self.settings),
            partition_of,
            self.metrics,
            self.settings.max_request_bytes,
        )
        listening = Listening(
            host=options.listen.host,
            port=options.listen.port,
            hard_secs=options.ack.hard,
            trusted_proxies=options.trusted_proxies,
            connections_per_address=options.connections_per_address,
        )
        self.server = Server(
            listening,
            sources_of(configuration),
            routes_of(configuration),
            self.publisher,
            self.metrics,
        )

    async def run(
        self, stop: Stop, on_listening: Callable[[int], None], *, has_admin_port: bool = True
    ) -> None:
        """Run until *stop*; *on_listening* is told the port once callbacks can come."""
        _collect_rarely()
        questions = KafkaAdmin(self.settings)
        runner = await self._admin_runner() if has_admin_port else None
        try:
            port = await self.server.start()
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.publisher.run()),
                    group.create_task(self.server.sweep()),
                    group.create_task(self._learn_topics(questions)),
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

    def reload(self, read: Callable[[], Configuration]) -> None:
        """Take sources, secrets and routes of a configuration read anew; a bad one changes nothing.

        What the process was started with (addresses, Kafka, deadlines) needs a restart.
        """
        try:
            configuration = read()
        except ConfigError as error:
            problems = [str(problem) for problem in error.problems]
            log.error("config_reload_failed", problems=problems)  # noqa: TRY400 - no traceback
            self.metrics.reloaded("failed")
            return
        options = msgspec.structs.replace(
            self.configuration.options,
            sources=configuration.options.sources,
            routes=configuration.options.routes,
        )
        if options != configuration.options:
            log.warning("config_needs_restart", taken=["sources", "routes"])
        taken = msgspec.structs.replace(configuration, options=options)
        self.topics = topics_of(taken)
        self.server.replace(sources_of(taken), routes_of(taken))
        self._learn_now.set()
        self.metrics.reloaded("done")
        log.info("config_reloaded", sources=list(configuration.options.sources))

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

    async def _learn_topics(self, admin: KafkaAdmin) -> None:
        """Keep the publisher informed of partitions; say when topics are missing or back."""
        known_missing: list[str] | None = None
        while True:
            try:
                self.publisher.learn(await admin.partitions(self.topics))
            except UnavailableError as error:
                log.warning("topics_unknown", error=str(error))
                await asyncio.sleep(_LEARN_AGAIN_SECS)
                continue
            missing = self.publisher.missing(self.topics)
            if missing and missing != known_missing:
                log.error("topics_missing", topics=missing, mend="callback-router topics apply")
            elif known_missing and not missing:
                log.info("topics_complete")
            known_missing = missing
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEARN_AGAIN_SECS if missing else _LEARN_SECS):
                    await self._learn_now.wait()
            self._learn_now.clear()

    async def _admin_runner(self) -> web.AppRunner:
        address = self.configuration.options.admin
        app = admin_app(self.metrics, self.readiness, self.server)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            await runner.cleanup()
            raise UnavailableError(f"cannot listen on {address}: {error.strerror}") from error
        return runner


def _collect_rarely() -> None:
    """Let the cyclic collector run rarely: requests leave no cycles, and its pauses are the p99."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 50, 50)
