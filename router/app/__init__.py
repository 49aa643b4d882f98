"""The composition root of each service.

Design: everything that runs is a task of one group, so the death of one (the publisher's pump
above all) ends the program instead of leaving a listener whose answers nobody keeps.
"""

from router.app.ingress import Ingress
from router.app.parts import Stop

__all__ = ["Ingress", "Stop"]
