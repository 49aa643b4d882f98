"""What must hold between options: one table, walked by `convert` for each section that it reads.

A rule names the options that it needs and sees only these, so that it still speaks when another
option of its section is wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from router.config.options import (
    AckOptions,
    KafkaOptions,
    LiveCallbackOptions,
    Options,
    SecretOptions,
    SourceOptions,
    TopicsOptions,
    VolcengineLiveOptions,
)
from router.config.route_options import RouteOptions, RoutesOptions
from router.config.scalars import Duration, Size, parse_address
from router.config.yaml_document import KeyPath

TRANSCODE_MESSAGE_TYPES: Final = ("push", "push_end")
"""Of `LiveMessageType`: those that are sent of transcoded streams too."""


class Complaint(Struct, frozen=True):
    """What a rule has to say; `path` begins at the section, and empty means the section."""

    path: KeyPath
    message: str
    is_warning: bool = False


class Rule(Struct, frozen=True):
    """A function over the values of the options `needs`, in that order."""

    needs: tuple[str, ...]
    check: Callable[..., Iterator[Complaint]]


def _one_reference(env: str | None, file: str | None) -> Iterator[Complaint]:
    if (env is None) == (file is None):
        yield Complaint((), "expected exactly one of env and file")


def _brokers(servers: str) -> Iterator[Complaint]:
    try:
        for server in servers.split(","):
            parse_address(server.strip())
    except ValueError:
        message = "expected HOST:PORT, or several with commas between them"
        yield Complaint(("bootstrap_servers",), message)


def _login(name: str) -> Callable[[str, object], Iterator[Complaint]]:
    def check(protocol: str, value: object) -> Iterator[Complaint]:
        if protocol.startswith("SASL_") and value is None:
            yield Complaint((name,), f"required, since security_protocol is {protocol}")
        elif not protocol.startswith("SASL_") and value is not None:
            yield _without_effect(name, protocol)

    return check


def _without_effect(name: str, protocol: str) -> Complaint:
    message = f"has no effect, since security_protocol is {protocol}"
    return Complaint((name,), message, is_warning=True)


def _certificates(
    protocol: str, ca: str | None, cert: str | None, key: str | None
) -> Iterator[Complaint]:
    files = {"ssl_ca_file": ca, "ssl_cert_file": cert, "ssl_key_file": key}
    if not protocol.endswith("SSL"):
        yield from (_without_effect(name, protocol) for name, file in files.items() if file)
    if (cert is None) != (key is None):
        missing = "ssl_cert_file" if cert is None else "ssl_key_file"
        yield Complaint((missing,), "required: a certificate and its key go together")


def _in_sync(replication: int, min_insync_replicas: int) -> Iterator[Complaint]:
    if min_insync_replicas > replication:
        message = f"more than replication, so it is capped at {replication}"
        yield Complaint(("min_insync_replicas",), message, is_warning=True)


def _references(secrets: tuple[SecretOptions, ...], unsigned: bool) -> Iterator[Complaint]:  # noqa: FBT001  # called with values in the order of `needs`
    if unsigned and secrets:
        yield Complaint(("secrets",), "an unsigned source has tokens, no secrets")


def _tokens(tokens: tuple[SecretOptions, ...]) -> Iterator[Complaint]:
    for index, token in enumerate(tokens):
        if token.app is not None:
            yield Complaint(("tokens", index, "app"), "a token belongs to no app")


def _deadlines(soft: Duration, hard: Duration) -> Iterator[Complaint]:
    if soft >= hard:
        yield Complaint(("soft",), "must be less than ack.hard")


def _record_fits(max_body_bytes: Size, topics: TopicsOptions) -> Iterator[Complaint]:
    if topics.max_message_bytes < 2 * max_body_bytes:
        message = f"must be at least {2 * max_body_bytes}, twice max_body_bytes"
        yield Complaint(("topics", "max_message_bytes"), message)


def _acts(
    when: dict[str, object],
    to: tuple[str, ...],
    key: str | None,
    drop: bool,  # noqa: FBT001  # called with values in the order of `needs`
) -> Iterator[Complaint]:
    if drop and (to or key is not None):
        yield Complaint(("drop",), "a rule that drops has neither to nor key")
    if drop and not when:
        yield Complaint(("when",), "this would drop every event")
    if not drop and not to:
        yield Complaint((), "expected to or drop: true")
    for index, topic in enumerate(to):
        if topic in {".", ".."}:
            yield Complaint(("to", index), "not the name of a topic")


def _base(base: str) -> Iterator[Complaint]:
    if base in {".", ".."}:
        yield Complaint(("base",), "not the name of a topic")


def _one_place(domain: str | None, vhost: str | None, app: str | None) -> Iterator[Complaint]:
    if (domain is None) == (vhost is None):
        yield Complaint((), "expected exactly one of domain and vhost")
    elif domain is not None and app is not None:
        yield Complaint(("app",), "belongs to a vhost; a domain is registered as a whole")


def _transcoded(message_types: tuple[str, ...], transcode: bool | None) -> Iterator[Complaint]:  # noqa: FBT001  # called with values in the order of `needs`
    if transcode and not set(message_types) <= set(TRANSCODE_MESSAGE_TYPES):
        names = " and ".join(TRANSCODE_MESSAGE_TYPES)
        message = f"only {names} tell of transcoded streams: give the others their own entry"
        yield Complaint(("transcode",), message)


def _registered_once(callbacks: tuple[LiveCallbackOptions, ...]) -> Iterator[Complaint]:
    seen: set[tuple[str | None, ...]] = set()
    for index, callback in enumerate(callbacks):
        host = (callback.domain or "").lower(), (callback.vhost or "").lower()
        place = (*host, callback.app)
        for position, message_type in enumerate(callback.message_types):
            if (*place, message_type) in seen:
                path = ("callbacks", index, "message_types", position)
                yield Complaint(path, "named before, for the same place: one would undo the other")
            seen.add((*place, message_type))


RULES: Mapping[type, tuple[Rule, ...]] = {
    SecretOptions: (Rule(("env", "file"), _one_reference),),
    KafkaOptions: (
        Rule(("bootstrap_servers",), _brokers),
        Rule(("security_protocol", "sasl_username"), _login("sasl_username")),
        Rule(("security_protocol", "sasl_password"), _login("sasl_password")),
        Rule(("security_protocol", "ssl_ca_file", "ssl_cert_file", "ssl_key_file"), _certificates),
    ),
    TopicsOptions: (Rule(("replication", "min_insync_replicas"), _in_sync),),
    SourceOptions: (Rule(("secrets", "unsigned"), _references), Rule(("tokens",), _tokens)),
    LiveCallbackOptions: (
        Rule(("domain", "vhost", "app"), _one_place),
        Rule(("message_types", "transcode"), _transcoded),
    ),
    VolcengineLiveOptions: (Rule(("callbacks",), _registered_once),),
    AckOptions: (Rule(("soft", "hard"), _deadlines),),
    Options: (Rule(("max_body_bytes", "topics"), _record_fits),),
    RouteOptions: (Rule(("when", "to", "key", "drop"), _acts),),
    RoutesOptions: (Rule(("base",), _base),),
}
