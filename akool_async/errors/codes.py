"""The service's codes, and the exceptions they become."""

from __future__ import annotations

from typing import Final

from akool_async.errors.base import AkoolError
from akool_async.errors.requests import RequestInfo

__all__ = [
    "ADVICE",
    "CODES",
    "SUCCESS",
    "APIError",
    "AuthenticationError",
    "BadParameterError",
    "BusyError",
    "ConflictError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProcessingError",
    "QuotaError",
    "RateLimitError",
    "SessionClosedError",
    "UnknownCodeError",
    "error_for_code",
]

SUCCESS: Final = 1000

_CREDENTIALS = (
    "The key or token is wrong, expired or of another account: copy it again from the account's "
    "API page. With client_id= and client_secret= the client gets new tokens by itself."
)
_CREDITS = (
    "Add credits to the account, or give a shorter duration=: all of it is taken when a session "
    "begins."
)
_SLOTS = (
    "Close what is open (akool sessions close-all), or wait for it: "
    "open_session(…, wait_for_slot=60)."
)

#: The service's code -> what to do about it.
ADVICE: Final[dict[int, str]] = {
    1101: _CREDENTIALS,
    1102: _CREDENTIALS,
    1006: _CREDITS,
    1104: _CREDITS,
    1005: "Call less often, or raise max_retries=.",
    429: "Call less often, or raise max_retries=.",
    1214: (
        "Wait until it is ready: await client.avatars.wait_until_ready(avatar), or "
        "akool avatars wait ID."
    ),
    1215: _SLOTS,
    1237: _SLOTS,
    1216: "List the sessions that there are: akool sessions list.",
}


class APIError(AkoolError):
    """The service answered with a code other than 1000 (docs/protocol.md §1, "Codes").

    Attributes:
        code: the service's code; 429 and the like where only HTTP said something.
        message: the service's own words.
        advice: what to do about it, where that is known; the exception's text ends with it.
        request: method and path.
        status: the HTTP status.
        retry_after: seconds the service asked to wait, where it did.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        request: RequestInfo | None = None,
        status: int = 200,
        retry_after: float | None = None,
    ) -> None:
        where = f" ({request})" if request else ""
        self.advice = ADVICE.get(code)
        advice = f". {self.advice}" if self.advice else ""
        super().__init__(f"{code}: {message or 'no message'}{where}{advice}")
        self.code = code
        self.message = message
        self.request = request
        self.status = status
        self.retry_after = retry_after

    @property
    def may_have_acted(self) -> bool:
        """With HTTP 500 and above. See `AkoolError.may_have_acted`."""
        return self.status >= 500


class AuthenticationError(APIError):
    """The key or token is invalid, expired or missing."""


class PermissionDeniedError(APIError):
    """Not allowed: no permission, account needs verification, or is banned."""


class BadParameterError(APIError):
    """The service found a parameter wrong or empty; `field` where its message names one."""

    field: str | None = None


class NotFoundError(APIError):
    """No such content, resource, account, live session or knowledge base."""


class ConflictError(APIError):
    """It can't be operated on, was operated on already, or exists already."""


class QuotaError(APIError):
    """Quota, credit or subscription: trying again can't help."""


class RateLimitError(APIError):
    """Too many calls; wait `retry_after` seconds where given."""

    retryable = True


class BusyError(APIError):
    """The live avatar is still processing, in use by another session, or all slots are taken."""

    retryable = True


class SessionClosedError(APIError):
    """The live session is closed; on closing it means done."""


class ProcessingError(APIError):
    """Media, an upload or a knowledge document couldn't be processed."""


class UnknownCodeError(APIError):
    """The service answered with a code that isn't documented."""

    @property
    def may_have_acted(self) -> bool:
        """Always: the code may even mean that all is well. See `AkoolError.may_have_acted`."""
        return True


def _codes() -> dict[int, tuple[type[APIError], str]]:
    table: dict[type[APIError], dict[int, str]] = {
        BadParameterError: {1003: "bad or empty parameter"},
        PermissionDeniedError: {
            1004: "needs verification",
            1009: "no permission",
            1200: "account banned",
        },
        RateLimitError: {1005: "too frequent", 429: "too many requests"},
        QuotaError: {
            1006: "quota used up",
            1104: "credit used up",
            1103: "unpaid",
            1213: "subscription needed",
            1221: "not subscribed",
        },
        NotFoundError: {
            1008: "no such content",
            1014: "no such resource",
            1109: "no such account",
            1216: "no such live session",
            1232: "no such knowledge base",
        },
        ConflictError: {
            1010: "can't be operated",
            1011: "already operated",
            1222: "already exists",
            1233: "already exists",
        },
        AuthenticationError: {1101: "token invalid or expired", 1102: "token missing"},
        BusyError: {
            1214: "live avatar still processing",
            1215: "all live avatar slots taken",
            1237: "this avatar is in use by another session",
        },
        SessionClosedError: {1219: "live session closed"},
        ProcessingError: dict.fromkeys(
            (
                *(1007, 1013, 1015, 1016, 1017, 1105, 1108, 1110, 1111, 1112),
                *range(1201, 1213),
                *(1217, 1218, 1220, 1223, 1234, 1235, 1236),
            ),
            "processing failed",
        ),
    }
    return {
        code: (kind, meaning) for kind, codes in table.items() for code, meaning in codes.items()
    }


#: The service's code -> (exception class, meaning), docs/protocol.md §1 "Codes".
CODES: Final = _codes()


def error_for_code(
    code: int,
    message: str,
    *,
    request: RequestInfo | None = None,
    status: int = 200,
    retry_after: float | None = None,
) -> APIError:
    """The exception for a code; `UnknownCodeError` for one that isn't in `CODES`."""
    kind, meaning = CODES.get(code, (UnknownCodeError, ""))
    return kind(code, message or meaning, request=request, status=status, retry_after=retry_after)
