"""One WebRTC connection between the room and a participant, both ends in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection

from akool_async.simulator.rooms.livekit.peer import LOSSY, RELIABLE, Peer
from akool_async.testing.waiting import until

LOOPBACK = ["127.0.0.1"]


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[tuple[Peer, Peer]]:
    """The room's end and a participant's, connected."""
    room, participant = Peer(addresses=LOOPBACK), Peer(addresses=LOOPBACK)
    await room.accept(await participant.answer(await room.offer()))
    await until(lambda: room.open and participant.open, "the channels")
    yield room, participant
    await room.close()
    await participant.close()


async def test_packets_go_both_ways_and_say_which_way_they_came(ends: tuple[Peer, Peer]) -> None:
    heard: list[tuple[bytes, bool]] = []
    room, participant = ends
    room.on_packet = participant.on_packet = lambda data, reliable: heard.append((data, reliable))
    assert room.send(b"down")
    await until(lambda: heard == [(b"down", True)])
    await until(lambda: participant.send(b"up", reliable=False), "the lossy channel")
    await until(lambda: heard[1:] == [(b"up", False)])


async def test_it_is_reached_at_the_addresses_it_was_given(ends: tuple[Peer, Peer]) -> None:
    sdp = ends[0].connection.localDescription.sdp
    found = {line.split()[4] for line in sdp.splitlines() if line.startswith("a=candidate:")}
    assert found == set(LOOPBACK)


async def test_opening_is_reported_once() -> None:
    opened: list[str] = []
    room, participant = Peer(addresses=LOOPBACK), Peer(addresses=LOOPBACK)
    room.on_open = lambda: opened.append("room")
    try:
        await room.accept(await participant.answer(await room.offer()))
        await until(lambda: room.open, "the channel")
        await until(lambda: opened == ["room"])
    finally:
        await room.close()
        await participant.close()


async def test_before_it_is_connected_a_packet_is_lost() -> None:
    peer = Peer(addresses=LOOPBACK)
    assert not peer.open
    assert not peer.send(b"x")
    await peer.offer()
    assert not peer.send(b"x")
    await peer.close()
    await peer.close()


async def test_the_rooms_offer_has_both_channels() -> None:
    made: list[str] = []
    peer = Peer(addresses=LOOPBACK)
    create = peer.connection.createDataChannel
    peer.connection.createDataChannel = lambda label, **how: (  # type: ignore[method-assign]
        made.append(label),
        create(label, **how),
    )[1]
    assert "m=application" in await peer.offer()
    assert made == [RELIABLE, LOSSY]
    await peer.close()


async def test_a_candidate_waits_for_the_description_it_belongs_to() -> None:
    peer = Peer(addresses=LOOPBACK)
    line = "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host"
    trickled = json.dumps({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})
    adding = asyncio.create_task(peer.add_candidate(trickled))
    await asyncio.sleep(0)
    assert not adding.done()
    other = Peer(addresses=LOOPBACK)
    await peer.accept(await other.answer(await peer.offer()))
    await adding
    await until(lambda: peer.open and other.open, "the channels")
    await peer.close()
    await other.close()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "candidate:1 1 tcp 2130706431 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 udp 2130706431 some-name.local 50000 typ host",
    ],
)
async def test_other_candidates_are_passed_over_at_once(line: str) -> None:
    peer = Peer(addresses=LOOPBACK)
    await asyncio.wait_for(peer.add_candidate(json.dumps({"candidate": line})), 20)
    await peer.close()


async def test_published_media_is_answered_as_inactive_with_every_extension() -> None:
    client = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    client.createDataChannel(RELIABLE)
    client.addTransceiver("audio", direction="sendonly")
    await client.setLocalDescription(await client.createOffer())
    offer = client.localDescription.sdp
    extension = "a=extmap:14 urn:example:unknown"
    offer = offer.replace("a=rtpmap:", f"{extension}\r\na=rtpmap:", 1)
    peer = Peer(addresses=LOOPBACK)
    answer = await peer.answer(offer)
    assert "a=inactive" in answer
    assert "a=recvonly" not in answer
    assert extension in answer
    await peer.close()
    await client.close()
