"""An embedded broker: librdkafka's mock cluster in a process of its own, for `dev`.

It keeps records in memory, makes topics of four partitions when it is asked for them, and ends
when its parent does: its standard input closes then. It is no Kafka: no groups of two, no admin.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.errors import UnavailableError

_START_SECS = 10.0


@asynccontextmanager
async def embedded_broker() -> AsyncIterator[str]:
    """Run a broker for the block; yield its `host:port`.

    Raises:
        UnavailableError: It did not start.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "router.tools.embedded",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the parent, which still needs the broker to end
    )
    assert process.stdin is not None  # noqa: S101 - both are pipes, see above
    assert process.stdout is not None  # noqa: S101
    try:
        async with asyncio.timeout(_START_SECS):
            address = (await process.stdout.readline()).decode().strip()
        if not address:
            raise UnavailableError("the embedded broker did not start")
        yield address
    finally:
        process.stdin.close()
        process.kill()
        await process.wait()


def _run() -> None:
    """Print the address, and live until standard input ends."""
    from confluent_kafka import Producer  # noqa: PLC0415 - only this process needs it

    cluster = Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
    broker = next(iter(cluster.list_topics(timeout=_START_SECS).brokers.values()))
    print(f"{broker.host}:{broker.port}", flush=True)  # noqa: T201 - the parent reads it
    sys.stdin.buffer.read()


if __name__ == "__main__":
    _run()
