"""An Agora engine's events, with Agora's reasons and tokens, as what a program gets to see."""

from __future__ import annotations

from collections.abc import Callable

from akool_agora.errors import REASONS, disconnected_error
from akool_async.transport import ConnectionChange, ConnectionState, TransportStats
from akool_async.transport.engines.participants import Presence as AnyPresence

__all__ = ["Presence"]


class Presence(AnyPresence):
    """`akool_agora.EngineEvents`, for `akool_async.transport.engines.participants.Presence`.

    Args:
        stats: the adapter's.
        own_id: our uid.
        avatar_id: the avatar's; `None`: whoever else is there.
        token_will_expire: is told how many seconds are left, `None` where that isn't known.
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
        self.broke(REASONS[reason][1] if reason in REASONS else f"Agora's reason {reason}")

    def reconnected(self, reason: int) -> None:
        """It is back."""
        del reason
        self.mended()

    def disconnected(self, reason: int) -> None:
        """The end."""
        self.finish(disconnected_error(reason))

    def token_will_expire(self, seconds_left: float | None) -> None:
        """An event, whether or not the token gets renewed."""
        self.inbox.put(ConnectionChange(ConnectionState.TOKEN_EXPIRING, seconds_left=seconds_left))
        self._token_will_expire(seconds_left)
