"""One partition's records in memory and on disk: one order, and no more memory than its window."""

from router.publish.lane import Lane, Ticket, Waiting
from tests.unit.publish.lanes import ALL, lane_of, waiting


def _on_disk(item: Waiting, position: int) -> Waiting:
    item.is_asked = False
    item.position = position
    item.on_disk()
    return item


def _durable_lane(count: int) -> tuple[Lane, list[Waiting]]:
    """Return a lane with records that lie on disk at 10, 20, 30, ..."""
    items = [_on_disk(waiting(number), 10 * number + 10) for number in range(count)]
    return lane_of(*items), items


def test_a_record_is_durable_once() -> None:
    """Whichever comes first, Kafka or the disk; only the disk's coming first is noted."""
    told: list[str] = []
    by_disk = waiting(1, ticket=Ticket(1, lambda: told.append("by disk")))
    by_kafka = waiting(2, ticket=Ticket(1, lambda: told.append("by Kafka")))

    assert (by_disk.on_disk(), by_disk.in_kafka(), by_disk.on_disk()) == (True, False, False)
    assert (by_kafka.in_kafka(), by_kafka.on_disk()) == (True, False)
    assert told == ["by disk", "by Kafka"]
    assert (by_disk.ticket.was_spooled, by_kafka.ticket.was_spooled) == (True, False)
    assert (by_disk.is_settled, by_disk.is_wanted) == (True, False)


def test_what_goes_to_disk_takes_all_that_is_older_along() -> None:
    """Under way, in front and behind, oldest first; nothing twice, nothing durable or given up."""
    gone = Ticket(1, lambda: None)
    items = [waiting(number, ticket=gone if number == 3 else None) for number in range(6)]
    lane = lane_of(*items[:2])
    lane.take(ALL)
    lane.failed()
    lane.take(items[0].size)
    for item in items[2:]:
        lane.add(item)
    _on_disk(items[4], 10)
    gone.abandon()

    assert (lane.under_way, list(lane.head)) == ([items[0]], [items[1]])
    assert lane.to_spool() == [items[0], items[1], items[2], items[5]]
    newest = waiting(6)
    lane.add(newest)
    assert lane.to_spool() == [newest]
    assert lane.to_spool() == []


def test_what_has_left_the_lane_is_not_asked_for() -> None:
    """Asking for everything of an empty lane asks for nothing, however often."""
    lane = lane_of(waiting(1))
    lane.take(ALL)
    lane.refused()

    assert (lane.to_spool(), lane.to_spool()) == ([], [])


def test_a_new_record_goes_to_disk_at_once_where_it_would_wait() -> None:
    """While something is on disk only, or is being read, or the lane is slow."""
    lane = Lane("t", 0)
    answers = [lane.add(waiting(1))]
    lane.is_slow = True
    answers.append(lane.add(waiting(2)))
    lane.take(ALL)
    lane.written()
    answers.append(lane.add(waiting(3)))
    lane.behind.append(10, 0)
    answers.append(lane.add(waiting(4)))
    lane.to_read(5)
    answers.append(lane.add(waiting(5)))

    assert answers == [False, True, False, True, True]


def test_a_lane_keeps_its_window_in_memory() -> None:
    """What is on disk and older leaves memory; nothing that is not on disk, unless given up."""
    lane, items = _durable_lane(4)
    gone = Ticket(1, lambda: None)
    lane.tail.insert(1, abandoned := waiting(9, ticket=gone))
    lane.tail_bytes += abandoned.size
    gone.abandon()
    lane.add(waiting(4))
    lane.add(waiting(5))
    size = items[0].size

    assert lane.shed(4 * size) == 3 * size
    assert list(lane.behind) == [(10, 0), (20, 1)]
    assert abandoned.is_settled
    assert lane.shed(0) == 2 * size
    assert list(lane.behind) == [(10, 0), (20, 1), (30, 2), (40, 3)]
    assert (len(lane.tail), lane.tail_bytes) == (2, 2 * size)
    lane.may_shed = False
    _on_disk(lane.tail[0], 50)
    assert lane.shed(0) == 0


def test_given_up_records_are_dropped_wherever_they_wait() -> None:
    """The others stay, in their order; so does what is on disk."""
    gone = Ticket(3, lambda: None)
    dropped, late = waiting(1, ticket=gone), _on_disk(waiting(2, ticket=gone), 10)
    kept = waiting(3)
    lane = lane_of(dropped, kept, late)
    gone.abandon()

    assert lane.drop_given_up() == dropped.size
    assert (list(lane.tail), lane.tail_bytes) == ([kept, late], kept.size + late.size)
    assert (dropped.is_settled, late.is_settled) == (True, False)


def test_what_is_on_disk_comes_back_in_front() -> None:
    """Nothing newer is sent before; what could not be read yet stays, what is lost is told."""
    lane, items = _durable_lane(4)
    lane.shed(0)
    lane.add(newest := waiting(9))
    ready = [lane.is_ready, lane.is_to_be_read]
    positions = lane.to_read(3)
    ready += [lane.is_ready, lane.is_to_be_read, lane.is_still]

    assert ready == [False, True, False, False, False]
    assert positions == [10, 20, 30]
    assert lane.read_back([items[0].record, None]) == (items[0].size, [20])
    assert [item.record for item in lane.take(ALL)[0]] == [items[0].record]
    assert [(item.position, item.is_durable) for item in lane.written()] == [(10, True)]
    assert lane.to_read(3) == [30, 40]
    assert lane.read_back([]) == (0, [])
    assert lane.to_read(3) == [30, 40]
    assert lane.read_back([items[2].record, items[3].record]) == (2 * items[2].size, [])
    batch = lane.take(ALL)[0]
    assert [item.record for item in batch] == [items[2].record, items[3].record, newest.record]
    assert not lane.is_waiting


def test_a_frozen_lane_gives_nothing() -> None:
    """Neither to a producer nor to the disk's reader."""
    lane, _ = _durable_lane(2)
    lane.is_frozen = True
    assert (lane.is_ready, lane.take(ALL)) == (False, ([], 0))
    lane.shed(0)
    assert (lane.is_to_be_read, lane.has_spooled_only, lane.is_waiting) == (False, True, True)


def test_a_lane_that_moved_has_nothing() -> None:
    """Nothing of it can be sent or spooled twice."""
    lane, _ = _durable_lane(2)
    lane.take(1)
    lane.failed()
    lane.clear()

    assert (lane.is_waiting, lane.tail_bytes, lane.to_spool()) == (False, 0, [])
