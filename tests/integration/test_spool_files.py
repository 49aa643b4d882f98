"""What a spool accepts as its folder, and what it makes of files that are not as it left them."""

import os
from pathlib import Path

import pytest

from router.errors import ConfigError, UnavailableError
from router.spool.cursor import SLOT_BYTES, Span, encode_slot
from router.spool.segment import HEADER_BYTES
from router.spool.spool import SegmentSpool
from router.spool.survey import survey
from router.spool.worker import Worker
from tests.unit.spool.failing import FailingDisk
from tests.unit.spool.spooling import (
    MIB,
    filled,
    found_in,
    header_of,
    items,
    read_all,
    real,
    record,
    running,
    segment_in,
    until,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "spool"


def _open(folder: Path, disk: FailingDisk | None = None) -> SegmentSpool:
    """Return an opened spool that must not lie on something ephemeral."""
    spool = SegmentSpool(folder, 8 * MIB, on_error=print, disk=disk)
    spool.open()
    return spool


def _disk(kind: str = "ext4") -> FailingDisk:
    """Return a disk of that type."""
    disk = FailingDisk()
    disk.kind = kind
    return disk


def test_the_folder_is_made_for_us_alone(tmp_path: Path) -> None:
    """It is made with those above it; nobody else may enter it."""
    _open(tmp_path / "a" / "b", _disk())

    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs", "overlay", "nfs4", "cifs"])
def test_a_file_system_that_may_lose_it_is_refused(folder: Path, kind: str) -> None:
    """The message says what to change."""
    with pytest.raises(ConfigError, match=rf"spool.path: .*{kind}.*allow_ephemeral"):
        _open(folder, _disk(kind))


def test_a_real_tmpfs_is_refused() -> None:
    """The type is read from the machine, not from the path's looks."""
    shm = Path("/dev/shm")  # noqa: S108 - a tmpfs is what this is about
    if not shm.is_dir() or FailingDisk().file_system(str(shm)) != "tmpfs":
        pytest.skip("there is no /dev/shm")
    folder = shm / f"spool-{os.getpid()}"
    try:
        with pytest.raises(ConfigError, match="tmpfs"):
            _open(folder)
    finally:
        folder.rmdir()


def test_a_symbolic_link_is_refused(folder: Path, tmp_path: Path) -> None:
    """Who may change the link could send callbacks anywhere."""
    (tmp_path / "real").mkdir()
    folder.symlink_to(tmp_path / "real")

    with pytest.raises(ConfigError, match="symbolic link"):
        _open(folder, _disk())


def test_a_file_in_its_place_is_refused(folder: Path) -> None:
    """A folder cannot be made where a file is."""
    folder.write_text("")

    with pytest.raises(ConfigError, match="is no folder"):
        _open(folder, _disk())


def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    """It is ours or root's."""
    folder.mkdir()
    os.chmod(folder, 0o700)  # noqa: PTH101 - as the shell does
    disk = _disk()
    disk.owner = 4242
    if folder.stat().st_uid == 0:
        os.chown(folder, 4343, -1)

    with pytest.raises(ConfigError, match="belongs to user"):
        _open(folder, disk)


def test_a_folder_that_everyone_may_write_to_is_refused(folder: Path) -> None:
    """Records in it would prove nothing."""
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(ConfigError, match="by everyone"):
        _open(folder, _disk())


@pytest.mark.parametrize("number", [13, 30])
def test_a_folder_that_cannot_be_written_to_is_refused(folder: Path, number: int) -> None:
    """No permission (13) and a read-only file system (30) are the operator's to change."""
    disk = _disk()
    disk.fail("open_or_create", number=number)

    with pytest.raises(ConfigError, match="may write to"):
        _open(folder, disk)


def test_an_error_of_the_disk_is_nobodys_to_change(folder: Path) -> None:
    """A full or broken disk at the start is told as such."""
    disk = _disk()
    disk.fail("open_or_create", number=28)

    with pytest.raises(UnavailableError, match="No space left"):
        _open(folder, disk)
    disk.fail("listdir")
    with pytest.raises(UnavailableError):
        _open(folder, disk)
    _open(folder, disk)


async def test_a_second_process_is_refused(folder: Path) -> None:
    """The message names the first one; when that has closed, the next one may."""
    spool = real(folder)
    with pytest.raises(UnavailableError, match=f"by process {os.getpid()}"):
        real(folder)
    async with running(spool):
        pass
    async with running(real(folder)):
        pass


async def test_a_torn_tail_is_cut_off(folder: Path) -> None:
    """The newest segment may end in the middle of a record; all before it is found."""
    told = await filled(folder)
    newest = segment_in(folder, told.places[-1] >> 32)
    newest.write_bytes(newest.read_bytes()[:-5])
    errors: list[str] = []

    assert await found_in(folder, errors) == told.places[:-1]
    assert errors == ["torn"]
    assert newest.stat().st_size == told.places[-1] & 0xFFFFFFFF
    errors.clear()
    assert await found_in(folder, errors) == told.places[:-1]
    assert errors == []


async def test_damage_is_stepped_over_and_kept(folder: Path) -> None:
    """In the middle, at an older segment's end and in a header: only its records are lost."""
    told = await filled(folder)
    numbers = sorted({place >> 32 for place in told.places})
    first = [place for place in told.places if place >> 32 == numbers[0]]
    with segment_in(folder, numbers[0]).open("r+b") as file:
        file.write(b"XXXX")
        file.seek((first[1] & 0xFFFFFFFF) + 20)
        file.write(b"\xff\xff")
    old = segment_in(folder, numbers[0])
    old.write_bytes(old.read_bytes()[:-5])
    errors: list[str] = []

    lost = {first[1], first[-1]}
    assert await found_in(folder, errors) == [p for p in told.places if p not in lost]
    assert errors == ["damaged"] * 3
    assert len(list((folder / "corrupt").iterdir())) == 3
    assert survey(folder).damaged == 1


async def test_a_missing_segment_is_told_and_no_more(folder: Path) -> None:
    """Someone has deleted it: the rest is found, and the start goes on."""
    told = await filled(folder)
    gone = sorted({place >> 32 for place in told.places})[1]
    segment_in(folder, gone).unlink()
    errors: list[str] = []

    assert await found_in(folder, errors) == [p for p in told.places if p >> 32 != gone]
    assert errors == ["missing"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"garbage" * 2000, id="garbage"),
        pytest.param(encode_slot(99, Span(7000, 7001)).ljust(2 * SLOT_BYTES, b"\0"), id="future"),
    ],
)
async def test_a_cursor_that_cannot_be_is_not_followed(folder: Path, content: bytes) -> None:
    """Everything is looked at again, and nothing that is there is taken for garbage."""
    told = await filled(folder)
    (folder / "cursor").write_bytes(content)

    assert await found_in(folder, []) == told.places


async def test_what_lies_before_the_cursor_is_removed(folder: Path) -> None:
    """It was settled, and the process died before it was removed."""
    told = await filled(folder)
    second = sorted({place >> 32 for place in told.places})[1]
    slot = encode_slot(1 << 40, Span(second, (told.places[-1] >> 32) + 1))
    (folder / "cursor").write_bytes(slot.ljust(2 * SLOT_BYTES, b"\0"))
    errors: list[str] = []

    assert await found_in(folder, errors) == [p for p in told.places if p >> 32 >= second]
    assert errors == []
    assert not segment_in(folder, second - 1).exists()


async def test_what_is_not_ours_is_left_alone(folder: Path) -> None:
    """Foreign files, a newer version, a renamed segment: not used, not changed, told."""
    told = await filled(folder)
    last = told.places[-1] >> 32
    foreign = {
        folder / "README": b"mine",
        folder / "42.seg": b"not a number of ours",
        segment_in(folder, last + 1): header_of(last + 1, version=2) + b"what it may hold",
        segment_in(folder, last + 2): segment_in(folder, last).read_bytes(),
    }
    for path, content in foreign.items():
        path.write_bytes(content)
    errors: list[str] = []

    assert await found_in(folder, errors) == told.places
    assert errors == ["version", "version"]
    assert {path: path.read_bytes() for path in foreign} == foreign
    async with running(real(folder)) as later:
        await later.wait_recovered()
        assert {path: path.read_bytes() for path in foreign} == foreign
    assert set(survey(folder).foreign) == {path.name for path in foreign}


async def test_a_segment_that_was_being_made_is_nothing(folder: Path) -> None:
    """Without a header and without anything behind it there is nothing to tell."""
    told = await filled(folder)
    last = told.places[-1] >> 32
    segment_in(folder, last + 1).write_bytes(b"")
    segment_in(folder, last + 2).write_bytes(bytes(50_000))
    errors: list[str] = []

    assert await found_in(folder, errors) == told.places
    assert errors == []


async def test_marks_of_a_segment_that_is_gone_are_removed(folder: Path) -> None:
    """A number is never used again, so they could only do harm."""
    told = await filled(folder)
    marks = folder / f"{(told.places[-1] >> 32) + 5:020}.done"
    marks.write_bytes(b"old")

    assert await found_in(folder, []) == told.places
    assert not marks.exists()


async def test_garbage_in_the_marks_skips_no_record(folder: Path) -> None:
    """A record may come twice, never not at all."""
    told = await filled(folder)
    for number in {place >> 32 for place in told.places}:
        (folder / f"{number:020}.done").write_bytes(os.urandom(500))

    assert await found_in(folder, []) == told.places


async def test_records_of_a_segment_that_is_gone_read_as_none(folder: Path) -> None:
    """Someone has deleted it under a running spool: told, and the others are read."""
    told = await filled(folder)
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, errors=errors)
    async with running(spool) as again:
        await again.wait_recovered()
        first = min(place >> 32 for place in told.places)
        segment_in(folder, first).unlink()
        records = await read_all(spool, told.places)

        assert [record is None for record in records] == [p >> 32 == first for p in told.places]
        assert errors == ["missing"]


async def test_many_records_are_found_in_parts(folder: Path) -> None:
    """A recovery of thousands tells them a few thousand at a time, each once and in order."""
    spool = real(folder)
    async with running(spool) as told:
        spool.append(items(*range(5000)))
        await spool.flush()
        kept = told.places

    assert await found_in(folder, []) == kept


async def test_a_survey_tells_what_there_is(folder: Path) -> None:
    """Per topic what waits and what is settled; what was refused, and why."""
    spool = real(folder)
    async with running(spool) as told:
        spool.append(items(0, 1, 2, 3))
        await spool.flush()
        spool.settle(told.places[:1])
        assert await spool.refuse(record(5, size=1000), "too-large")
        assert survey(folder).waiting in {3, 4}
    seen = survey(folder)

    assert {topic: (each.waiting, each.settled) for topic, each in seen.topics.items()} == {
        "topic-0": (1, 1),
        "topic-1": (1, 0),
        "topic-2": (1, 0),
    }
    assert seen.waiting == 3
    assert seen.oldest_ms is not None
    assert seen.bytes > HEADER_BYTES
    (refused,) = seen.refused
    assert (refused.reason, refused.topic, refused.key) == ("too-large", "topic-2", b"key-5")
    assert (refused.event_id, refused.size) == ("id-5", 1002)
    assert (seen.damaged, seen.torn, seen.foreign, seen.unreadable) == (0, 0, [], [])
    assert survey(folder / "none").waiting == 0


async def test_both_threads_begin_before_anything_is_to_be_kept(folder: Path) -> None:
    """When memory is short a thread may never begin, and who starts it waits for that for ever."""
    workers: list[Worker] = []

    def worker(name: str) -> Worker:
        workers.append(Worker(name))
        return workers[-1]

    spool = SegmentSpool(folder, MIB, on_error=print, allow_ephemeral=True, make_worker=worker)
    spool.open()
    async with running(spool):
        await until(lambda: all(worker._thread is not None for worker in workers))
    assert len(workers) == 2
