"""The plan: what is registered against what shall be, and nothing of others is lost."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import Secret
from router.live_api import CallbackDetail, DeleteCallback, Registered, UpdateCallback, faults
from router.live_api.register import Step, delete_plan, key_text, lines, registered, update_plan
from router.live_api.wanted import Place
from tests.unit.live_api.registering import (
    APP,
    DOMAIN,
    NEWEST,
    OLDER,
    OTHERS,
    OURS,
    TOKEN,
    VHOST,
    known,
    wanted,
)

SHOWN = "https://a.example/callbacks/live/********"


def _update(before: Registered | None, *, replace: bool = False, **changed: Any) -> Step:
    found = {DOMAIN: [before] if before else []}
    (step,) = update_plan([wanted(**changed)], found, replace=replace)
    return step


def _sent(step: Step) -> UpdateCallback:
    assert isinstance(step.request, UpdateCallback)
    return step.request


def _urls(step: Step) -> list[str]:
    return [detail.url for detail in _sent(step).callback_detail_list]


def test_what_is_not_there_is_added() -> None:
    """Signed with the newest secret; a source that is not signed asks for no signature."""
    assert _update(None).verb == "add"
    assert _sent(_update(None)) == UpdateCallback(
        domain="d",
        message_type="push",
        callback_detail_list=(CallbackDetail(url=OURS),),
        auth_enable=True,
        auth_key_primary=NEWEST,
    )
    unsigned = _sent(_update(None, keys=()))
    assert (unsigned.auth_enable, unsigned.auth_key_primary) == (False, None)
    assert _sent(_update(None, place=APP)).app == "show"


@pytest.mark.parametrize(
    ("before", "changed", "verb"),
    [
        (known(OURS), {}, "same"),
        (known(OTHERS, OURS), {}, "same"),
        (known(OURS, transcode_callback=1), {}, "same"),
        (known(OURS, transcode_callback=1), {"transcode": True}, "same"),
        (known(OURS, transcode_callback=1), {"transcode": False}, "change"),
        (known(OURS), {"transcode": True}, "change"),
        (known(OURS, key=OLDER), {}, "change"),
        (known(OURS, key=Secret(b"nobody's")), {}, "change"),
        (known(OURS, key=None), {}, "change"),
        (known(OURS, key=None), {"keys": ()}, "same"),
        (known(OURS, key=OLDER), {"keys": ()}, "same"),
        (known(OURS.replace("https://a", "HTTPS://A")), {}, "same"),
        (known(OURS.replace("callbacks", "Callbacks")), {}, "change"),
        (known(OTHERS), {}, "change"),
        (known(OURS.replace("token", "older")), {}, "change"),
    ],
)
def test_only_what_differs_is_changed(
    before: Registered, changed: dict[str, Any], verb: str
) -> None:
    """What nobody asked to change is as it shall be."""
    assert _update(before, **changed).verb == verb


def test_what_nobody_asked_to_change_is_sent_again() -> None:
    """UpdateCallback replaces all: others' URLs, transcoded streams, a key that is not ours."""
    step = _update(known(OTHERS, key=OLDER, transcode_callback=1), keys=())

    sent = _sent(step)
    assert _urls(step) == [OTHERS, OURS]
    assert (sent.transcode_callback, sent.auth_enable, sent.auth_key_primary) == (1, True, OLDER)
    assert step.others == (OTHERS,)


def test_another_token_of_ours_is_no_others_url() -> None:
    """The older one goes, since each event would come twice; --replace removes others' as well."""
    older = OURS.replace("token", "older")

    assert _urls(_update(known(older, OTHERS))) == [OTHERS, OURS]
    assert _urls(_update(known(older, OTHERS), replace=True)) == [OURS]


def test_a_token_may_stand_elsewhere_behind_a_proxy() -> None:
    """The older one of a rotation is known by its text."""
    hook = "https://proxy.example/hook?t="
    tokens = (TOKEN, Secret(b"older-token-0123"))
    step = _update(
        known(f"{hook}older-token-0123", f"{hook}theirs"),
        url=f"{hook}token-0123456789",
        tokens=tokens,
    )

    assert _urls(step) == [f"{hook}theirs", f"{hook}token-0123456789"]


def test_transcoded_streams_are_for_pushes_only() -> None:
    """What is registered for another type without effect is neither sent nor a difference."""
    before = known(OURS, message_type="record", transcode_callback=1)

    assert _update(before, message_type="record").verb == "same"
    changed = _update(
        known(OTHERS, message_type="record", transcode_callback=1), message_type="record"
    )
    assert _sent(changed).transcode_callback == 0


def test_a_plan_reads_like_a_difference() -> None:
    """What goes, what comes, what stays; no key and no token is in it."""
    before = known(
        OURS.replace("token", "older"), OTHERS, key=Secret(b"nobody's"), transcode_callback=1
    )

    assert list(lines(_update(before))) == [
        "~ domain d  push",
        f"-     with another token: {SHOWN}",
        f"      not ours: {OTHERS}",
        "-     signed with a key that is no secret of live: what comes so is refused",
        "      transcoded streams too",
        f"+     {SHOWN}",
        "+     signed with the newest secret of live",
        "!     the key is one for the whole list: those others must know it too",
    ]
    assert list(lines(_update(known(OURS)))) == ["= domain d  push"]
    assert list(lines(_update(None, keys=(), place=APP))) == [
        "+ vhost v/show  push",
        f"+     {SHOWN}",
        "+     not signed",
    ]
    removed = _update(known(OTHERS), replace=True)
    assert list(lines(removed))[1:3] == [
        f"-     not ours: {OTHERS}",
        "      signed with the newest secret of live",
    ]


def test_the_key_is_told_in_words() -> None:
    """Whose it is, or that it is nobody's; one that the vendor does not tell is nobody's."""
    keys = {"live": (NEWEST, OLDER), "other": (Secret(b"third"),)}

    assert key_text(known(OURS), keys) == "signed with the newest secret of live"
    assert key_text(known(OURS, key=OLDER), keys) == "signed with an older secret of live"
    assert key_text(known(OURS, key=Secret(b"third")), keys).endswith("newest secret of other")
    assert key_text(known(OURS, key=None), keys) == "not signed: what comes so is refused"
    unsigned = {"live": ()}
    assert key_text(known(OURS, key=None), unsigned) == "not signed"
    assert key_text(known(OURS), unsigned) == "signed with a key that is not checked here"
    hidden = Registered(message_type="push", auth_enable=True)
    told = "signed with a key that is no secret of live or other: what comes so is refused"
    assert key_text(hidden, keys) == told


@pytest.mark.parametrize(
    ("place", "each", "is_it"),
    [
        (DOMAIN, known(OURS, vhost="v"), True),  # the vendor names the space of the domain
        (DOMAIN, known(OURS, domain="d"), True),
        (DOMAIN, known(OURS, domain="other"), False),
        (DOMAIN, known(OURS, domain="D"), True),  # names of hosts have no letter case
        (VHOST, known(OURS, vhost="V"), True),
        (VHOST, known(OURS, vhost="v"), True),
        (VHOST, known(OURS), True),
        (VHOST, known(OURS, vhost="v", app="show"), False),
        (VHOST, known(OURS, vhost="v", domain="d"), False),
        (VHOST, known(OURS, vhost="other"), False),
        (VHOST, known(OURS, vhost="v", message_type="record"), False),
        (APP, known(OURS, vhost="v", app="show"), True),
        (APP, known(OURS, vhost="v"), False),
    ],
)
def test_a_registration_is_found_at_its_own_place(
    place: Place,
    each: Registered,
    is_it: bool,  # noqa: FBT001 - a table's column
) -> None:
    """One of a whole vhost is not that of an application, nor the other way round."""
    assert (registered(wanted(place), {place: [each]}) is not None) == is_it


def test_ours_leaves_a_list_that_others_are_in() -> None:
    """A deletion would remove theirs too; with --replace it does."""
    before = known(OTHERS, OURS, key=OLDER, transcode_callback=1)
    (step,) = delete_plan([wanted()], {DOMAIN: [before]})
    assert step.verb == "change"
    assert _urls(step) == [OTHERS]
    sent = _sent(step)
    assert (sent.auth_key_primary, sent.transcode_callback) == (OLDER, 1)

    (step,) = delete_plan([wanted()], {DOMAIN: [before]}, replace=True)
    assert step.request == DeleteCallback(domain="d", message_type="push")
    assert next(lines(step)) == "- domain d  push"


def test_what_is_not_ours_is_not_deleted() -> None:
    """Neither where nothing is registered nor where others are alone."""
    for found in ([], [known(OTHERS)], [known(OURS, message_type="record")]):
        (step,) = delete_plan([wanted()], {DOMAIN: found})
        assert (step.verb, step.request) == ("same", None)


def test_a_deletion_takes_nothing_along() -> None:
    """That of a vhost would delete those of its applications: only if all of them are named."""
    mine, theirs = known(OURS, vhost="v"), known(OTHERS, vhost="v", app="show")
    found = {VHOST: [mine, theirs, known(OURS, vhost="v", app="x", message_type="record")]}

    (step,) = delete_plan([wanted(VHOST)], found)
    assert (step.verb, step.request) == ("blocked", None)
    assert list(lines(step)) == [
        "! vhost v  push",
        "!     vhost v/show would be removed with it: --replace does so",
    ]
    (step,) = delete_plan([wanted(VHOST)], found, replace=True)
    assert step.verb == "remove"

    both = delete_plan([wanted(VHOST), wanted(APP)], {**found, APP: [known(OURS, app="show")]})
    assert [step.verb for step in both] == ["remove", "remove"]


@given(
    st.lists(
        st.sampled_from([OURS, OTHERS, OURS.replace("token", "older"), "http://c/"]), unique=True
    ),
    st.sampled_from([NEWEST, OLDER, None]),
    st.integers(0, 1),
    st.sampled_from([True, False, None]),
    st.sampled_from(["push", "record"]),
    st.booleans(),
)
def test_a_plan_carried_out_leaves_nothing_to_do(
    urls: list[str],
    key: Secret | None,
    transcoded: int,
    transcode: bool | None,  # noqa: FBT001 - generated
    message_type: str,
    replace: bool,  # noqa: FBT001 - generated
) -> None:
    """Whatever was there: what is sent is allowed, keeps others' URLs, and is found the same."""
    before = known(*urls, key=key, transcode_callback=transcoded, message_type=message_type)
    options: dict[str, Any] = {"message_type": message_type, "transcode": transcode}
    step = _update(before, replace=replace, **options)
    if step.request is None:
        return
    sent = _sent(step)

    assert faults(sent) == []
    assert set(step.others) - set(_urls(step)) == (set(step.others) if replace else set())
    after = known(
        *_urls(step),
        key=sent.auth_key_primary if sent.auth_enable else None,
        transcode_callback=sent.transcode_callback,
        message_type=message_type,
    )
    assert _update(after, replace=replace, **options).verb == "same"
