"""TRTC's codes and reasons as this library's exceptions: the one place for it."""

from __future__ import annotations

from typing import Final

from akool_async.errors import DisconnectedError, JoinError, JoinRefusedError, SendError
from akool_trtc.engine import EngineError

__all__ = ["FAILED", "NOT_ALLOWED", "disconnected_error", "join_error", "send_error"]

BAD_PARAMETER: Final = 5000
NOT_ALLOWED: Final = 5100
SERVER: Final = 5400
FAILED: Final = 5500

_CODES: Final = {
    BAD_PARAMETER: "a bad parameter",
    NOT_ALLOWED: "not allowed now (not in the room, not an anchor, or too often)",
    SERVER: "the server refused it",
    FAILED: "it failed",
}

#: Engine's reason -> (`DisconnectedError.reason`, in words).
_REASONS: Final = {
    "kick": ("same_identity", "the same user joined from elsewhere"),
    "banned": ("banned", "this user was removed from the room"),
    "room_disband": ("room_closed", "the room was dissolved"),
    "network": ("connection_lost", "the connection didn't come back"),
}


def _words(code: int) -> str:
    return _CODES.get(code, "an error")


def join_error(error: EngineError) -> JoinError:
    """Why the room couldn't be entered; 5000 and 5400 are about what was joined with."""
    message = f"TRTC didn't let us in: {_words(error.code)} ({error.code})"
    if error.code in (BAD_PARAMETER, SERVER):
        return JoinRefusedError(f"{message}. Are app id, user id and userSig those of the session?")
    return JoinError(message)


def disconnected_error(reason: str) -> DisconnectedError:
    """Why the room is gone for good."""
    short, words = _REASONS.get(reason, (reason, reason))
    return DisconnectedError(
        f"The TRTC room is gone: {words}",
        reason=short,
        retryable=short in ("connection_lost", "same_identity"),
    )


def send_error(error: EngineError) -> SendError:
    """Why a packet wasn't taken. After 5400 and 5500 it may be on its way all the same."""
    return SendError(
        f"TRTC didn't take a packet: {_words(error.code)} ({error.code})",
        code=error.code,
        retryable=error.code in (NOT_ALLOWED, SERVER),
    )
