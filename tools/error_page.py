"""The tables of docs/errors.md, made from the exception tree."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

from akool_async import errors

__all__ = ["REMEDIES", "codes", "exceptions", "tree"]

#: What to do about each exception; a test sees that none is missing.
REMEDIES: Final = {
    "AkoolError": "catch it where a conversation may fail as a whole",
    "ConfigurationError": "correct what the text names: a variable, an address, an option",
    "MissingDependencyError": "install what the text says",
    "InvalidParameterError": "correct the field that it names; nothing was sent",
    "MessageTooLargeError": "make the field smaller",
    "RequestError": "look at `retryable` and `sent`",
    "APIConnectionError": "check network, proxy and base URL; a read may be tried again",
    "APITimeoutError": "try a read again, or raise `timeout`",
    "InvalidResponseError": "check the base URL and what is between: a proxy may have answered",
    "APIError": "look at `code`",
    "AuthenticationError": "check the key; a token of the library's own was renewed once already",
    "PermissionDeniedError": "ask the owner of the account",
    "BadParameterError": "correct the field in `field`",
    "NotFoundError": "check the id",
    "ConflictError": "read the resource again before you change it",
    "QuotaError": "add credits or a subscription; trying again can't help",
    "RateLimitError": "wait `retry_after` seconds",
    "BusyError": "wait, choose another avatar, or close a session that was left open",
    "SessionClosedError": "open a new session",
    "ProcessingError": "look at the service's message: a file's size, length or format",
    "UnknownCodeError": "look at the service's message, and report the code",
    "SessionFailedError": "open another session",
    "SessionLeftOpenError": "close the sessions in `session_ids`: `akool sessions close ID`",
    "AvatarFailedError": "upload another file",
    "VoiceFailedError": "clone from another recording",
    "WebhookError": "answer 400 and don't act on it",
    "WaitTimeoutError": "wait longer, or look at `status`",
    "MediaTimeoutError": "try again; does the avatar publish video?",
    "RecordingError": "look at the cause: a full disk, for example; keep the file",
    "TransportError": "look at `retryable`",
    "JoinError": "open a session again",
    "JoinRefusedError": "open a session again, or give `renew_credentials`",
    "JoinTimeoutError": "check the way to the room's server (UDP, a firewall)",
    "AvatarAbsentError": "open a session again; does the service reach a room of your own?",
    "SendError": "look at `retryable`; the packet may have arrived all the same",
    "DisconnectedError": "look at `reason`; open a new session to go on",
    "ConversationError": "catch it where one turn may fail",
    "CommandRejectedError": "correct what `message` names",
    "CommandTimeoutError": "try again; the avatar may be away",
    "ReplyTimeoutError": "use `text`, ask again, or raise `reply_timeout`",
    "ReplyIncompleteError": "use `text`, or ask again",
    "TextSourceError": "look at your iterator: it cancelled itself",
    "TextTimeoutError": "look why your iterator gave no text, or raise `text_timeout`",
    "AudioSourceError": "look at your iterable: it cancelled itself",
    "AudioTimeoutError": "look why your iterable gave no audio, or raise `audio_timeout`",
    "PlaybackTimeoutError": "go on: it may have been played; or raise `playback_margin`",
    "QuestionInterruptedError": "decide whether to ask again: the avatar may have heard it",
    "NotSupportedError": "use what this room has, or another `stream_type`",
    "ConversationClosedError": "open a new session",
}


def exceptions(
    kind: type[BaseException] = errors.AkoolError, depth: int = 0
) -> Iterator[tuple[int, type[BaseException]]]:
    """The tree from `kind` down, each with its depth, in the order of the module's source."""
    yield depth, kind
    for below in kind.__subclasses__():
        if below.__name__ in errors.__all__:
            yield from exceptions(below, depth + 1)


def tree() -> str:
    """A table of the whole tree."""
    rows = ["| exception | what happened | what to do |", "|---|---|---|"]
    for depth, kind in exceptions():
        name = f"{'&nbsp;' * 4 * depth}`{kind.__name__}`"
        rows.append(f"| {name} | {_summary(kind)} | {_cell(REMEDIES[kind.__name__])} |")
    return "\n".join(rows)


def codes() -> str:
    """A table of the service's codes."""
    rows = ["| code | exception | meaning |", "|---|---|---|"]
    for code, (kind, meaning) in sorted(errors.CODES.items()):
        rows.append(f"| {code} | `{kind.__name__}` | {_cell(meaning)} |")
    return "\n".join(rows)


def _summary(kind: type[BaseException]) -> str:
    paragraph = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0]
    return _cell(" ".join(paragraph.split()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
