"""`simulator.rooms.livekit.media_peer`: what is done to what comes in."""

from __future__ import annotations

from typing import Any

from aiortc import MediaStreamTrack
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from aiortc.rtp import RtpPacket

from akool_async.simulator.rooms.livekit.media_peer import MediaPeer


async def test_padding_never_reaches_the_decoder_of_sound() -> None:
    tracks: list[MediaStreamTrack] = []
    peer = MediaPeer(hears=True)
    peer.on_track = tracks.append
    try:
        receiver: Any = peer.connection.addTransceiver("audio").receiver
        receiver._track = RemoteStreamTrack(kind="audio")
        peer._track(receiver.track)
        assert tracks == [receiver.track]
        buffer = receiver._RTCRtpReceiver__jitter_buffer
        got: list[bytes] = []
        for number in range(12):
            packet: Any = RtpPacket(sequence_number=number, timestamp=number * 960)
            packet._data = b"" if number in (3, 4) else bytes([number])
            _, frame = buffer.add(packet)
            if frame is not None:
                got.append(frame.data)
        assert got[:4] == [b"\x00", b"\x01", b"\x02", b"\x05"]
    finally:
        await peer.close()
