"""Agora's connection reasons and error codes as this library's exceptions: the one place for it."""

from __future__ import annotations

from typing import Final

from akool_agora.engine import EngineError
from akool_async.errors import (
    DisconnectedError,
    JoinError,
    JoinRefusedError,
    SendError,
)

__all__ = [
    "BANNED",
    "INTERRUPTED",
    "JOIN_FAILED",
    "LOST",
    "NOT_IN_CHANNEL",
    "REASONS",
    "TOKEN_EXPIRED",
    "TOO_FAST",
    "disconnected_error",
    "join_error",
    "send_error",
]

INTERRUPTED: Final = 2
BANNED: Final = 3
JOIN_FAILED: Final = 4
TOKEN_EXPIRED: Final = 9
LOST: Final = 16

NOT_IN_CHANNEL: Final = -113
#: Refused for now and surely not sent: the same packet may be tried again a little later.
TOO_FAST: Final = frozenset({-12, -115})

#: Connection reason -> (`DisconnectedError.reason`, in words). Numbers are the vendor's.
REASONS: Final = {
    1: ("joined", "joined"),
    INTERRUPTED: ("connection_lost", "the connection was interrupted"),
    BANNED: ("banned", "the server banned this user from the channel"),
    JOIN_FAILED: ("connection_lost", "the channel couldn't be joined"),
    5: ("closed", "left"),
    6: ("bad_app_id", "the app id is invalid"),
    7: ("bad_channel", "the channel's name is invalid"),
    8: ("bad_token", "the token is invalid"),
    TOKEN_EXPIRED: ("token_expired", "the token has expired"),
    10: ("room_closed", "the server rejected this user, or the session is over"),
    14: ("connection_lost", "the server wasn't heard any more"),
    LOST: ("connection_lost", "the connection was lost"),
    19: ("same_identity", "the same uid joined from elsewhere"),
    20: ("too_many_hosts", "there are too many hosts in the channel"),
}

#: Reasons that the same credentials will meet again.
_REFUSALS: Final = frozenset({BANNED, 6, 7, 8, TOKEN_EXPIRED, 10})

#: Error code -> in words. The SDK answers them to `send_stream_message`.
_CODES: Final = {
    -2: "a bad argument",
    -7: "the SDK isn't initialized",
    -12: "more than 60 packets in a second",
    NOT_IN_CHANNEL: "not in the channel",
    -114: "a packet of more than 1024 bytes",
    -115: "more than 6 KB in a second",
}


def _words(code: int) -> str:
    if code < 0:
        return _CODES.get(code, "an error")
    return REASONS.get(code, ("", "an unknown reason"))[1]


def join_error(error: EngineError) -> JoinError:
    """Why the channel couldn't be joined."""
    if error.code == TOKEN_EXPIRED:
        return JoinRefusedError(
            "The token in the session's credentials has expired (Agora's reason 9): it is good for "
            "five minutes to join with. Join sooner, or make a new session."
        )
    message = f"Agora refused to let us join: {_words(error.code)} ({error.code})"
    if error.code in _REFUSALS:
        return JoinRefusedError(message)
    return JoinError(message)


def disconnected_error(reason: int) -> DisconnectedError:
    """Why the channel is gone for good."""
    short = REASONS[reason][0] if reason in REASONS else f"agora_{reason}"
    return DisconnectedError(
        f"The Agora channel is gone: {_words(reason)} ({reason})",
        reason=short,
        retryable=short in ("connection_lost", "same_identity"),
    )


def send_error(error: EngineError) -> SendError:
    """Why a packet wasn't taken."""
    return SendError(
        f"Agora didn't take a packet: {_words(error.code)} ({error.code})",
        code=error.code,
        retryable=error.code in TOO_FAST or error.code == NOT_IN_CHANNEL,
    )
