from __future__ import annotations

import asyncio
import json

import pytest
from livekit import api
from pydantic import SecretStr

from akool_async.conversation import AvatarSession, SessionInfo
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    InvalidParameterError,
    NotSupportedError,
)
from akool_async.events import ReplyDone
from akool_async.rooms.viewers import LinkMaker, RoomLinks
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until
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


async def test_commands_are_answered_refused_or_time_out(scene):
    async with scene() as s:
        await s.session.set_params(language="fr", speed=1.1)
        assert s.robot.commands[-1]["pld"]["data"] == {"lang": "fr", "vparams": {"speed": 1.1}}
        await s.session.interrupt()
        await s.session.act(action="nod", expression="happiness")
        assert s.robot.commands[-1]["pld"]["data"] == {"action": "nod", "expression": "happiness"}
        s.robot.answers_commands = False
        refused = asyncio.create_task(s.session.set_params(language="xx"))
        await s.robot.until(lambda: s.robot.commands[-1]["pld"]["data"] == {"lang": "xx"})
        s.robot.answer(s.robot.commands[-1]["mid"], "set-params", 1003, "no such language")
        with pytest.raises(CommandRejectedError, match=r"set-params .* 1003: no such language"):
            await refused
        with pytest.raises(CommandTimeoutError, match=r"interrupt had no answer within 0.3 s"):
            await s.session.interrupt(timeout=0.3)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "set_params"),
        ({"mode": 3}, "mode"),
        ({"mode": True}, "mode"),
        ({"language": ""}, "language"),
        ({"speed": 1.3}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"voice_url": "ftp://x"}, "voice_url"),
        ({"background_url": "nowhere"}, "background_url"),
        ({"pron_map": {"a": ""}}, "pron_map.a"),
        ({"stt_type": "whisper"}, "stt_type"),
        ({"turn_detection": {"type": "none"}}, "turn_detection.type"),
        ({"turn_detection": {"type": "server_vad", "threshold": 2}}, "turn_detection.threshold"),
        (
            {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}},
            "turn_detection.threshold",
        ),
        ({"turn_detection": {"loudness": 1}}, "turn_detection.loudness"),
        ({"turn_detection": {"prefix_padding_ms": 1.5}}, "turn_detection.prefix_padding_ms"),
        ({"language": "en", "timeout": 0}, "timeout"),
    ],
)
async def test_wrong_parameters_are_refused_before_anything_is_sent(scene, wrong, field):
    async with scene() as s:
        before = len(s.robot.commands)
        with pytest.raises(InvalidParameterError) as caught:
            await s.session.set_params(**wrong)
        assert caught.value.field == field
        assert len(s.robot.commands) == before


async def test_wrong_actions_are_refused(scene):
    async with scene() as s:
        before = len(s.robot.commands)
        with pytest.raises(InvalidParameterError, match="action: 'jump' isn't allowed, use"):
            await s.session.act(action="jump")
        with pytest.raises(InvalidParameterError, match="expression"):
            await s.session.act(expression="smug")
        with pytest.raises(InvalidParameterError, match="an action, an expression or both"):
            await s.session.act()
        assert len(s.robot.commands) == before
        await s.session.act(action="nod", expression="happiness")
        data = s.robot.named("set-action")[0]["pld"]["data"]
        assert data == {"action": "nod", "expression": "happiness"}


async def test_the_chat_room_keeps_settings_for_later_questions():
    pair = InMemoryRoom(dialect="v3", own_id="client_1", peer_id="server_1")
    async with AvatarSession(pair.transport) as session:
        await session.set_params(language="de", mode=1)
        for call in (session.interrupt(), session.act(action="nod")):
            with pytest.raises(NotSupportedError, match="has no commands"):
                await call
        with pytest.raises(NotSupportedError, match="background_url"):
            await session.set_params(background_url="https://e.org/x")
        asking = asyncio.ensure_future(session.ask("Hallo", timeout=5))
        await until(lambda: pair.packets)
        payload = json.loads(json.loads(pair.packets[0])["payload"])
        assert (payload["language"], payload["mode_type"]) == ("de", 1)
        asking.cancel()
        await asyncio.wait([asking])


async def test_what_there_is_to_observe(scene, echo):
    info = SessionInfo(session_id="s1", avatar_id="a")
    async with scene(info=info) as s:
        echo(s.robot)
        heard = []
        s.session.on(ReplyDone)(lambda event: heard.append(event.text))
        reader = s.session.events(ReplyDone)
        await s.session.ask("Hello")
        assert (await anext(reader)).text == "HELLO"
        assert heard == ["HELLO"]
        assert [entry.text for entry in s.session.transcript] == ["Hello", "HELLO"]
        assert (s.session.stats.questions, s.session.stats.replies) == (1, 1)
        s.session.stats.questions = 99  # a copy
        assert s.session.stats.questions == 1
        assert s.session.info.avatar_id == "a"
        assert s.session.options.quiet_time == 0.3
        assert not s.session.closed
    assert s.session.closed


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
