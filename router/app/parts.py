"""What both services are made of: the wish to end, SIGHUP, the admin port, the watch over topics."""

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import suppress

import structlog
from aiohttp import web

from router.config import Address
from router.errors import UnavailableError
from router.kafka.admin import KafkaAdmin
from router.publish.publisher import Publisher

_LEARN_SECS = 30.0
_LEARN_AGAIN_SECS = 1.0
_SCRAPER_SECS = 1.0
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
        loop.add_signal_handler(signal.SIGTERM, self.ask)
        loop.add_signal_handler(signal.SIGINT, self.now)

    def ask(self) -> None:
        """End; who asks once more cannot wait any longer."""
        if self.wished.is_set():
            self.urgent.set()
        self.wished.set()

    def now(self) -> None:
        """End at once, in good order."""
        self.urgent.set()
        self.wished.set()


class Hangup:
    """SIGHUP as a wish, from the first line of a command to the end of its process.

    The loop's own handlers live as long as the loop: before and after, SIGHUP would kill.
    """

    def __init__(self) -> None:
        """Begin; the signal is not ours yet."""
        self._came = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self) -> None:
        """Take the signal from here on, with or without a loop. For the main thread only."""
        signal.signal(signal.SIGHUP, lambda *_: self.ask())

    def ignore(self) -> None:
        """Let the signal do nothing any more, until the process is gone."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def ask(self) -> None:
        """Wish once; safe in a signal's handler."""
        if self._loop is None:
            self._came.set()
        else:
            with suppress(RuntimeError):  # the loop is closed: it is over anyway
                self._loop.call_soon_threadsafe(self._came.set)

    async def wait(self) -> None:
        """Return when one has come since the last time, however many there were."""
        self._loop = asyncio.get_running_loop()
        await self._came.wait()
        self._came.clear()


async def keep_learning(
    admin: KafkaAdmin, topics: Callable[[], list[str]], publisher: Publisher, now: asyncio.Event
) -> None:
    """Keep the publisher informed of partitions; say when topics are missing or back.

    Beside *topics* these are the ones of which the publisher still has records: of an earlier run,
    or of rules that a reload has removed. *now* asks to look at once. Runs until cancelled.
    """
    known_missing: list[str] | None = None
    is_away = False
    while True:
        try:
            publisher.learn(await admin.partitions({*topics(), *publisher.topics}))
        except UnavailableError as error:
            if not is_away:  # a line per change of state
                log.warning("topics_unknown", error=str(error))
            is_away = True
            await asyncio.sleep(_LEARN_AGAIN_SECS)
            continue
        is_away = False
        missing = publisher.missing(sorted({*topics(), *publisher.topics_waiting}))
        if missing and missing != known_missing:
            log.error("topics_missing", topics=missing, mend="callback-router topics apply")
        elif known_missing and not missing:
            log.info("topics_complete")
        known_missing = missing
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEARN_AGAIN_SECS if missing else _LEARN_SECS):
                await now.wait()
        now.clear()


async def opened_admin_port(app: web.Application, address: Address) -> web.AppRunner:
    """Return the runner of the operators' port, open.

    Raises:
        UnavailableError: The address is taken, or not ours.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SCRAPER_SECS,  # a minute else, for one that takes no answer
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError as error:
        await runner.cleanup()
        raise UnavailableError(f"cannot listen on {address}: {error.strerror}") from error
    return runner


def collect_rarely() -> None:
    """Let the cyclic collector run rarely: requests leave no cycles, and its pauses are the p99."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 50, 50)
