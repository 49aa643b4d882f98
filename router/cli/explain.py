"""`callback-router explain`: what the server would make of one body."""

import sys
import time
from collections.abc import Iterable
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
from router.routing import RouteTable
from router.routing import explain as explain_rules
from router.tools.masking import masked, masked_value
from router.vendors.decode import decode
from router.vendors.fields import at
from router.vendors.refusal import Refused
from router.vendors.verify import unix_secs


@click.command()
@config_option
@click.option("--source", "name", required=True, metavar="NAME", help="The entrance it came to.")
@click.option("--at", "moment", metavar="TIME", help="When it came (RFC 3339); default now.")
@click.argument("file", type=click.File("rb"), default="-")
def explain(config: Path, name: str, moment: str | None, file: BinaryIO) -> None:
    """Tell what becomes of the body in FILE (or standard input): proof, event, topics.

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
    if isinstance(outcome, Refused):
        print(f"refused: {outcome.reason}")
        _print_hints(hints(outcome, request.body, source, sources))
    else:
        _print_accepted(outcome, routes)
    doubt = outcome.reason if isinstance(outcome, Refused) else outcome.doubt
    if doubt == "stale":
        _print_hints(_sent_hints(source, request.body))
    if isinstance(outcome, Refused):
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


def _print_hints(found: Iterable[str]) -> None:
    for hint in found:
        print(printable(f"hint: {hint}"))


def _print_accepted(accepted: Accepted, routes: RouteTable) -> None:
    how = "its token" if not accepted.source.secrets else "its signature"
    print(f"proven by {how}: source {accepted.source.name}, vendor {accepted.event.vendor}")
    if accepted.doubt is not None:
        detail = accepted.event.data["detail"]
        print(printable(f"unrecognized: {accepted.doubt} ({detail})"))
    if accepted.unknown_fields:
        print(f"undocumented: {accepted.unknown_fields} fields or values")
    formatted = msgspec.json.format(masked_value(encode_event(accepted.event)))
    print("\n".join(map(printable, formatted.split("\n"))))
    for verdict in explain_rules(routes, accepted.event, accepted.source.name):
        kept_by = f"kept from it by {verdict.decided_by}"
        print(printable(f"rule {verdict.rule}: {'matches' if verdict.fits else kept_by}"))
    for name in accepted.dropped_by:
        print(f"dropped by {name}: answered 200, nothing published")
    for record in accepted.records:
        print(printable(f"-> {record.topic}  key {masked(record.key.decode())}"))
