"""Sessions, avatars and voices whose status says that they failed, and webhooks."""

from __future__ import annotations

from akool_async.errors.base import AkoolError

__all__ = [
    "AvatarFailedError",
    "SessionFailedError",
    "SessionLeftOpenError",
    "VoiceFailedError",
    "WaitTimeoutError",
    "WebhookError",
]


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
