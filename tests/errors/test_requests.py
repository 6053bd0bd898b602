from __future__ import annotations

import pytest

from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    RequestError,
    RequestInfo,
)


def test_what_a_request_error_says() -> None:
    where = RequestInfo("POST", "/p")
    broke = APIConnectionError("broke", request=where, retryable=True, sent=False)
    assert (str(broke), broke.retryable, broke.sent) == ("broke (POST /p)", True, False)
    assert APITimeoutError("late").sent
    unreadable = InvalidResponseError("html", request=where, status=502)
    assert (str(unreadable), unreadable.status) == ("html (POST /p)", 502)


@pytest.mark.parametrize("kind", [RequestError, APIConnectionError, APITimeoutError])
def test_unless_it_is_said_it_may_have_been_sent_and_is_not_repeated(
    kind: type[RequestError],
) -> None:
    error = kind("broke")
    assert (error.request, error.retryable, error.sent, error.retry_after) == (
        None,
        False,
        True,
        None,
    )
    assert (str(error), error.message) == ("broke", "broke")


def test_the_message_is_kept_without_the_request() -> None:
    error = APIConnectionError("broke", request=RequestInfo("GET", "/p"))
    assert (error.message, str(error)) == ("broke", "broke (GET /p)")
