from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from akool_async.errors import (
    AkoolError,
    APIConnectionError,
    BusyError,
    QuotaError,
    RateLimitError,
)
from akool_async.rest.retry import RetryRules, read_retry_after, wait_before_retry

AGAIN = APIConnectionError("broke", retryable=True)


def wait(error: AkoolError = AGAIN, **more: Any) -> float | None:
    given: dict[str, Any] = {
        "rules": RetryRules(max_retries=5, retry_time=100.0, backoff=1.0),
        "tries": 1,
        "elapsed": 0.0,
        "retry_after": None,
        "random": lambda: 0.5,
    }
    return wait_before_retry(error, **(given | more))


def test_the_pause_is_random_up_to_a_ceiling_that_doubles() -> None:
    assert [wait(tries=tries, random=lambda: 0.999) for tries in (1, 2, 3, 4, 5)] == pytest.approx(
        [0.999, 1.998, 3.996, 7.992, 7.992]
    )
    assert wait(random=lambda: 0.0) == 0.0
    assert wait(tries=2) == 1.0


def test_tries_are_bounded() -> None:
    assert wait(tries=5) is not None
    assert wait(tries=6) is None
    assert wait(rules=RetryRules(max_retries=0)) is None
    assert wait(rules=RetryRules(max_retries=10_000), tries=9_000) is not None


def test_time_is_bounded() -> None:
    assert wait(elapsed=99.4) == 0.5
    assert wait(elapsed=99.6) is None


@pytest.mark.parametrize("kind", [RateLimitError, BusyError])
def test_what_the_service_asks_is_honoured(kind: type[Any]) -> None:
    assert wait(kind(1005, ""), retry_after=7.0, random=lambda: 0.0) == 7.0
    later = wait(kind(1005, ""), retry_after=7.0)
    assert later is not None
    assert later >= 7.0
    assert wait(kind(1005, ""), retry_after=0.0, random=lambda: 0.0) == 0.0


def test_longer_than_allowed_is_reported_at_once_and_not_tried_early() -> None:
    assert wait(RateLimitError(1005, ""), retry_after=3600.0) is None


def test_what_cannot_help_is_final() -> None:
    assert wait(QuotaError(1006, "")) is None
    assert wait(APIConnectionError("broke", retryable=False)) is None


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        (format_datetime(datetime.fromtimestamp(NOW + 30, UTC), usegmt=True), 30.0),
        (format_datetime(datetime.fromtimestamp(NOW - 30, UTC), usegmt=True), 0.0),
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Tue, 99 Nov 2023", None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, now=NOW) == seconds
