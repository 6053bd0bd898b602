"""One REST call as data: built by the resources, sent by `http`, judged by `retry`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from akool_async.errors import InvalidParameterError, RequestInfo
from akool_async.rest.redaction import secrets_of

__all__ = ["Idempotency", "Request", "get", "post"]


class Idempotency(enum.Enum):
    """When a call may be sent again (docs/protocol.md §1, "Retry")."""

    #: Reads and closing: also where the service may have acted already.
    SAFE = "safe"
    #: Creating and changing: only where the service surely didn't act.
    UNLESS_DONE = "unless_done"


@dataclass(slots=True)
class Request:
    """A call. The body is left out of the repr: it may hold keys and tokens."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    idempotency: Idempotency = Idempotency.SAFE

    def secrets(self) -> tuple[str, ...]:
        """What of the body must not appear in an error's text."""
        return () if self.body is None else tuple(secrets_of(msgspec.json.decode(self.body)))

    @property
    def info(self) -> RequestInfo:
        """What an error says of it."""
        return RequestInfo(self.method, self.path)


def get(path: str, **query: object) -> Request:
    """A read; parameters that are `None` are left out."""
    return Request("GET", path, _query(query))


def post(
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    idempotency: Idempotency,
    query: Mapping[str, object] | None = None,
    method: str = "POST",
) -> Request:
    """A call with a JSON body.

    Raises:
        InvalidParameterError: a value has no JSON form that the service could read.
    """
    encoded = None
    if body is not None:
        try:
            encoded = msgspec.json.encode(dict(body))
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidParameterError("body", f"has no JSON form: {error}") from None
    return Request(method, path, _query(query or {}), encoded, idempotency)


def _query(parameters: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in parameters.items() if value is not None}
