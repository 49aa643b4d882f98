"""The values that the program runs on, made of a `Configuration`."""

from collections.abc import Collection, Sequence

from router.config import Configuration, SourceOptions
from router.consume.discover import find_handlers
from router.consume.runner import Reading
from router.errors import ConfigError, Problem
from router.event import UNRECOGNIZED
from router.handler import Handler
from router.ingress.sources import Limits, Source, Sources
from router.kafka.port import KafkaSettings
from router.kafka.security import security_arguments
from router.routing import RouteTable, Rule, parse_conditions
from router.routing.templates import DEFAULT_KEY
from router.tools.topics import Wanted
from router.vendors import vendors
from router.vendors.spec import Vendor, without_proof
from router.vendors.verify import Secrets


def sources_of(configuration: Configuration) -> Sources:
    """Return every configured entrance."""
    options = configuration.options
    limits = Limits(
        max_body_bytes=options.max_body_bytes,
        max_record_bytes=options.topics.max_message_bytes,
    )
    sources = (
        Source(
            name=name,
            vendor=_vendor_of(source),
            secrets=_secrets(configuration, name),
            tokens=tuple(token.reveal() for token in configuration.tokens.get(name, ())),
            allow=source.allow,
            is_stale_refused=source.on_stale == "reject",
        )
        for name, source in options.sources.items()
    )
    return Sources(sources, limits)


def routes_of(configuration: Configuration) -> RouteTable:
    """Return the route table, its topics with the namespace."""
    rules = (
        Rule(
            name=route.name,
            conditions=parse_conditions(route.when)[0],
            topics=route.to,
            key=route.key or DEFAULT_KEY,
            is_drop=route.drop,
        )
        for route in configuration.routes.routes
    )
    return RouteTable(configuration.routes.base, rules, configuration.options.kafka.namespace)


def base_topics_of(configuration: Configuration, source: str) -> list[str]:
    """Return the base topics of one source, that of `Unrecognized` too, sorted."""
    options = configuration.options
    vendor = options.sources[source].vendor
    table = RouteTable(configuration.routes.base, (), options.kafka.namespace)
    return table.topics([(source, vendor, (*vendors()[vendor].types, UNRECOGNIZED))])


def topics_of(configuration: Configuration, sources: Collection[str] | None = None) -> list[str]:
    """Return every topic that events of all sources, or of these, can reach, sorted."""
    return sorted(reach_of(configuration, sources))


def reach_of(
    configuration: Configuration, sources: Collection[str] | None = None
) -> dict[str, dict[str, set[str]]]:
    """Return the keys of events by the topics that they can reach and by their full types."""
    reachable = (
        (name, source.vendor, (*vendors()[source.vendor].types, UNRECOGNIZED))
        for name, source in configuration.options.sources.items()
        if sources is None or name in sources
    )
    return routes_of(configuration).reach(reachable)


def handlers_of(configuration: Configuration) -> list[tuple[Handler, Reading]]:
    """Return every handler of the configured folders, and what it reads.

    Raises:
        ConfigError: A module cannot be used, or names a class that is no event type.
    """
    handlers = find_handlers(configuration.options.handlers)
    known = {
        event_type.event_class: event_type.name
        for vendor in vendors().values()
        for event_type in vendor.types.values()
    }
    unknown = [
        Problem(module, 1, 1, handler.name, f"{event_class.__name__} is no event type")
        for handler in handlers
        for event_class in handler.events
        if event_class not in known and (module := handler.function.__module__)
    ]
    if unknown:
        raise ConfigError(unknown)
    return [
        (
            handler,
            Reading(
                topics=_base_topics(configuration, [known[found] for found in handler.events]),
                classes={known[found]: found for found in handler.events},
                dead_topic=dead_topic(configuration, handler.name),
            ),
        )
        for handler in handlers
    ]


def derived_topic(configuration: Configuration, event_type: str) -> str:
    """Return the topic of derived events of a type."""
    return f"{configuration.options.kafka.namespace}derived.{event_type}"


def dead_topic(configuration: Configuration, handler: str) -> str:
    """Return the topic of the dead letters of a handler of this name, whether it is there or not."""
    return f"{configuration.options.kafka.namespace}callback-router.dead.{handler}"


def topics_of_handlers(
    configuration: Configuration, handlers: Sequence[tuple[Handler, Reading]]
) -> list[str]:
    """Return the topics that handlers write to, sorted: derived events and dead letters."""
    derived = {derived_topic(configuration, name) for found, _ in handlers for name in found.emits}
    return sorted(derived | {reading.dead_topic for _, reading in handlers})


def group_of(configuration: Configuration, handler: Handler) -> str:
    """Return the full name of a handler's consumer group."""
    return f"{configuration.options.kafka.namespace}callback-router.{handler.name}"


def _base_topics(configuration: Configuration, types: Sequence[str]) -> tuple[str, ...]:
    """Return the base topics of event types, of every source of their vendor."""
    options = configuration.options
    table = RouteTable(configuration.routes.base, (), options.kafka.namespace)
    reachable = (
        (name, vendor, [short_type])
        for vendor, short_type in (full.split(".") for full in types)
        for name, source in options.sources.items()
        if source.vendor == vendor
    )
    return tuple(table.topics(reachable))


def wanted_topics(configuration: Configuration) -> Wanted:
    """Return how topics shall be."""
    options = configuration.options.topics
    return Wanted(
        partitions=options.partitions,
        replication=options.replication,
        min_insync_replicas=options.min_insync_replicas,
        retention_ms=round(options.retention * 1000),
        max_message_bytes=options.max_message_bytes,
    )


def kafka_settings_of(configuration: Configuration) -> KafkaSettings:
    """Return how to reach the cluster."""
    kafka = configuration.options.kafka
    password = configuration.sasl_password
    login = None
    if kafka.sasl_username is not None and password is not None:
        login = (kafka.sasl_mechanism, kafka.sasl_username, password.reveal().decode())
    return KafkaSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        client_id=f"{kafka.namespace}callback-router",
        max_request_bytes=configuration.options.topics.max_message_bytes,
        security=security_arguments(
            kafka.security_protocol,
            login=login,
            ca_file=kafka.ssl_ca_file,
            cert_file=kafka.ssl_cert_file,
            key_file=kafka.ssl_key_file,
        ),
    )


def _vendor_of(source: SourceOptions) -> Vendor:
    vendor = vendors()[source.vendor]
    return without_proof(vendor) if source.unsigned else vendor


def _secrets(configuration: Configuration, name: str) -> Secrets:
    by_app: dict[str | None, tuple[bytes, ...]] = {}
    for resolved in configuration.secrets.get(name, ()):
        by_app[resolved.app] = (*by_app.get(resolved.app, ()), resolved.secret.reveal())
    return by_app
