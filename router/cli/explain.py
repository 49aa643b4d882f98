"""`callback-router explain`: what the server would make of one body."""

import sys
import time
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import click
import msgspec

from router.assembly import routes_of, sources_of
from router.cli.options import config_option, configured
from router.clock import LAST_MS, format_rfc3339, parse_rfc3339
from router.ingress.hints import hints
from router.ingress.printable import printable
from router.ingress.receive import Accepted, Instant, Request, decide
from router.ingress.sources import Head, Source
from router.record import encode_event
from router.routing import RouteTable, Verdict
from router.routing import explain as explain_rules
from router.tools.masking import masked, masked_value
from router.tools.verdicts import line_of, line_of_keyless, masked_verdict
from router.vendors.decode import decode
from router.vendors.fields import at
from router.vendors.refusal import Refused
from router.vendors.verify import unix_secs


class _Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told of one body; as JSON these are the names.

    Attributes:
        source: The entrance.
        vendor: Whose it is.
        refused: The reason, where it is.
        proven_by: `signature` or `token`, where it is not.
        unrecognized: Why its event is one of `Unrecognized`.
        undocumented: Fields and values that no document knows.
        event: As it would lie in Kafka.
        rules: What each rule makes of it.
        keyless: Rules whose key has no single value here, so that the subject is the key.
        dropped_by: Rules that stop every record.
        records: Topics and keys.
        hints: What may be wrong.
    """

    source: str
    vendor: str
    refused: str | None = None
    proven_by: str | None = None
    unrecognized: str | None = None
    undocumented: int = 0
    event: msgspec.Raw | None = None
    rules: tuple[Verdict, ...] = ()
    keyless: tuple[str, ...] = ()
    dropped_by: tuple[str, ...] = ()
    records: tuple[dict[str, str], ...] = ()
    hints: tuple[str, ...] = ()


@click.command()
@config_option
@click.option("--source", "name", required=True, metavar="NAME", help="The entrance it came to.")
@click.option("--at", "moment", metavar="TIME", help="When it came (RFC 3339); default now.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object, for programs.")
@click.argument("file", type=click.File("rb"), default="-")
def explain(config: Path, name: str, moment: str | None, file: BinaryIO, *, is_json: bool) -> None:
    """Tell what becomes of the body in FILE (or standard input): proof, event, rules, topics.

    Of each rule that does not match: the condition that decided, and the value that it saw.
    Queries and credentials in URLs are shown as ***.
    """
    now = Instant(_unix_ms(moment), uuid4().hex)
    configuration = configured(config)
    sources, routes = sources_of(configuration), routes_of(configuration)
    source = sources.by_name.get(name)
    if source is None:
        known = ", ".join(sources.by_name)
        raise click.BadParameter(f"no source is called {name}; use one of {known}")
    request = _request(source, file.read())
    outcome = decide(request, sources, routes, now)
    doubt = outcome.reason if isinstance(outcome, Refused) else outcome.doubt
    sent = _sent_hints(source, request.body) if doubt == "stale" else []
    if isinstance(outcome, Refused):
        found = (*hints(outcome, request.body, source, sources), *sent)
        told = _Told(source=name, vendor=source.vendor.name, refused=outcome.reason, hints=found)
    else:
        told = _accepted(outcome, routes, tuple(sent))
    if is_json:
        print(printable(msgspec.json.encode(told).decode()))
    else:
        _print(told)
    if told.refused is not None:
        sys.exit(1)


def _unix_ms(moment: str | None) -> int:
    if moment is None:
        return time.time_ns() // 1_000_000
    unix_ms = parse_rfc3339(moment)
    if unix_ms is None or not 0 <= unix_ms <= LAST_MS:
        message = "expected a time such as 2026-11-21T08:00:00Z or 2026-11-21T16:00:00+08:00"
        raise click.BadParameter(message, param_hint="--at")
    return unix_ms


def _sent_hints(source: Source, body: bytes) -> list[str]:
    """Return how to judge a body by the time that its vendor signed, where there is one."""
    window, message = source.vendor.window, decode(source.vendor, body)
    if window is None or isinstance(message, Refused):
        return []
    secs = unix_secs(at(message.members or {}, window.member))
    if secs is None or not 0 <= secs * 1000 <= LAST_MS:
        return [f"{window.member} is no time, so it is outside of the window at any time"]
    moment = format_rfc3339(secs * 1000)
    return [f"outside of the window now; --at {moment} judges it as of its {window.member}"]


def _request(source: Source, body: bytes) -> Request:
    token = f"/{source.tokens[0].decode()}" if source.tokens else ""
    address = str(source.allow[0].network_address) if source.allow else "127.0.0.1"
    head = Head(method="POST", target=f"/callbacks/{source.name}{token}", address=address)
    return Request(head=head, body=body)


def _accepted(accepted: Accepted, routes: RouteTable, sent: tuple[str, ...]) -> _Told:
    event = accepted.event
    detail = "" if accepted.doubt is None else f"{accepted.doubt} ({event.data['detail']})"
    return _Told(
        source=accepted.source.name,
        vendor=event.vendor,
        proven_by="signature" if accepted.source.secrets else "token",
        unrecognized=detail or None,
        undocumented=accepted.unknown_fields,
        event=msgspec.Raw(masked_value(encode_event(event)).encode()),
        rules=tuple(
            masked_verdict(verdict, event.vendor)
            for verdict in explain_rules(routes, event, accepted.source.name)
        ),
        keyless=accepted.keyless,
        dropped_by=accepted.dropped_by,
        records=tuple(
            {"topic": record.topic, "key": masked(record.key.decode())}
            for record in accepted.records
        ),
        hints=sent,
    )


def _print(told: _Told) -> None:
    if told.refused is not None:
        print(f"refused: {told.refused}")
    else:
        print(f"proven by its {told.proven_by}: source {told.source}, vendor {told.vendor}")
    if told.unrecognized:
        print(printable(f"unrecognized: {told.unrecognized}"))
    if told.undocumented:
        print(f"undocumented: {told.undocumented} fields or values")
    if told.event is not None:
        formatted = msgspec.json.format(bytes(told.event)).decode()
        print("\n".join(map(printable, formatted.split("\n"))))
    for verdict in told.rules:
        print(line_of(verdict))
    for name in told.keyless:
        print(line_of_keyless(name))
    for name in told.dropped_by:
        print(f"dropped by {name}: answered 200, nothing published")
    for record in told.records:
        print(printable(f"-> {record['topic']}  key {record['key']}"))
    for hint in told.hints:
        print(printable(f"hint: {hint}"))
