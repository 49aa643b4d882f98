"""Records find their lanes, and move when a topic's partitions become known or change."""

from router.publish.lane import Lane, Ticket, Waiting
from router.publish.topics import _MAX_REMEMBERED_KEYS, MOVED_AT_ONCE, Topics
from router.record import Record
from router.spool.port import Found


def _hash_of(key: bytes) -> int:
    return int(key)


def _topics(**partitions: int) -> Topics:
    topics = Topics(_hash_of)
    topics.learn(partitions)
    return topics


def _add(topics: Topics, key: int, value: bytes = b"v") -> Waiting:
    record = Record(topic="t", key=b"%d" % key, value=value, headers=())
    lane, key_hash = topics.place("t", record.key)
    item = Waiting(record, key_hash, Ticket(1, lambda: None), lane)
    lane.add(item)
    return item


def _tails(topics: Topics) -> dict[int, list[Waiting]]:
    return {lane.partition: list(lane.tail) for lane in topics if lane.tail}


def _lane(topics: Topics, partition: int) -> Lane:
    return next(lane for lane in topics if lane.partition == partition)


def test_a_key_has_one_lane() -> None:
    """The remainder of its hash is the partition; the lane is the same every time."""
    topics = _topics(t=3)
    lane, key_hash = topics.place("t", b"7")

    assert (lane.topic, lane.partition, key_hash) == ("t", 1, 7)
    assert topics.place("t", b"7") == (lane, 7)
    assert topics.place("t", b"10")[0] is lane
    assert topics.place("t", b"8")[0].partition == 2


def test_what_is_remembered_of_keys_is_bounded() -> None:
    """Any number of keys may come; they find their lanes all the same."""
    topics = _topics(t=2)
    for key in range(_MAX_REMEMBERED_KEYS + 10):
        topics.place("t", b"%d" % key)

    assert len(topics._places) <= _MAX_REMEMBERED_KEYS
    assert topics.place("t", b"5")[0] is _lane(topics, 1)


def test_a_topic_is_missing_until_its_partitions_are_known() -> None:
    """Whether anything was sent there or not."""
    topics = _topics(t=1)

    assert topics.missing(["t", "u", "v"]) == ["u", "v"]


def test_records_wait_in_one_lane_for_their_topic() -> None:
    """Nothing leaves it; once the partitions are known each record is in its lane."""
    topics = _topics()
    first, second, third = (_add(topics, key) for key in (0, 1, 2))
    before = _tails(topics)
    ready_before = any(lane.is_ready for lane in topics)
    new = topics.learn({"t": 2})

    assert (before, ready_before) == ({-1: [first, second, third]}, False)
    assert _tails(topics) == {0: [first, third], 1: [second]}
    assert {lane.partition for lane in new if lane.is_ready} == {0, 1}
    assert all(item.lane is _lane(topics, item.key_hash % 2) for item in (first, second, third))


def test_nothing_moves_while_something_is_under_way() -> None:
    """What comes meanwhile waits behind; a batch that fails moves in front."""
    topics = _topics(t=1)
    first, second = _add(topics, 0), _add(topics, 1)
    lane = _lane(topics, 0)
    lane.take(1)
    assert topics.learn({"t": 2}) == []
    third = _add(topics, 1)
    waiting = _tails(topics)
    lane.failed()
    topics.move()

    assert waiting == {0: [second], -1: [third]}
    assert list(_lane(topics, 0).head) == [first]
    assert _tails(topics) == {1: [second, third]}
    assert not lane.is_waiting


def test_the_same_number_again_changes_nothing_more() -> None:
    """A change that is taken back while it waits ends in the lanes that there were."""
    topics = _topics(t=1)
    first = _add(topics, 5)
    _lane(topics, 0).take(1)
    topics.learn({"t": 2})
    topics.learn({"t": 1})
    _lane(topics, 0).written()
    second = _add(topics, 5)
    topics.learn({"t": 1})

    assert _tails(topics) == {0: [second]}
    assert first.lane is not second.lane


def test_a_topic_that_is_gone_is_waited_for() -> None:
    """Its records are kept in order, on disk and in memory, and go on when it is back."""
    topics = _topics(t=2)
    items = [_add(topics, key) for key in (0, 1, 0)]
    items[0].position = 70
    _lane(topics, 0).shed(items[2].size)
    topics.learn({})
    waiting = _lane(topics, -1)
    kept = (list(waiting.behind), list(waiting.tail))
    topics.learn({"t": 1})

    assert kept == ([(70, 0)], [items[2], items[1]])
    assert list(_lane(topics, 0).behind) == [(70, 0)]
    assert _tails(topics) == {0: [items[2], items[1]]}


def test_lanes_that_become_one_are_read_forwards() -> None:
    """Places of several lanes are joined by position."""
    topics = _topics(t=2)
    topics.recover()
    topics.found([Found(10, "t", 0), Found(20, "t", 1), Found(30, "t", 0), Found(40, "t", 1)])
    topics.recovered()
    topics.learn({"t": 1})

    assert _lane(topics, 0).to_read(9) == [10, 20, 30, 40]


def test_an_earlier_run_is_in_front() -> None:
    """It is put before everything that came while it was being found, also on disk."""
    topics = _topics(t=1)
    topics.recover()
    new = _add(topics, 3)
    newer = _add(topics, 3)
    new.position = 50
    _lane(topics, 0).shed(newer.size)
    topics.found([Found(10, "t", 3), Found(20, "u", 3)])
    lanes = topics.recovered()

    assert list(_lane(topics, 0).behind) == [(10, 3), (50, 3)]
    assert {(lane.topic, lane.partition) for lane in lanes} == {("t", 0), ("u", -1)}
    assert _tails(topics) == {0: [newer]}


def test_nothing_moves_before_an_earlier_run_is_found() -> None:
    """Partitions that change meanwhile wait; then the oldest is first in the new lane."""
    topics = _topics(t=1)
    topics.recover()
    topics.found([Found(10, "t", 2)])
    shed, kept = _add(topics, 2), _add(topics, 2)
    shed.position = 50
    _lane(topics, 0).shed(kept.size)
    assert topics.learn({"t": 3}) == []
    topics.found([Found(20, "t", 2)])
    topics.recovered()

    assert list(_lane(topics, 2).behind) == [(10, 2), (20, 2), (50, 2)]
    assert _tails(topics) == {2: [kept]}


def _recovered(topics: Topics, count: int) -> None:
    """Let an earlier run have left so many records, of as many keys."""
    topics.recover()
    topics.found(Found(number, "t", number) for number in range(count))
    topics.recovered()


def test_a_long_backlog_moves_in_parts() -> None:
    """No part is large; until the last one nothing may leave, and then all is there in order."""
    topics = _topics(t=1)
    _recovered(topics, 2 * MOVED_AT_ONCE + 10)
    assert topics.learn({"t": 2}) == []
    assert not any(lane.is_ready or lane.is_to_be_read for lane in topics)
    new = _add(topics, 7)
    assert topics.move() == []
    assert topics.are_moving
    lanes = topics.move()

    assert not topics.are_moving
    assert sorted(lane.partition for lane in lanes) == [0, 1]
    for lane in lanes:
        count = MOVED_AT_ONCE + 5
        assert lane.to_read(count) == [2 * number + lane.partition for number in range(count)]
    assert (_tails(topics), new.lane.partition) == ({1: [new]}, 1)


def test_what_moves_is_not_left_to_the_disk_meanwhile() -> None:
    """It would be missing among the places that are on their way."""
    topics = _topics()
    _recovered(topics, MOVED_AT_ONCE)
    item = _add(topics, 5)
    item.position = 1 << 40
    topics.learn({"t": 2})
    assert topics.are_moving
    assert item.lane.shed(0) == 0
    topics.move()

    assert (_tails(topics), item.lane.partition) == ({1: [item]}, 1)
    assert item.lane.shed(0) == item.size


def test_what_is_newer_goes_to_disk_behind_what_is_older() -> None:
    """While a topic moves its records lie in several lanes; the disk gets them in their order."""
    topics = _topics(t=2)
    older, other = _add(topics, 4), _add(topics, 3)
    assert _lane(topics, 0).take(1) == ([older], older.size)
    topics.learn({})
    newer = _add(topics, 4)

    assert newer.lane.to_spool() == [older, other, newer]
    assert newer.lane.to_spool() == []
    _lane(topics, 0).failed()
    topics.move()
    assert _add(topics, 4).lane.elders == ()


def test_the_number_may_change_while_a_backlog_moves() -> None:
    """It goes where it was going to, and from there where it is wanted now."""
    topics = _topics(t=1)
    _recovered(topics, MOVED_AT_ONCE + 10)
    topics.learn({"t": 2})
    item = _add(topics, 7)
    topics.learn({"t": 3})
    while topics.are_moving:
        topics.move()

    assert {lane.partition for lane in topics if lane.behind.count} == {0, 1, 2}
    assert _lane(topics, 1).to_read(3) == [1, 4, 7]
    assert (_tails(topics), item.lane.partition) == ({1: [item]}, 1)


def test_topics_share_what_moves_at_once() -> None:
    """However many they are, a part is a part."""
    topics = Topics(_hash_of)
    topics.learn({"t": 1, "u": 1})
    topics.recover()
    size = MOVED_AT_ONCE // 2 + 1
    for number, topic in enumerate("tu"):
        topics.found(Found(number * size + place, topic, place) for place in range(size))
    topics.recovered()

    assert {lane.topic for lane in topics.learn({"t": 2, "u": 2})} == {"t"}
    assert {lane.topic for lane in topics.move()} == {"u"}
