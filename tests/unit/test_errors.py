"""Errors of tasks come to the caller as they were raised, unless that would hide another one."""

import pytest

from router.errors import CallbackRouterError, ConfigError, UnavailableError, ungrouped


def test_an_error_leaves_its_groups() -> None:
    """A task group in a task group makes two of them."""
    error = UnavailableError("away")

    with pytest.raises(UnavailableError) as caught, ungrouped(CallbackRouterError):
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [error])])

    assert caught.value is error


def test_of_several_the_first_is_raised() -> None:
    """Most often the others follow from it."""
    first = UnavailableError("first")

    with pytest.raises(UnavailableError) as caught, ungrouped(CallbackRouterError):
        raise ExceptionGroup("both", [first, ConfigError([])])

    assert caught.value is first


def test_a_bug_is_not_hidden_behind_an_error() -> None:
    """A group with anything unexpected in it stays as it is."""
    group = ExceptionGroup("both", [UnavailableError("away"), KeyError("bug")])

    with pytest.raises(ExceptionGroup) as caught, ungrouped(CallbackRouterError):
        raise group

    assert caught.value is group


def test_what_is_in_no_group_passes() -> None:
    """Nothing is made of it."""
    with pytest.raises(KeyError), ungrouped(CallbackRouterError):
        raise KeyError("bug")
