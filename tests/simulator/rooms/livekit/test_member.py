"""A participant that came over the network, seen by the real client and by the room."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc
from livekit.protocol import models as pb
from livekit_peer import SimulatedPeer

from akool_async.simulator.rooms.livekit.tokens import Grants, mint
from akool_async.testing.conformance import until


@pytest.fixture
async def room():
    async with SimulatedPeer() as room:
        yield room


@pytest.fixture
async def client():
    client = Client()
    yield client
    await client.room.disconnect()


class Client:
    """The raw client, with what it hears."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.heard: list[bytes] = []
        self.reasons: list[str] = []
        self.room.on("data_received", lambda packet: self.heard.append(packet.data))
        self.room.on(
            "disconnected", lambda reason: self.reasons.append(rtc.DisconnectReason.Name(reason))
        )

    async def join(self, room: SimulatedPeer, token: str | None = None) -> None:
        token = token or room.credentials.livekit_token.get_secret_value()
        await self.room.connect(room.credentials.livekit_url, token)


async def test_the_sender_cannot_pretend_to_be_another(room, client):
    await client.join(room)
    await until(lambda: bool(room.events.here), "the client")
    member = room.sim.members()[0]
    forged = pb.DataPacket(
        participant_identity=room.sim.avatar.grants.identity,
        user=pb.UserPacket(payload=b"x", participant_identity="avatar"),
    )
    member._packet_received(forged.SerializeToString(), True)
    assert room.events.packets == [(b"x", room.sim.client_identity)]


async def test_without_leave_to_send_nothing_is_carried(room, client):
    grants = Grants("mute", room.sim.hub.name, can_publish_data=False)
    await client.join(room, mint(grants, lifetime=60))
    await client.room.local_participant.publish_data(b"x")
    await asyncio.sleep(0.2)
    assert room.received == []


async def test_leaving_is_reported_to_the_avatar(room, client):
    await client.join(room)
    await until(lambda: bool(room.events.here), "the client")
    await client.room.disconnect()
    await until(lambda: room.events.gone == room.events.here, "its leaving")


async def test_the_same_identity_twice_removes_the_first(room, client):
    await client.join(room)
    second = Client()
    await second.join(room)
    await until(lambda: client.reasons == ["DUPLICATE_IDENTITY"], "the first one's end")
    await until(lambda: len(room.sim.members()) == 1, "one member")
    await second.room.disconnect()


async def test_what_is_no_packet_or_request_is_passed_over(room, client):
    await client.join(room)
    await until(lambda: bool(room.events.here), "the client")
    member = room.sim.members()[0]
    member._packet_received(b"\xff\xfe no packet", True)
    member._handle(b"\xff\xfe no request")
    await client.room.local_participant.publish_data(b"hello")
    await until(lambda: room.received == [b"hello"], "the packet")
    assert member.connected
