"""The loopback engine: joins a TRTC room of the simulator, over a websocket on this machine.

A packet whose verdict was lost with the connection has failed (5500), as a promise of the web SDK
would.
"""

from __future__ import annotations

from typing import ClassVar

from akool_async.transport.engines.engine import EngineError
from akool_async.transport.engines.relay_client import RelayEngine
from akool_async.transport.engines.relay_wire import JoinRequest
from akool_trtc.engine import CMD_ID, EngineEvents, Room
from akool_trtc.errors import FAILED, NOT_ALLOWED

__all__ = ["LoopbackEngine"]


class LoopbackEngine(RelayEngine[Room, EngineEvents]):
    """An `Engine` over the simulator's relay."""

    kind: ClassVar[str] = "trtc"
    command: ClassVar[int] = CMD_ID
    unreachable: ClassVar[int] = FAILED
    not_in_room: ClassVar[int] = NOT_ALLOWED
    broke: ClassVar[int] = FAILED
    verdict_lost: ClassVar[int] = FAILED

    def join_request(self, room: Room) -> JoinRequest:
        """With TRTC's fields: a string room id, the role of an anchor."""
        return JoinRequest(
            room.room_id,
            room.user_id,
            room.user_sig,
            {"room_kind": "string", "app_id": room.sdk_app_id, "role": "anchor"},
        )

    def report_reconnecting(self, events: EngineEvents) -> None:
        """Without a reason: TRTC gives none."""
        events.reconnecting()

    def report_reconnected(self, events: EngineEvents) -> None:
        """Back."""
        events.reconnected()

    def report_end(self, events: EngineEvents, why: int | str | EngineError | None) -> None:
        """The web SDK's reason, or "network"."""
        events.disconnected("network" if why is None or isinstance(why, EngineError) else str(why))
