"""The configuration: YAML files to checked options, with every problem at its place.

Design:
    `yaml_document` reads text to plain values with places (`words`, `syntax`), `convert` turns
    these into the types of `options` and `route_options` with the parsers of `scalars` and the
    `rules` between options, `secret` resolves references, `told` puts problems in order with their
    lines (`excerpt`) without what `visible` hides, and `load` does it all. All but `load`, `secret`
    and `files` are pure.

    All errors of all files are told at once: the first day of every installation is a series of
    them. Rejected: `yaml.safe_load` (anchors, duplicate keys, `no` as false) and one
    `msgspec.convert` (stops at the first error, knows no line). What only higher layers know
    (vendors, conditions) comes in as checks, so that this package imports nothing of them.
"""

from router.config.load import Check, Configuration, Finding, LiveKeys, load
from router.config.options import (
    AckOptions,
    KafkaOptions,
    LiveCallbackOptions,
    Options,
    SecretOptions,
    SourceOptions,
    SpoolOptions,
    StateOptions,
    TopicsOptions,
    VolcengineLiveOptions,
)
from router.config.route_options import RouteOptions, RoutesOptions
from router.config.scalars import Address, Duration, Network, Size
from router.config.secret import ResolvedSecret, Secret

__all__ = [
    "AckOptions",
    "Address",
    "Check",
    "Configuration",
    "Duration",
    "Finding",
    "KafkaOptions",
    "LiveCallbackOptions",
    "LiveKeys",
    "Network",
    "Options",
    "ResolvedSecret",
    "RouteOptions",
    "RoutesOptions",
    "Secret",
    "SecretOptions",
    "Size",
    "SourceOptions",
    "SpoolOptions",
    "StateOptions",
    "TopicsOptions",
    "VolcengineLiveOptions",
    "load",
]
