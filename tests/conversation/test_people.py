from __future__ import annotations

import pytest

from akool_async import (
    Event,
    NotSupportedError,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantSpeaking,
)
from akool_async.conversation.people import People
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import Participant

AVATAR = Participant("avatar", is_avatar=True, stay="1")
ADA = Participant("guest-1", "Ada", stay="2")


async def test_who_comes_and_goes_is_seen_as_events_and_as_a_list(scene):
    room = InMemoryRoom()
    room.populate(AVATAR)
    async with scene(room) as s:
        session, seen = s.session, []
        session.on(ParticipantJoined)(seen.append)
        session.on(ParticipantLeft)(seen.append)
        session.on(ParticipantSpeaking)(seen.append)
        assert session.participants == (AVATAR,)

        room.populate(AVATAR, ADA)
        await s.robot.until(lambda: seen == [ParticipantJoined("guest-1", "Ada")])
        assert session.participants == (AVATAR, ADA)

        room.populate(AVATAR, Participant("guest-1", "Ada", speaking=True, stay="2"))
        await s.robot.until(lambda: len(seen) == 2)
        assert seen[1] == ParticipantSpeaking("guest-1", "Ada", speaking=True)

        room.populate(AVATAR, ADA)
        await s.robot.until(lambda: len(seen) == 3)
        assert seen[2] == ParticipantSpeaking("guest-1", "Ada", speaking=False)

        room.populate(ADA)
        await s.robot.until(lambda: len(seen) == 4)
        assert seen[3] == ParticipantLeft("avatar", is_avatar=True)


async def test_a_room_that_does_not_know_says_so(scene):
    async with scene() as s:
        with pytest.raises(NotSupportedError, match="in_memory"):
            _ = s.session.participants
        with pytest.raises(NotSupportedError, match="no token for people"):
            s.session.viewer_link()
        with pytest.raises(NotSupportedError, match="no token for people"):
            s.session.visitor_link()


async def test_another_room_that_takes_over_is_compared_with_the_one_before():
    seen: list[Event] = []
    people = People(seen.append)
    first, second = InMemoryRoom(), InMemoryRoom()
    first.populate(AVATAR, ADA)
    people.begin(first.transport)
    second.populate(Participant("avatar-2", is_avatar=True, stay="3"), ADA)
    people.take_over(second.transport)
    assert seen == [
        ParticipantLeft("avatar", is_avatar=True),
        ParticipantJoined("avatar-2", is_avatar=True),
    ]


async def test_who_left_and_came_back_unseen_did_both():
    seen: list[Event] = []
    people = People(seen.append)
    room = InMemoryRoom()
    room.populate(Participant("guest-1", speaking=True, stay="2"))
    people.begin(room.transport)
    room.populate(Participant("guest-1", speaking=True, stay="3"))
    people.look(room.transport)
    assert seen == [
        ParticipantLeft("guest-1"),
        ParticipantJoined("guest-1"),
        ParticipantSpeaking("guest-1", speaking=True),
    ]


async def test_speakers_are_followed_where_someone_asks_for_them(scene):
    room = InMemoryRoom()
    async with scene(room) as s:
        s.session.events()
        assert not room.follows_speakers
        s.session.events(ParticipantSpeaking)
        assert room.follows_speakers


async def test_speakers_are_followed_in_the_room_that_takes_over():
    first, second = InMemoryRoom(), InMemoryRoom()
    people = People(lambda event: None)
    people.begin(first.transport)
    people.follow_speakers(first.transport)
    people.take_over(second.transport)
    assert second.follows_speakers
