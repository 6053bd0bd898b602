"""`simulator.rooms.livekit.room`: what any LiveKit client finds, the raw one and browsers."""

from __future__ import annotations

import aiohttp
import pytest
from livekit import rtc
from livekit.protocol import models as pb
from livekit.protocol import rtc as signalling
from livekit_peer import SimulatedPeer

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.livekit.room import LiveKitRoom
from akool_async.simulator.rooms.livekit.tokens import Grants, mint
from akool_async.simulator.rooms.room import RoomRequest
from akool_async.testing.conformance import until


@pytest.fixture
async def room():
    async with SimulatedPeer() as room:
        yield room


@pytest.fixture
async def http(room):
    async with aiohttp.ClientSession(room.url) as http:
        yield http


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


@pytest.fixture
async def client():
    client = Client()
    yield client
    await client.room.disconnect()


# Signalling over HTTP


@pytest.mark.parametrize("path", ["/rtc/v1", "/rtc/v1/validate"])
async def test_newer_browser_clients_fall_back_because_of_a_404(http, path):
    async with http.get(path) as answer:
        assert answer.status == 404


async def test_a_right_token_is_valid(room, http):
    token = room.credentials.livekit_token.get_secret_value()
    async with http.get("/rtc/validate", params={"access_token": token}) as answer:
        assert (answer.status, await answer.text()) == (200, "success")
    async with http.get("/rtc/validate", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        mint(Grants("me", "akool_5f1e"), lifetime=0),
        mint(Grants("me", "akool_5f1e"), lifetime=60, secret="another" * 5),
        mint(Grants("me", "akool_5f1e"), lifetime=60, key="another"),
    ],
    # A token holds its time: processes that find the tests at different times had different names.
    ids=["empty", "no token", "expired", "of another secret", "of another key"],
)
async def test_a_wrong_token_is_refused(http, token):
    for path in ("/rtc", "/rtc/validate"):
        async with http.get(path, params={"access_token": token}) as answer:
            assert answer.status == 401


async def test_a_room_whose_session_is_not_there_does_not_exist(http):
    token = mint(Grants("me", "akool_of-another-session"), lifetime=60)
    async with http.get("/rtc", params={"access_token": token}) as answer:
        assert answer.status == 404


async def test_a_browsers_join_request_is_answered_as_the_protocol_has_it(room, http):
    token = room.credentials.livekit_token.get_secret_value()
    # As livekit-client 2.15 asks: protocol 16, the token in the URL.
    params = {"access_token": token, "auto_subscribe": "1", "sdk": "js", "protocol": "16"}
    async with http.ws_connect("/rtc", params=params) as socket:
        first = signalling.SignalResponse.FromString(await socket.receive_bytes())
        assert first.join.participant.identity == room.sim.client_identity
        assert first.join.subscriber_primary
        (avatar,) = first.join.other_participants
        assert avatar.identity == room.credentials.livekit_server_identity
        assert avatar.state == pb.ParticipantInfo.State.ACTIVE
        assert first.join.participant.permission.can_publish
        offer = signalling.SignalResponse.FromString(await socket.receive_bytes())
        assert offer.offer.type == "offer"
        ping = signalling.SignalRequest(ping_req=signalling.Ping(timestamp=7))
        await socket.send_bytes(b"\xff not a request")
        await socket.send_bytes(ping.SerializeToString())
        pong = signalling.SignalResponse.FromString(await socket.receive_bytes())
        assert pong.pong_resp.last_ping_timestamp == 7
        leave = signalling.SignalRequest(leave=signalling.LeaveRequest())
        await socket.send_bytes(leave.SerializeToString())
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert not room.sim.members()


async def test_taking_up_an_old_connection_is_refused_with_join_again(room, http):
    token = room.credentials.livekit_token.get_secret_value()
    params = {"access_token": token, "reconnect": "1", "sid": "PA_old"}
    async with http.ws_connect("/rtc", params=params) as socket:
        answer = signalling.SignalResponse.FromString(await socket.receive_bytes())
        assert answer.leave.action == signalling.LeaveRequest.Action.RECONNECT


# Packets


async def test_both_directions_in_order(room, client):
    await client.join(room)
    await until(lambda: bool(room.events.here), "the client")
    sent = [b"%d" % n for n in range(100)]
    for packet in sent:
        await client.room.local_participant.publish_data(packet)
        await room.send(packet)
    assert await room.wait_received(100) == sent
    await until(lambda: len(client.heard) == 100, "the avatar's packets")
    assert client.heard == sent
    assert {sender for _, sender in room.events.packets} == {room.sim.client_identity}


async def test_addressed_packets_reach_only_those_named(room, client):
    other = Client()
    await client.join(room)
    await other.join(room, room.sim.new_token(identity="other"))
    await until(lambda: len(room.events.here) == 2, "both")
    to = ["other", "nobody"]
    await client.room.local_participant.publish_data(b"to you", destination_identities=to)
    await client.room.local_participant.publish_data(b"to all")
    await until(lambda: len(other.heard) == 2, "the packets")
    assert other.heard == [b"to you", b"to all"]
    assert room.received == [b"to all"]
    await other.room.disconnect()


async def test_conditions_lose_and_double():
    same = NetworkConditions(loss=0.3, double=0.3, seed=1)
    expected = sum(len(same.deliveries()) for _ in range(100))
    async with SimulatedPeer(conditions=NetworkConditions(loss=0.3, double=0.3, seed=1)) as room:
        client = Client()
        await client.join(room)
        await until(lambda: bool(room.events.here), "the client")
        for n in range(100):
            await room.send(b"%d" % n)
        await until(lambda: len(client.heard) >= expected, "the last packets")
        assert len(client.heard) == expected
        assert 40 < len(set(client.heard)) < 100
        assert len(client.heard) > len(set(client.heard))
        await client.room.disconnect()


# Coming and going


async def test_closing_dismisses_everybody(room, client):
    await client.join(room)
    await room.sim.close("closed")
    await room.sim.close("closed")
    await until(lambda: client.reasons == ["ROOM_DELETED"], "the end")


async def test_an_unknown_fault_lists_the_known_ones(room):
    with pytest.raises(ValueError, match="drop_socket"):
        await room.fault("no_such_fault")


# A room of the user's own


async def test_a_token_of_ones_own_makes_a_room_and_the_avatar_comes_there(room, client):
    await client.join(room, mint(Grants("me", "mine"), lifetime=60))
    token = mint(Grants("avatar", "mine"), lifetime=60)
    credentials = {"livekit_url": "ws://here", "livekit_token": token}
    wanted = RoomRequest("5f1e", 600.0, "livekit", room.url, NetworkConditions(), credentials)
    events = type(room.events)()
    own = LiveKitRoom(wanted, events)
    assert await own.open() == credentials
    await until(lambda: events.here == ["me"], "the avatar to see us")
    await client.room.local_participant.publish_data(b"hello")
    await until(lambda: events.packets == [(b"hello", "me")], "the packet")
    await own.send(b"hi")
    await until(lambda: client.heard == [b"hi"], "the answer")
    await own.close("closed")
    await until(lambda: not client.room.remote_participants, "the avatar's leaving")
    assert client.room.isconnected()  # the user's room outlives the session
