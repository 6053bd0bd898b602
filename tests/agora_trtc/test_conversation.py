"""Whole conversations over both transports, through `open_session`, against the simulator."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from akool_async import AkoolClient, ConversationOptions, join
from akool_async import events as ev
from akool_async.conversation.session import AvatarSession
from akool_async.errors import DisconnectedError, MissingDependencyError
from akool_async.simulator import ServiceBehavior, Simulator
from akool_async.simulator.rooms.relay.room import RelayRoom
from akool_async.testing.conformance import TIMEOUT, until

AVATAR = "dvp_Tristan_cloth2_1080P"
KINDS = pytest.mark.parametrize("kind", ["agora", "trtc"])


def reply(text: str) -> str:
    return f"You asked <{text}>. " + "That is a good question. " * 3


@asynccontextmanager
async def conversation(
    kind: str, *, open_: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[AvatarSession, RelayRoom, Simulator]]:
    async with (
        Simulator(**{"reply": reply, **settings}) as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
    ):
        async with akool.open_session(AVATAR, stream_type=kind, **(open_ or {})) as avatar:
            assert avatar.info.session_id is not None
            room = sim.room(avatar.info.session_id)
            assert isinstance(room, RelayRoom)
            yield avatar, room, sim
        assert not sim.open_sessions


@KINDS
async def test_a_whole_conversation(kind: str) -> None:
    async with conversation(kind) as (avatar, room, sim):
        assert avatar.info.transport == kind
        events = avatar.events(ev.SpeakingStarted, ev.SpeakingStopped, ev.UserSpoke)
        await avatar.set_params(mode=2, language="en", speed=1.1)
        answer = await avatar.ask("Hello?")
        assert answer.text == reply("Hello?")
        assert answer.ended == "fin"
        async with avatar.stream("你好 😀") as pieces:
            streamed = [piece async for piece in pieces]
        assert len(streamed) > 1
        assert "".join(streamed) == reply("你好 😀")
        await avatar.act(action="nod", expression="happiness")
        await avatar.say("I say this.").spoken()
        await avatar.interrupt()
        assert avatar.info.session_id is not None
        await avatar.set_params(mode=2)
        await sim.user_says(avatar.info.session_id, "somebody speaks")
        async with asyncio.timeout(TIMEOUT):
            async for event in events:
                if isinstance(event, ev.UserSpoke):
                    assert event.text == "somebody speaks"
                    break
        assert room.refused == Counter()


@KINDS
async def test_ten_questions_at_once_get_their_own_replies(kind: str) -> None:
    async with conversation(kind) as (avatar, room, _):
        texts = [f"question {n}" for n in range(10)]
        replies = await asyncio.gather(*(avatar.ask(text) for text in texts))
        assert [r.text for r in replies] == [reply(text) for text in texts]
        assert room.refused == Counter()


@KINDS
async def test_a_long_text_is_never_refused_by_the_limits(kind: str) -> None:
    text = "A sentence that is said by the avatar. " * 400  # 16 KB: two seconds and more
    quiet = ServiceBehavior(retelling_text=False)
    async with conversation(kind, behavior=quiet) as (avatar, room, sim):
        utterance = avatar.say(text)
        texts = [f"and now number {n}" for n in range(10)]
        others = [avatar.say(words) for words in texts]
        async with asyncio.timeout(TIMEOUT * 2):
            await asyncio.gather(*(u.spoken() for u in (utterance, *others)))
        assert room.refused == Counter()
        heard = [json.loads(r.data) for r in sim.packets if r.direction == "in"]
        chats = [m for m in heard if m["type"] == "chat"]
        said: dict[str, str] = {}
        for message in chats:
            said[message["mid"]] = said.get(message["mid"], "") + message["pld"]["text"]
        assert list(said.values()) == [text, *texts]


@KINDS
async def test_the_connection_breaks_and_the_conversation_goes_on(kind: str) -> None:
    async with conversation(kind) as (avatar, room, _):
        changes = avatar.events(ev.Reconnecting, ev.Reconnected)
        await room.fault("drop_socket", refuse_for=0.1)
        async with asyncio.timeout(TIMEOUT):
            assert isinstance(await anext(changes), ev.Reconnecting)
            assert await anext(changes) == ev.Reconnected(lossy=True)
        assert (await avatar.ask("Still there?")).text == reply("Still there?")


@KINDS
async def test_a_command_during_the_break_is_answered_after_it(kind: str) -> None:
    async with conversation(kind) as (avatar, room, _):
        await room.fault("drop_socket", refuse_for=0.3)
        async with asyncio.timeout(TIMEOUT):
            await avatar.set_params(language="de")
        assert avatar.stats.reconnects == 1


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [("agora", 3, "banned"), ("agora", 19, "same_identity"), ("trtc", "kick", "same_identity")],
)
async def test_being_thrown_out_ends_everything_with_the_reason(
    kind: str, code: int | str, reason: str
) -> None:
    async with conversation(kind, pace=1.0) as (avatar, room, _):
        ended = avatar.events(ev.Disconnected)
        asking = [asyncio.create_task(avatar.ask(f"Slowly, please {n}")) for n in range(2)]
        await until(lambda: avatar.stats.packets_sent > 2, "the questions to leave")
        await room.fault("disconnect", code=code)
        async with asyncio.timeout(TIMEOUT):
            assert await anext(ended) == ev.Disconnected(reason)
            for waiting in asking:
                with pytest.raises(DisconnectedError) as raised:
                    await waiting
                assert raised.value.reason == reason
            with pytest.raises(DisconnectedError):
                await avatar.set_params(language="en")


async def test_an_expiring_token_is_reported_and_renewed() -> None:
    rooms: list[Any] = []

    async def renew() -> Any:
        known = rooms[0]
        credentials = session_credentials[0]
        return credentials.model_copy(update={"agora_token": SecretStr(known.new_token())})

    session_credentials: list[Any] = []
    async with (
        Simulator(reply=reply) as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
    ):
        session = await akool.sessions.create(AVATAR, stream_type="agora")
        try:
            session_credentials.append(session.credentials)
            rooms.append(sim.room(session.id))
            async with join(session, renew_credentials=renew) as avatar:
                reported = avatar.events(ev.TokenExpiring)
                await rooms[0].fault("token_will_expire", seconds=20)
                async with asyncio.timeout(TIMEOUT):
                    assert await anext(reported) == ev.TokenExpiring(20)
                await until(lambda: not rooms[0].unrenewed, "the new token")
                assert (await avatar.ask("ok?")).text == reply("ok?")
        finally:
            await akool.sessions.close(session.id)


@KINDS
async def test_a_silent_room_is_joined_again(kind: str) -> None:
    options = ConversationOptions(silence_after=0.3, probe_timeout=0.3, command_resend=0.2)
    async with conversation(kind, open_={"options": options}) as (avatar, room, _):
        joined = avatar.events(ev.Reconnected)
        await room.fault("silence", seconds=TIMEOUT)
        setting = asyncio.create_task(avatar.set_params(language="de", timeout=TIMEOUT))
        async with asyncio.timeout(TIMEOUT):
            await anext(joined)
            await room.fault("silence", seconds=0)
            await setting
        assert (await avatar.ask("ok?")).text == reply("ok?")


@KINDS
async def test_without_an_engine_nothing_is_created(kind: str) -> None:
    async with AkoolClient("a-key") as akool:  # the real service's URL, never asked
        with pytest.raises(MissingDependencyError, match="engine="):
            async with akool.open_session(AVATAR, stream_type=kind):
                raise AssertionError


@KINDS
async def test_an_engine_by_name(kind: str) -> None:
    async with conversation(kind, open_={"engine": "loopback"}) as (avatar, _, _sim):
        assert (await avatar.ask("ok?")).text == reply("ok?")


@KINDS
async def test_a_session_made_elsewhere_is_joined_from_its_json(kind: str) -> None:
    async with (
        Simulator(reply=reply) as sim,
        AkoolClient("a-key", base_url=sim.url) as akool,
    ):
        session = await akool.sessions.create(AVATAR, stream_type=kind)
        try:
            text = json.dumps(session.to_dict(include_secrets=True))
            async with join(json.loads(text)) as avatar:
                assert (await avatar.ask("ok?")).text == reply("ok?")
            assert [s.id for s in sim.open_sessions] == [session.id]
        finally:
            await akool.sessions.close(session.id)


async def test_nothing_is_sent_before_the_avatar_publishes():
    """An Agora avatar of the service loses it (docs/protocol.md §2)."""
    async with (
        Simulator(behavior="drops_before_video") as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", stream_type="agora") as avatar,
    ):
        assert (await avatar.ask("hello")).text
        assert sim.avatar(sim.open_sessions[0]).ignored == {}


@KINDS
async def test_people_in_the_room_are_known(kind: str) -> None:
    async with conversation(kind) as (avatar, room, _):
        (only,) = avatar.participants
        assert (only.identity, only.is_avatar) == (room.avatar, True)
        events = avatar.events(ev.ParticipantJoined, ev.ParticipantLeft)
        came = ev.ParticipantJoined(room.avatar, is_avatar=True)
        gone = ev.ParticipantLeft(room.avatar, is_avatar=True)
        for fault, options, expected in (
            ("stranger", {"packet": b"anything"}, ev.ParticipantJoined("4711")),
            ("avatar_leaves", {}, gone),
            ("avatar_returns", {}, came),
        ):
            await room.fault(fault, **options)
            async with asyncio.timeout(TIMEOUT):
                assert await anext(events) == expected
        assert {one.identity: one.is_avatar for one in avatar.participants} == {
            "4711": False,
            room.avatar: True,
        }
