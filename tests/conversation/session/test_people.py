"""Who is in the room and the tokens that let people in, by the session's methods."""

from __future__ import annotations

import pytest
from livekit import api
from pydantic import SecretStr

from akool_async.conversation import AvatarSession, SessionInfo
from akool_async.errors import (
    ConversationClosedError,
    InvalidParameterError,
    NotSupportedError,
)
from akool_async.rooms.viewers import LinkMaker, RoomLinks
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import Participant

KEY = "APIkey0123"
SECRET = "a-secret-of-more-than-32-characters"
AVATAR = Participant("avatar", is_avatar=True, stay="1")


def own_room() -> SessionInfo:
    maker = LinkMaker("wss://livekit.example", "hall", KEY, SecretStr(SECRET), ("avatar", "bot"))
    return SessionInfo(links=RoomLinks(maker))


def room_with_an_avatar() -> InMemoryRoom:
    room = InMemoryRoom()
    room.populate(AVATAR)
    return room


async def test_a_viewer_only_watches_and_a_visitor_talks(scene):
    async with scene(info=own_room()) as s:
        watching = s.session.viewer_link("eye", "Ada", ttl=60)
        talking = s.session.visitor_link()
    assert (watching.url, watching.room) == ("wss://livekit.example", "hall")
    viewer = api.TokenVerifier(KEY, SECRET).verify(watching.token)
    visitor = api.TokenVerifier(KEY, SECRET).verify(talking.token)
    assert (viewer.identity, viewer.name) == ("eye", "Ada")
    assert (watching.identity, talking.identity) == ("eye", visitor.identity)
    assert (viewer.video.hidden, viewer.video.can_publish) == (True, False)
    assert not visitor.video.hidden
    assert visitor.video.can_publish
    assert not viewer.video.can_publish_data
    assert not visitor.video.can_publish_data


async def test_the_identity_of_the_avatar_or_the_program_is_refused(scene):
    async with scene(info=own_room()) as s:
        for taken in ("avatar", "bot", "avatar-1"):
            with pytest.raises(InvalidParameterError, match="identity"):
                s.session.viewer_link(taken)
            with pytest.raises(InvalidParameterError, match="identity"):
                s.session.visitor_link(taken)


async def test_a_room_without_a_key_says_why_it_has_no_links(scene):
    async with scene(info=SessionInfo(links=RoomLinks(why_not="only one may join"))) as s:
        with pytest.raises(NotSupportedError, match="only one may join"):
            s.session.viewer_link()


async def test_a_transport_that_knows_lists_the_participants(scene):
    async with scene(room_with_an_avatar()) as s:
        assert s.session.participants == (AVATAR,)


async def test_a_transport_that_does_not_know_is_named(scene):
    async with scene() as s:
        with pytest.raises(NotSupportedError, match="the in_memory transport"):
            _ = s.session.participants


async def test_neither_before_it_opens_nor_after_it_closed(scene):
    unopened = AvatarSession(room_with_an_avatar().transport, info=own_room())
    async with scene(room_with_an_avatar(), info=own_room()) as s:
        ended = s.session
    for session in (unopened, ended):
        with pytest.raises(ConversationClosedError):
            _ = session.participants
        with pytest.raises(ConversationClosedError):
            session.viewer_link()
        with pytest.raises(ConversationClosedError):
            session.visitor_link()
    await unopened.aclose()
