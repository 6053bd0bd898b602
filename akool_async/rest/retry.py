"""When a call is repeated, and after how long (docs/protocol.md §1, "Retry").

Exponential with full jitter, honouring `Retry-After`, bounded in tries and in time. A call that may
have been paid for is repeated only where the service surely didn't act.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from akool_async.concurrency import Backoff
from akool_async.errors import AkoolError, BusyError

__all__ = ["RetryRules", "read_retry_after", "wait_before_retry"]

#: The longest pause between two tries, in seconds, where the service doesn't ask for another.
LONGEST_BACKOFF: Final = 8.0


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often and how long.

    Attributes:
        max_retries: tries after the first one.
        retry_time: seconds from the first try's start after which no other is begun.
        backoff: seconds; the first pause is random between 0 and this, each later one up to twice
            as long, at most 8 s.
        busy: whether a call that is refused because an avatar or a slot is in use is repeated.
    """

    max_retries: int = 2
    retry_time: float = 60.0
    backoff: float = 0.5
    busy: bool = True


def wait_before_retry(
    error: AkoolError,
    *,
    rules: RetryRules,
    tries: int,
    elapsed: float,
    retry_after: float | None,
    random: Callable[[], float],
) -> float | None:
    """Seconds to wait before the next try; `None`: the error is final.

    Args:
        error: how the last try failed; its `retryable` says whether sending the call again could
            help and can't do anything twice.
        rules: the bounds.
        tries: how many tries there were, 1 or more.
        elapsed: seconds since the first one began.
        retry_after: seconds the service asked to wait.
        random: gives 0 ≤ x < 1.
    """
    if tries > rules.max_retries or not error.retryable:
        return None
    if isinstance(error, BusyError) and not rules.busy:
        return None
    backoff = Backoff(first=rules.backoff, most=LONGEST_BACKOFF, random=random, tries=tries - 1)
    pause = backoff.pause(retry_after)
    # Waiting less than the service asked for can't help, so then the error is raised at once.
    return pause if elapsed + pause <= rules.retry_time else None


def read_retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait by a `Retry-After` header, in either form; `None` where it says nothing.

    Args:
        value: the header: seconds, or an HTTP date.
        now: seconds since 1970 by the wall clock, which a date is compared with.
    """
    if value is None:
        return None
    value = value.strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
