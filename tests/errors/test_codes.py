from __future__ import annotations

import pytest

from akool_async.errors import (
    ADVICE,
    CODES,
    SUCCESS,
    APIError,
    BusyError,
    RateLimitError,
    RequestInfo,
    UnknownCodeError,
    error_for_code,
)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_makes_its_class_and_says_what_it_means(code: int) -> None:
    kind, meaning = CODES[code]
    error = error_for_code(code, "", request=RequestInfo("GET", "/p"))
    assert type(error) is kind
    assert error.advice == ADVICE.get(code)
    said = f"{code}: {meaning} (GET /p)"
    assert str(error) == (f"{said}. {error.advice}" if error.advice else said)


def test_advice_is_for_codes_that_are_known_and_ends_as_a_sentence() -> None:
    assert ADVICE.keys() <= CODES.keys()
    assert all(text.endswith(".") for text in ADVICE.values())


def test_a_code_that_is_not_documented() -> None:
    error = error_for_code(4711, "new")
    assert isinstance(error, UnknownCodeError)
    assert str(error) == "4711: new"
    assert str(error_for_code(4711, "")) == "4711: no message"
    assert not error.retryable


def test_api_errors_name_the_request() -> None:
    error = APIError(7, "no", request=RequestInfo("GET", "/p"), status=500, retry_after=3.0)
    assert (error.code, error.message, error.status, error.retry_after) == (7, "no", 500, 3.0)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (1003, "BadParameterError"),
        (1009, "PermissionDeniedError"),
        (1005, "RateLimitError"),
        (429, "RateLimitError"),
        (1104, "QuotaError"),
        (1216, "NotFoundError"),
        (1222, "ConflictError"),
        (1101, "AuthenticationError"),
        (1215, "BusyError"),
        (1219, "SessionClosedError"),
        (1201, "ProcessingError"),
        (1212, "ProcessingError"),
    ],
)
def test_a_code_of_each_class(code: int, name: str) -> None:
    assert CODES[code][0].__name__ == name


def test_success_is_no_error() -> None:
    assert SUCCESS not in CODES


def test_the_services_own_words_come_before_the_meaning() -> None:
    error = error_for_code(1104, "buy more", status=402, retry_after=1.5)
    assert str(error).startswith("1104: buy more. Add credits")
    assert (error.message, error.status, error.retry_after) == ("buy more", 402, 1.5)


def test_waiting_helps_where_others_use_it_only() -> None:
    retryable = {kind for kind, _ in CODES.values() if kind.retryable}
    assert retryable == {BusyError, RateLimitError}
