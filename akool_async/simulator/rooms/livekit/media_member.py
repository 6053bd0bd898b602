"""A participant to whom the avatar's sound and picture are sent.

Its microphone is heard by the avatar, and its camera seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from livekit.protocol import models as pb
from livekit.protocol import rtc

from akool_async.media.frames import VideoFrame
from akool_async.simulator.rooms.livekit.hub import DataRoom, Resident
from akool_async.simulator.rooms.livekit.media_peer import MediaPeer
from akool_async.simulator.rooms.livekit.member import Member
from akool_async.simulator.rooms.livekit.tokens import Grants

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["MediaMember"]

logger = logging.getLogger(__name__)

#: Seconds that a client has to answer an offer.
_ANSWER_LIMIT: Final = 15.0


class MediaMember(Member):
    """One participant and its connections. Participants don't hear or see each other.

    Args:
        hears: whether microphones are asked for.
    """

    def __init__(
        self,
        room: DataRoom,
        grants: Grants,
        socket: web.WebSocketResponse,
        request: web.Request,
        *,
        addresses: Sequence[str] | None,
        hears: bool,
    ) -> None:
        self._hears = hears
        super().__init__(room, grants, socket, request, addresses=addresses)
        assert isinstance(self._subscriber, MediaPeer)
        self._sender: MediaPeer = self._subscriber
        self._subscribes = request.query.get("auto_subscribe", "1") not in ("0", "false")
        #: Tracks that were asked for, and refused, one by one.
        self._wanted: set[str] = set()
        self._refused: set[str] = set()
        self._changed = asyncio.Event()

    def signal(self, response: rtc.SignalResponse) -> None:
        """See `Member`. What tracks there are is looked at after each change."""
        super().signal(response)
        if response.WhichOneof("message") in ("join", "update"):
            self._changed.set()

    async def run(self) -> None:
        """See `Member`."""
        self._start(self._negotiate())
        await super().run()

    def _new_peer(self) -> MediaPeer:
        peer = MediaPeer(addresses=self._addresses, hears=self._hears)
        peer.on_track = self._published
        return peer

    # -- room to participant

    @property
    def sent(self) -> set[str]:
        """The ids of the tracks that are sent to it."""
        return self._sender.sent

    def _there(self) -> dict[str, tuple[Resident, pb.TrackInfo]]:
        """The tracks that could be sent, by id."""
        if not self.grants.can_subscribe:
            return {}
        return {
            info.sid: (occupant, info)
            for occupant in self.room.occupants.values()
            if isinstance(occupant, Resident) and occupant.announced and occupant.media is not None
            for info in occupant.tracks
        }

    async def _negotiate(self) -> None:
        """Sends the tracks that are there and wanted, whenever that changes."""
        sender = self._sender
        await sender.up.wait()
        while not sender.closed:
            await self._changed.wait()
            self._changed.clear()
            if sender.closed or not self._arrange():
                continue
            offer = rtc.SessionDescription(type="offer", sdp=await sender.offer_again())
            self.signal(rtc.SignalResponse(offer=offer))
            try:
                async with asyncio.timeout(_ANSWER_LIMIT):
                    await sender.answered.wait()
            except TimeoutError:
                logger.debug("a client didn't answer an offer of tracks")
                return

    def _arrange(self) -> bool:
        """Whether an offer is needed."""
        there = self._there()
        wanted = {
            sid
            for sid in there
            if sid in self._wanted or (self._subscribes and sid not in self._refused)
        }
        sent = self._sender.sent
        for sid in sent - wanted:
            self._sender.remove(sid)
        # Sound first: it is what a listener waits for.
        for sid in sorted(wanted - sent, key=lambda sid: there[sid][1].type):
            owner, info = there[sid]
            assert owner.media is not None
            reuse = self.room.reuses_transceivers
            self._sender.add(owner.sid, info, owner.media.broadcast, reuse=reuse)
        return wanted != sent

    def _carry_out(self, which: str, request: rtc.SignalRequest) -> None:
        if which == "subscription":
            self._subscription(request.subscription)
        elif which == "track_setting":
            for sid in request.track_setting.track_sids:
                self._sender.pause(sid, on=request.track_setting.disabled)
        else:
            super()._carry_out(which, request)

    def _subscription(self, asked: rtc.UpdateSubscription) -> None:
        # Clients name a track twice, here and below its participant.
        sids = {*asked.track_sids, *(s for one in asked.participant_tracks for s in one.track_sids)}
        more, less = (
            (self._wanted, self._refused) if asked.subscribe else (self._refused, self._wanted)
        )
        more |= sids
        less -= sids
        for sid in sids - set(self._there()):
            missing = rtc.SubscriptionResponse(
                track_sid=sid, err=pb.SubscriptionError.SE_TRACK_NOTFOUND
            )
            self.signal(rtc.SignalResponse(subscription_response=missing))
        self._changed.set()

    # -- participant to room

    def _published(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._start(self._watch(track))
        elif self._hears:
            self._start(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame: Any = await track.recv()
            except MediaStreamError:
                return
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
            mono = samples.mean(axis=1).astype(np.int16)
            for media in self._avatars():
                media.hear(self.grants.identity, mono)

    async def _watch(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame: Any = await track.recv()
            except MediaStreamError:
                return
            picture = VideoFrame.from_av(frame)
            for media in self._avatars():
                media.sight.see(self.grants.identity, picture)

    def _avatars(self) -> list[AvatarMedia]:
        """Those in the room that hear and see."""
        residents = [one for one in self.room.occupants.values() if isinstance(one, Resident)]
        return [one.media for one in residents if one.media is not None]
