"""The composition roots: `serve` is `Ingress`, `consume` is `Consume`; `dev` runs both.

Design: everything that runs is a task of one group, so the death of one (the publisher's pump
above all) ends the program instead of leaving a listener whose answers nobody keeps. `Consume` is
imported where it runs: it brings the database's libraries, which an ingress has no use for.
"""

from router.app.ingress import Ingress
from router.app.parts import Hangup, Stop
from router.app.threads import forsake_threads

__all__ = ["Hangup", "Ingress", "Stop", "forsake_threads"]
