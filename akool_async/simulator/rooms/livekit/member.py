"""A participant who came over the network: LiveKit signalling on a websocket, data over WebRTC.

The protocol is LiveKit's version 16 and older: protobufs in binary frames, the room offers the
subscriber connection and the participant the publisher connection when it first sends.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError
from livekit.protocol import models as pb
from livekit.protocol import rtc

from akool_async.simulator.rooms.livekit.hub import DataRoom, new_sid
from akool_async.simulator.rooms.livekit.peer import Peer
from akool_async.simulator.rooms.livekit.requests import publish, update
from akool_async.simulator.rooms.livekit.tokens import Grants

__all__ = ["Member"]

logger = logging.getLogger(__name__)

_State = pb.ParticipantInfo.State
#: Seconds that a participant whose socket broke keeps its place, as livekit-server gives them.
_GRACE: Final = 10.0
#: Seconds between a client's pings, and without one until it is given up.
_PING_INTERVAL: Final = 5
_PING_TIMEOUT: Final = 15
#: Packets kept for a participant that is joining.
_MAX_EARLY: Final = 1000


class Member:
    """One participant and its connections; `run` is its life."""

    def __init__(
        self,
        room: DataRoom,
        grants: Grants,
        socket: web.WebSocketResponse,
        request: web.Request,
        *,
        addresses: Sequence[str] | None,
    ) -> None:
        self.room = room
        self.grants = grants
        self.sid = new_sid("PA")
        self.state: pb.ParticipantInfo.State = _State.JOINING
        self.announced = False
        self.tracks: list[pb.TrackInfo] = []
        self._socket = socket
        self._request = request
        self._addresses = addresses
        self._subscriber = self._new_peer()
        self._publisher: Peer | None = None
        self._outbox: asyncio.Queue[rtc.SignalResponse | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        self._early: list[bytes] = []

    def _new_peer(self) -> Peer:
        return Peer(addresses=self._addresses)

    def signal(self, response: rtc.SignalResponse) -> None:
        """Puts a message on its way over the socket; lost where that is broken."""
        self._outbox.put_nowait(response)

    def receive(self, packet: pb.DataPacket) -> None:
        """Sends a packet down. As the real server, reliable ones are kept while it is joining."""
        reliable = packet.kind == pb.DataPacket.Kind.RELIABLE
        data = packet.SerializeToString()
        if reliable and not self.active and len(self._early) < _MAX_EARLY:
            self._early.append(data)
        elif not self._subscriber.send(data, reliable=reliable):
            self.room.lost += 1

    def _now_active(self) -> None:
        early, self._early = self._early, []
        for data in early:
            self._subscriber.send(data)
        self.room.change(self, _State.ACTIVE)

    def receive_raw(self, packet: bytes) -> None:
        """Sends bytes down that may be no packet at all."""
        self._subscriber.send(packet)

    @property
    def active(self) -> bool:
        """Whether packets reach it."""
        return self.state == _State.ACTIVE

    @property
    def connected(self) -> bool:
        """Whether its signalling socket is connected."""
        return not self._socket.closed and self._request.transport is not None

    async def run(self) -> None:
        """Lets the participant in and serves it until it leaves or is given up."""
        writer = asyncio.create_task(self._write())
        try:
            self._replace_older()
            self.room.enter(self)
            self.room.change(self, _State.JOINED)
            self._welcome()
            self._subscriber.on_open = self._now_active
            offer = rtc.SessionDescription(type="offer", sdp=await self._subscriber.offer())
            self.signal(rtc.SignalResponse(offer=offer))
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    self._handle(message.data)
                if self._left.is_set():
                    break
            if not self._left.is_set():
                await self._wait_for_return()
        finally:
            self._outbox.put_nowait(None)
            await self.close()
            await writer

    async def refuse_resume(self) -> None:
        """Answers a client that wants to resume its old connection: it has to join again."""
        leave = rtc.LeaveRequest(
            reason=pb.DisconnectReason.STATE_MISMATCH,
            action=rtc.LeaveRequest.Action.RECONNECT,
            can_reconnect=True,
        )
        await self._socket.send_bytes(rtc.SignalResponse(leave=leave).SerializeToString())
        await self._socket.close()

    async def close(self) -> None:
        """Takes the participant out and closes its connections; twice is fine."""
        self._left.set()
        self.room.leave(self)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.close_peers()

    async def dismiss(
        self,
        reason: pb.DisconnectReason,
        action: rtc.LeaveRequest.Action = rtc.LeaveRequest.Action.DISCONNECT,
    ) -> None:
        """Sends a leave request and closes."""
        leave = rtc.LeaveRequest(
            reason=reason,
            action=action,
            can_reconnect=action != rtc.LeaveRequest.Action.DISCONNECT,
        )
        self.signal(rtc.SignalResponse(leave=leave))
        self._outbox.put_nowait(None)
        await self.close()

    async def close_peers(self) -> None:
        """Closes both peer connections and leaves the socket as it is."""
        await self._subscriber.close()
        if self._publisher is not None:
            await self._publisher.close()

    def abort_socket(self) -> None:
        """Breaks the signalling connection without a closing handshake."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    def _replace_older(self) -> None:
        older = self.room.occupants.get(self.grants.identity)
        if isinstance(older, Member):
            self.room.leave(older)
            reason = pb.DisconnectReason.DUPLICATE_IDENTITY
            self._start(older.dismiss(reason) if older.connected else older.close())

    def _welcome(self) -> None:
        join = rtc.JoinResponse(
            room=self.room.info(),
            participant=self.room.describe(self),
            other_participants=self.room.others(self),
            server_version="1.13.3",
            subscriber_primary=True,
            # As the real server: the client opens its connection to the room at once, and not after
            # the 150 ms that it waits before its first publish.
            fast_publish=self.grants.can_publish,
            ping_timeout=_PING_TIMEOUT,
            ping_interval=_PING_INTERVAL,
            server_info=pb.ServerInfo(version="1.13.3", protocol=16, region="simulator"),
        )
        self.signal(rtc.SignalResponse(join=join))

    def _handle(self, data: bytes) -> None:
        try:
            request = rtc.SignalRequest.FromString(data)
        except DecodeError:
            logger.debug("a client sent something that is no signalling request")
            return
        which = request.WhichOneof("message")
        if which is not None:
            self._carry_out(which, request)

    def _carry_out(self, which: str, request: rtc.SignalRequest) -> None:
        if which == "ping_req":
            pong = rtc.Pong(
                last_ping_timestamp=request.ping_req.timestamp, timestamp=int(time.time() * 1000)
            )
            self.signal(rtc.SignalResponse(pong_resp=pong))
        elif which == "ping":
            self.signal(rtc.SignalResponse(pong=int(time.time() * 1000)))
        elif which == "offer":
            self._start(self._answer(request.offer.sdp, request.offer.id))
        elif which == "answer":
            self._start(self._subscriber.accept(request.answer.sdp))
        elif which == "trickle":
            self._start(self._add_candidate(request.trickle))
        elif which == "add_track":
            self.signal(publish(request.add_track, self.grants))
        elif which == "update_metadata":
            self._update(request.update_metadata)
        elif which == "leave":
            self._left.set()

    def _update(self, wanted: rtc.UpdateParticipantMetadata) -> None:
        changed, answer = update(wanted, self.grants)
        if changed is not None:
            self.grants = changed
            self.room.send_entry(self)
        self.signal(answer)

    async def _answer(self, sdp: str, number: int) -> None:
        publisher = self._publisher
        if publisher is None:
            publisher = self._publisher = self._new_peer()
            publisher.on_packet = self._packet_received
        answer = await publisher.answer(sdp)
        description = rtc.SessionDescription(type="answer", sdp=answer, id=number)
        self.signal(rtc.SignalResponse(answer=description))

    async def _add_candidate(self, trickle: rtc.TrickleRequest) -> None:
        if trickle.target == rtc.SignalTarget.SUBSCRIBER:
            await self._subscriber.add_candidate(trickle.candidateInit)
            return
        if self._publisher is None:
            # A candidate can't come before its offer on an ordered socket.
            logger.debug("a candidate for a connection that was never offered")
            return
        await self._publisher.add_candidate(trickle.candidateInit)

    def _packet_received(self, data: bytes, reliable: bool) -> None:
        try:
            packet = pb.DataPacket.FromString(data)
        except DecodeError:
            logger.debug("a client sent something that is no data packet")
            return
        self.room.send(self, packet, reliable=reliable)

    async def _wait_for_return(self) -> None:
        """The socket broke: the peers stay until the client has joined again, or for a while."""
        try:
            async with asyncio.timeout(_GRACE):
                await self._left.wait()
        except TimeoutError:
            logger.debug("a participant whose socket broke didn't come back")

    async def _write(self) -> None:
        while (response := await self._outbox.get()) is not None:
            try:
                await self._socket.send_bytes(response.SerializeToString())
            except (ConnectionError, RuntimeError):
                logger.debug("a client's socket broke while something was sent to it")
                break
        await self._socket.close()

    def _start(self, work) -> None:  # type: ignore[no-untyped-def]
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # What a client sent can't be used (an SDP that can't be parsed): it won't connect.
            logger.warning("a client's signalling message couldn't be used: %r", error)
