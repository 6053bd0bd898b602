from __future__ import annotations

import pytest

from akool_async.errors import (
    AkoolError,
    InvalidParameterError,
    MessageTooLargeError,
    MissingDependencyError,
    SendError,
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
