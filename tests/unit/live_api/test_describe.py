"""What is registered, in rows: whose key it is, what nobody named, what is missing."""

from router.config import Secret
from router.live_api.describe import Row, rows
from tests.unit.live_api.registering import (
    APP,
    DOMAIN,
    NEWEST,
    OLDER,
    OTHERS,
    OURS,
    VHOST,
    known,
    wanted,
)


def test_every_registration_of_a_named_place_has_one_row() -> None:
    """Found twice, for a vhost and for its application, it is shown once."""
    of_app = known(OTHERS, key=Secret(b"x"), vhost="v", app="show", transcode_callback=1)
    whole = known(OURS, OTHERS, key=OLDER, vhost="v", create_time="then")
    found = {VHOST: [whole, of_app], APP: [of_app]}

    shown = rows([wanted(VHOST), wanted(APP), wanted(APP, "record")], found)

    assert shown == [
        Row(
            place="vhost v",
            message_type="push",
            urls=("https://a.example/callbacks/live/********", OTHERS),
            key="older",
            key_source="live",
            since="then",
            is_named=True,
        ),
        Row(
            place="vhost v/show",
            message_type="push",
            urls=(OTHERS,),
            key="unknown",
            transcode=True,
            is_named=True,
        ),
        Row(place="vhost v/show", message_type="record", is_named=True),
    ]


def test_none_hides_another() -> None:
    """Whatever the vendor answers to the question for a domain, each answer has its row."""
    found = {DOMAIN: [known(OURS, app="one"), known(OTHERS, app="two")]}

    shown = rows([wanted()], found)
    assert [row.urls for row in shown] == [
        ("https://a.example/callbacks/live/********",),
        (OTHERS,),
    ]


def test_what_nobody_named_is_shown_too() -> None:
    """It is somebody's, or was forgotten."""
    (row, _) = rows([wanted(VHOST)], {VHOST: [known(OTHERS, message_type="snapshot", key=NEWEST)]})
    assert (row.message_type, row.key, row.is_named) == ("snapshot", "newest", False)
