"""`Proxy`: TCP between the service and one broker, which can be slow, cut, silent or away."""

import asyncio
import threading
from contextlib import suppress
from typing import Final

from tests.fakes import passed

HOST: Final = "127.0.0.1"
_CHUNK_BYTES = 65536
_CALL_SECS = 10.0


class Proxy:
    """Listens on `port` and passes on to the target, in a thread of its own, until `close`.

    Attributes:
        delay_secs: How long each piece of an answer is held back.
        bytes_per_sec: How much passes in each direction; 0: no bound.
    """

    def __init__(self, target_port: int) -> None:
        """Begin; nothing needs to listen at the target yet."""
        self.delay_secs = 0.0
        self.bytes_per_sec = 0.0
        self.port = 0
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self._is_passing = asyncio.Event()
        self.up()

    def up(self) -> None:
        """Listen, and pass on everything at once."""
        self.delay_secs = self.bytes_per_sec = 0.0
        asyncio.run_coroutine_threadsafe(self._up(), self._loop).result(_CALL_SECS)

    def down(self) -> None:
        """Refuse connections; those that are open are reset."""
        asyncio.run_coroutine_threadsafe(self._down(), self._loop).result(_CALL_SECS)

    def fall_silent(self) -> None:
        """Keep all connections and take new ones, and pass on nothing until `up`."""
        self._loop.call_soon_threadsafe(self._is_passing.clear)

    def cut(self) -> None:
        """Reset the connections that are open; new ones are welcome."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        """End for ever; once more does nothing."""
        if self._thread.is_alive():
            self.down()
            asyncio.run_coroutine_threadsafe(_cancelled(), self._loop).result(_CALL_SECS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _up(self) -> None:
        self._is_passing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _down(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._cut()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._is_passing.wait()
            with suppress(OSError):
                answers, onwards = await asyncio.open_connection(HOST, self._target_port)
                self._writers.add(onwards)
                try:
                    requests = asyncio.ensure_future(self._pump(reader, onwards, has_delay=False))
                    await self._pump(answers, writer, has_delay=True)
                    requests.cancel()
                finally:
                    self._writers.discard(onwards)
                    onwards.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, has_delay: bool
    ) -> None:
        """Pass on until either side ends."""
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._is_passing.wait()
                secs = self.delay_secs if has_delay else 0.0
                if self.bytes_per_sec:
                    secs += len(data) / self.bytes_per_sec
                if secs:
                    await passed(secs)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


async def _cancelled() -> None:
    """End every other task of this loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
