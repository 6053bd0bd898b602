"""A TRTC engine's events, with TRTC's reasons, as changes of the connection."""

from __future__ import annotations

from akool_async.transport.engines.participants import ParticipantTracker
from akool_trtc.errors import disconnected_error

__all__ = ["TRTCParticipants"]


class TRTCParticipants(ParticipantTracker):
    """`akool_trtc.EngineEvents` for a `ParticipantTracker`."""

    def reconnecting(self) -> None:
        """The connection broke."""
        self.report_reconnecting()

    def reconnected(self) -> None:
        """It is back."""
        self.report_reconnected()

    def disconnected(self, reason: str) -> None:
        """The end."""
        self.finish(disconnected_error(reason))
