"""`show-list-progress`: how far the show is that a production studio plays, as it changes.

Guarantees: what is announced of one show never goes back, unless the show began again. A callback
that tells nothing new announces nothing, so neither a duplicate nor a paused show is noise. Every
show ends: by its own last callback, or when the next show of its studio begins.

Limits: order is judged by the time of the event. A callback without `ResponseTime` has the time
of its arrival instead, so a late one of them looks like a show that began again. There are no
timers: a studio that falls silent is neither `stalled` nor `ended`.
"""

from datetime import datetime, timedelta

import msgspec

from router.handler import Context, DeadLetter, Event, handler
from router.vendors.alibaba_caster.events import ShowListDTSCallback

STALLED_AFTER = timedelta(seconds=60)
"""How long a position may stay the same while callbacks keep coming."""


class ShowProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What is announced.

    Attributes:
        caster_id: The studio; null where the callback names none.
        show_id: The show, unique within the studio.
        show_name: Its name.
        progress_ms: How much was played; never below 0, may exceed the duration.
        duration_ms: The whole length; null where the callback tells none above 0.
        percent: 0 to 100, one decimal; null without a duration.
        remaining_ms: Never below 0; null without a duration.
        ended: Whether the show is over: all was played, or the next show began.
        stalled: Whether the position has been the same for longer than `STALLED_AFTER`.
    """

    caster_id: str | None
    show_id: str | None
    show_name: str | None
    progress_ms: int
    duration_ms: int | None
    percent: float | None
    remaining_ms: int | None
    ended: bool
    stalled: bool = False


class Playing(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a studio.

    Attributes:
        announced: What was announced last.
        seen_at: The time of the last callback that was not late.
        moved_at: The time of the first callback with the present position.
    """

    announced: ShowProgress
    seen_at: datetime
    moved_at: datetime


@handler("show-list-progress", events=[ShowListDTSCallback], emits=["ShowProgress"])
async def show_list_progress(
    event: Event[ShowListDTSCallback], context: Context
) -> DeadLetter | None:
    """Announce how far the show is that a production studio plays."""
    progress = progress_of(event.data)
    if progress is None:
        return DeadLetter("no-progress")
    before = msgspec.convert(await context.state.get(event.subject), Playing | None)
    after, announcements = advanced(before, progress, event.time)
    for announcement in announcements:
        context.emit("ShowProgress", announcement)
    if after != before:
        await context.state.put(event.subject, after)
    return None


def progress_of(callback: ShowListDTSCallback) -> ShowProgress | None:
    """Return what one callback tells by itself; None where it tells no position."""
    show = callback.event_message
    if show.progress_time is None:
        return None
    progress_ms = max(0, show.progress_time)
    duration_ms = show.duration if show.duration and show.duration > 0 else None
    percent = remaining_ms = None
    if duration_ms is not None:
        remaining_ms = max(0, duration_ms - progress_ms)
        percent = round(100 * min(progress_ms, duration_ms) / duration_ms, 1)
    return ShowProgress(
        caster_id=callback.caster_id,
        show_id=show.show_id,
        show_name=show.show_name,
        progress_ms=progress_ms,
        duration_ms=duration_ms,
        percent=percent,
        remaining_ms=remaining_ms,
        ended=remaining_ms == 0,
    )


def advanced(
    before: Playing | None, progress: ShowProgress, at: datetime
) -> tuple[Playing, list[ShowProgress]]:
    """Return the studio's state after a callback, and what is to be announced, oldest first."""
    if before is None:
        return _begun(progress, at), [progress]
    last = before.announced
    is_other_show = progress.show_id != last.show_id
    if at < before.seen_at:
        return before, []
    if is_other_show:
        closing = [] if last.ended else [msgspec.structs.replace(last, ended=True, stalled=False)]
        return _begun(progress, at), [*closing, progress]
    if at == before.seen_at and progress.progress_ms <= last.progress_ms:
        return before, []
    moved_at = before.moved_at if progress.progress_ms == last.progress_ms else at
    is_stalled = not progress.ended and at - moved_at > STALLED_AFTER
    progress = msgspec.structs.replace(progress, stalled=is_stalled)
    after = Playing(announced=progress, seen_at=at, moved_at=moved_at)
    return after, [] if progress == last else [progress]


def _begun(progress: ShowProgress, at: datetime) -> Playing:
    return Playing(announced=progress, seen_at=at, moved_at=at)
