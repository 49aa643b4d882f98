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
from router.ingress.receive import Accepted, Instant, Request, decide
from router.ingress.sources import Head, Source, Sources
from router.record import encode_event
from router.routing import RouteTable
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.verify import Verified, verify


@click.command()
@config_option
@click.option("--source", "name", required=True, metavar="NAME", help="The entrance it came to.")
@click.argument("file", type=click.File("rb"), default="-")
def explain(config: Path, name: str, file: BinaryIO) -> None:
    """Tell what becomes of the body in FILE (or standard input): proof, event, topics."""
    configuration = configured(config)
    sources, routes = sources_of(configuration), routes_of(configuration)
    source = sources.by_name.get(name)
    if source is None:
        known = ", ".join(sources.by_name)
        raise click.BadParameter(f"no source is called {name}; use one of {known}")
    request = _request(source, file.read())
    now = Instant(time.time_ns() // 1_000_000, uuid4().hex)
    outcome = decide(request, sources, routes, now)
    if isinstance(outcome, Refused):
        print(f"refused: {outcome.reason}{f' ({outcome.hint})' if outcome.hint else ''}")
        for hint in _hints(request, source, sources):
            print(f"hint: {hint}")
        sys.exit(1)
    _print_accepted(outcome, routes)


def _request(source: Source, body: bytes) -> Request:
    token = f"/{source.tokens[0].decode()}" if source.tokens else ""
    address = str(source.allow[0].network_address) if source.allow else "127.0.0.1"
    head = Head(method="POST", target=f"/callbacks/{source.name}{token}", address=address)
    return Request(head=head, body=body)


def _hints(request: Request, source: Source, sources: Sources) -> list[str]:
    """Return which other source would have proven the body."""
    others = (other for other in sources.by_name.values() if other is not source and other.secrets)
    return [
        f"another source's secret proves it: {other.name}"
        for other in others
        if _proves(other, request.body)
    ]


def _proves(source: Source, body: bytes) -> bool:
    message = decode(source.vendor, body)
    if isinstance(message, Refused):
        return False
    return isinstance(verify(source.vendor, message, source.secrets), Verified)


def _print_accepted(accepted: Accepted, routes: RouteTable) -> None:
    how = "its token" if not accepted.source.secrets else "its signature"
    print(f"proven by {how}: source {accepted.source.name}, vendor {accepted.event.vendor}")
    if accepted.doubt is not None:
        print(f"unrecognized: {accepted.doubt} ({accepted.event.data['detail']})")
    if accepted.unknown_fields:
        print(f"undocumented: {accepted.unknown_fields} fields or values")
    print(msgspec.json.format(encode_event(accepted.event)).decode())
    for rule in routes.rules:
        misfits = rule.misfits(accepted.event, accepted.source.name)
        kept_by = ", ".join(condition.path for condition in misfits)
        print(f"rule {rule.name}: {f'kept from it by {kept_by}' if misfits else 'matches'}")
    for name in accepted.dropped_by:
        print(f"dropped by {name}: answered 200, nothing published")
    for record in accepted.records:
        print(f"-> {record.topic}  key {record.key.decode()}")
