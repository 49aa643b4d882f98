"""What a running `serve` takes from a configuration that is read again, after SIGHUP.

Design: everything is read, checked and made in a thread, beside what runs; only then it is swapped,
between two events of the loop. So no error, not even one of ours, changes anything, and no request
waits; one whose head was read before is finished by what was there before. Of several SIGHUPs that come while one reload is under way, one more reload is made: it reads
what the last of them meant.
"""

from typing import Final

import msgspec
from msgspec import Struct

from router.assembly import kafka_settings_of, routes_of, sources_of, topics_of
from router.config import Configuration, Options
from router.errors import Problem
from router.ingress.sources import Sources
from router.routing import RouteTable

_TAKEN: Final = {"sources", "routes"}
_UNUSED: Final = {"handlers", "state", "volcengine_live"}  # by `serve`


class Renewal(Struct, frozen=True, kw_only=True):
    """What is swapped.

    Attributes:
        sources: The entrances, with their secrets as they are now.
        routes: The rules.
        topics: Every topic that events can reach by them.
        warnings: What is allowed in it but surely not meant.
        needing_restart: Names of options that differ and that the process keeps as they were.
    """

    sources: Sources
    routes: RouteTable
    topics: list[str]
    warnings: tuple[Problem, ...]
    needing_restart: list[str]


def renewal_of(running: Configuration, read: Configuration) -> Renewal:
    """Return what a service that runs on *running* takes from *read*.

    Options that need a restart are made as well, and thrown away: a file that could not be started
    with must be told now. Namespace and limits stay those that the process was started with.
    """
    kafka_settings_of(read)
    sources_of(read)
    topics_of(read)
    taken = msgspec.structs.replace(
        read,
        options=msgspec.structs.replace(
            running.options, **{name: getattr(read.options, name) for name in _TAKEN}
        ),
    )
    return Renewal(
        sources=sources_of(taken),
        routes=routes_of(taken),
        topics=topics_of(taken),
        warnings=read.warnings,
        needing_restart=_needing_restart(running, read),
    )


def _needing_restart(running: Configuration, read: Configuration) -> list[str]:
    """Return names only: values may come from the environment."""
    return [
        name
        for name in Options.__struct_fields__
        if name not in _TAKEN | _UNUSED
        and (
            getattr(running.options, name) != getattr(read.options, name)
            or (name == "kafka" and running.sasl_password != read.sasl_password)
        )
    ]
