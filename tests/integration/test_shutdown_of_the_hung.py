"""SIGTERM while a thread hangs, at a name server or a disk: the program ends all the same."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from aiohttp import web

from router.app import Ingress, Stop
from router.app.parts import opened_admin_port
from router.assembly import CHECKS
from router.config import Address, load
from router.spool.spool import SegmentSpool
from tests.integration.command import SECRET, write_config
from tests.unit.spool.failing import FailingDisk
from tests.unit.spool.spooling import MIB

_SOURCES = {"rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": "RTC_CALLBACK_KEY"}]}}
_ENDS_SECS = 10.0
_HANGING = """
import asyncio, threading
from router.app import forsake_threads

async def main():
    forsake_threads()
    loop = asyncio.get_running_loop()
    print(await loop.run_in_executor(None, sum, [1, 2]), flush=True)
    begun = threading.Event()
    loop.run_in_executor(None, lambda: (begun.set(), threading.Event().wait()))
    begun.wait()

asyncio.run(main())
"""


def test_a_thread_that_hangs_keeps_no_program_from_ending() -> None:
    """Neither the end of the loop waits for it, nor that of the interpreter."""
    ended = subprocess.run(
        [sys.executable, "-c", _HANGING],
        capture_output=True,
        text=True,
        check=False,
        timeout=_ENDS_SECS,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "3\n", "")


async def test_the_end_is_not_put_off_by_one_who_takes_no_answer() -> None:
    """A scraper that hangs holds the operators' port for a second or two, and not for a minute."""
    begun = asyncio.Event()

    async def page(_: web.Request) -> web.Response:
        begun.set()
        return web.Response(body=bytes(64 << 20))  # more than fits on the way

    app = web.Application()
    app.router.add_get("/metrics", page)
    runner = await opened_admin_port(app, Address(host="127.0.0.1", port=0))
    _, scraper = await asyncio.open_connection(*runner.addresses[0], limit=1)
    scraper.write(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
    async with asyncio.timeout(_ENDS_SECS):
        await begun.wait()
        await runner.cleanup()
    scraper.close()


async def test_the_end_is_not_put_off_by_a_disk_that_hangs_at_the_start(tmp_path: Path) -> None:
    """The folder is not open yet, so nothing was accepted, and nothing is to be waited for."""
    config = write_config(tmp_path, "127.0.0.1:1", sources=_SOURCES)
    ingress = Ingress(load(config, {**os.environ, "RTC_CALLBACK_KEY": SECRET}, CHECKS))
    disk = FailingDisk()
    going_on = disk.hold("fsync")
    ingress.spool = SegmentSpool(tmp_path / "spool", MIB, on_error=print, disk=disk)
    stop, ports = Stop(), list[int]()
    try:
        running = asyncio.ensure_future(ingress.run(stop, ports.append))
        await asyncio.to_thread(disk.entered["fsync"].wait, _ENDS_SECS)
        stop.ask()
        await asyncio.wait_for(running, _ENDS_SECS)
    finally:
        going_on.set()

    assert ports == []
