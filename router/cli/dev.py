"""`callback-router dev`: everything in one go, with nothing to set up."""

import asyncio
import getpass
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import click
import msgspec

from router.app import Ingress, Stop
from router.app.consume import Consume
from router.assembly import CHECKS, handlers_of, topics_of_handlers
from router.cli import lines
from router.cli.topics import plan_of
from router.config import Configuration, load
from router.event import Event
from router.kafka.admin import KafkaAdmin
from router.kafka.consumer import KafkaReader
from router.observability import set_up_logging
from router.record import Received
from router.tools.embedded import embedded_broker
from router.tools.simulate import Plan, Sent, Target, simulating

SUMMARY_SECS = 30.0
BY_HAND_SECS = 0.5
_SECRETS = {
    "DEV_RTC_KEY": "1234",
    "DEV_STUDIO_TOKEN": "dev-studio-token-0001",
    "DEV_ZEGO_SECRET": "dev-zego-secret",
    "DEV_LIVE_KEY": "dev-live-key",
}
_MIX = Plan(rate=1.0, forgeries=0.05, unknowns=0.05, oddities=0.05, duplicates=0.03, disorder=0.03)
_CONFIGURATION = """\
listen: 127.0.0.1:{port}
kafka: {{bootstrap_servers: "{kafka}", namespace: "{namespace}"}}
sources:
  rtc: {{vendor: volcengine-rtc, secrets: [{{env: DEV_RTC_KEY}}]}}
  studio: {{vendor: alibaba-caster, tokens: [{{env: DEV_STUDIO_TOKEN}}]}}
  zego: {{vendor: zego-cloud-player, secrets: [{{env: DEV_ZEGO_SECRET}}]}}
  live: {{vendor: volcengine-live, secrets: [{{env: DEV_LIVE_KEY}}]}}
state: {{url: "sqlite:///{folder}/state.db"}}
spool: {{path: "{folder}/spool", allow_ephemeral: true}}
"""


@click.command()
@click.option("--kafka", metavar="HOST:PORT", help="A real Kafka instead of the embedded one.")
@click.option("--port", default=8080, show_default=True, help="A free one if it is taken.")
@click.option("--rate", default=2.0, show_default=True, help="Simulated callbacks a second.")
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="End by itself.")
@click.option("--no-simulator", is_flag=True, help="Send nothing.")
def dev(
    kafka: str | None, port: int, rate: float, seconds: float | None, *, no_simulator: bool
) -> None:
    """Run everything in one go: broker, ingress, handlers, simulated callbacks of all vendors."""
    set_up_logging(level=30)
    if rate <= 0:
        raise click.BadParameter(
            "must be more than 0; --no-simulator sends nothing", param_hint="--rate"
        )
    asyncio.run(_Dev(_free(port), 0.0 if no_simulator else rate, seconds).run(kafka))


class _Dev:
    """One run: what was sent and what was read back wait here for each other."""

    def __init__(self, port: int, rate: float, seconds: float | None) -> None:
        self._port = port
        self._rate = rate
        self._seconds = seconds
        self._tally = lines.Tally()
        self._sent: dict[str, Sent] = {}
        self._read: dict[str, tuple[Event, Received]] = {}

    async def run(self, kafka: str | None) -> None:
        stop = Stop()
        stop.listen_to_signals()
        async with _broker(kafka) as (address, namespace), _folder() as folder:
            configuration = _configuration(self._port, address, namespace, folder)
            ingress = Ingress(configuration)
            handlers = handlers_of(configuration)
            topics = [*ingress.topics, *topics_of_handlers(configuration, handlers)]
            reader = await _reader(ingress, topics, is_embedded=kafka is None)
            consume = Consume(configuration, handlers, can_ask_groups=kafka is not None)
            label = address if kafka else f"embedded {address}"
            listening = asyncio.get_running_loop().create_future()
            async with asyncio.TaskGroup() as group:
                service = group.create_task(
                    ingress.run(stop, listening.set_result, has_admin_port=False)
                )
                url = f"http://127.0.0.1:{await listening}"
                consuming = group.create_task(consume.run(stop, has_admin_port=False))
                sources = len(configuration.options.sources)
                print(lines.banner(url, label, sources, len(handlers)), flush=True)
                tasks = [group.create_task(self._watch(reader)), group.create_task(self._sum_up())]
                if self._rate:
                    tasks.append(group.create_task(self._simulate(_targets(url))))
                if self._seconds is not None:
                    asyncio.get_running_loop().call_later(self._seconds, stop.now)
                await stop.wished.wait()
                for task in tasks:
                    task.cancel()
                stop.now()
                await asyncio.gather(service, consuming)
            await reader.close()
        print(self._tally.summary(), flush=True)

    async def _simulate(self, targets: list[Target]) -> None:
        async with simulating(targets, msgspec.structs.replace(_MIX, rate=self._rate)) as results:
            async for sent in results:
                self._tally.count(sent)
                if sent.status != HTTPStatus.OK:
                    print(lines.refused(sent), flush=True)
                elif sent.traceparent in self._read:
                    self._print(sent.traceparent, sent)
                else:
                    self._sent[sent.traceparent] = sent

    async def _watch(self, reader: KafkaReader) -> None:
        loop = asyncio.get_running_loop()
        async for record in reader.records():
            event = lines.event_of(record)
            if event is None:
                continue
            if event.causeid is not msgspec.UNSET:
                print(lines.derived(event, record), flush=True)
                continue
            trace = event.traceparent
            self._read[trace] = event, record
            sent = self._sent.pop(trace, None)
            if sent is not None:
                self._print(trace, sent)
            else:  # its answer is still under way, or a person sent it
                loop.call_later(BY_HAND_SECS, self._print, trace, None)

    def _print(self, trace: str, sent: Sent | None) -> None:
        found = self._read.pop(trace, None)
        if found is not None:
            print(lines.accepted(*found, sent), flush=True)

    async def _sum_up(self) -> None:
        while True:
            await asyncio.sleep(SUMMARY_SECS)
            print(self._tally.summary(), flush=True)


@asynccontextmanager
async def _broker(kafka: str | None) -> AsyncIterator[tuple[str, str]]:
    if kafka is not None:
        user = re.sub(r"[^A-Za-z0-9_-]", "-", getpass.getuser())
        yield kafka, f"dev-{user}."
        return
    async with embedded_broker() as address:
        yield address, ""


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="callback-router-dev-") as folder:
        yield Path(folder)


def _configuration(port: int, kafka: str, namespace: str, folder: Path) -> Configuration:
    path = folder / "dev.yaml"
    text = _CONFIGURATION.format(port=port, kafka=kafka, namespace=namespace, folder=folder)
    path.write_text(text)
    return load(path, _SECRETS, CHECKS)


async def _reader(ingress: Ingress, topics: list[str], *, is_embedded: bool) -> KafkaReader:
    """Make the topics; return a reader that stands at their ends."""
    admin = KafkaAdmin(ingress.settings)
    try:
        if is_embedded:
            await admin.ask_for(topics)
        else:
            plan = await plan_of(admin, ingress.configuration, topics)
            for name, error in (await admin.create(plan.missing)).items() if plan.missing else ():
                print(f"{name}: {error}", file=sys.stderr)
        found = await admin.wait_for(topics)
    finally:
        await admin.close()
    places = [(name, number) for name, total in found.items() for number in range(total)]
    reader = KafkaReader(ingress.settings, places, from_start=False)
    await reader.start()
    return reader


def _targets(url: str) -> list[Target]:
    def target(source: str, vendor: str, key: str = "", path: str = "") -> Target:
        return Target(
            source=source,
            vendor=vendor,
            url=f"{url}/callbacks/{source}",
            token=_SECRETS.get(path, ""),
            secret=_SECRETS.get(key, "").encode(),
        )

    return [
        target("rtc", "volcengine-rtc", key="DEV_RTC_KEY"),
        target("studio", "alibaba-caster", path="DEV_STUDIO_TOKEN"),
        target("zego", "zego-cloud-player", key="DEV_ZEGO_SECRET"),
        target("live", "volcengine-live", key="DEV_LIVE_KEY"),
    ]


def _free(port: int) -> int:
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return port
    return 0
