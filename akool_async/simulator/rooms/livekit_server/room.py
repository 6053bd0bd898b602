"""The simulator's avatar in a room of a real LiveKit server, or in a room of the user's own."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from akool_async.errors import MissingDependencyError
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.link import SimulatedLink
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.simulator.rooms.room import (
    MakeFault,
    RoomEvents,
    RoomRequest,
    SimRoom,
    check_media_kind,
)
from akool_async.simulator.tasks import Tasks

try:
    from livekit import api

    from akool_async.simulator.rooms.livekit_server.client import RoomClient
except ImportError as error:
    raise MissingDependencyError(
        f"The simulator can't go into a real LiveKit room: {error}.",
        install='pip install "akool-async[livekit,simulator]"',
    ) from error

if TYPE_CHECKING:
    from akool_async.simulator.rooms.livekit_server.media import RoomMedia

__all__ = ["LiveKitServerRoom"]

logger = logging.getLogger(__name__)

#: The token outlives its session by this much, in seconds.
_TOKEN_MARGIN: Final = 60.0


class LiveKitServerRoom(SimRoom):
    """A session's room on a real server.

    Attributes:
        name: the room's, on the server; "" in a room of the user's own.
        avatar_identity, client_identity: "" where the user made the tokens.
    """

    kind = "livekit"
    carries_media = True

    def __init__(
        self,
        request: RoomRequest,
        events: RoomEvents,
        *,
        server: LiveKitServer | None = None,
    ) -> None:
        """`server` may be left out where the user brings a room of their own."""
        super().__init__(request, events)
        if server is None and request.credentials is None:
            raise ValueError("a room that the simulator makes needs a server to make it on")
        self.server = server
        self.name = ""
        self.avatar_identity = ""
        self.client_identity = ""
        self._avatar = RoomClient(self)
        self._strangers: dict[str, RoomClient] = {}
        self._link = SimulatedLink(self.conditions, reliable=False)
        self._sending = Tasks()
        self._meeting: MeetingPlayer | None = None
        self._closed = False

    async def open(self) -> dict[str, Any]:
        """Puts the avatar in; `credentials` for the caller."""
        own = self.request.credentials
        if own is not None:
            self._avatar = RoomClient(self, self.media)
            await self._avatar.join(str(own["livekit_url"]), str(own["livekit_token"]), track=True)
            self.avatar_identity = self._avatar.identity
            return dict(own)
        assert self.server is not None
        self.name = f"akool_{self.request.session_id}"
        self.avatar_identity = f"avatar_{secrets.token_hex(4)}"
        self.client_identity = f"client_{secrets.token_hex(4)}"
        await self._bring_avatar()
        return {
            "livekit_url": self.server.websocket_url,
            "livekit_token": self.new_token(),
            "livekit_room_name": self.name,
            "livekit_server_identity": self.avatar_identity,
            "livekit_client_identity": self.client_identity,
        }

    async def meet(self, player: MeetingPlayer) -> None:
        """See `SimRoom`."""
        self._meeting = player
        await self._avatar.meet(player, tracks=self._hears_tracks)

    @property
    def _hears_tracks(self) -> bool:
        """Whether speech may come in a published track; the credentials may rule that out."""
        own = self.request.credentials
        return own is None or not own.get("audio_only_from_data_stream")

    def new_token(self, *, lifetime: float | None = None, identity: str | None = None) -> str:
        """A token for this room; `lifetime` in seconds, by default a little over the session's."""
        assert self.server is not None
        lasting = self.request.duration + _TOKEN_MARGIN if lifetime is None else lifetime
        return self.server.token(identity or self.client_identity, self.name, lifetime=lasting)

    async def send(self, packet: bytes) -> None:
        """The avatar sends to all."""
        if self.conditions.perfect:
            await self._avatar.send(packet)
            return
        self._link.carry(
            lambda: self._sending.spawn(self._avatar.send(packet), "simulator-room-sending")
        )

    async def leave(self) -> None:
        """The avatar leaves; the room stays."""
        await self._avatar.leave()

    async def close(self, reason: str) -> None:
        """The avatar leaves; a room that the simulator made is deleted."""
        del reason
        if self._closed:
            return
        self._closed = True
        self._link.close()
        await self._sending.stop()
        await asyncio.gather(
            self._avatar.leave(), *(stranger.leave() for stranger in self._strangers.values())
        )
        if self.name and self.server is not None:
            try:
                await self.server.delete_room(self.name)
            except (aiohttp.ClientError, api.TwirpError, TimeoutError) as error:
                logger.warning("a LiveKit room couldn't be deleted: %s", type(error).__name__)

    @property
    def faults(self) -> Mapping[str, MakeFault]:
        """As in the simulator's own room, without its options that no real server has.

        A real server does by itself what `reuse_transceiver` is there.
        """
        faults: dict[str, MakeFault] = {
            "remove": self._remove,
            "close_room": functools.partial(self.close, "closed"),
            "avatar_leaves": self._avatar_leaves,
            "avatar_returns": self._bring_avatar,
            "stranger_joins": self._stranger_joins,
            "stranger_sends": self._stranger_sends,
            "stranger_leaves": self._stranger_leaves,
        }
        if self.media is not None:
            faults |= {
                "freeze_video": self.media.feed.freeze,
                "mute": self._mute,
                "unpublish": self._unpublish,
                "republish": self._republish,
            }
        return faults

    # RoomListener, for the avatar

    def joined(self, identity: str) -> None:
        """Hands on to the simulator."""
        if not self._closed:
            self.events.joined(identity)

    def left(self, identity: str) -> None:
        """Hands on to the simulator."""
        if not self._closed:
            self.events.left(identity)

    def packet(self, data: bytes, sender: str) -> None:
        """Hands on to the simulator, as the conditions have it."""
        # A packet whose sender the room doesn't name yet is the session's client's.
        sender = sender or self.client_identity
        self._link.carry(lambda: self.events.packet(data, sender))

    async def _bring_avatar(self) -> None:
        assert self.server is not None
        self._avatar = RoomClient(self, self.media)
        token = self.new_token(identity=self.avatar_identity)
        await self._avatar.join(self.server.websocket_url, token, track=True)
        if self._meeting is not None:
            await self._avatar.meet(self._meeting, tracks=self._hears_tracks)

    async def _avatar_leaves(self) -> None:
        await self._avatar.leave()
        await self._gone(self.avatar_identity)

    def _mute(self, *, kind: str = "audio", on: bool = True) -> None:
        if media := self._published(kind):
            media.mute(kind, on=on)

    async def _unpublish(self, *, kind: str = "video") -> None:
        if media := self._published(kind):
            await media.unpublish_track(kind)

    async def _republish(self, *, kind: str = "video") -> None:
        if media := self._published(kind):
            await media.publish_track(kind)

    def _published(self, kind: str) -> RoomMedia | None:
        """The avatar's tracks; `None` while it isn't in the room.

        Raises:
            ValueError: there is no such kind.
        """
        check_media_kind(kind)
        return self._avatar.media

    async def _remove(self) -> None:
        assert self.server is not None
        await self.server.remove(self.name, self.client_identity)

    async def _stranger_joins(self, identity: str = "stranger", *, track: bool = True) -> None:
        assert self.server is not None
        stranger = self._strangers[identity] = RoomClient()
        token = self.new_token(identity=identity)
        await stranger.join(self.server.websocket_url, token, track=track)

    async def _stranger_sends(
        self,
        data: bytes,
        identity: str = "stranger",
        *,
        topic: str = "",
        to: Sequence[str] | None = None,
    ) -> None:
        # By default to the client alone: the avatar would answer it.
        to = [self.client_identity] if to is None else to
        await self._strangers[identity].send(data, topic=topic, to=to)

    async def _stranger_leaves(self, identity: str = "stranger") -> None:
        await self._strangers.pop(identity).leave()
        await self._gone(identity)

    async def _gone(self, identity: str) -> None:
        """A client's goodbye may be lost as it closes; the server would show them for a while."""
        if self.server is None or not self.name:
            return
        await self.server.remove(self.name, identity)
