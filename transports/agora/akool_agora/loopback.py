"""The loopback engine: joins an Agora room of the simulator, over a websocket on this machine.

As the SDK would, it takes a packet that was on its way when the connection broke as sent, since the
stream is unreliable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from akool_agora.engine import EngineEvents, Room
from akool_agora.errors import INTERRUPTED, JOIN_FAILED, LOST, NOT_IN_CHANNEL
from akool_async.transport.engines.engine import EngineError
from akool_async.transport.engines.relay_client import RelayEngine, resolve
from akool_async.transport.engines.relay_wire import JoinRequest

__all__ = ["LoopbackEngine"]

_REJOINED: Final = 15


class LoopbackEngine(RelayEngine[Room, EngineEvents]):
    """An `Engine` over the simulator's relay."""

    kind: ClassVar[str] = "agora"
    unreachable: ClassVar[int] = JOIN_FAILED
    not_in_room: ClassVar[int] = NOT_IN_CHANNEL
    broke: ClassVar[int] = NOT_IN_CHANNEL
    verdict_lost: ClassVar[int] = 0

    def __init__(self, base_url: str, *, give_up_after: float = 20.0) -> None:
        super().__init__(base_url, give_up_after=give_up_after)
        self._renewals: deque[asyncio.Future[int]] = deque()

    async def renew_token(self, token: str) -> None:
        """Gives the relay a new token. See `Engine.renew_token`."""
        ws = self.connected()
        verdict: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._renewals.append(verdict)
        try:
            await ws.send_json({"do": "renew", "token": token})
        except ConnectionError as error:
            raise EngineError(NOT_IN_CHANNEL) from error
        if code := await verdict:
            raise EngineError(code)

    def join_request(self, room: Room) -> JoinRequest:
        """With Agora's app id."""
        return JoinRequest(room.channel, str(room.uid), room.token, {"app_id": room.app_id})

    def report_reconnecting(self, events: EngineEvents) -> None:
        """Reason 2."""
        events.reconnecting(INTERRUPTED)

    def report_reconnected(self, events: EngineEvents) -> None:
        """Reason 15."""
        events.reconnected(_REJOINED)

    def report_end(self, events: EngineEvents, why: int | str | EngineError | None) -> None:
        """The relay's reason, or 16: lost."""
        if why is None:
            why = LOST
        events.disconnected(why.code if isinstance(why, EngineError) else int(why))

    def notice(self, notice: Mapping[str, Any], events: EngineEvents) -> None:
        """What concerns the token."""
        if notice["event"] == "token_will_expire":
            events.token_will_expire(notice["seconds"])
        elif notice["event"] == "renewed":
            resolve(self._renewals, notice["code"])

    def settle(self) -> None:
        """As in the base class; a renewal in progress failed, too."""
        super().settle()
        while self._renewals:
            resolve(self._renewals, NOT_IN_CHANNEL)
