"""Sound, pictures, and the files they are kept in."""

from __future__ import annotations

from akool_async.errors.base import AkoolError

__all__ = ["RecordingError"]


class RecordingError(AkoolError):
    """A recording ended early, by a full disk for example; the file has what came before.

    The cause is chained.
    """
