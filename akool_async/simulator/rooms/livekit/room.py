"""The simulator's own LiveKit room: the real `livekit` clients join it over real WebRTC.

Signalling is a websocket at `/rtc` on the simulator's port. The newer path `/rtc/v1` answers 404
(with a CORS header: browsers need it to see the 404), and clients of both generations fall back.
Data only, unless the simulator has media on: then participants see and hear the avatar, and it
hears their microphones. A track can be published in either case.

A program's own room can be here, too: any token that is signed with the simulator's key pair opens
the room it names, as on a livekit-server, and a session made with such credentials has its avatar
come there.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from livekit.protocol import models as pb

from akool_async.models.addresses import hostname, is_loopback
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.livekit.faults import Faults, Gate, MediaFaults
from akool_async.simulator.rooms.livekit.hub import DataRoom, Resident, new_sid
from akool_async.simulator.rooms.livekit.meeting import ResidentMeeting
from akool_async.simulator.rooms.livekit.member import Member
from akool_async.simulator.rooms.livekit.tokens import Grants, TokenRefusedError, mint, read
from akool_async.simulator.rooms.room import (
    MakeFault,
    RoomDirectory,
    RoomEvents,
    RoomRequest,
    SimRoom,
)

__all__ = ["LiveKitRoom"]

#: Service-made rooms; a room of this name exists as long as its session does.
_PREFIX: Final = "akool_"
#: The token outlives its session by this much, in seconds.
_TOKEN_MARGIN: Final = 60.0
#: A room of the user's own stays at least this long, in seconds, even while it is empty.
_OWN_ROOM_STAYS: Final = 60.0
#: What the avatar publishes.
_TRACKS: Final = {
    "audio": (pb.TrackType.AUDIO, pb.TrackSource.MICROPHONE),
    "video": (pb.TrackType.VIDEO, pb.TrackSource.CAMERA),
}


class LiveKitRoom(SimRoom):
    """A session's room with the avatar in it.

    Attributes:
        hub: who is in the room.
        gate: how a client that wants to join is answered.
        avatar: the avatar as an occupant.
        client_identity: the one that the session's token is for.
    """

    kind = "livekit"
    carries_media = True

    def __init__(self, request: RoomRequest, events: RoomEvents) -> None:
        super().__init__(request, events)
        self._own = request.credentials
        if self._own is None:
            self.hub = DataRoom(f"{_PREFIX}{request.session_id}")
            self._grants = Grants(f"avatar_{secrets.token_hex(4)}", self.hub.name)
        else:
            self._grants = read(str(self._own["livekit_token"]))
            self.hub = _own_rooms.at(urlsplit(self.base_url).port, self._grants.room)
        self.hub.link.conditions = self.conditions
        self.hub.on_joined = self._joined
        self.hub.on_left = self._left
        self.gate = Gate()
        self.client_identity = f"client_{secrets.token_hex(4)}"
        self._meeting: ResidentMeeting | None = None
        self.avatar = self._new_avatar()
        self._faults: Faults | None = None
        self._closed = False

    async def open(self) -> dict[str, Any]:
        """Puts the avatar in; `credentials` for the caller."""
        self.avatar.media = self.media
        self.hub.enter(self.avatar)
        if self._own is not None:
            for occupant in self.hub.occupants.values():
                if occupant is not self.avatar and occupant.active:
                    self._joined(occupant.grants.identity)
            return dict(self._own)
        return {
            "livekit_url": _websocket_url(self.base_url),
            "livekit_token": self.new_token(),
            "livekit_room_name": self.hub.name,
            "livekit_server_identity": self.avatar.grants.identity,
            "livekit_client_identity": self.client_identity,
        }

    async def meet(self, player: MeetingPlayer) -> None:
        """See `SimRoom`. Without media it takes data streams alone, and they aren't heard."""
        if self.media is not None:
            # Needs PyAV, which a room of data doesn't.
            from akool_async.simulator.rooms.meeting_media import MouthOutput, speak_microphones

            player.output = MouthOutput(self.media.mouth)
            if self._own is None or not self._own.get("audio_only_from_data_stream"):
                speak_microphones(self.media, player)
                self.hub.speaks_microphones = True
        self._meeting = ResidentMeeting(player, self._send_data)
        self.avatar.on_data = self._meeting.receive
        await self._meeting.start()

    def new_token(self, *, lifetime: float | None = None, identity: str | None = None) -> str:
        """A token for this room; `lifetime` in seconds, by default a little over the session's."""
        grants = Grants(identity=identity or self.client_identity, room=self.hub.name)
        lasting = self.request.duration + _TOKEN_MARGIN if lifetime is None else lifetime
        return mint(grants, lifetime=lasting)

    async def send(self, packet: bytes) -> None:
        """The avatar sends to all; lost while it isn't in the room."""
        if self._avatar_is_here:
            self.hub.send_bytes(self.avatar, packet)

    def _send_data(self, packet: pb.DataPacket) -> None:
        if self._avatar_is_here:
            self.hub.send(self.avatar, packet)

    @property
    def _avatar_is_here(self) -> bool:
        return self.hub.occupants.get(self.avatar.grants.identity) is self.avatar

    def publish(self, *, on: bool = True) -> None:
        """The avatar's tracks are announced, or not any more."""
        self.change_tracks([self.new_track(kind) for kind in _TRACKS if on])

    def new_track(self, kind: str) -> pb.TrackInfo:
        """A new track, "audio" or "video"; it isn't published yet."""
        its_type, source = _TRACKS[kind]
        track = pb.TrackInfo(
            sid=new_sid("TR"), type=its_type, name=kind, source=source, stream="camera"
        )
        media = self.media
        if media is None:
            return track
        track.muted = kind in media.broadcast.muted
        if kind == "audio":
            track.mime_type, track.disable_red = "audio/opus", True
        else:
            track.mime_type = "video/VP8"
            track.width, track.height = media.settings.width, media.settings.height
            # Browsers' clients ask for a layer, and one there must be.
            track.layers.add(
                quality=pb.VideoQuality.HIGH,
                width=track.width,
                height=track.height,
                bitrate=media.broadcast.bits,
            )
        return track

    def change_tracks(self, tracks: list[pb.TrackInfo]) -> None:
        """The avatar publishes these tracks, and no others."""
        self.avatar.tracks = tracks
        if self._avatar_is_here:
            self.hub.send_entry(self.avatar)

    async def leave(self) -> None:
        """The avatar leaves; the room stays."""
        await self._end_meeting()
        self.hub.leave(self.avatar)

    async def _end_meeting(self) -> None:
        if self._meeting is not None:
            await self._meeting.stop()

    async def close(self, reason: str) -> None:
        """Dismisses all participants, as deleting a room does; a room of the user's own stays."""
        del reason
        if self._closed:
            return
        self._closed = True
        await self._end_meeting()
        if self._own is not None:
            self.hub.leave(self.avatar)
            self.hub.on_joined = self.hub.on_left = None
            _own_rooms.tidy()
            return
        self.gate.close()
        await self.dismiss_members(pb.DisconnectReason.ROOM_DELETED)
        self.hub.close()

    @property
    def faults(self) -> Mapping[str, MakeFault]:
        """See `Faults` and, with media, `MediaFaults`."""
        if self._faults is None:
            self._faults = Faults(self) if self.media is None else MediaFaults(self)
        return self._faults.by_name()

    async def dismiss_members(self, reason: pb.DisconnectReason) -> None:
        """Asks all who came over the network to leave."""
        await asyncio.gather(*(member.dismiss(reason) for member in self.members()))

    def members(self) -> list[Member]:
        """Those who came over the network."""
        return [o for o in self.hub.occupants.values() if isinstance(o, Member)]

    def renew_avatar(self) -> Resident:
        """The avatar after it left: the same identity, a new participant."""
        tracks, self.avatar = self.avatar.tracks, self._new_avatar()
        self.avatar.tracks = tracks
        self.events.renewed()
        return self.avatar

    def _new_avatar(self) -> Resident:
        avatar = Resident(self._grants.identity, self.hub.name, self.events.packet)
        # What else its token says of it: in a meeting, for whom it speaks.
        avatar.grants = replace(
            avatar.grants, kind=self._grants.kind, attributes=self._grants.attributes
        )
        avatar.media = self.media
        if self._meeting is not None:
            avatar.on_data = self._meeting.receive
        return avatar

    def _joined(self, identity: str) -> None:
        if identity != self.avatar.grants.identity:
            self.events.joined(identity)

    def _left(self, identity: str) -> None:
        if identity != self.avatar.grants.identity:
            self.events.left(identity)

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        """Signalling: `/rtc`, its validation, and 404 where newer servers have `/rtc/v1`."""
        door = _Door(rooms)
        return [
            web.get("/rtc", door.signal),
            web.get("/rtc/validate", door.validate),
            web.get("/rtc/v1", door.absent),
            web.get("/rtc/v1/validate", door.absent),
        ]


class _OwnRooms:
    """Rooms that users' own tokens made, by the port they are on.

    As livekit-server does, joining makes a room, and it goes when the last one leaves.
    """

    def __init__(self) -> None:
        self._rooms: dict[tuple[int | None, str], DataRoom] = {}

    def at(self, port: int | None, name: str) -> DataRoom:
        """The room of that name; made where it isn't there yet."""
        return self._rooms.setdefault((port, name), DataRoom(name))

    def tidy(self) -> None:
        """Forgets old empty rooms."""
        old = time.time() - _OWN_ROOM_STAYS
        self._rooms = {
            key: room for key, room in self._rooms.items() if room.occupants or room.created > old
        }


_own_rooms = _OwnRooms()


class _Door:
    """The route handlers."""

    def __init__(self, rooms: RoomDirectory) -> None:
        self._rooms = rooms

    async def absent(self, request: web.Request) -> web.Response:
        del request
        return web.Response(status=404, text="404 page not found")

    async def validate(self, request: web.Request) -> web.Response:
        try:
            self._enter(request)
        except web.HTTPException as refusal:
            return web.Response(status=refusal.status, text=refusal.text)
        return web.Response(text="success")

    async def signal(self, request: web.Request) -> web.StreamResponse:
        grants, hub, gate = self._enter(request)
        if gate is not None:
            await gate.wait()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        local = is_loopback(hostname(f"//{request.host}"))
        member = self._member(hub, grants, socket, request, ["127.0.0.1"] if local else None)
        if request.query.get("reconnect") == "1":
            # Taking up an old connection needs an ICE restart, which aiortc can't do.
            await member.refuse_resume()
            return socket
        try:
            await member.run()
        finally:
            _own_rooms.tidy()
        return socket

    def _member(
        self,
        hub: DataRoom,
        grants: Grants,
        socket: web.WebSocketResponse,
        request: web.Request,
        addresses: list[str] | None,
    ) -> Member:
        media = self._rooms.media
        if media is None:
            return Member(hub, grants, socket, request, addresses=addresses)
        # Needs numpy, which a room of data doesn't.
        from akool_async.simulator.rooms.livekit.media_member import MediaMember

        # The avatar of a meeting may come into a user's own room later than its microphone.
        own = not hub.name.startswith(_PREFIX)
        hears = media.listen is not None or hub.speaks_microphones or own
        return MediaMember(hub, grants, socket, request, addresses=addresses, hears=hears)

    def _enter(self, request: web.Request) -> tuple[Grants, DataRoom, Gate | None]:
        """Who may join which room.

        Raises:
            web.HTTPException: not with this token, or not now.
        """
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        token = bearer if scheme.lower() == "bearer" else request.query.get("access_token", "")
        try:
            grants = read(token)
        except TokenRefusedError as error:
            raise web.HTTPUnauthorized(text=str(error)) from error
        for room in self._rooms.of_kind("livekit"):
            if isinstance(room, LiveKitRoom) and room.hub.name == grants.room:
                room.gate.check()
                return grants, room.hub, room.gate
        if grants.room.startswith(_PREFIX):
            raise web.HTTPNotFound(text="requested room does not exist")
        transport = request.transport
        port = transport.get_extra_info("sockname")[1] if transport is not None else None
        return grants, _own_rooms.at(port, grants.room), None


def _websocket_url(base_url: str) -> str:
    return "ws" + base_url.removeprefix("http")
