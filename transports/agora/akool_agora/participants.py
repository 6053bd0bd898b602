"""An Agora engine's events, with Agora's reasons and tokens, as changes of the connection."""

from __future__ import annotations

from collections.abc import Callable

from akool_agora.errors import REASONS, disconnected_error
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats
from akool_async.transport.engines.participants import ParticipantTracker

__all__ = ["AgoraParticipants"]


class AgoraParticipants(ParticipantTracker):
    """`akool_agora.EngineEvents` for a `ParticipantTracker`.

    Args:
        stats: the adapter's.
        own_id: our uid.
        avatar_id: the avatar's; `None`: learned.
        token_will_expire: is called with the seconds that are left, `None` if that isn't known.
    """

    def __init__(
        self,
        stats: TransportStats,
        *,
        own_id: str,
        avatar_id: str | None,
        token_will_expire: Callable[[float | None], None],
    ) -> None:
        super().__init__(stats, own_id=own_id, avatar_id=avatar_id)
        self._token_will_expire = token_will_expire

    def reconnecting(self, reason: int) -> None:
        """The connection broke."""
        self.report_reconnecting(
            REASONS[reason][1] if reason in REASONS else f"Agora's reason {reason}"
        )

    def reconnected(self, reason: int) -> None:
        """It is back."""
        del reason
        self.report_reconnected()

    def disconnected(self, reason: int) -> None:
        """The end."""
        self.finish(disconnected_error(reason))

    def token_will_expire(self, seconds_left: float | None) -> None:
        """Reported whether or not the token gets renewed."""
        self.inbox.put(ConnectionChange(ConnectionState.TOKEN_EXPIRING, seconds_left=seconds_left))
        self._token_will_expire(seconds_left)
