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
├── MediaTimeoutError             no picture or sound came in time (also TimeoutError)
├── RecordingError                a recording ended early; the file has what came before
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
    ├── AudioSourceError          an iterable given to `play_audio` cancelled itself
    ├── AudioTimeoutError         it gave no further audio in time (also TimeoutError)
    ├── PlaybackTimeoutError      the avatar reported no end of playback (also TimeoutError)
    ├── NotSupportedError         this dialect or room doesn't know what was asked for
    └── ConversationClosedError   used after closing

`retryable` says whether the same call may succeed later without a change by the caller.
Texts and attributes never hold keys, tokens or user signatures.
"""

from __future__ import annotations

from akool_async.errors.base import (
    AkoolError,
    ConfigurationError,
    InvalidParameterError,
    MessageTooLargeError,
    MissingDependencyError,
)
from akool_async.errors.codes import (
    ADVICE,
    CODES,
    SUCCESS,
    APIError,
    AuthenticationError,
    BadParameterError,
    BusyError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ProcessingError,
    QuotaError,
    RateLimitError,
    SessionClosedError,
    UnknownCodeError,
    error_for_code,
)
from akool_async.errors.conversation import (
    AudioSourceError,
    AudioTimeoutError,
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    ConversationError,
    NotSupportedError,
    PlaybackTimeoutError,
    QuestionInterruptedError,
    ReplyIncompleteError,
    ReplyTimeoutError,
    TextSourceError,
    TextTimeoutError,
)
from akool_async.errors.media import MediaTimeoutError, RecordingError
from akool_async.errors.requests import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    RequestError,
    RequestInfo,
)
from akool_async.errors.resources import (
    AvatarFailedError,
    SessionFailedError,
    SessionLeftOpenError,
    VoiceFailedError,
    WaitTimeoutError,
    WebhookError,
)
from akool_async.errors.rooms import (
    AvatarAbsentError,
    DisconnectedError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
    SendError,
    TransportError,
)

__all__ = [
    "ADVICE",
    "CODES",
    "SUCCESS",
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AkoolError",
    "AudioSourceError",
    "AudioTimeoutError",
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
    "MediaTimeoutError",
    "MessageTooLargeError",
    "MissingDependencyError",
    "NotFoundError",
    "NotSupportedError",
    "PermissionDeniedError",
    "PlaybackTimeoutError",
    "ProcessingError",
    "QuestionInterruptedError",
    "QuotaError",
    "RateLimitError",
    "RecordingError",
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


def _set_public_path() -> None:
    """Tracebacks show, and pickles name, the path from which the classes are imported."""
    for name in __all__:
        found = globals()[name]
        if isinstance(found, type):
            found.__module__ = __name__


_set_public_path()
