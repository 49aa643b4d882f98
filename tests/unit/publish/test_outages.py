"""Whatever fails: what was told is in Kafka at the end, each key in the order of acceptance."""

from hypothesis import HealthCheck, example, given, settings

from router.publish.publisher import Publisher
from tests.unit.publish.outages import PLANS, Step, suffer

GIVEN_UP: list[Step] = [
    ("tell", 0), ("tell", 0), ("hang", 7), ("dark", 4), ("pass", 4), ("burst", 2),
]  # fmt: skip


@given(PLANS)
@example((437, GIVEN_UP))  # a lane waited for ever for the retry of what nobody waited for
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_told_arrives(plan: tuple[int, list[Step]]) -> None:
    """Crashes, restarts, errors, brokers away, partitions added, disks full, failing or hanging.

    Nothing is told before it is durable, or after its 503; at the end nothing is left on disk.
    """
    suffer(plan, Publisher)
