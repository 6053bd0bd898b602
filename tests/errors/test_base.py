from __future__ import annotations

import pytest

from akool_async.errors import (
    AkoolError,
    APIConnectionError,
    APIError,
    APITimeoutError,
    ConfigurationError,
    InvalidParameterError,
    InvalidResponseError,
    MessageTooLargeError,
    MissingDependencyError,
    SendError,
    UnknownCodeError,
)
from akool_async.errors.base import raised_again


def test_an_install_line_is_part_of_the_text() -> None:
    error = MissingDependencyError("No transport.", install="pip install x")
    assert str(error) == "No transport. Install it with: pip install x"
    assert (error.install, str(MissingDependencyError("No."))) == ("pip install x", "No.")


def test_a_missing_extra_is_named_beside_the_one_that_installs_everything() -> None:
    error = MissingDependencyError("No.", install='pip install "akool-async[cli]"')
    assert str(error) == (
        'No. Install it with: pip install "akool-async[cli]", '
        'or everything at once with: pip install "akool-async[all]"'
    )
    assert error.install == 'pip install "akool-async[cli]"'


def test_a_parameter_error_names_field_and_problem() -> None:
    error = InvalidParameterError("duration", "0 is out of range, allowed: 1..3600 seconds")
    assert str(error) == "duration: 0 is out of range, allowed: 1..3600 seconds"
    assert error.field == "duration"


def test_a_message_too_large_has_both_sizes() -> None:
    error = MessageTooLargeError("text", "takes 9 bytes", size=9, limit=5)
    assert isinstance(error, InvalidParameterError)
    assert (str(error), error.field, error.problem) == (
        "text: takes 9 bytes",
        "text",
        "takes 9 bytes",
    )
    assert (error.size, error.limit) == (9, 5)


@pytest.mark.parametrize(
    "error", [AkoolError("no"), InvalidParameterError("f", "p"), MissingDependencyError("no")]
)
def test_the_same_call_again_cannot_help(error: AkoolError) -> None:
    assert error.retryable is False


def test_an_error_is_raised_as_a_new_instance() -> None:
    error = SendError("gone")
    again = raised_again(error)
    assert again is not error
    assert (type(again), str(again), again.__cause__) == (SendError, "gone", error)


@pytest.mark.parametrize(
    ("error", "may_have_acted"),
    [
        (APITimeoutError("late"), True),
        (APIConnectionError("no connection", sent=False), False),
        (InvalidResponseError("cut", status=200), True),
        (InvalidResponseError("a gateway's page", status=502), True),
        (InvalidResponseError("leads elsewhere", status=302), False),
        (InvalidResponseError("no such path", status=404), False),
        (InvalidResponseError("isn't HTTP"), True),
        (APIError(1006, "quota"), False),
        (APIError(1006, "quota", status=500), True),
        (UnknownCodeError(200, "new"), True),
        (InvalidParameterError("duration", "isn't a number"), False),
        (ConfigurationError("no credentials"), False),
    ],
    ids=repr,
)
def test_whether_the_service_may_have_acted(error: AkoolError, may_have_acted: bool) -> None:
    assert error.may_have_acted is may_have_acted
