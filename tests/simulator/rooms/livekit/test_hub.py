"""The room of occupants and packets, without a network."""

from __future__ import annotations

import asyncio

import pytest
from livekit.protocol import models as pb
from livekit.protocol import rtc

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.livekit.hub import DataRoom, Resident, new_sid
from akool_async.simulator.rooms.livekit.tokens import Grants

pytestmark = pytest.mark.virtual_clock

STATE = pb.ParticipantInfo.State


class Listener(Resident):
    """Remembers what it was sent."""

    def __init__(self, identity: str, **grants: bool) -> None:
        self.heard: list[tuple[bytes, str]] = []
        super().__init__(identity, "r", lambda data, sender: self.heard.append((data, sender)))
        self.grants = Grants(identity, "r", **grants)
        self.entries: list[pb.ParticipantInfo] = []

    def signal(self, response: rtc.SignalResponse) -> None:
        self.entries += response.update.participants

    @property
    def seen(self) -> list[tuple[str, int]]:
        return [(entry.identity, entry.state) for entry in self.entries]


def room_of(*occupants: Listener, **more: NetworkConditions) -> DataRoom:
    room = DataRoom("r", **more)
    for occupant in occupants:
        room.enter(occupant)
    for occupant in occupants:
        occupant.entries.clear()
    return room


def test_ids_look_like_livekits() -> None:
    assert new_sid("PA").startswith("PA_")
    assert new_sid("PA") != new_sid("PA")


async def test_the_others_hear_a_packet_and_who_sent_it() -> None:
    avatar, me, other = Listener("avatar"), Listener("me"), Listener("other")
    room = room_of(avatar, me, other)
    room.send_bytes(me, b"hello")
    assert avatar.heard == other.heard == [(b"hello", "me")]
    assert me.heard == []
    room.send_bytes(me, b"to you", to=["other", "no one"])
    assert other.heard[-1] == (b"to you", "me")
    assert len(avatar.heard) == 1
    assert (room.lost, room.refused) == (0, 0)


async def test_what_a_sender_says_about_itself_is_not_believed() -> None:
    avatar, me = Listener("avatar"), Listener("me")
    forged = pb.DataPacket(
        participant_identity="avatar",
        user=pb.UserPacket(payload=b"x", participant_identity="avatar"),
    )
    room_of(avatar, me).send(me, forged)
    assert avatar.heard == [(b"x", "me")]


async def test_without_the_grant_nothing_is_carried() -> None:
    avatar, mute = Listener("avatar"), Listener("mute", can_publish_data=False)
    room = room_of(avatar, mute)
    room.send_bytes(mute, b"x")
    assert (avatar.heard, room.refused) == ([], 1)


async def test_packets_with_a_topic_are_not_the_avatars() -> None:
    avatar, me = Listener("avatar"), Listener("me")
    room_of(avatar, me).send_bytes(me, b"x", topic="notes")
    assert avatar.heard == []


async def test_a_silent_room_counts_what_it_swallows() -> None:
    avatar, me = Listener("avatar"), Listener("me")
    room = room_of(avatar, me)
    room.silent = True
    room.send_bytes(me, b"x")
    assert (avatar.heard, room.lost) == ([], 1)


async def test_conditions_lose_and_delay() -> None:
    avatar, me = Listener("avatar"), Listener("me")
    conditions = NetworkConditions(delay=2.0)
    room = room_of(avatar, me, conditions=conditions)
    room.send_bytes(me, b"late")
    await asyncio.sleep(1.9)
    assert avatar.heard == []
    await asyncio.sleep(0.2)
    assert avatar.heard == [(b"late", "me")]
    conditions.loss = 1.0
    room.send_bytes(me, b"lost")
    await asyncio.sleep(10)
    assert len(avatar.heard) == 1
    conditions.loss = 0.0
    room.send_bytes(me, b"under way")
    room.close()
    await asyncio.sleep(10)
    assert len(avatar.heard) == 1


async def test_an_occupant_is_announced_at_once_later_or_never() -> None:
    me = Listener("me")
    room = room_of(me)
    late, never = Listener("late"), Listener("never")
    room.enter(late, announce_after=3.0)
    room.enter(never, announce_after=None)
    assert me.seen == []
    await asyncio.sleep(3.1)
    assert me.seen == [("late", STATE.ACTIVE)]
    assert [info.identity for info in room.others(me)] == ["late"]
    gone = Listener("gone")
    room.enter(gone, announce_after=3.0)
    room.leave(gone)
    await asyncio.sleep(3.1)
    assert len(me.seen) == 1


async def test_coming_and_going_are_reported_once() -> None:
    me, avatar = Listener("me"), Listener("avatar")
    room = room_of(me)
    events: list[str] = []
    room.on_joined = lambda identity: events.append(f"+{identity}")
    room.on_left = lambda identity: events.append(f"-{identity}")
    avatar.state = STATE.JOINED
    room.enter(avatar)
    room.send_bytes(me, b"too early")
    room.change(avatar, STATE.ACTIVE)
    room.change(avatar, STATE.ACTIVE)
    room.leave(avatar)
    room.leave(avatar)
    assert events == ["+avatar", "-avatar"]
    assert avatar.heard == []
    assert me.seen == [
        ("avatar", STATE.JOINED),
        ("avatar", STATE.ACTIVE),
        ("avatar", STATE.DISCONNECTED),
    ]


async def test_each_entry_is_newer_than_the_last() -> None:
    me = Listener("me")
    room = room_of(me)
    versions = [room.describe(me).version for _ in range(3)]
    assert versions == sorted(set(versions))
    room.send_entry(me)
    assert me.entries[-1].version > versions[-1]
    assert room.info().num_participants == 1


@pytest.mark.parametrize(
    ("kind", "track_id", "arrives"),
    [("", "TR_1", False), ("standard", "", False), ("agent", "", False), ("agent", "TR_1", True)],
)
async def test_a_transcription_is_an_agents_to_send(
    kind: str, track_id: str, arrives: bool
) -> None:
    """One without a track's id ends the process of a native client that receives it."""
    agent, me = Listener("agent"), Listener("me")
    agent.grants = Grants("agent", "r", kind=kind)
    received: list[pb.DataPacket] = []
    me.receive = received.append  # type: ignore[method-assign]
    room = room_of(agent, me)
    words = pb.Transcription(transcribed_participant_identity="agent", track_id=track_id)
    words.segments.add(id="s1", text="hello", final=True)
    room.send(agent, pb.DataPacket(transcription=words))
    assert (bool(received), room.refused) == (arrives, 0 if arrives else 1)
