"""REST calls that brought no usable answer."""

from __future__ import annotations

from dataclasses import dataclass

from akool_async.errors.base import AkoolError

__all__ = [
    "APIConnectionError",
    "APITimeoutError",
    "InvalidResponseError",
    "RequestError",
    "RequestInfo",
]


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Which REST call an error belongs to: method and path, without query, headers or body."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RequestError(AkoolError):
    """A REST call brought no usable answer. The cause is chained.

    Attributes:
        advice: what to do about it, where that is known; the exception's text ends with it.
        request: method and path.
        retryable: whether sending it again may help and can't do anything twice.
        sent: False where the service surely never saw the call: the connection wasn't made.
        retry_after: seconds that an answer which was no envelope asked to wait, where it did.
    """

    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        request: RequestInfo | None = None,
        retryable: bool = False,
        sent: bool = True,
        advice: str | None = None,
    ) -> None:
        where = f" ({request})" if request else ""
        super().__init__(f"{message}{where}" + (f". {advice}" if advice else ""))
        self.message = message
        self.advice = advice
        self.request = request
        self.retryable = retryable
        self.sent = sent

    @property
    def may_have_acted(self) -> bool:
        """Unless the call surely wasn't sent. See `AkoolError.may_have_acted`."""
        return self.sent


class APIConnectionError(RequestError):
    """The connection wasn't made, or broke before the whole answer came."""


class APITimeoutError(RequestError, TimeoutError):
    """No answer came in time."""


class InvalidResponseError(RequestError):
    """The answer isn't the service's JSON envelope; `status` is the HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        request: RequestInfo | None = None,
        status: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, request=request, retryable=retryable)
        self.status = status

    @property
    def may_have_acted(self) -> bool:
        """Unless it is a redirect, or an error of something in between that names the request as
        wrong. See `AkoolError.may_have_acted`.
        """
        return self.status is None or self.status >= 500 or self.status == 200
