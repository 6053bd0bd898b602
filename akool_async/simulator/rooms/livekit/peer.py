"""One WebRTC connection between the room and a participant, with its two data channels.

A LiveKit participant has two: the room offers the *subscriber* connection (room to participant),
the participant offers the *publisher* connection (participant to room).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Final

from aioice import Candidate
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

__all__ = ["LOSSY", "RELIABLE", "Peer"]

logger = logging.getLogger(__name__)

#: Seconds that closing a connection may take.
_CLOSE_LIMIT: Final = 5.0
RELIABLE: Final = "_reliable"
LOSSY: Final = "_lossy"


class Peer:
    """A peer connection.

    Attributes:
        on_packet: called with the bytes that came and whether the channel is the reliable one.
        on_open: called once, when packets can flow.
    """

    #: How sections of media share transports.
    bundle = RTCBundlePolicy.BALANCED

    def __init__(self, *, addresses: Sequence[str] | None = None) -> None:
        """`addresses` are the local ones to be reached at; `None`: all but loopback."""
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=self.bundle)
        self.connection = RTCPeerConnection(configuration)
        self.on_packet: Callable[[bytes, bool], None] | None = None
        self.on_open: Callable[[], None] | None = None
        self._addresses = addresses
        self._channels: dict[str, RTCDataChannel] = {}
        self._described = asyncio.Event()
        self._stays = False
        self._opened = False
        self.connection.on("datachannel", self._take)

    @property
    def open(self) -> bool:
        """Whether a reliable packet sent now gets onto the wire."""
        channel = self._channels.get(RELIABLE)
        return channel is not None and channel.readyState == "open"

    async def offer(self) -> str:
        """The room's offer, with both data channels in it."""
        # LiveKit numbers its channels itself ("negotiated" is false, ids are the offerer's).
        self._take(self.connection.createDataChannel(RELIABLE, ordered=True))
        self._take(self.connection.createDataChannel(LOSSY, ordered=False, maxRetransmits=0))
        description = await self.connection.createOffer()
        await self._describe(description)
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        """The participant's answer to `offer`."""
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._described.set()

    async def answer(self, offer: str) -> str:
        """Answers the participant's offer: data flows, and media that is accepted."""
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self._described.set()
        for media in self.connection.getTransceivers():
            if not self.accepts(media.kind):
                # A published track: the participant is asked to send nothing of it.
                media.direction = "inactive"
        await self._describe(await self.connection.createAnswer())
        return _with_extensions(self.connection.localDescription.sdp, offer)

    def accepts(self, kind: str) -> bool:
        """Whether media of a kind, "audio" or "video", are received."""
        del kind
        return False

    async def add_candidate(self, trickled: str) -> None:
        """One trickled ICE candidate, the JSON that browsers make; TCP and mDNS are passed over."""
        init = json.loads(trickled)
        line = str(init.get("candidate") or "")
        if not line.startswith("candidate:"):
            return
        candidate = candidate_from_sdp(line.removeprefix("candidate:"))
        if candidate.protocol.lower() != "udp" or candidate.ip.endswith(".local"):
            return
        candidate.sdpMid = init.get("sdpMid")
        candidate.sdpMLineIndex = init.get("sdpMLineIndex")
        # It may overtake the description it belongs to.
        await self._described.wait()
        await self.connection.addIceCandidate(candidate)

    def send(self, packet: bytes, *, reliable: bool = True) -> bool:
        """Sends a packet; `False` where the channel isn't open and it is lost."""
        channel = self._channels.get(RELIABLE if reliable else LOSSY)
        if channel is None or channel.readyState != "open":
            return False
        channel.send(packet)
        return True

    async def close(self) -> None:
        """Closes the connection; twice is fine."""
        self.on_packet = self.on_open = None
        try:
            async with asyncio.timeout(_CLOSE_LIMIT):
                await self.connection.close()
        except TimeoutError:
            # aiortc closes by itself when the other end does, in a task that the loop's end cancels
            # half-way; whoever closes after that waits for it for ever.
            logger.debug("a connection wasn't closed in time")

    async def _describe(self, description: RTCSessionDescription) -> None:
        if self._addresses is not None and not self._stays:
            self._stay_on(self._addresses)
        await self.connection.setLocalDescription(description)

    def _stay_on(self, addresses: Sequence[str]) -> None:
        """Makes the connection's candidates of these addresses only.

        aioice leaves loopback out and takes every other interface; a simulator that is bound to
        loopback must be reachable there, and nowhere else. Neither library has a setting for it.
        """
        sctp = self.connection.sctp
        if sctp is None:
            return
        self._stays = True
        ice = sctp.transport.transport.iceGatherer._connection  # noqa: SLF001
        gather = ice.get_component_candidates
        own = list(addresses)

        async def gather_own(
            component: int, addresses: list[str], timeout: int = 5
        ) -> list[Candidate]:
            del addresses
            return await gather(component, own, timeout)

        ice.get_component_candidates = gather_own  # type: ignore[method-assign]

    def _take(self, channel: RTCDataChannel) -> None:
        self._channels[channel.label] = channel
        reliable = channel.label != LOSSY

        @channel.on("message")
        def _message(data: bytes | str) -> None:
            if self.on_packet is not None:
                self.on_packet(data.encode() if isinstance(data, str) else data, reliable)

        if channel.label == RELIABLE:
            channel.on("open", self._now_open)
            if channel.readyState == "open":
                self._now_open()

    def _now_open(self) -> None:
        if not self._opened:
            self._opened = True
            if self.on_open is not None:
                self.on_open()


def _with_extensions(answer: str, offer: str) -> str:
    """The answer with all header extensions that the offer has.

    aiortc leaves out those it doesn't know, the ids of simulcast's layers among them; a browser
    that was once refused these can't make its next offer. Headers that aiortc doesn't know it
    passes over.
    """
    # The part before the first medium belongs to none.
    head, *answered = answer.split("\r\nm=")
    offered = offer.split("\r\nm=")[1:]
    sections = [head]
    for own, theirs in zip(answered, offered, strict=True):
        own_lines = own.removesuffix("\r\n").split("\r\n")
        known = {line for line in own_lines if line.startswith("a=extmap:")}
        missing = [
            line
            for line in theirs.split("\r\n")
            if line.startswith("a=extmap:") and line not in known
        ]
        sections.append("\r\n".join([*own_lines, *missing]))
    return "\r\nm=".join(sections) + "\r\n"
