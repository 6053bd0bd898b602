"""Sound, pictures, and the files they are kept in."""

from __future__ import annotations

from akool_async.errors.base import AkoolError

__all__ = ["MediaTimeoutError", "RecordingError"]


class MediaTimeoutError(AkoolError, TimeoutError):
    """No picture, or no sound, came in time."""

    retryable = True


class RecordingError(AkoolError):
    """A recording ended early, by a full disk for example; the file has what came before.

    The cause is chained.
    """
