"""Every exception this package raises, and the service's codes beside their classes.

AkoolError
├── ConfigurationError            the program's set-up: no credentials, a base URL that isn't https
│   └── MissingDependencyError    an optional part isn't installed; says the install line
├── InvalidParameterError         a wrong value, refused before anything was sent (also ValueError)
│   └── MessageTooLargeError      a stream message that doesn't fit its transport's packets
├── RequestError                  a REST call that brought no usable answer
│   ├── APIConnectionError        the connection wasn't made, or broke
│   ├── APITimeoutError           no answer in time (also TimeoutError)
│   └── InvalidResponseError      an answer that isn't the service's JSON envelope
├── APIError                      the service answered with a code other than 1000
│   ├── AuthenticationError       1101, 1102
│   ├── PermissionDeniedError     1004, 1009, 1200
│   ├── BadParameterError         1003
│   ├── NotFoundError             1008, 1014, 1109, 1216, 1232
│   ├── ConflictError             1010, 1011, 1222, 1233
│   ├── QuotaError                1006, 1104; subscriptions: 1103, 1213, 1221
│   ├── RateLimitError            1005 and HTTP 429
│   ├── BusyError                 1214, 1215, 1237
│   ├── SessionClosedError        1219
│   ├── ProcessingError           media, upload and knowledge codes
│   └── UnknownCodeError          a code that isn't documented
├── SessionFailedError            a session whose status says failed or completed while opening
├── SessionLeftOpenError          a session couldn't be closed: it costs until its duration is over
├── AvatarFailedError             an uploaded avatar whose processing failed
├── VoiceFailedError              a voice that couldn't be cloned
├── WebhookError                  a webhook that isn't the service's, is too old or unreadable
├── WaitTimeoutError              a status didn't come in time (also TimeoutError)
├── TransportError                a room
│   ├── JoinError                 the room couldn't be joined
│   │   ├── JoinRefusedError      the token or the credentials were refused
│   │   ├── JoinTimeoutError      not joined in time (also TimeoutError)
│   │   └── AvatarAbsentError     joined, but the avatar didn't come in time (also TimeoutError)
│   ├── SendError                 a packet wasn't taken in time or was refused
│   └── DisconnectedError         the room is gone for good; `reason` says why
└── ConversationError             the talk with the avatar
    ├── CommandRejectedError      the avatar answered a command with a code other than 1000
    ├── CommandTimeoutError       a command had no answer in time (also TimeoutError)
    ├── ReplyTimeoutError         a question had no (whole) reply in time (also TimeoutError)
    ├── ReplyIncompleteError      parts of a reply were lost; has the text that did arrive
    ├── TextSourceError           an iterator given to `say` ended by a cancellation of its own
    ├── TextTimeoutError          it gave no further text in time (also TimeoutError)
    ├── QuestionInterruptedError  the connection broke while a question was in flight
    ├── TextSourceError           the text of an utterance couldn't be had from its source
    ├── TextTimeoutError          the source gave no text in time (also TimeoutError)
    ├── NotSupportedError         this dialect or room doesn't know what was asked for
    └── ConversationClosedError   used after closing

`retryable` says whether the same call may succeed later without a change by the caller.
Texts and attributes never hold keys, tokens or user signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "CODES",
    "SUCCESS",
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AkoolError",
    "AuthenticationError",
    "AvatarAbsentError",
    "AvatarFailedError",
    "BadParameterError",
    "BusyError",
    "CommandRejectedError",
    "CommandTimeoutError",
    "ConfigurationError",
    "ConflictError",
    "ConversationClosedError",
    "ConversationError",
    "DisconnectedError",
    "InvalidParameterError",
    "InvalidResponseError",
    "JoinError",
    "JoinRefusedError",
    "JoinTimeoutError",
    "MessageTooLargeError",
    "MissingDependencyError",
    "NotFoundError",
    "NotSupportedError",
    "PermissionDeniedError",
    "ProcessingError",
    "QuestionInterruptedError",
    "QuotaError",
    "RateLimitError",
    "ReplyIncompleteError",
    "ReplyTimeoutError",
    "RequestError",
    "RequestInfo",
    "SendError",
    "SessionClosedError",
    "SessionFailedError",
    "SessionLeftOpenError",
    "TextSourceError",
    "TextTimeoutError",
    "TransportError",
    "UnknownCodeError",
    "VoiceFailedError",
    "WaitTimeoutError",
    "WebhookError",
    "error_for_code",
]

SUCCESS: Final = 1000

#: Installs every optional part at once, where one extra alone might only lead to the next.
_EVERYTHING: Final = 'pip install "akool-async[all]"'


class AkoolError(Exception):
    """Root of every exception raised by this package.

    All of them can be pickled and copied, so they may cross a process boundary. As for every
    exception, cause and traceback don't go along.
    """

    retryable: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args` (the text alone), which most of them don't take.
        state = dict(vars(self))
        if "__notes__" in state:
            state["__notes__"] = list(state["__notes__"])
        return _restore, (type(self), self.args, state)


def _restore(kind: type[AkoolError], args: tuple[object, ...], state: dict[str, Any]) -> AkoolError:
    """An error as it was before it was pickled or copied."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


class ConfigurationError(AkoolError):
    """The program is set up wrongly; nothing was sent."""


class MissingDependencyError(ConfigurationError, ImportError):
    """An optional part isn't installed.

    `install` is the command that installs it, `None` where there is none to give. Where it is one
    of this package's extras, the text names `akool-async[all]`, too.
    """

    def __init__(self, message: str, *, install: str | None = None) -> None:
        if install:
            message = f"{message} Install it with: {install}"
            if "akool-async[" in install:
                message += f", or everything at once with: {_EVERYTHING}"
        super().__init__(message)
        self.install = install


class InvalidParameterError(AkoolError, ValueError):
    """A value was refused before anything was sent.

    `field` names the parameter (dotted for nested ones), `problem` says what is wrong with the
    value and what would be right.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class MessageTooLargeError(InvalidParameterError):
    """A message doesn't fit one packet and can't be cut; `size` and `limit` are in bytes."""

    def __init__(self, field: str, problem: str, *, size: int, limit: int) -> None:
        super().__init__(field, problem)
        self.size = size
        self.limit = limit


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
    ) -> None:
        super().__init__(f"{message} ({request})" if request else message)
        self.message = message
        self.request = request
        self.retryable = retryable
        self.sent = sent


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


class APIError(AkoolError):
    """The service answered with a code other than 1000 (docs/protocol.md §1, "Codes").

    Attributes:
        code: the service's code; 429 and the like where only HTTP said something.
        message: the service's own words.
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
        super().__init__(f"{code}: {message or 'no message'}{where}")
        self.code = code
        self.message = message
        self.request = request
        self.status = status
        self.retry_after = retry_after


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


class SessionFailedError(AkoolError):
    """A session became failed (4) or completed (3) before it could be used; has its `status`."""

    def __init__(self, message: str, *, session_id: str, status: int) -> None:
        super().__init__(message)
        self.session_id = session_id
        self.status = status


class SessionLeftOpenError(AkoolError):
    """A session couldn't be closed, so it may cost credits until its duration is over.

    `session_ids` are the ids of those that may be open, where they are known; the cause is the last
    try's error.
    """

    retryable = True

    def __init__(self, message: str, *, session_ids: tuple[str, ...]) -> None:
        super().__init__(message)
        self.session_ids = session_ids


class AvatarFailedError(AkoolError):
    """Processing an uploaded avatar failed (status 4); `record_id` is its `_id`."""

    def __init__(self, message: str, *, record_id: str) -> None:
        super().__init__(message)
        self.record_id = record_id


class VoiceFailedError(AkoolError):
    """Cloning a voice failed (status 4); `record_id` is its `_id`."""

    def __init__(self, message: str, *, record_id: str) -> None:
        super().__init__(message)
        self.record_id = record_id


class WebhookError(AkoolError, ValueError):
    """A webhook isn't the service's, is too old, or can't be read.

    `reason` is "signature", "expired" or "malformed".
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class WaitTimeoutError(AkoolError, TimeoutError):
    """A status didn't come in time; `status` is the last one seen, `None`: none was answered."""

    retryable = True

    def __init__(self, message: str, *, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class TransportError(AkoolError):
    """Something about the room. `retryable` says whether joining again may help."""

    def __init__(self, message: str, *, retryable: bool | None = None) -> None:
        super().__init__(message)
        if retryable is not None:
            self.retryable = retryable


class JoinError(TransportError):
    """The room couldn't be joined."""

    retryable = True


class JoinRefusedError(JoinError):
    """The room refused the token or the credentials: new ones are needed."""

    retryable = False


class JoinTimeoutError(JoinError, TimeoutError):
    """The room wasn't joined in time."""


class AvatarAbsentError(JoinError, TimeoutError):
    """The room was joined, but the avatar didn't come in time."""


class SendError(TransportError):
    """A packet wasn't accepted: in time, or at all. `code` is the vendor's, where it has one."""

    def __init__(
        self, message: str, *, retryable: bool | None = None, code: int | None = None
    ) -> None:
        super().__init__(message, retryable=retryable)
        self.code = code


class DisconnectedError(TransportError):
    """The room is gone for good.

    `reason` is a short name: "closed", "avatar_left", "duration", "banned", "same_identity",
    "token_expired", "room_closed", "connection_lost", "removed", or the vendor's own word.
    """

    def __init__(self, message: str, *, reason: str, retryable: bool | None = None) -> None:
        super().__init__(message, retryable=retryable)
        self.reason = reason


class ConversationError(AkoolError):
    """Something about the talk with the avatar."""


class CommandRejectedError(ConversationError):
    """The avatar answered a command with a code other than 1000."""

    def __init__(self, cmd: str, code: int, message: str) -> None:
        super().__init__(f"{cmd} was answered with {code}: {message or 'no message'}")
        self.cmd = cmd
        self.code = code
        self.message = message


class CommandTimeoutError(ConversationError, TimeoutError):
    """A command was sent (and sent again) and had no answer in time."""

    retryable = True


class ReplyTimeoutError(ConversationError, TimeoutError):
    """A question had no reply, or not all of it, in time; `text` is what did arrive."""

    def __init__(self, message: str, *, text: str = "") -> None:
        super().__init__(message)
        self.text = text


class ReplyIncompleteError(ConversationError):
    """Parts of a reply were lost; `text` is what did arrive, `missing` the parts that didn't."""

    def __init__(self, message: str, *, text: str, missing: tuple[int, ...]) -> None:
        super().__init__(message)
        self.text = text
        self.missing = missing


class TextSourceError(ConversationError):
    """The iterator given to `say`, or a responder, ended by a `CancelledError` of its own."""


class TextTimeoutError(ConversationError, TimeoutError):
    """The iterator given to `say`, or a responder, gave no further text in time."""


class QuestionInterruptedError(ConversationError):
    """The connection broke while a question was in flight; it isn't sent again by itself."""


class NotSupportedError(ConversationError):
    """This dialect, room or transport doesn't know what was asked for."""


class ConversationClosedError(ConversationError):
    """Used after closing."""
