"""Whether this process may open the file descriptors that one more room needs.

Past the limit (`ulimit -n`) vendors' clients don't fail clearly: LiveKit's joins and carries
nothing (docs/livekit.md), others report a server that can't be reached.
"""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path
from typing import Final

from akool_async.errors import JoinError

__all__ = ["check_file_limit", "is_file_limit", "open_files"]

#: Where the system lists the open descriptors of a process: Linux, macOS.
_LISTINGS: Final = (Path("/proc/self/fd"), Path("/dev/fd"))


def check_file_limit(files: int, room: str) -> None:
    """Checks that `files` more descriptors can be opened to join a `room` ("LiveKit room").

    Raises:
        JoinError: they can't; says the limit that is needed. Retryable: another room may close.
    """
    limit = _limit()
    if limit is None:
        return
    open_now = open_files()
    if open_now is None:
        return
    needed = open_now + files
    if needed > limit:
        raise JoinError(
            f"this process may open {limit} files and has {open_now} open; joining the {room} "
            f"takes up to {files} more: raise the limit to {needed} or more (ulimit -n {needed})",
            retryable=True,
        )


def is_file_limit(error: BaseException | None) -> bool:
    """Whether an error, or one that caused it, says that no more files can be opened."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__ or error.__context__
    return False


def open_files() -> int | None:
    """How many files this process has open; `None` where the system doesn't say."""
    for listing in _LISTINGS:
        try:
            return sum(1 for _ in listing.iterdir())
        except OSError as error:
            if is_file_limit(error):
                # Not even the listing can be opened.
                return _limit()
    return None


def _limit() -> int | None:
    """The limit of this process; `None` where there is none."""
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return None if limit == resource.RLIM_INFINITY else limit
    return None
