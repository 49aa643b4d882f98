"""A `Configuration` to the values that the program runs on, and what only these layers can check.

Design: configuration knows no vendor and no condition; both are checked here, by the functions
that later use them, and reported with the file's own places. Nothing here does I/O, so `explain`
and the tests assemble exactly what the server does; only `handlers_of`, and the check that asks
it, import the modules of handlers.
"""

from router.assembly.build import (
    base_topics_of,
    dead_topic,
    derived_topic,
    group_of,
    handlers_of,
    kafka_settings_of,
    reach_of,
    routes_of,
    sources_of,
    topics_of,
    topics_of_handlers,
    wanted_topics,
)
from router.assembly.checks import CHECKS, CHECKS_WITH_HANDLERS

__all__ = [
    "CHECKS",
    "CHECKS_WITH_HANDLERS",
    "base_topics_of",
    "dead_topic",
    "derived_topic",
    "group_of",
    "handlers_of",
    "kafka_settings_of",
    "reach_of",
    "routes_of",
    "sources_of",
    "topics_of",
    "topics_of_handlers",
    "wanted_topics",
]
