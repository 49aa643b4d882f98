"""What both services are made of: the wish to end, the admin port, the watch over topics."""

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


async def keep_learning(
    admin: KafkaAdmin, topics: Callable[[], list[str]], publisher: Publisher, now: asyncio.Event
) -> None:
    """Keep the publisher informed of partitions; say when topics are missing or back.

    *now* asks to look at once. Runs until cancelled.
    """
    known_missing: list[str] | None = None
    is_away = False
    while True:
        try:
            publisher.learn(await admin.partitions(topics()))
        except UnavailableError as error:
            if not is_away:  # a line per change of state
                log.warning("topics_unknown", error=str(error))
            is_away = True
            await asyncio.sleep(_LEARN_AGAIN_SECS)
            continue
        is_away = False
        missing = publisher.missing(topics())
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
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
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
