"""What the avatar answered, or didn't."""

from __future__ import annotations

from akool_async.errors.base import AkoolError

__all__ = [
    "AudioSourceError",
    "AudioTimeoutError",
    "CommandRejectedError",
    "CommandTimeoutError",
    "ConversationClosedError",
    "ConversationError",
    "NotSupportedError",
    "PlaybackTimeoutError",
    "QuestionInterruptedError",
    "ReplyIncompleteError",
    "ReplyTimeoutError",
    "TextSourceError",
    "TextTimeoutError",
]


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


class AudioSourceError(ConversationError):
    """The iterable given to `play_audio` ended by a `CancelledError` of its own."""


class AudioTimeoutError(ConversationError, TimeoutError):
    """The iterable given to `play_audio` gave no further audio in time."""


class PlaybackTimeoutError(ConversationError, TimeoutError):
    """Audio was sent, and the avatar didn't report in time that it was played.

    `seconds` is how much was sent. It may have been played all the same.
    """

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class QuestionInterruptedError(ConversationError):
    """The connection broke while a question was in flight; it isn't sent again by itself."""


class NotSupportedError(ConversationError):
    """This dialect, room or transport doesn't know what was asked for."""


class ConversationClosedError(ConversationError):
    """Used after closing."""
