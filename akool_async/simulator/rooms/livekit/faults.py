"""What can be made to go wrong in the simulator's LiveKit room."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from aiohttp import web
from livekit.protocol import models as pb
from livekit.protocol import rtc

from akool_async.simulator.rooms.livekit.hub import DataRoom, Resident
from akool_async.simulator.rooms.livekit.member import Member
from akool_async.simulator.rooms.room import MakeFault, check_media_kind

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia
    from akool_async.simulator.media.encoder import Kind

__all__ = ["Faults", "Gate", "MediaFaults"]


class Gate:
    """How a client that wants to join is answered.

    Attributes:
        status: the HTTP status of refusals to come, of which there are `times`.
        silence: seconds that a joining client waits without an answer.
        expired: every token counts as expired.
    """

    def __init__(self) -> None:
        self.status = 503
        self.times = 0
        self.silence = 0.0
        self.expired = False
        self._closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the room is gone."""
        return self._closed.is_set()

    def close(self) -> None:
        """The room is gone; those who wait are refused."""
        self._closed.set()

    def check(self) -> None:
        """Refuses, where a fault asks for it.

        Raises:
            web.HTTPException: with the fault's status.
        """
        if self.closed:
            raise web.HTTPNotFound(text="requested room does not exist")
        if self.expired:
            raise web.HTTPUnauthorized(text="invalid token: token is expired (exp)")
        if self.times > 0:
            self.times -= 1
            refusal = web.HTTPException(text="refused on request")
            refusal.set_status(self.status)
            raise refusal

    async def wait(self) -> None:
        """Holds a client that was let in, where a fault asks for it.

        Raises:
            web.HTTPException: the room closed in the meantime.
        """
        if self.silence:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), self.silence)
            self.check()


class FaultyRoom(Protocol):
    """What faults need of a room."""

    avatar: Resident
    gate: Gate

    @property
    def hub(self) -> DataRoom:
        """Who is in the room."""
        ...

    def members(self) -> list[Member]:
        """Those who came over the network."""
        ...

    @property
    def media(self) -> AvatarMedia | None:
        """What the avatar's tracks carry."""
        ...

    def new_track(self, kind: str) -> pb.TrackInfo:
        """A track to publish."""
        ...

    def change_tracks(self, tracks: list[pb.TrackInfo]) -> None:
        """Publishes these and no others."""

    def renew_avatar(self) -> Resident:
        """A new participant of the avatar's identity."""
        ...

    async def dismiss_members(self, reason: pb.DisconnectReason) -> None:
        """Asks all members to leave."""

    async def close(self, reason: str) -> None:
        """Ends the room."""


class Faults:
    """Every public method but `by_name` is a fault; its arguments are the options."""

    def __init__(self, room: FaultyRoom) -> None:
        self._room = room
        self._strangers: dict[str, Resident] = {}

    def by_name(self) -> dict[str, MakeFault]:
        """All of them."""
        names = [name for name in dir(self) if not name.startswith("_") and name != "by_name"]
        return {name: getattr(self, name) for name in names}

    def drop_socket(self) -> None:
        """Every client's signalling connection breaks; its peer connections stay."""
        for member in self._room.members():
            member.abort_socket()

    async def drop_peer(self) -> None:
        """Every client's peer connections are closed by the room; signalling stays."""
        await asyncio.gather(*(member.close_peers() for member in self._room.members()))

    def malformed_packet(self, data: bytes = b"\xff\xfe not a packet \x00\x01") -> None:
        """Bytes that are no packet come down the data channel."""
        for member in self._room.members():
            member.receive_raw(data)

    async def remove(self, reason: str = "PARTICIPANT_REMOVED") -> None:
        """Every client gets a leave request, with a `DisconnectReason` by its name."""
        await self._room.dismiss_members(getattr(pb.DisconnectReason, reason))

    async def full_reconnect(self) -> None:
        """Every client is asked to reconnect, as by a server that is being replaced."""
        action = rtc.LeaveRequest.Action.RECONNECT
        reason = pb.DisconnectReason.SERVER_SHUTDOWN
        members = self._room.members()
        await asyncio.gather(*(member.dismiss(reason, action) for member in members))

    def refuse_join(self, status: int = 503, times: int = 1) -> None:
        """The next attempts to join are answered with an HTTP status."""
        self._room.gate.status, self._room.gate.times = status, times

    def silent_join(self, seconds: float = 60.0) -> None:
        """Attempts to join hang that long before they are answered; 0 ends it."""
        self._room.gate.silence = seconds

    def expire_tokens(self, *, expired: bool = True) -> None:
        """Every token for the room counts as expired from now on."""
        self._room.gate.expired = expired

    def silence(self, *, on: bool = True) -> None:
        """Packets are accepted and never delivered; signalling goes on. `on=False` ends it."""
        self._room.hub.silent = on

    def avatar_leaves(self) -> None:
        """The avatar leaves the room."""
        self._room.hub.leave(self._room.avatar)

    def avatar_returns(self, *, announce_after: float | None = 0.0, active: bool = True) -> None:
        """The avatar is back; announced late or never, and not active until `avatar_active`."""
        avatar = self._room.renew_avatar()
        if not active:
            avatar.state = pb.ParticipantInfo.State.JOINED
        self._room.hub.enter(avatar, announce_after=announce_after)

    def avatar_active(self) -> None:
        """An avatar that returned with `active=False` receives from now on."""
        self._room.hub.change(self._room.avatar, pb.ParticipantInfo.State.ACTIVE)

    def stranger_joins(
        self, identity: str = "stranger", *, announce_after: float | None = 0.0
    ) -> None:
        """A stranger joins; announced late or never."""
        stranger = self._strangers[identity] = Resident(identity, self._room.hub.name)
        self._room.hub.enter(stranger, announce_after=announce_after)

    def stranger_sends(
        self,
        data: bytes,
        identity: str = "stranger",
        *,
        topic: str = "",
        to: Sequence[str] | None = None,
    ) -> None:
        """A stranger sends bytes; by default to all but the avatar, which would answer them."""
        if to is None:
            to = [member.grants.identity for member in self._room.members()]
        self._room.hub.send_bytes(self._strangers[identity], data, topic=topic, to=to)

    def stranger_leaves(self, identity: str = "stranger") -> None:
        """A stranger leaves."""
        self._room.hub.leave(self._strangers.pop(identity))

    async def close_room(self) -> None:
        """The room is deleted while the session goes on."""
        await self._room.close("closed")


class MediaFaults(Faults):
    """Those of a room in which the avatar is seen and heard, too."""

    def freeze_video(self, *, on: bool = True) -> None:
        """The track stays and no new pictures come; `on=False` ends it."""
        self._media.feed.freeze(on=on)

    def mute(self, kind: Kind = "audio", *, on: bool = True) -> None:
        """The avatar mutes a track: announced, and no packets come; `on=False` ends it."""
        self._media.broadcast.mute(kind, on=on)
        for track in self._tracks(kind):
            track.muted = on
        self._room.change_tracks(self._room.avatar.tracks)

    def unpublish(self, kind: Kind = "video") -> None:
        """The avatar takes a track back."""
        gone = self._tracks(kind)
        self._room.change_tracks([one for one in self._room.avatar.tracks if one not in gone])

    def republish(self, kind: Kind = "video") -> None:
        """It publishes a track of that kind: another one, in place of the one it has."""
        gone = self._tracks(kind)
        kept = [one for one in self._room.avatar.tracks if one not in gone]
        self._room.change_tracks([*kept, self._room.new_track(kind)])

    def reuse_transceiver(self, *, on: bool = True) -> None:
        """A track that is published takes the section of one that was taken back."""
        self._room.hub.reuses_transceivers = on

    @property
    def _media(self) -> AvatarMedia:
        assert self._room.media is not None
        return self._room.media

    def _tracks(self, kind: Kind) -> list[pb.TrackInfo]:
        """What it publishes of a kind.

        Raises:
            ValueError: there is no such kind.
        """
        check_media_kind(kind)
        types = {"audio": pb.TrackType.AUDIO, "video": pb.TrackType.VIDEO}
        return [one for one in self._room.avatar.tracks if one.type == types[kind]]
