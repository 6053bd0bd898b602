"""Where a real LiveKit server is, its tokens, and calls of its own API.

`livekit-api` is imported on use, so that a program can name a server without it.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp

from akool_async.errors import InvalidParameterError

if TYPE_CHECKING:
    from livekit.api.room_service import RoomService

__all__ = ["LiveKitServer"]

#: Seconds that a call of the server's own API may take.
_API_TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True)
class LiveKitServer:
    """A LiveKit server for the simulator's avatar, and the key pair to mint its tokens with.

    ```python
    async with Simulator(livekit=LiveKitServer(url, key, secret)) as sim: ...
    ```

    The client gets credentials of the server, joins, and finds the avatar there.

    Raises:
        InvalidParameterError: the URL isn't ws, wss, http or https, or a part is empty.
    """

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("ws://", "wss://", "http://", "https://")):
            raise InvalidParameterError("url", f"{self.url!r} isn't a ws:// or wss:// URL")
        for name in ("api_key", "api_secret"):
            if not getattr(self, name):
                raise InvalidParameterError(name, "is empty")

    @property
    def websocket_url(self) -> str:
        """For clients."""
        return "ws" + self.url.removeprefix("http") if self.url.startswith("http") else self.url

    def token(
        self, identity: str, room: str, *, lifetime: float, can_publish_data: bool = True
    ) -> str:
        """A token to join a room with, good for `lifetime` seconds."""
        from livekit import api

        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=True,
            can_publish_data=can_publish_data,
            can_subscribe=True,
        )
        token = api.AccessToken(self.api_key, self.api_secret).with_identity(identity)
        # Whole seconds: a server reads the claim as an integer.
        ttl = datetime.timedelta(seconds=int(lifetime))
        return token.with_grants(grants).with_ttl(ttl).to_jwt()

    async def delete_room(self, name: str) -> None:
        """Ends a room and removes whoever is in it; does nothing where there is none."""
        from livekit import api

        async with self._rooms() as rooms:
            await rooms.delete_room(api.DeleteRoomRequest(room=name))

    async def remove(self, room: str, identity: str) -> None:
        """Removes a participant from a room; does nothing where it isn't there."""
        from livekit import api

        wanted = api.RoomParticipantIdentity(room=room, identity=identity)
        for last in (False, False, True):
            try:
                async with self._rooms() as rooms:
                    await rooms.remove_participant(wanted)
            except api.TwirpError as error:
                # "No response from servers": the participant is leaving at this very moment.
                if last or error.code != "unavailable":
                    raise
            else:
                return
            await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _rooms(self) -> AsyncIterator[RoomService]:
        from livekit import api

        timeout = aiohttp.ClientTimeout(total=_API_TIMEOUT)
        async with api.LiveKitAPI(
            self.url, self.api_key, self.api_secret, timeout=timeout
        ) as server:
            try:
                yield server.room
            except api.TwirpError as error:
                if error.code != "not_found":
                    raise
