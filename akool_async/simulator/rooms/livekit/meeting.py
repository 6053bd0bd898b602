"""The meeting's avatar in the simulator's own LiveKit room: speech in, reports out.

Streams and calls are data packets, as the native clients send them: version 1 of both, without
compression, which they use towards a participant that says no more of itself.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

from livekit.protocol import models as pb

from akool_async.simulator.meeting.player import MeetingPlayer, Segment
from akool_async.simulator.meeting.protocol import CLEAR, REPORT_TIMEOUT, TOPIC, MeetingStay

__all__ = ["ResidentMeeting"]

logger = logging.getLogger(__name__)

#: Streams of one sender that go on at a time; the oldest is forgotten.
_MOST_STREAMS: Final = 16
#: LiveKit's codes of errors.
_UNSUPPORTED_METHOD: Final = 1400
_UNSUPPORTED_VERSION: Final = 1404
_APPLICATION_ERROR: Final = 1500


class ResidentMeeting(MeetingStay):
    """Takes the packets for the avatar that are neither chat nor command.

    Args:
        player: plays what is sent.
        send: has the avatar send a packet, to those that it names.
    """

    def __init__(self, player: MeetingPlayer, send: Callable[[pb.DataPacket], None]) -> None:
        super().__init__(player)
        self._send = send
        self._streams: dict[tuple[str, str], Segment] = {}
        self._calls: dict[str, asyncio.Future[pb.RpcResponse]] = {}

    def receive(self, packet: pb.DataPacket) -> None:
        """Takes a packet."""
        sender = packet.participant_identity
        which = packet.WhichOneof("value")
        if which == "stream_header":
            self._header(sender, packet.stream_header)
        elif which == "stream_chunk":
            segment = self._streams.get((sender, packet.stream_chunk.stream_id))
            if segment is not None:
                segment.feed(packet.stream_chunk.content)
        elif which == "stream_trailer":
            segment = self._streams.pop((sender, packet.stream_trailer.stream_id), None)
            # One with a reason was broken off: as if its end mark were lost.
            if segment is not None and not packet.stream_trailer.reason:
                self._player.end(segment)
        elif which == "rpc_request":
            self._answer(sender, packet.rpc_request)
        elif which == "rpc_response":
            call = self._calls.get(packet.rpc_response.request_id)
            if call is not None and not call.done():
                call.set_result(packet.rpc_response)

    def _header(self, sender: str, header: pb.DataStream.Header) -> None:
        if header.topic != TOPIC or header.WhichOneof("content_header") != "byte_header":
            return
        segment = self._begin(sender, header.attributes)
        if segment is None:
            return
        own = [key for key in self._streams if key[0] == sender]
        if len(own) >= _MOST_STREAMS:
            del self._streams[own[0]]
        self._streams[sender, header.stream_id] = segment

    def _answer(self, caller: str, request: pb.RpcRequest) -> None:
        ack = pb.RpcAck(request_id=request.id)
        self._send(pb.DataPacket(rpc_ack=ack, destination_identities=[caller]))
        response = pb.RpcResponse(request_id=request.id)
        if request.version != 1:
            response.error.code = _UNSUPPORTED_VERSION
            response.error.message = "Unsupported RPC version"
        elif request.method != CLEAR:
            response.error.code = _UNSUPPORTED_METHOD
            response.error.message = "Method not supported at destination"
        elif self._player.refuses_clear:
            response.error.code = _APPLICATION_ERROR
            response.error.message = "clearing is refused"
        else:
            self._player.clear()
            response.payload = "ok"
        self._send(pb.DataPacket(rpc_response=response, destination_identities=[caller]))

    async def _call(self, callee: str, method: str, payload: str) -> None:
        request = pb.RpcRequest(
            id=secrets.token_hex(8),
            method=method,
            payload=payload,
            response_timeout_ms=int(REPORT_TIMEOUT * 1000),
            version=1,
        )
        call = self._calls[request.id] = asyncio.get_running_loop().create_future()
        try:
            self._send(pb.DataPacket(rpc_request=request, destination_identities=[callee]))
            async with asyncio.timeout(REPORT_TIMEOUT):
                response = await call
            if response.WhichOneof("value") == "error":
                logger.debug("%s to %s: %s", method, callee, response.error.code)
        except TimeoutError:
            logger.debug("%s to %s wasn't answered", method, callee)
        finally:
            del self._calls[request.id]
