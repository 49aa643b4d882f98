"""Every metric and the logging: one table each.

Design: a metric is a row here and a method that names what happened; labels come from the
configuration and from fixed lists only, so no sender can grow their number. Accepted callbacks
are counted, not logged; each refusal, failure and change of state is one line.
"""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0)
_PREFIX = "callback_router"


class Metrics:
    """The metrics of one process, in a registry of their own.

    | metric | labels | meaning |
    |---|---|---|
    | callbacks_total | source, type, outcome | answered callbacks: durable, dropped, unavailable |
    | rejections_total | source, reason | requests that were refused |
    | ack_seconds | source, path | end of the head to the answer; path: kafka, spool, refused |
    | unrecognized_total | source, reason | authentic callbacks that are not understood, and why |
    | unknown_fields_total | vendor, type | fields and values that no document explains |
    | last_accepted_timestamp_seconds | source | wall clock of the last durable callback |
    | records_published_total | topic | records that all in-sync replicas have |
    | records_accepted_total | | records that became durable: Kafka has them, or the spool |
    | records_recovered_total | | records of an earlier run that were found in the spool |
    | records_refused_total | topic | records that Kafka will not take; they are in `refused/` |
    | spool_bytes | | what the spool takes on disk |
    | spool_records | | records in the spool that Kafka does not have |
    | spool_oldest_seconds | | how long the oldest of them may have waited |
    | spool_errors_total | kind | what went wrong with the disk |
    | producer_generations_total | reason | producers made, and why |
    | route_key_fallbacks_total | route | keys that were missing, so that the subject served |
    | handler_events_total | handler, outcome | events: done, skipped, retried, dead |
    | handler_seconds | handler | one call and the writing of its effects |
    | handler_lag | handler | records of its partitions that are not finished |
    | dead_letters_total | handler, reason | events that were put aside |
    | outbox_stuck_seconds | handler | how long Kafka has not taken the oldest derived record |
    | config_reloads_total | outcome | reloads on SIGHUP: done, failed |
    | lanes_behind | | partitions with records that wait for the batch before them |
    | loop_lag_seconds | | how late the event loop runs |
    | build_info | version | always 1 |
    """

    def __init__(self, version: str = "") -> None:
        """Make the registry and every metric in it."""
        self.registry = CollectorRegistry()
        self._callbacks = self._counter("callbacks", "Answered callbacks", "source type outcome")
        self._rejections = self._counter("rejections", "Refused requests", "source reason")
        self._unrecognized = self._counter("unrecognized", "Unrecognized events", "source reason")
        self._unknown = self._counter("unknown_fields", "Undocumented fields", "vendor type")
        self._published = self._counter("records_published", "Durable records", "topic")
        self._accepted = self._counter("records_accepted", "Records that became durable", "")
        self._recovered = self._counter("records_recovered", "Records of an earlier run", "")
        self._refused = self._counter("records_refused", "Records that Kafka refuses", "topic")
        self._spool_errors = self._counter("spool_errors", "Trouble with the disk", "kind")
        self._spool_bytes = self._gauge("spool_bytes", "What the spool takes on disk", "")
        self._spool_records = self._gauge("spool_records", "Records that wait on disk", "")
        self._spool_oldest = self._gauge("spool_oldest_seconds", "Age of the oldest of them", "")
        self._generations = self._counter("producer_generations", "Producers made", "reason")
        self._reloads = self._counter("config_reloads", "Reloads on SIGHUP", "outcome")
        self._keyless = self._counter("route_key_fallbacks", "Keys replaced by subjects", "route")
        self._ack = Histogram(
            f"{_PREFIX}_ack_seconds",
            "From the end of the request's head to the answer",
            ["source", "path"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._events = self._counter("handler_events", "Handled events", "handler outcome")
        self._dead = self._counter("dead_letters", "Events put aside", "handler reason")
        self._lag = self._gauge("handler_lag", "Records that are not finished", "handler")
        self._stuck = self._gauge("outbox_stuck_seconds", "Derived records that wait", "handler")
        self._handled = Histogram(
            f"{_PREFIX}_handler_seconds",
            "One call and the writing of its effects",
            ["handler"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._last = self._gauge("last_accepted_timestamp_seconds", "Last accepted", "source")
        self._lanes_behind = self._gauge("lanes_behind", "Partitions with records that wait", "")
        self._loop_lag = self._gauge("loop_lag_seconds", "How late the event loop runs", "")
        self._gauge("build_info", "The running version", "version").labels(version).set(1)
        self._published_of: dict[str, Callable[[float], None]] = {}
        self._bound: dict[tuple[str, str, str], Callable[[float, float], None]] = {}

    def durable(
        self, source: str, short_type: str, path: str, seconds: float, now_secs: float
    ) -> None:
        """Count a callback whose records Kafka or the spool has, *seconds* after its head."""
        key = (source, short_type, path)
        count = self._bound.get(key)
        if count is None:  # label look-ups cost more than all the rest of a request's counting
            count = self._bound[key] = self._durable_of(*key)
        count(seconds, now_secs)

    def callback(self, source: str, short_type: str, outcome: str) -> None:
        """Count a callback that ended otherwise: `dropped` by a rule, or `unavailable`."""
        self._callbacks.labels(source, short_type, outcome).inc()

    def refused(self, source: str, reason: str, seconds: float) -> None:
        """Count a refused request; *source* is empty where none was reached."""
        self._rejections.labels(source, reason).inc()
        self._ack.labels(source, "refused").observe(seconds)

    def unrecognized(self, source: str, reason: str) -> None:
        """Count an authentic callback that became `Unrecognized`."""
        self._unrecognized.labels(source, reason).inc()

    def unknown_fields(self, vendor: str, short_type: str, count: int) -> None:
        """Count fields and values that no document explains."""
        self._unknown.labels(vendor, short_type).inc(count)

    def keyless(self, route: str) -> None:
        """Count a record whose key was missing or composite."""
        self._keyless.labels(route).inc()

    def records_published(self, topic: str, count: int) -> None:
        """Count durable records."""
        inc = self._published_of.get(topic)
        if inc is None:
            inc = self._published_of[topic] = self._published.labels(topic).inc
        inc(count)

    def records_accepted(self, count: int) -> None:
        """Count records that became durable, wherever first."""
        if count:
            self._accepted.inc(count)

    def records_recovered(self, count: int) -> None:
        """Count records of an earlier run."""
        self._recovered.inc(count)

    def record_refused(self, topic: str) -> None:
        """Count a record that Kafka will not take from anybody."""
        self._refused.labels(topic).inc()

    def spool_error(self, kind: str) -> None:
        """Count what went wrong with the disk."""
        self._spool_errors.labels(kind).inc()

    def spool(self, records: int, size: int, oldest_secs: float) -> None:
        """Set what waits on disk."""
        self._spool_records.set(records)
        self._spool_bytes.set(size)
        self._spool_oldest.set(oldest_secs)

    def producer_made(self, reason: str) -> None:
        """Count a producer, and why it was made."""
        self._generations.labels(reason).inc()

    def handled(self, handler: str, outcome: str) -> None:
        """Count what became of an event: `done`, `skipped`, `retried` or `dead`."""
        self._events.labels(handler, outcome).inc()

    def handled_for(self, handler: str, seconds: float) -> None:
        """Note how long a call and the writing of its effects took."""
        self._handled.labels(handler).observe(seconds)

    def dead(self, handler: str, reason: str) -> None:
        """Count an event that was put aside."""
        self._dead.labels(handler, reason).inc()

    def lag(self, handler: str, records: int) -> None:
        """Set how many records of its partitions a handler has not finished."""
        self._lag.labels(handler).set(records)

    def outbox_stuck(self, handler: str, seconds: float) -> None:
        """Set how long Kafka has not taken the oldest record of a handler's outbox; 0 is well."""
        self._stuck.labels(handler).set(seconds)

    def reloaded(self, outcome: str) -> None:
        """Count a reload of the configuration: `done` or `failed`."""
        self._reloads.labels(outcome).inc()

    def watch(self, lanes_behind: int, loop_lag_secs: float) -> None:
        """Set the gauges that are looked at now and then."""
        self._lanes_behind.set(lanes_behind)
        self._loop_lag.set(loop_lag_secs)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _durable_of(
        self, source: str, short_type: str, path: str
    ) -> Callable[[float, float], None]:
        count = self._callbacks.labels(source, short_type, "durable").inc
        observe = self._ack.labels(source, path).observe
        mark = self._last.labels(source).set

        def durable(seconds: float, now_secs: float) -> None:
            count()
            observe(seconds)
            mark(now_secs)

        return durable

    def _counter(self, name: str, text: str, labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels.split(), registry=self.registry)

    def _gauge(self, name: str, text: str, labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, labels.split(), registry=self.registry)


class _Lines:
    """Writes lines to standard error; one that cannot be written is lost, and nothing else."""

    def __init__(self, *_: object) -> None:
        """Take whatever structlog passes on."""

    def msg(self, message: str) -> None:
        """Write a line: a full disk or a reader that is gone must not keep a callback waiting."""
        with suppress(OSError, ValueError):
            print(message, file=sys.stderr, flush=True)  # noqa: T201 - this is where lines go

    debug = info = warning = error = critical = msg


def set_up_logging(*, is_terminal: bool | None = None, level: int = logging.INFO) -> None:
    """Log to standard error: one JSON object per line, or readable lines on a terminal."""
    pretty = sys.stderr.isatty() if is_terminal is None else is_terminal
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(message)s", force=True)
    logging.getLogger("asyncio").addFilter(_is_worth_a_line)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Tell apart what aiokafka leaves where a client is closed while it connects.

    Such a connection closes itself when it is collected, and asks the loop to complain of it.
    """
    return not record.getMessage().startswith("Unclosed AIOKafkaConnection")
