"""A connection between the room and a participant that carries sound and pictures, too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCRtpTransceiver,
)
from livekit.protocol import models as pb

from akool_async.simulator.rooms.livekit.hub import new_sid
from akool_async.simulator.rooms.livekit.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akool_async.simulator.media.encoder import Broadcast, Kind

__all__ = ["STREAM", "MediaPeer"]

#: The name of the avatar's stream: clients read `PARTICIPANT|STREAM TRACK`.
STREAM: Final = "camera"
#: Packets on their way to a sender; sending by UDP doesn't wait, so they don't stay.
_MOST_WAITING: Final = 100
_CODECS: Final = {"audio": ("audio/opus",), "video": ("video/VP8", "video/rtx")}


class _Tap(MediaStreamTrack):
    """Packets of a broadcast, as aiortc's sender takes them: it only puts them on the wire."""

    def __init__(self, kind: Kind, broadcast: Broadcast) -> None:
        super().__init__()
        self.kind = kind
        self._broadcast = broadcast
        self._packets: asyncio.Queue[Any] = asyncio.Queue(_MOST_WAITING)
        broadcast.add(kind, self._put)

    def _put(self, packet: object) -> None:
        if not self._packets.full():
            self._packets.put_nowait(packet)

    async def recv(self) -> Any:
        """The next packet. Never ends: a sender whose track ended can't be used again."""
        return await self._packets.get()

    def close(self) -> None:
        """Takes no more packets."""
        self._broadcast.remove("audio" if self.kind == "audio" else "video", self._put)


@dataclass(slots=True)
class _Sent:
    transceiver: RTCRtpTransceiver
    tap: _Tap
    broadcast: Broadcast


class MediaPeer(Peer):
    """A peer connection that carries media.

    Tracks come after the connection is up: aiortc never starts a sender that is negotiated while
    DTLS connects.

    Attributes:
        hears: whether the participant's sound is received; its video always is.
        on_track: called with each track that the participant publishes.
        answered: whether the last offer was answered.
        up: whether the connection is up.
    """

    # All media go over the data channels' transport: a track that comes later needs no new ICE.
    bundle = RTCBundlePolicy.MAX_BUNDLE

    def __init__(self, *, addresses: Sequence[str] | None = None, hears: bool) -> None:
        super().__init__(addresses=addresses)
        self.hears = hears
        self.on_track: Callable[[MediaStreamTrack], None] | None = None
        self.answered = asyncio.Event()
        self.up = asyncio.Event()
        self._sent: dict[str, _Sent] = {}
        self._spare: list[RTCRtpTransceiver] = []
        self.connection.on("track", self._track)
        self.connection.on("connectionstatechange", self._changed)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.connection.connectionState == "closed"

    @property
    def sent(self) -> set[str]:
        """The ids of the tracks that are sent."""
        return set(self._sent)

    def accepts(self, kind: str) -> bool:
        """See `Peer`."""
        return self.hears or kind == "video"

    async def accept(self, answer: str) -> None:
        """See `Peer`."""
        await super().accept(answer)
        self.answered.set()

    async def offer_again(self) -> str:
        """An offer with the tracks as they are now."""
        self.answered.clear()
        await self._describe(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def add_candidate(self, trickled: str) -> None:
        """See `Peer`. aiortc passes over candidates for sections bundled with another's."""
        sctp = self.connection.sctp
        if sctp is not None and sctp.mid is not None:
            init = {**json.loads(trickled), "sdpMid": sctp.mid, "sdpMLineIndex": None}
            trickled = json.dumps(init)
        await super().add_candidate(trickled)

    def add(
        self, participant: str, info: pb.TrackInfo, broadcast: Broadcast, *, reuse: bool
    ) -> None:
        """Sends a participant's track from the next offer on."""
        kind: Kind = "audio" if info.type == pb.TrackType.AUDIO else "video"
        tap = _Tap(kind, broadcast)
        spare = [one for one in self._spare if one.kind == kind] if reuse else []
        if spare:
            transceiver = spare[0]
            self._spare.remove(transceiver)
            transceiver.sender.replaceTrack(tap)
            transceiver.direction = "sendonly"
        else:
            transceiver = self.connection.addTransceiver(tap, direction="sendonly")
            transceiver.setCodecPreferences(
                [
                    codec
                    for codec in RTCRtpSender.getCapabilities(kind).codecs
                    if codec.mimeType in _CODECS[kind]
                ]
            )
        sender: Any = transceiver.sender
        sender._stream_id, sender._track_id = f"{participant}|{STREAM}", info.sid  # noqa: SLF001
        sender._enabled = True  # noqa: SLF001
        if kind == "video":
            sender._send_keyframe = broadcast.request_key_frame  # noqa: SLF001
        self._sent[info.sid] = _Sent(transceiver, tap, broadcast)

    def remove(self, sid: str) -> None:
        """Doesn't send that track any more."""
        sent = self._sent.pop(sid)
        sent.tap.close()
        sent.transceiver.direction = "inactive"
        sender: Any = sent.transceiver.sender
        # libwebrtc refuses an offer in which two sections have one msid, even inactive ones, and
        # the native client then aborts its process.
        sender._stream_id, sender._track_id = "-", new_sid("XX")  # noqa: SLF001
        sender._enabled = False  # noqa: SLF001
        self._spare.append(sent.transceiver)

    def pause(self, sid: str, *, on: bool) -> None:
        """Sends nothing of a track for a while, and negotiates nothing."""
        sent = self._sent.get(sid)
        if sent is not None:
            sender: Any = sent.transceiver.sender
            sender._enabled = not on  # noqa: SLF001
            sent.broadcast.request_key_frame()

    async def close(self) -> None:
        """See `Peer`."""
        for sent in self._sent.values():
            sent.tap.close()
        self._sent.clear()
        await super().close()

    def _track(self, track: MediaStreamTrack) -> None:
        for transceiver in self.connection.getTransceivers():
            if transceiver.receiver.track is track:
                _pass_over_padding(transceiver.receiver)
        if self.on_track is not None:
            self.on_track(track)

    def _changed(self) -> None:
        if self.connection.connectionState == "connected":
            self.up.set()


def _pass_over_padding(receiver: RTCRtpReceiver) -> None:
    """Keeps frames without data from the decoder.

    Clients probe a new connection with packets of padding. For FFmpeg an empty packet is the end:
    its decoder takes nothing any more, and the room would be deaf or blind to that participant.
    """
    buffer: Any = receiver._RTCRtpReceiver__jitter_buffer  # type: ignore[attr-defined]  # noqa: SLF001
    add = buffer.add

    def add_packet(packet: Any) -> tuple[bool, Any]:
        lost, frame = add(packet)
        return lost, frame if frame is not None and frame.data else None

    buffer.add = add_packet
