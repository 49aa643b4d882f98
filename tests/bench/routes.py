"""`make bench ARGS=routes`: what rules cost, by their number, beside the plain way to ask them.

One event, a stopped recording with its files, is routed again and again:

    elsewhere     every rule is about another type of the same vendor
    by value      every rule is about this type and a task of its own, and asks another field
    asked         every rule is about this type, and asks two fields of the event; none fits
    each adds     every rule fits, and adds a topic of its own

The plain way asks every condition of every rule as it was parsed. Both make the same records;
figures are microseconds of processor time per event, the least of several rounds, since what
disturbs a round only adds. Without Kafka, HTTP and the rest of the way of a callback.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import click

from router.event import Event
from router.record import Record, encode_event, headers_of
from router.routing import Routed, RouteTable, Rule, parse_conditions

COUNTS = (0, 1, 10, 100, 1_000)
SOURCE = "rtc"
_ROUNDS = 5
_ROW = "{:>7}  {:<10} {:>10} {:>10} {:>8}"

EVENT = Event(
    id="65f1c0/4711",
    source="/callbacks/rtc",
    type="volcengine-rtc.RecordStopped",
    subject="65f1c0/room-7",
    time="2026-11-21T08:00:00.123Z",
    dataschema="urn:callback-router:volcengine-rtc.RecordStopped:1",
    recordedtime="2026-11-21T08:00:00.200Z",
    timebasis="envelope",
    idbasis="vendor",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    data={
        "app_id": "65f1c0",
        "room_id": "room-7",
        "task_id": "task-41",
        "code": 0,
        "error_message": "",
        "record_file_list": [{"vid": "v0d2c8", "duration": 2_700_000, "size": 412_345_678}],
        "version": "2020-12-01",
    },
)


def elsewhere(number: int) -> Rule:
    """Return a rule that cannot concern the event."""
    return _rule(number, {"type": "RoomCreate", "data.room_id": f"room-{number}"})


def by_value(number: int) -> Rule:
    """Return a rule that concerns another task."""
    return _rule(
        number,
        {"type": "RecordStopped", "data.code": {"lt": 1}, "data.task_id": f"other-{number}"},
    )


def asked(number: int) -> Rule:
    """Return a rule that concerns the event, and whose second condition does not fit."""
    return _rule(
        number,
        {"type": "RecordStopped", "data.code": {"lt": 1}, "data.task_id": {"prefix": f"{number}-"}},
    )


def each_adds(number: int) -> Rule:
    """Return a rule that fits."""
    return _rule(number, {"type": "RecordStopped", "data.task_id": {"not": f"other-{number}"}})


KINDS: dict[str, Callable[[int], Rule]] = {
    "elsewhere": elsewhere,
    "by value": by_value,
    "asked": asked,
    "each adds": each_adds,
}


def _rule(number: int, when: dict[str, object]) -> Rule:
    conditions, faults = parse_conditions(when)
    if faults:
        raise click.ClickException(str(faults))
    return Rule(name=f"rule-{number}", conditions=conditions, topics=(f"topic-{number}",))


def plainly(rules: Sequence[Rule]) -> Callable[[Event, str], Routed]:
    """Return the plain way: every condition of every rule, for every event."""

    def records_for(event: Event, source: str) -> Routed:
        matched = [
            rule
            for rule in rules
            if all(condition.fits(event, source) for condition in rule.conditions)
        ]
        topics = [f"callbacks.{event.type}", *(topic for rule in matched for topic in rule.topics)]
        return Routed(tuple(_records(event, topics)))

    return records_for


def _records(event: Event, topics: Iterable[str]) -> list[Record]:
    key, value, headers = event.subject.encode(), encode_event(event), headers_of(event)
    return [Record(topic=topic, key=key, value=value, headers=headers) for topic in topics]


def cost_us(records_for: Callable[[Event, str], Routed], times: int) -> float:
    """Return the least processor time that one event took, on average of a round."""
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for _ in range(times):
            records_for(EVENT, SOURCE)
        rounds.append((time.process_time() - began) / times * 1e6)
    return min(rounds)


@click.command()
@click.option("--events", default=100_000, show_default=True, help="About so many rules are asked.")
def main(events: int) -> None:
    """Measure and print a line for each number and kind of rules."""
    click.echo(f"microseconds of processor time per event of {len(encode_event(EVENT))} bytes")
    click.echo(_ROW.format("rules", "that are", "compiled", "plain", "ratio"))
    for kind, rule in KINDS.items():
        for count in COUNTS:
            _measure(kind, [rule(number) for number in range(count)], events // (count + 10))


def _measure(kind: str, rules: Sequence[Rule], times: int) -> None:
    table, plain = RouteTable(rules=rules), plainly(rules)
    if table.records_for(EVENT, SOURCE) != plain(EVENT, SOURCE):
        raise click.ClickException("the two ways do not agree")
    ours, theirs = cost_us(table.records_for, times), cost_us(plain, times)
    click.echo(
        _ROW.format(f"{len(rules):,}", kind, f"{ours:.1f}", f"{theirs:.1f}", f"{theirs / ours:.1f}")
    )


if __name__ == "__main__":
    main()
