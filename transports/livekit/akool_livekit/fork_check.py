"""Whether this process can use the livekit client at all: not after a `fork`.

The client's native part and its threads stay behind in the parent (docs/livekit.md, "More facts").
"""

from __future__ import annotations

import os
import sys

from akool_async.errors import JoinError

__all__ = ["check_process"]

#: The process that joined first; a child inherits it.
_used_in: int | None = None


def check_process() -> None:
    """Notes that this process uses the client.

    Raises:
        JoinError: its parent has used it before the fork.
    """
    global _used_in
    check_not_forked()
    _used_in = os.getpid()


def check_not_forked() -> None:
    """Checks it without noting anything.

    Raises:
        JoinError: the parent of this process has used the client before the fork.
    """
    used_in = _used_in
    if used_in is None:
        # The program may have used the client by itself.
        client = getattr(sys.modules.get("livekit.rtc._ffi_client"), "FfiClient", None)
        used_in = getattr(getattr(client, "_instance", None), "_pid", None)
    if used_in is not None and used_in != os.getpid():
        raise JoinError(
            "the process that this one was forked from has used the livekit client, which doesn't "
            "work across fork(). Start processes that join LiveKit rooms by spawn or forkserver "
            "(multiprocessing.set_start_method('spawn')), or fork before the first room is joined",
            retryable=False,
        )
