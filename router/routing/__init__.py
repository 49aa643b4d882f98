"""Which topics an event goes to: a base topic for all, and rules that add or drop.

Design:
    Rules are independent. Each that matches acts, so order does not matter and none can hide
    another; the one that overrides is `drop`, and it says so. Every topic is a template over
    vendor, type and source, all known beforehand: none can come from what a sender wrote.

    A rule's `when` is parsed once: `paths` says what is looked at, `operators` what is asked of
    it, `conditions` puts both together. From there two ways lead on that agree by a property test:
    `compiled` makes closures for `table`, which the server runs (`index` tells which to ask), and
    `explain` walks the conditions as they were written. `witness` tells conditions that nothing can
    fit, `schema` tells editors what may be written. Rejected: an expression language, since what a
    rule compares could then neither be checked against the vendors' documents nor indexed.
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
