"""All checks of these layers, for `config.load`."""

from router.assembly.rule_checks import check_rules
from router.assembly.source_checks import check_sources
from router.assembly.topic_checks import check_handlers, check_topics
from router.live_api.wanted import check_callbacks

CHECKS = (check_sources, check_rules, check_topics, check_callbacks)
"""What files alone can tell."""

CHECKS_WITH_HANDLERS = (*CHECKS, check_handlers)
"""These, and what only the modules of handlers can tell: they are imported."""
