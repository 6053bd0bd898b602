"""Reading the envelope `{"code": 1000, "msg": "OK", "data": …}` (docs/protocol.md §1 "Envelope").

`code` decides, not the HTTP status. Where there is no envelope, the HTTP status decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from akool_async.errors import (
    CODES,
    SUCCESS,
    AkoolError,
    APIError,
    AuthenticationError,
    BadParameterError,
    InvalidResponseError,
    PermissionDeniedError,
    RateLimitError,
    error_for_code,
)
from akool_async.rest.pages import TooManyError
from akool_async.rest.request import Idempotency, Request
from akool_async.rest.tolerant_json import decode_json

__all__ = ["RawResponse", "read_envelope"]

_LONGEST_MESSAGE: Final = 500
_BY_STATUS: Final[dict[int, type[APIError]]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    429: RateLimitError,
}


@dataclass(slots=True)
class RawResponse:
    """An answer as it was received.

    Attributes:
        status: of HTTP.
        body: all of it; left out of the repr, it may hold a token.
        content_type: as the header says it, "" where there was none.
        retry_after: seconds the service asked to wait, `None` where it didn't.
    """

    status: int
    body: bytes = field(repr=False)
    content_type: str = ""
    retry_after: float | None = None


def _as_it_is(text: str) -> str:
    return text


def read_envelope(
    answer: RawResponse,
    request: Request,
    decode: Callable[[bytes], Any] = decode_json,
    *,
    redact: Callable[[str], str] = _as_it_is,
) -> Mapping[str, Any]:
    """The whole envelope of a successful answer: `data` may be missing from it.

    Args:
        answer: what came.
        request: what it answers.
        decode: reads JSON; raises `msgspec.DecodeError` for what isn't JSON.
        redact: takes secrets out of the service's message.

    Raises:
        APIError: the subclass for the code, or for HTTP 401, 403 and 429 without an envelope.
        InvalidResponseError: no JSON, or JSON that isn't the envelope.
    """
    try:
        envelope = decode(answer.body)
    except TooManyError as error:
        raise InvalidResponseError(str(error), request=request.info, status=answer.status) from None
    except msgspec.DecodeError as error:
        raise _no_envelope(answer, request, _not_json(answer)) from error
    if not isinstance(envelope, dict):
        problem = f"the answer is a JSON {_json_name(envelope)}, not the service's envelope"
        raise _no_envelope(answer, request, problem)
    code = _whole(envelope.get("code"))
    if code == SUCCESS:
        return envelope
    message = _message(envelope, redact)
    if code is None:
        problem = 'the answer is JSON without the service\'s "code"'
        raise _no_envelope(answer, request, problem, message)
    if answer.status in _BY_STATUS and code not in CODES:
        raise _BY_STATUS[answer.status](
            code,
            message,
            request=request.info,
            status=answer.status,
            retry_after=answer.retry_after,
        )
    failure = error_for_code(
        code, message, request=request.info, status=answer.status, retry_after=answer.retry_after
    )
    if isinstance(failure, BadParameterError):
        failure.field = _named_field(message)
    raise failure


def _no_envelope(
    answer: RawResponse, request: Request, problem: str, message: str = ""
) -> AkoolError:
    status = answer.status
    kind = _BY_STATUS.get(status)
    if kind is not None:
        return kind(
            status,
            message or problem,
            request=request.info,
            status=status,
            retry_after=answer.retry_after,
        )
    if 300 <= status < 400:
        problem = "the answer leads elsewhere; it isn't followed, the key would go with it"
    error = InvalidResponseError(
        f"{problem} (HTTP {status})",
        request=request.info,
        status=status,
        # Something between us and the service failed: it may have acted all the same.
        retryable=status >= 500 and request.idempotency is Idempotency.SAFE,
    )
    error.retry_after = answer.retry_after
    return error


def _not_json(answer: RawResponse) -> str:
    if not answer.body.strip():
        return "the answer is empty"
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind and "json" not in kind:
        return f"the answer is {kind[:60]}, not JSON"
    return f"the answer of {len(answer.body)} bytes isn't whole JSON"


def _json_name(value: object) -> str:
    names: dict[type, str] = {list: "array", str: "string", type(None): "null", bool: "boolean"}
    return names.get(type(value), "number")


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return None


def _message(envelope: Mapping[str, Any], redact: Callable[[str], str]) -> str:
    for name in ("msg", "message"):
        value = envelope.get(name)
        if isinstance(value, str) and value:
            # In this order: of a secret that is cut, a part would remain.
            return redact(value)[:_LONGEST_MESSAGE]
    return ""


#: A name as only parameters have it: with an underscore or a dot inside, or in quotes.
_NAME: Final = re.compile(
    r"""["'`](?P<quoted>[A-Za-z][\w.]*)["'`]|\b(?P<bare>[a-z]+(?:[_.][a-z]+)+)\b"""
)
#: A plain word is taken for one only where the message begins with it: "duration must be …".
_FIRST_WORD: Final = re.compile(
    r"(?P<word>[a-z]\w*) (?:is|must|should|can|cannot|has|exceeds|required|invalid|may)\b"
)
_NO_NAMES: Final = ("parameter", "parameters", "param", "params", "value", "it", "this")


def _named_field(message: str) -> str | None:
    """The parameter that a message of code 1003 is about, where it names one."""
    named = _NAME.search(message)
    if named:
        return named["quoted"] or named["bare"]
    first = _FIRST_WORD.match(message)
    return first["word"] if first and first["word"] not in _NO_NAMES else None
