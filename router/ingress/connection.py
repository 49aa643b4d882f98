"""`Connection`: one HTTP connection as a state machine over aiohttp's request parser.

    head -> body -> answering -> idle -> head ...        any -> closing

Every state has a deadline, `expires_at`, which the server looks at ten times a second; so there is
no timer per request. Requests of one connection are answered in order, one at a time; what is
pipelined behind waits in a bounded queue while the socket is not read; its deadlines count from
its head all the same.

Source: RFC 9112; for what must be refused, `answers` and the contract's table.
"""

import asyncio
import enum
from collections import deque
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, cast

from aiohttp import StreamReader, hdrs
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError

from router.ingress.answers import CONTINUE, Answers
from router.ingress.framing import fault_of, framing_fault, head_of
from router.ingress.receive import Accepted, Request
from router.ingress.sources import Head, Source, Sources
from router.publish.lane import Ticket
from router.publish.publisher import Publisher
from router.routing import RouteTable
from router.vendors.refusal import Reason, Refused

HEAD_SECS = 5.0
BODY_SECS = 2.0
IDLE_SECS = 75.0
CLOSING_SECS = 1.0
MAX_LINE_BYTES = 8190
MAX_HEADERS = 100
MAX_PIPELINED = 16


class State(enum.Enum):
    """What the connection waits for."""

    HEAD = enum.auto()
    BODY = enum.auto()
    ANSWERING = enum.auto()
    IDLE = enum.auto()
    CLOSING = enum.auto()
    GONE = enum.auto()


_OPEN = (State.HEAD, State.BODY, State.IDLE)


class Service(Protocol):
    """What a connection asks of the server that it belongs to."""

    sources: Sources
    routes: RouteTable
    publisher: Publisher
    answers: Answers
    soft_secs: float
    hard_secs: float
    is_draining: bool

    def admit(self, connection: "Connection") -> bool:
        """Count a new connection; False where its address has too many."""

    def forget(self, connection: "Connection") -> None:
        """Let go of a connection that is gone."""

    def address_of(self, peer: str, message: RawRequestMessage) -> str:
        """Return the sender's address behind trusted proxies."""

    def decide(self, source: Source, routes: RouteTable, request: Request) -> Accepted | Refused:
        """Decide a whole request at this moment."""

    def count_durable(self, accepted: Accepted, seconds: float, *, was_spooled: bool) -> None:
        """Count a callback that is answered 200."""

    def count_unavailable(self, accepted: Accepted) -> None:
        """Count a callback that is answered 503."""

    def count_refused(
        self,
        refused: Refused,
        source: str,
        address: str,
        seconds: float,
        body: bytes | None = None,
    ) -> Reason:
        """Count a refused request, and return the reason to answer with."""

    def log_bug(self, error: Exception) -> None:
        """Log what nobody expected."""


class Connection(BaseProtocol):
    """One connection; the server makes it, sweeps it, and decides its requests."""

    def __init__(self, server: Service, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; nothing is connected yet."""
        parser = HttpRequestParser(
            self,
            loop,
            server.sources.limits.max_body_bytes,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
            max_msg_queue_size=MAX_PIPELINED,
        )
        super().__init__(loop, parser)
        self.requests = parser
        self.server = server
        self.peer = ""
        self.state = State.HEAD
        self.expires_at = 0.0
        self.source_name = ""
        self._queue: deque[tuple[RawRequestMessage, StreamReader, float]] = deque()
        self._source: Source | None = None
        self._routes = server.routes
        self._head: Head | None = None
        self._head_at = 0.0
        self._ticket: Ticket | None = None
        self._accepted: Accepted | None = None
        self._is_last = False
        self._has_bytes = False
        self._has_eof = False
        self._is_held = False
        self._fault: tuple[Reason, HTTPStatus] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head: its time counts from here."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self._until(State.HEAD, HEAD_SECS)
        if not self.server.admit(self):
            self._abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of the socket; a callback that is under way goes on to be published."""
        super().connection_lost(exc)
        self._queue.clear()
        if self.state is not State.ANSWERING:
            self._gone()

    def eof_received(self) -> bool:
        """Keep half-closed connections only while answers are due."""
        self._has_eof = True
        return self.state is State.ANSWERING

    def pause_reading(self) -> None:
        """Do nothing: a body is bounded by its limit, so its buffer needs no flow control."""

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's
        """Do nothing; aiohttp's own would parse again in the middle of reading a body."""
        del resume_parser

    def pause_writing(self) -> None:
        """Read and answer nothing more to a peer that does not take its answers."""
        super().pause_writing()
        self._hold()

    def resume_writing(self) -> None:
        """Go on: the peer has taken its answers."""
        super().resume_writing()
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and go on with every request that is whole."""
        if self.state in (State.CLOSING, State.GONE):
            return
        if data:
            self._has_bytes = True
            if self.state is State.IDLE:
                self._until(State.HEAD, HEAD_SECS)
        try:
            messages, upgraded, _ = self.requests.feed_data(data)
        except HttpProcessingError as error:
            self._fault = fault_of(error, data)
            messages, upgraded = [], False
        now = self._loop.time()
        for message, payload in messages:
            self._queue.append((message, payload, now))
        if len(self._queue) >= MAX_PIPELINED:  # the parser keeps back what comes behind
            self._hold()
        self._is_last |= upgraded  # answered as HTTP/1.1, and never upgraded
        self._go_on()

    def expired(self) -> None:
        """Act on a deadline that has passed."""
        try:
            self._expire()
        except Exception as error:  # noqa: BLE001 - one connection must not end the sweep of all
            self._end_by_bug(error)

    def _expire(self) -> None:
        match self.state:
            case State.HEAD if self._has_bytes:
                self._refuse_framing("timeout")
            case State.BODY:
                self._refuse_framing("timeout")
            case State.ANSWERING:
                self._too_late()
            case _:
                self._abort()

    def close_when_idle(self) -> None:
        """End as soon as nothing is being answered: the server stops."""
        self._is_last = True
        if self.state in (State.HEAD, State.IDLE) and self.transport is not None:
            self.transport.close()  # nothing is owed to a head that is not whole

    def _go_on(self) -> None:
        try:
            while self._queue and not self.writing_paused and self.state in _OPEN:
                if self._source is None and not self._begin():
                    continue
                if not self._finish_body():
                    break
        except Exception as error:  # noqa: BLE001 - no input may end in a traceback or a 500
            self.server.log_bug(error)
            self._refuse_framing("unavailable")
        if self._fault is not None and self.state is not State.ANSWERING:
            reason, status = self._fault
            self._refuse_framing(reason, status)
        if self._has_eof and self.state in _OPEN:
            self._close()
        if self._is_held and not self._queue and not self.writing_paused:
            self._is_held = False
            self._loop.call_soon(self._read_on)

    def _begin(self) -> bool:
        """Look at the next head; True if its body is wanted."""
        message, payload, self._head_at = self._queue[0]
        self._is_last |= message.should_close or self.server.is_draining
        framing = framing_fault(message)
        if framing is not None:
            self._refuse_framing("malformed", framing)
            return False
        self._head = head_of(message, self.server.address_of(self.peer, message))
        found = self.server.sources.find(self._head)
        if isinstance(found, Refused):
            self._refuse(found)
            return False
        self._source, self._routes = found, self.server.routes
        self.source_name = found.name
        if not payload.is_eof():
            self._until(State.BODY, BODY_SECS)
            is_waiting = hdrs.EXPECT in message.headers and not payload.total_bytes
            if is_waiting and message.version == HttpVersion11 and self.transport is not None:
                self.transport.write(CONTINUE)
        return True

    def _finish_body(self) -> bool:
        """Decide the request if its body is whole; False if there is more to wait for."""
        message, payload, _ = self._queue[0]
        if payload.exception() is not None:
            self._refuse_framing("malformed")
            return True
        if payload.total_bytes > self.server.sources.limits.max_body_bytes:
            self._refuse(Refused("too-large"))
            return True
        if not payload.is_eof():
            return False
        source, head = cast("Source", self._source), cast("Head", self._head)
        request = Request(
            head=head,
            body=payload.read_nowait(),
            traceparent=message.headers.get("traceparent", ""),
        )
        outcome = self.server.decide(source, self._routes, request)
        if isinstance(outcome, Refused):
            self._refuse(outcome, request.body)
            return True
        self._accepted = outcome
        self.state = State.ANSWERING
        self.expires_at = self._head_at + self.server.hard_secs
        if outcome.records:
            soft = self.server.soft_secs
            soft_at = self._head_at + soft if soft else 0.0
            self._ticket = self.server.publisher.publish(outcome.records, self._durable, soft_at)
        else:
            self._durable()
        return True

    def _durable(self) -> None:
        try:
            self._answer_durable()
        except Exception as error:  # noqa: BLE001 - nor the publisher of all
            self._end_by_bug(error)

    def _end_by_bug(self, error: Exception) -> None:
        self.server.log_bug(error)
        self._abort()

    def _answer_durable(self) -> None:
        accepted = cast("Accepted", self._accepted)
        was_spooled = self._ticket is not None and self._ticket.was_spooled
        seconds = self._loop.time() - self._head_at
        self.server.count_durable(accepted, seconds, was_spooled=was_spooled)
        self._answer(self.server.answers.ok(is_last=self._is_last))
        if self._queue or self._fault is not None or self._is_held or self._has_eof:
            self._go_on()

    def _too_late(self) -> None:
        if self._ticket is not None:
            self._ticket.abandon()
        self.server.count_unavailable(cast("Accepted", self._accepted))
        self._answer(self.server.answers.problem("unavailable", is_last=self._is_last))
        self._go_on()

    def _refuse(self, refused: Refused, body: bytes | None = None) -> None:
        """Answer a refused request; the connection stays if nothing more of it can come."""
        message, payload, _ = self._queue[0]
        self._is_last |= not payload.is_eof()
        address = self._head.address if self._head else self.peer
        source, seconds = refused.source or self.source_name, self._loop.time() - self._head_at
        reason = self.server.count_refused(refused, source, address, seconds, body)
        self._answer(
            self.server.answers.problem(reason, is_last=self._is_last, method=message.method)
        )

    def _refuse_framing(self, reason: Reason, status: HTTPStatus | None = None) -> None:
        """Answer and close: where the next request begins cannot be trusted any more."""
        self._is_last = True
        self._fault = None
        self.server.count_refused(Refused(reason), self.source_name, self.peer, 0.0)
        self._answer(self.server.answers.problem(reason, is_last=True, status=status))

    def _answer(self, answer: bytes) -> None:
        """Write the one answer of the first request, and wait for the next."""
        if self._queue:
            self._queue.popleft()
            self.requests.message_consumed()
        self._source = self._head = self._ticket = self._accepted = None
        self.source_name = ""
        if self.transport is None:
            self._gone()
            return
        self.transport.write(answer)
        if self._is_last:
            self._close()
            return
        self._has_bytes = False
        self._until(State.IDLE, IDLE_SECS)

    def _hold(self) -> None:
        """Read no more from the socket until everything parsed is answered, and taken."""
        self._is_held = True
        if self.transport is not None:
            self.transport.pause_reading()

    def _read_on(self) -> None:
        """Parse what was kept back; read the socket again only if that was all of it."""
        self.data_received(b"")
        if not self._is_held and self.transport is not None:
            self.transport.resume_reading()

    def _until(self, state: State, seconds: float) -> None:
        self.state = state
        self.expires_at = self._loop.time() + seconds

    def _close(self) -> None:
        """Send what is written, then wait a little for the peer's end.

        Closing at once while bytes are unread makes the kernel send a reset, which can overtake
        the answer (RFC 9112, 9.6).
        """
        self._queue.clear()
        self._until(State.CLOSING, CLOSING_SECS)
        if self.transport is None:
            self._gone()
        elif self._has_eof or not self.transport.can_write_eof():
            self.transport.close()
        else:
            with suppress(OSError):  # the peer may have gone: only shutdown(2) finds out
                self.transport.write_eof()
            self.transport.resume_reading()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()
        self._gone()

    def _gone(self) -> None:
        self.state = State.GONE
        self.server.forget(self)
