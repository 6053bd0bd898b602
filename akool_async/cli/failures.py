"""Errors of a command: what is written about them, and the exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from akool_async.cli.terminal import OutputError, fail
from akool_async.errors import (
    AkoolError,
    APIError,
    AuthenticationError,
    BusyError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    SessionLeftOpenError,
)

__all__ = ["FAILED", "USAGE", "explain", "listed_by", "report", "report_usage", "status_of"]

FAILED: Final = 1
USAGE: Final = 2

#: The first that fits counts; every other error is `FAILED`.
_STATUSES: Final[tuple[tuple[type[AkoolError], int], ...]] = (
    (ConfigurationError, USAGE),
    (InvalidParameterError, USAGE),
    (AuthenticationError, 3),
    (PermissionDeniedError, 3),
    (NotFoundError, 4),
    (QuotaError, 5),
    (BusyError, 6),
    (RateLimitError, 6),
)


def status_of(error: BaseException) -> int:
    """The exit status for an error (docs/cli.md, "Exit codes")."""
    if isinstance(error, SessionLeftOpenError) and error.__cause__ is not None:
        return status_of(error.__cause__)
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status
    return FAILED


@contextmanager
def listed_by(command: str) -> Iterator[None]:
    """Says of an id that isn't found inside which command lists those that there are."""
    try:
        yield
    except NotFoundError as error:
        error.add_note(f"To list those that there are: {command}.")
        raise


def explain(error: BaseException) -> str:
    """An error in one line; says where the same command may succeed later."""
    if isinstance(error, OutputError):
        return str(error.strerror)
    hint = isinstance(error, AkoolError) and error.retryable
    text = _message(error) or type(error).__name__
    return f"{text} (trying again later may help)" if hint else text


def _message(error: BaseException) -> str:
    """Its text and its notes, which say what to do."""
    return " ".join((str(error), *getattr(error, "__notes__", ())))


def report(error: BaseException, *, as_json: bool = False, about: str = "") -> int:
    """Writes an error to standard error, as a line or as JSON; returns the exit status.

    Args:
        error: it.
        as_json: `{"error": {…}}` (docs/cli.md, "Errors").
        about: what failed, where one of several did: an id.
    """
    status = status_of(error)
    if as_json:
        _write({"code": _code(error), **_details(error), "status": status}, about)
    else:
        fail(f"{about}: {explain(error)}" if about else explain(error))
    return status


def report_usage(message: str) -> int:
    """Writes a wrong use of the command line as JSON; returns the exit status."""
    _write({"code": "usage", "message": message, "retryable": False, "status": USAGE}, "")
    return USAGE


def _code(error: BaseException) -> int | str:
    """The service's code where it answered one, else the error's class."""
    return error.code if isinstance(error, APIError) else type(error).__name__


def _details(error: BaseException) -> dict[str, Any]:
    details: dict[str, Any] = {
        "message": explain(error) if isinstance(error, OutputError) else _message(error),
        "retryable": isinstance(error, AkoolError) and error.retryable,
    }
    if isinstance(error, InvalidParameterError):
        details["field"] = error.field
    if isinstance(error, SessionLeftOpenError):
        details["session_ids"] = list(error.session_ids)
    return details


def _write(details: dict[str, Any], about: str) -> None:
    if about:
        details["about"] = about
    with suppress(OSError, ValueError):
        sys.stderr.write(json.dumps({"error": details}) + "\n")
        sys.stderr.flush()
