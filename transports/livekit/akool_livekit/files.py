"""Whether this process may open the files that one more room needs.

See docs/livekit.md, "Sockets run out".

Past the limit the client doesn't fail cleanly: rooms join and then carry nothing.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from akool_async.errors import JoinError

__all__ = ["FILES_PER_JOIN", "check_file_limit", "open_files"]

#: File descriptors that one room takes while it is being joined; afterwards about 15 stay.
FILES_PER_JOIN: Final = 80

#: Where the system lists the open descriptors of a process: Linux, macOS.
_LISTINGS: Final = (Path("/proc/self/fd"), Path("/dev/fd"))


def check_file_limit(joins: int = 1) -> None:
    """Checks that `joins` more rooms can be brought up at once.

    Raises:
        JoinError: they can't; says the number of open files that is needed. Retryable: another
            room may close.
    """
    try:
        import resource
    except ImportError:  # no such limit on Windows
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return
    open_now = open_files()
    if open_now is None:
        return
    needed = open_now + joins * FILES_PER_JOIN
    if needed > limit:
        raise JoinError(
            f"this process may open {limit} files and has {open_now} open; joining a LiveKit room "
            f"takes up to {joins * FILES_PER_JOIN} more: raise the limit to {needed} or more "
            f"(ulimit -n {needed})",
            retryable=True,
        )


def open_files() -> int | None:
    """How many this process has open; `None` where the system doesn't tell."""
    for listing in _LISTINGS:
        with contextlib.suppress(OSError):
            return sum(1 for _ in listing.iterdir())
    return None
