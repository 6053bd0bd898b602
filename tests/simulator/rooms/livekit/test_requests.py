"""`akool_async.simulator.rooms.livekit.requests`: what pages ask of a room beside carrying data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from livekit import rtc
from livekit.protocol import models as pb
from livekit.protocol import rtc as signalling
from livekit_peer import SimulatedPeer

from akool_async.simulator.rooms.livekit.tokens import Grants, mint
from akool_async.testing.conformance import until

_LAYER_IDS = "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"


class Signalling:
    """A client that speaks signalling by hand."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def ask(self, request: signalling.SignalRequest, kind: str) -> signalling.SignalResponse:
        """Sends a request; the next message of that kind."""
        await self._socket.send_bytes(request.SerializeToString())
        return await self.next(kind)

    async def next(self, kind: str) -> signalling.SignalResponse:
        async with asyncio.timeout(20):
            while True:
                response = signalling.SignalResponse.FromString(await self._socket.receive_bytes())
                if response.WhichOneof("message") == kind:
                    return response


@pytest.fixture
async def room() -> AsyncIterator[SimulatedPeer]:
    async with SimulatedPeer() as room:
        yield room


def token(room: SimulatedPeer, **grants: bool) -> str:
    return mint(Grants(identity="page", room=room.sim.hub.name, **grants), lifetime=60)


async def join_by_hand(http: aiohttp.ClientSession, url: str, token: str) -> Signalling:
    client = Signalling(await http.ws_connect(f"{url}/rtc?access_token={token}&protocol=16"))
    await client.next("join")
    return client


async def test_a_microphone_is_let_in_and_data_goes_on(room: SimulatedPeer) -> None:
    client = rtc.Room()
    heard: list[bytes] = []
    client.on("data_received", lambda packet: heard.append(packet.data))
    source = rtc.AudioSource(48_000, 1)
    try:
        await client.connect(room.credentials.livekit_url, token(room))
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        async with asyncio.timeout(20):
            publication = await client.local_participant.publish_track(track)
        assert publication.sid.startswith("TR_")
        await client.local_participant.publish_data(b"up", reliable=True)
        await until(lambda: room.received == [b"up"], "the packet at the avatar")
        await room.send(b"down")
        await until(lambda: heard == [b"down"], "the packet at the page")
    finally:
        await client.disconnect()
        await source.aclose()


async def test_a_token_that_may_not_publish_is_reported_at_once(room: SimulatedPeer) -> None:
    wanted = signalling.AddTrackRequest(cid="camera", type=pb.TrackType.VIDEO)
    async with aiohttp.ClientSession() as http:
        client = await join_by_hand(http, room.url, token(room, can_publish=False))
        request = signalling.SignalRequest(add_track=wanted)
        answer = (await client.ask(request, "request_response")).request_response
    assert answer.reason == signalling.RequestResponse.Reason.NOT_ALLOWED
    assert answer.add_track.cid == "camera"


async def test_a_camera_is_answered_with_every_extension_it_offered(room: SimulatedPeer) -> None:
    # Without them Chromium, which sends layers, refuses to make its next offer.
    page = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        page.createDataChannel("_reliable")
        page.addTransceiver("video")
        await page.setLocalDescription(await page.createOffer())
        offer = page.localDescription.sdp.replace(
            "a=sendrecv\r\n", f"a=sendrecv\r\n{_LAYER_IDS}\r\n"
        )
        assert _LAYER_IDS in offer
        request = signalling.SignalRequest(
            offer=signalling.SessionDescription(type="offer", sdp=offer)
        )
        async with aiohttp.ClientSession() as http:
            client = await join_by_hand(http, room.url, token(room))
            answer = (await client.ask(request, "answer")).answer.sdp
    finally:
        await page.close()
    video = next(part for part in answer.split("m=") if part.startswith("video"))
    assert _LAYER_IDS in video.splitlines()
    assert "a=inactive" in video.splitlines()
    assert len(set(video.splitlines())) == len(video.splitlines())
    assert answer.endswith("\r\n")


async def test_changing_ones_own_name_takes_a_grant(room: SimulatedPeer) -> None:
    change = signalling.UpdateParticipantMetadata(name="Eve", request_id=7)
    async with aiohttp.ClientSession() as http:
        client = await join_by_hand(http, room.url, token(room))
        request = signalling.SignalRequest(update_metadata=change)
        answer = (await client.ask(request, "request_response")).request_response
    assert answer.request_id == 7
    assert answer.reason == signalling.RequestResponse.Reason.NOT_ALLOWED
    assert "permission" in answer.message


async def test_with_the_grant_a_client_changes_what_all_are_sent(room: SimulatedPeer) -> None:
    page, other = rtc.Room(), rtc.Room()
    try:
        await other.connect(room.credentials.livekit_url, room.sim.new_token(identity="other"))
        await page.connect(room.credentials.livekit_url, token(room, can_update_own_metadata=True))
        async with asyncio.timeout(20):
            await page.local_participant.set_name("Eve")
            await page.local_participant.set_metadata("m")
            await page.local_participant.set_attributes({"a": "b", "c": "d"})
            await page.local_participant.set_attributes({"c": ""})

        def seen() -> bool:
            entry = other.remote_participants.get("page")
            return entry is not None and (entry.name, entry.metadata, entry.attributes) == (
                "Eve",
                "m",
                {"a": "b"},
            )

        await until(seen, "the changed entry")
        assert page.local_participant.name == "Eve"
    finally:
        await page.disconnect()
        await other.disconnect()
