"""What a running spool does when somebody takes its folder or its segment away."""

import shutil
from pathlib import Path

import pytest

from tests.unit.spool.spooling import MIB, filled, found_in, items, real, running, segment_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "spool"


def _take_away(folder: Path, other: Path | None) -> None:
    """Remove a folder, or put another in its place."""
    if other is None:
        shutil.rmtree(folder)
    else:
        folder.rename(folder.with_name("away"))
        other.rename(folder)


@pytest.mark.parametrize("is_replaced", [False, True], ids=["removed", "replaced"])
async def test_without_its_folder_a_running_spool_takes_nothing(
    folder: Path, tmp_path: Path, *, is_replaced: bool
) -> None:
    """What it writes to files without names, or beside another's, would be found by nobody."""
    other = await filled(tmp_path / "other")
    spool = real(folder, max_bytes=2 * MIB)
    async with running(spool) as told:
        spool.append(items(0))
        await spool.flush()
        _take_away(folder, tmp_path / "other" if is_replaced else None)
        spool.append(items(1, 2))
        await spool.flush()

        assert len(told.places) == 1
        assert len(told.failed) == 2
        spool.settle(told.places)  # and to the other's files nothing is done

    left = other.places if is_replaced else []
    assert await found_in(folder, []) == left


async def test_without_its_segment_a_running_spool_takes_another(folder: Path) -> None:
    """Only that file was removed: the group that it would have had is in the next one."""
    spool = real(folder, max_bytes=2 * MIB)
    async with running(spool) as told:
        spool.append(items(0))
        await spool.flush()
        segment_in(folder, told.places[0] >> 32).unlink()
        spool.append(items(1, 2))
        await spool.flush()

    assert not told.failed
    assert await found_in(folder, []) == told.places[1:]
