"""RFC 3339 to and from Unix milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.clock import LAST_MS, format_rfc3339, parse_rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "unix_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000000Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("2023-03-21T15:32:04+08:00", 1_679_383_924_000),
        ("2023-03-21T07:32:04.691Z", 1_679_383_924_691),
        ("2023-03-21T07:32:04.6Z", 1_679_383_924_600),
        ("2023-03-21T07:32:04.6919999Z", 1_679_383_924_691),
        ("2023-03-21T07:32:04.000999999Z", 1_679_383_924_000),
        ("2023-03-21T02:02:04-05:30", 1_679_383_924_000),
        ("2023-03-21T07:32:04-00:00", 1_679_383_924_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2017-01-01T08:59:60.5+09:00", 1_483_228_800_500),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000),
    ],
)
def test_a_time_is_read(text: str, unix_ms: int) -> None:
    """Any offset and up to nine digits; what is finer than a millisecond is cut, not rounded."""
    assert parse_rfc3339(text) == unix_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2023-03-21",
        "2023-03-21T15:32:04",
        "2023-03-21 15:32:04Z",
        "2023-03-21T15:32Z",
        "2023-03-21T15:32:04+0800",
        "2023-03-21T15:32:04+08",
        "2023-03-21T15:32:04.Z",
        "2023-03-21T15:32:04.1234567890Z",
        "2023-03-21T15:32:04,5Z",
        "2023-02-29T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-00-01T00:00:00Z",
        "2023-01-32T00:00:00Z",
        "2023-01-01T24:00:00Z",
        "2023-01-01T00:60:00Z",
        "2023-01-01T00:00:61Z",
        "2023-01-01T00:00:00+24:00",
        "2023-01-01T00:00:00+00:60",
        "0000-01-01T00:00:00Z",
        "20230321T153204Z",
        "2023-3-21T15:32:04Z",
        " 2023-03-21T15:32:04Z",
        "2023-03-21T15:32:04Z\n",
        "٢٠٢٣-03-21T15:32:04Z",
        "-2023-03-21T15:32:04Z",
        "2023-03-21T15:32:04Zx",
        "1679383924691",
    ],
    ids=repr,
)
def test_anything_else_is_no_time(text: str) -> None:
    """What only resembles RFC 3339, or names no moment, is None."""
    assert parse_rfc3339(text) is None


@pytest.mark.parametrize(
    ("unix_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (7, "1970-01-01T00:00:00.007Z"),
        (1_679_383_924_691, "2023-03-21T07:32:04.691Z"),
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_in_utc_with_three_digits(unix_ms: int, text: str) -> None:
    """The form is one, whatever the milliseconds are."""
    assert format_rfc3339(unix_ms) == text


@given(st.integers(0, LAST_MS))
def test_what_is_written_is_read_as_the_same(unix_ms: int) -> None:
    """Writing and reading lose nothing, from 1970 to the end of 9999."""
    assert parse_rfc3339(format_rfc3339(unix_ms)) == unix_ms


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - gets its zone below
    st.integers(-1439, 1439),
)
def test_python_reads_the_same(moment: datetime, offset_minutes: int) -> None:
    """Any moment with any offset is what Python's own reader says, cut to milliseconds."""
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))

    assert parse_rfc3339(zoned.isoformat()) == (zoned - EPOCH) // MS


@given(st.text(max_size=30) | st.text("0123456789-T:Z+.", min_size=19, max_size=26))
def test_any_text_has_an_outcome(text: str) -> None:
    """Nothing raises, and nothing comes out but milliseconds or None."""
    assert isinstance(parse_rfc3339(text), int | None)
