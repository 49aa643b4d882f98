"""`Server`: the listener for callbacks, its sweep, its counters, and its orderly end."""

import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import suppress

import msgspec
import structlog
from aiohttp.http import RawRequestMessage
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from router.clock import format_rfc3339
from router.errors import InvariantError, UnavailableError
from router.ingress.answers import FAILED_PROOF, Answers
from router.ingress.connection import Connection
from router.ingress.failures import Buckets
from router.ingress.nonces import Nonces
from router.ingress.receive import Accepted, Instant, Request, receive
from router.ingress.rejections import Rejection, Rejections, Shown, shown_of
from router.ingress.sources import Network, Source, Sources, is_within, parse_address
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.routing import RouteTable
from router.vendors.refusal import Reason, Refused

SWEEP_SECS = 0.1
BACKLOG = 2048
ACCEPT_AT_ONCE = 16
FAILED_PROOFS_BURST = 200
FAILED_PROOFS_PER_SEC = 20
LOGGED_PER_REASON_PER_SEC = 10

log = structlog.get_logger(__name__)


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to listen.

    Attributes:
        host: Address to bind; port 0 takes a free one.
        port: TCP port.
        soft_secs: From the end of a request's head until its records go to the spool as well.
        hard_secs: From there to 503.
        trusted_proxies: Whose X-Forwarded-For counts.
        connections_per_address: Bound for peers that are no trusted proxy.
        connections: Bound for all together.
    """

    host: str
    port: int
    soft_secs: float = 0.3
    hard_secs: float = 3.0
    trusted_proxies: tuple[Network, ...] = ()
    connections_per_address: int = 1024
    connections: int = sys.maxsize


class Server:
    """Accepts connections, decides their requests, and publishes what is authentic."""

    def __init__(
        self,
        listening: Listening,
        sources: Sources,
        routes: RouteTable,
        publisher: Publisher,
        metrics: Metrics,
    ) -> None:
        """Take everything a request needs; nothing listens yet.

        Raises:
            InvariantError: aiohttp lacks its C parser; the one in Python has known ways to smuggle.
        """
        if HttpRequestParser is HttpRequestParserPy:
            raise InvariantError("aiohttp was built without its C extension")
        self.sources = sources
        self.publisher = publisher
        self.answers = Answers()
        self.rejections = Rejections()
        self.soft_secs = listening.soft_secs
        self.hard_secs = listening.hard_secs
        self.is_draining = False
        self.loop_lag_secs = 0.0
        self._listening = listening
        self.routes = routes
        self._metrics = metrics
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._failed = Buckets(FAILED_PROOFS_PER_SEC, FAILED_PROOFS_BURST)
        self._log_lines = Buckets(LOGGED_PER_REASON_PER_SEC, LOGGED_PER_REASON_PER_SEC)
        self._nonces = Nonces()
        self._prefix = os.urandom(8).hex()
        self._count = 0
        self._server: asyncio.Server | None = None
        self._emptied = asyncio.Event()

    async def start(self) -> int:
        """Listen; return the port.

        Raises:
            UnavailableError: The address is taken, or not ours.
        """
        loop = asyncio.get_running_loop()
        self.answers.refresh(time.time())
        host, port = self._listening.host, self._listening.port
        try:
            self._server = await loop.create_server(
                lambda: Connection(self, loop), host, port, backlog=ACCEPT_AT_ONCE
            )
            for listening in self._server.sockets:
                with listening.dup() as same:  # asyncio has one number for both
                    same.listen(BACKLOG)
        except OSError as error:
            raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        return int(self._server.sockets[0].getsockname()[1])

    def replace(self, sources: Sources, routes: RouteTable) -> None:
        """Decide by these every request whose head comes from now on."""
        self.sources = sources
        self.routes = routes

    async def sweep(self) -> None:
        """Act on deadlines, ten times a second, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(SWEEP_SECS)
            now = loop.time()
            self.loop_lag_secs = max(0.0, now - before - SWEEP_SECS)
            self.answers.refresh(time.time())
            for connection in [found for found in self._connections if found.expires_at <= now]:
                connection.expired()

    async def stop(self, timeout_secs: float) -> None:
        """Take no more connections, answer what is under way, and close."""
        if self._server is not None:
            self._server.close()
        self.is_draining = True
        for connection in list(self._connections):
            connection.close_when_idle()
        self._emptied.clear()
        if self._connections:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_secs):
                    await self._emptied.wait()

    def admit(self, connection: Connection) -> bool:
        """Count a new connection; False where its address has too many, or all together.

        Without a free descriptor Kafka and the spool could not be reached any more, and asyncio
        would try to accept all that wait, and log each failure.
        """
        peer = connection.peer
        if len(self._connections) >= self._listening.connections:
            self._logged("connection_refused", "descriptors", address=peer)
            return False
        is_exempt = is_within(peer, self._listening.trusted_proxies)
        if not is_exempt and self._per_address[peer] >= self._listening.connections_per_address:
            self._logged("connection_refused", "connections", address=peer)
            return False
        self._connections.add(connection)
        self._per_address[peer] += 1
        return True

    def forget(self, connection: Connection) -> None:
        """Let go of a connection that is gone."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._per_address[connection.peer] -= 1
            if not self._per_address[connection.peer]:
                del self._per_address[connection.peer]
            if self.is_draining and not self._connections:
                self._emptied.set()

    def address_of(self, peer: str, message: RawRequestMessage) -> str:
        """Return the sender's address: the last hop that is no trusted proxy."""
        trusted = self._listening.trusted_proxies
        if not trusted or not is_within(peer, trusted):
            return peer
        hops = ",".join(message.headers.getall("X-Forwarded-For", [])).split(",")
        address = peer
        for hop in reversed(hops):
            parsed = parse_address(hop.strip())
            if parsed is None:
                break  # what stands further left was written by a stranger
            address = str(parsed)
            if not is_within(address, trusted):
                break
        return address

    def decide(self, source: Source, routes: RouteTable, request: Request) -> Accepted | Refused:
        """Decide a whole request at this moment."""
        self._count += 1
        now = Instant(time.time_ns() // 1_000_000, f"{self._prefix}{self._count:016x}")
        limits = self.sources.limits
        return receive(source, request, limits, routes, now, self._nonces)

    def count_durable(self, accepted: Accepted, seconds: float, *, was_spooled: bool) -> None:
        """Count a callback that is answered 200."""
        source, short_type = accepted.source.name, accepted.short_type
        if accepted.records:
            path = "spool" if was_spooled else "kafka"
            self._metrics.durable(source, short_type, path, seconds, time.time())
        else:
            self._metrics.callback(source, short_type, "dropped")
        if accepted.unknown_fields:
            vendor = accepted.source.vendor.name
            self._metrics.unknown_fields(vendor, short_type, accepted.unknown_fields)
        for route in accepted.keyless:
            self._metrics.keyless(route)
        if accepted.doubt is not None:
            self._metrics.unrecognized(source, accepted.doubt)
            self._logged("callback_unrecognized", accepted.doubt, source=source)

    def count_unavailable(self, accepted: Accepted) -> None:
        """Count a callback that is answered 503."""
        source, short_type = accepted.source.name, accepted.short_type
        self._metrics.callback(source, short_type, "unavailable")
        self._logged("callback_not_durable", "unavailable", source=source, type=short_type)

    def count_refused(
        self,
        refused: Refused,
        source: str,
        address: str,
        seconds: float,
        body: bytes | None = None,
    ) -> Reason:
        """Count a refused request, and return the reason to answer with.

        A failed verification counts against its address; beyond the bound it is answered 429.
        *body* is None where it was not read to its end, or nobody asked for it.
        """
        reason = refused.reason
        now = asyncio.get_running_loop().time()
        if reason in FAILED_PROOF and not self._failed.take(address, now):
            reason = "too-many-failures"
        self._metrics.refused(source, reason, seconds)
        if self.rejections.admits(source, reason, now):
            shown = self._shown(refused, body, source)
            moment = format_rfc3339(time.time_ns() // 1_000_000)
            self.rejections.keep(
                Rejection(time=moment, source=source, address=address, reason=reason, shown=shown)
            )
        self._logged("callback_refused", reason, source=source, address=address, hint=refused.hint)
        return reason

    def log_bug(self, error: Exception) -> None:
        """Log what nobody expected; the connection ends, the process goes on."""
        log.error("request_failed", exc_info=error)

    def watch(self) -> None:
        """Set the gauges of the metrics."""
        self._metrics.watch(self.publisher.lanes_behind, self.loop_lag_secs)
        usage = self.publisher.spool_usage
        if usage is not None:
            oldest = usage.oldest_unix_ms
            age_secs = max(0.0, time.time() - oldest / 1000) if oldest is not None else 0.0
            self._metrics.spool(usage.records, usage.bytes, age_secs)

    def _shown(self, refused: Refused, body: bytes | None, name: str) -> Shown:
        source = self.sources.by_name.get(name)
        if body is None or source is None:
            return Shown(hints=(refused.hint,) if refused.hint else ())
        return shown_of(refused, body, source, self.sources)

    def _logged(self, event: str, reason: str, **values: str) -> None:
        """Log a line, at most so many a second of one reason; the metric counts all of them."""
        if self._log_lines.take(reason, asyncio.get_running_loop().time()):
            log.info(event, reason=reason, **{k: v for k, v in values.items() if v})
