"""Joining a room, sending to it, and its end."""

from __future__ import annotations

from akool_async.errors.base import AkoolError

__all__ = [
    "AvatarAbsentError",
    "DisconnectedError",
    "JoinError",
    "JoinRefusedError",
    "JoinTimeoutError",
    "SendError",
    "TransportError",
]


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
