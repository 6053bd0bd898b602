"""A TRTC engine's events, with TRTC's reasons, as what a program gets to see."""

from __future__ import annotations

from akool_async.transport.engines.participants import Presence as AnyPresence
from akool_trtc.errors import disconnected_error

__all__ = ["Presence"]


class Presence(AnyPresence):
    """`akool_trtc.EngineEvents`, for `akool_async.transport.engines.participants.Presence`."""

    def reconnecting(self) -> None:
        """The connection broke."""
        self.broke()

    def reconnected(self) -> None:
        """It is back."""
        self.mended()

    def disconnected(self, reason: str) -> None:
        """The end."""
        self.finish(disconnected_error(reason))
