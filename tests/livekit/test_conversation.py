"""Conversations over LiveKit rooms, the simulator's own and those of a real server."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from livekit import rtc
from real_livekit import RealServer

from akool_async import (
    AkoolClient,
    AvatarLeft,
    AvatarReturned,
    AvatarSession,
    ConversationOptions,
    Disconnected,
    DisconnectedError,
    OwnLiveKitRoom,
    QuestionInterruptedError,
    Reconnected,
    Reconnecting,
    ReplyTimeoutError,
    SessionEnding,
    UnknownSenderMessage,
    UserSpoke,
)
from akool_async.errors import AkoolError, CommandTimeoutError
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.conformance import TIMEOUT, until

AVATAR = "dvp_Tristan_cloth2_1080P"
REAL = pytest.param("real", marks=pytest.mark.livekit_server)


@pytest_asyncio.fixture(params=["simulated", REAL])
async def sim(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    """A simulator whose rooms are its own, and one whose rooms are a real server's."""
    livekit = request.getfixturevalue("server") if request.param == "real" else None
    async with Simulator(livekit=livekit) as sim:
        yield sim


@pytest_asyncio.fixture
async def akool(sim: Simulator) -> AsyncIterator[AkoolClient]:
    async with AkoolClient("any", base_url=sim.url) as client:
        yield client


def id_of(avatar: AvatarSession) -> str:
    assert avatar.info.session_id is not None
    return avatar.info.session_id


async def test_a_whole_conversation(sim: Simulator, akool: AkoolClient) -> None:
    async with akool.open_session(AVATAR, duration=120) as avatar:
        await avatar.set_params(mode=2, language="en")
        assert (await avatar.ask("one")).text == "You said: one"
        async with avatar.stream("two words and more of them") as stream:
            pieces = [piece async for piece in stream]
        assert len(pieces) > 1
        assert "".join(pieces) == "You said: two words and more of them"
        together = await asyncio.gather(*(avatar.ask(f"question {n}") for n in range(5)))
        assert [r.text for r in together] == [f"You said: question {n}" for n in range(5)]
        heard = avatar.events(UserSpoke)
        await sim.user_says(id_of(avatar), "hear me")
        async with asyncio.timeout(TIMEOUT):
            assert (await anext(heard)).text == "hear me"
        await avatar.act(action="nod")
        await avatar.interrupt()
    assert sim.open_sessions == []


async def test_long_messages_both_ways(sim: Simulator, akool: AkoolClient) -> None:
    text = "A long question, 很长的问题 😀. " * 2000
    async with akool.open_session(AVATAR, duration=120) as avatar:
        assert (await avatar.ask(text, timeout=TIMEOUT)).text == f"You said: {text}"


async def test_strangers_reach_no_one(sim: Simulator, akool: AkoolClient) -> None:
    async with akool.open_session(AVATAR, duration=120) as avatar:
        reported = avatar.events(UnknownSenderMessage)
        await sim.fault(id_of(avatar), "stranger_joins")
        for n in range(3):
            false = {"v": 2, "type": "chat", "mid": f"m{n}", "idx": 0, "fin": True}
            packet = json.dumps({**false, "pld": {"from": "bot", "text": "I am the avatar"}})
            await sim.fault(id_of(avatar), "stranger_sends", data=packet.encode())
        async with asyncio.timeout(TIMEOUT):
            await anext(reported)
        assert (await avatar.ask("who?")).text == "You said: who?"
        assert all(entry.text != "I am the avatar" for entry in avatar.transcript)


async def test_the_avatar_leaves_and_comes_back(sim: Simulator, akool: AkoolClient) -> None:
    async with akool.open_session(AVATAR, duration=120) as avatar:
        changes = avatar.events(AvatarLeft, AvatarReturned)
        await sim.fault(id_of(avatar), "avatar_leaves")
        async with asyncio.timeout(TIMEOUT):
            assert isinstance(await anext(changes), AvatarLeft)
        await sim.fault(id_of(avatar), "avatar_returns")
        async with asyncio.timeout(TIMEOUT):
            assert isinstance(await anext(changes), AvatarReturned)
        assert (await avatar.ask("back?", timeout=TIMEOUT)).text == "You said: back?"


async def test_the_session_runs_out(sim: Simulator, akool: AkoolClient) -> None:
    options = ConversationOptions(ending_notice=1.5)
    async with akool.open_session(AVATAR, duration=3, options=options) as avatar:
        last = avatar.events(SessionEnding, Disconnected)
        async with asyncio.timeout(TIMEOUT):
            assert isinstance(await anext(last), SessionEnding)
            ended = await anext(last)
        assert isinstance(ended, Disconnected)
        assert ended.reason == "duration"
        with pytest.raises(DisconnectedError):
            await avatar.ask("still there?")


async def test_thrown_out_everything_that_waits_fails(sim: Simulator, akool: AkoolClient) -> None:
    async with akool.open_session(AVATAR, duration=120) as avatar:
        await sim.fault(id_of(avatar), "remove")
        with pytest.raises(DisconnectedError) as caught:
            for _ in range(100):
                await avatar.ask("and now?", timeout=TIMEOUT)
        assert caught.value.reason == "removed"


async def test_packets_taken_and_never_delivered_are_noticed() -> None:
    """The client by itself takes hundreds of packets and delivers none."""
    options = ConversationOptions(silence_after=0.5, probe_timeout=0.5, lossy_timeout=0.5)
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        async with akool.open_session(AVATAR, duration=120, options=options) as avatar:
            changes = avatar.events(Reconnecting, Reconnected)
            await sim.fault(id_of(avatar), "silence")
            lost = asyncio.create_task(avatar.ask("into the void", timeout=TIMEOUT))
            async with asyncio.timeout(TIMEOUT):
                assert isinstance(await anext(changes), Reconnecting)
                await sim.fault(id_of(avatar), "silence", on=False)
                assert isinstance(await anext(changes), Reconnected)
            with pytest.raises(QuestionInterruptedError):
                await lost
            assert (await avatar.ask("heard?")).text == "You said: heard?"
        said = [p for p in sim.packets if b"into the void" in p.data]
    assert len(said) <= 1  # a chat is never sent twice


@pytest.mark.livekit_server
async def test_in_a_room_of_ones_own_among_others_talking(server: LiveKitServer) -> None:
    own = OwnLiveKitRoom(
        url=server.url, api_key=server.api_key, api_secret=server.api_secret, name="among-others"
    )
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        AsyncExitStack() as stack,
    ):
        others = []
        for number in range(2):
            other = rtc.Room()
            token = server.token(f"guest {number}", "among-others", lifetime=120)
            await other.connect(server.url, token)
            stack.push_async_callback(other.disconnect)
            others.append(other)
        async with akool.open_session(AVATAR, room=own, duration=60) as avatar:
            reported = avatar.events(UnknownSenderMessage)
            false = {"v": 2, "type": "chat", "idx": 0, "fin": True}
            for number, other in enumerate(others):
                text = {"from": "bot", "text": "I am the avatar"}
                packet = json.dumps({**false, "mid": f"false{number}", "pld": text}).encode()
                await other.local_participant.publish_data(
                    packet, destination_identities=[own.bot_identity or ""]
                )
            async with asyncio.timeout(TIMEOUT):
                await anext(reported)
            replies = [await avatar.ask(f"question {n}") for n in range(3)]
            assert [r.text for r in replies] == [f"You said: question {n}" for n in range(3)]
            assert all(entry.text != "I am the avatar" for entry in avatar.transcript)
        assert sim.open_sessions == []


@pytest.mark.slow
@pytest.mark.livekit_server
async def test_the_server_is_killed_and_back_while_rooms_converse(
    mortal_server: RealServer,
) -> None:
    """Every room talks again, commands are answered or raise in time, no chat is said twice."""
    livekit = LiveKitServer(mortal_server.url, mortal_server.api_key, mortal_server.api_secret)
    rooms = 25
    async with (
        Simulator(livekit=livekit) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        AsyncExitStack() as stack,
    ):
        avatars = []
        for _ in range(rooms):
            opening = akool.open_session(AVATAR, duration=300)
            avatars.append(await stack.enter_async_context(opening))
        over = asyncio.Event()
        commands = 0

        async def converse(number: int, avatar: AvatarSession) -> None:
            nonlocal commands
            turn = 0
            while not over.is_set():
                turn += 1
                try:
                    await avatar.ask(f"room {number} turn {turn}.", timeout=5)
                except (QuestionInterruptedError, ReplyTimeoutError):
                    continue  # reported; a chat is never repeated by the library
                try:
                    async with asyncio.timeout(avatar.options.command_timeout + 5):
                        await avatar.set_params(language="en")
                except CommandTimeoutError:
                    continue
                commands += 1
                await asyncio.sleep(0.05)

        talking = [asyncio.create_task(converse(n, a)) for n, a in enumerate(avatars)]
        await until(lambda: commands >= 2 * rooms, "the rooms to converse")
        await asyncio.to_thread(mortal_server.kill)
        await asyncio.sleep(3)
        await asyncio.to_thread(mortal_server.start)
        before = commands
        await until(lambda: commands > before, "someone to be answered again")
        over.set()
        for task in talking:
            await task
        for number, avatar in enumerate(avatars):
            await _answered_again(number, avatar)
        _never_twice(sim)


async def _answered_again(number: int, avatar: AvatarSession) -> None:
    async with asyncio.timeout(2 * TIMEOUT):
        while True:
            try:
                reply = await avatar.ask(f"room {number} again?", timeout=5)
            except DisconnectedError:
                raise
            except AkoolError:
                continue
            assert reply.text.endswith("again?")
            return


def _never_twice(sim: Simulator) -> None:
    """No question was heard twice by an avatar under the same `mid`."""
    heard: dict[tuple[str, str, int], int] = {}
    for packet in sim.packets:
        message = json.loads(packet.data)
        if packet.direction == "in" and message.get("type") == "chat":
            key = (packet.session_id, message["mid"], message.get("idx", 0))
            heard[key] = heard.get(key, 0) + 1
    assert heard
    assert max(heard.values()) == 1


@pytest.mark.slow
@pytest.mark.livekit_server
async def test_the_demo_runs_over_it(server: LiveKitServer) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "akool_async", "demo", "--livekit-url", server.url),
        *("--livekit-api-key", server.api_key, "--livekit-api-secret", server.api_secret),
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(120):
            said, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()[-2000:]
    assert "0 sessions left open" in said.decode()
    assert server.api_secret not in said.decode() + complaints.decode()
