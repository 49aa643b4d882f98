"""Which topics an event goes to: a base topic for all, and rules that add or drop.

Design: rules are independent. Each that matches acts, so order does not matter and none can hide
another; the one that overrides is `drop`, and it says so. Every topic is a template over vendor,
type and source, all known beforehand: none can come from what a sender wrote.
"""

from router.routing.conditions import Condition, When, parse_conditions
from router.routing.explain import Verdict, explain
from router.routing.operators import OPERATORS, Fault
from router.routing.table import Routed, RouteTable, Rule

__all__ = [
    "OPERATORS",
    "Condition",
    "Fault",
    "RouteTable",
    "Routed",
    "Rule",
    "Verdict",
    "When",
    "explain",
    "parse_conditions",
]
