"""What an ended connection means: joined again, or the room's end. RFC 6455 §7.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from akool_async.errors import DisconnectedError
from akool_chatroom.address import Address

if TYPE_CHECKING:
    from websockets.exceptions import ConnectionClosed

__all__ = ["CloseInfo", "ConnectionEndedError", "read_close"]

#: Close codes after which joining again is no use, each with `DisconnectedError.reason`. Any other
#: one may be an accident: if the room is really gone, joining again is refused.
FINAL: Final = {
    1000: "room_closed",  # "the purpose of the connection has been fulfilled"
    1008: "removed",  # a policy was violated; also the usual "you aren't allowed here"
    3000: "removed",  # unauthorized (IANA registry)
    3003: "removed",  # forbidden (IANA registry)
}

#: In a close reason, these say that the session ran out.
RAN_OUT: Final = ("timeout", "timed out", "time out", "expired")

TOO_LARGE: Final = 1009


@dataclass(frozen=True, slots=True)
class CloseInfo:
    """How a connection ended.

    Attributes:
        text: for a person; holds nothing secret.
        reason: `DisconnectedError.reason` where the room is over or given up.
        final: whether joining again is no use.
        too_large: it broke because a frame was larger than `max_size`.
    """

    text: str
    reason: str = "connection_lost"
    final: bool = False
    too_large: bool = False

    def error(self, *, session_id: str | None) -> DisconnectedError:
        """The error for everything that waits."""
        whose = f" of session {session_id}" if session_id else ""
        return DisconnectedError(
            f"the chat room{whose} is gone: {self.text}",
            reason=self.reason,
            retryable=not self.final,
        )


class ConnectionEndedError(Exception):
    """A connection is gone; `close_info` says how. Never leaves this package."""

    def __init__(self, info: CloseInfo) -> None:
        super().__init__(info.text)
        self.close_info = info


def read_close(error: ConnectionClosed, address: Address) -> CloseInfo:
    """Reads the close frames of an ended connection; the one that came first decides."""
    theirs = error.rcvd is not None and error.rcvd_then_sent is not False
    close = error.rcvd if theirs else error.sent
    if close is None:
        return CloseInfo("the connection broke")
    said = address.redact(close.reason)
    if not theirs:
        # We ended it: websockets does so for a missed ping (1011), a frame beyond `max_size`
        # (1009) and a broken protocol (1002).
        return CloseInfo(
            f"we broke the connection off: {close.code} {said}".rstrip(),
            too_large=close.code == TOO_LARGE,
        )
    text = f"the server closed it with {close.code}" + (f" ({said})" if said else "")
    reason = FINAL.get(close.code)
    if reason is None:
        return CloseInfo(text)
    if any(word in said.lower() for word in RAN_OUT):
        reason = "timed_out"
    return CloseInfo(text, reason, final=True)
