"""What happens to a conversation when something happens to its room."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from akool_async import (
    AvatarLeft,
    AvatarReady,
    AvatarReturned,
    Disconnected,
    Reconnected,
    Reconnecting,
    SessionEnding,
    SessionInfo,
    TokenExpiring,
    UnknownSenderMessage,
)
from akool_async.errors import DisconnectedError, QuestionInterruptedError, ReplyTimeoutError
from akool_async.stream.limits import CHATROOM
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState


async def names(events, count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [type(await anext(events)).__name__ for _ in range(count)]


async def test_changes_of_the_connection_are_events(scene):
    async with scene() as s:
        events = s.session.events(
            Reconnecting,
            Reconnected,
            AvatarLeft,
            AvatarReturned,
            TokenExpiring,
            UnknownSenderMessage,
        )
        s.pair.change(ConnectionState.RECONNECTING, "network")
        s.pair.change(ConnectionState.RECONNECTED)
        s.pair.change(ConnectionState.AVATAR_LEFT)
        s.pair.change(ConnectionState.AVATAR_BACK)
        s.pair.change(ConnectionState.TOKEN_EXPIRING, seconds_left=30.0)
        s.pair.change(ConnectionState.STRANGER, "guest")
        s.pair.change(ConnectionState.STRANGER, "guest")
        s.pair.change(ConnectionState.RECONNECTING)
        assert await names(events, 7) == [
            "Reconnecting",
            "Reconnected",
            "AvatarLeft",
            "AvatarReturned",
            "TokenExpiring",
            "UnknownSenderMessage",
            "Reconnecting",
        ]
        assert s.session.stats.reconnects == 1


@pytest.mark.parametrize(
    ("gone", "back"),
    [
        (ConnectionState.AVATAR_LEFT, ConnectionState.AVATAR_BACK),
        (ConnectionState.RECONNECTING, ConnectionState.RECONNECTED),
    ],
)
async def test_nothing_is_sent_to_no_one(scene, echo, gone, back):
    async with scene() as s:
        echo(s.robot)
        events = s.session.events(AvatarLeft, Reconnecting)
        s.pair.change(gone)
        await anext(events)
        before = len(s.pair.packets)
        asking = asyncio.create_task(s.session.ask("hello?"))
        await asyncio.sleep(0.05)
        assert len(s.pair.packets) == before
        s.pair.change(back)
        assert (await asking).text == "HELLO?"


async def test_connected_and_present_are_two_conditions(scene, echo):
    async with scene() as s:
        echo(s.robot)
        events = s.session.events(AvatarLeft, Reconnected)
        s.pair.change(ConnectionState.AVATAR_LEFT)
        s.pair.change(ConnectionState.RECONNECTING)
        s.pair.change(ConnectionState.RECONNECTED)
        assert await names(events, 2) == ["AvatarLeft", "Reconnected"]
        before = len(s.pair.packets)
        asking = asyncio.create_task(s.session.ask("hello?"))
        await asyncio.sleep(0.05)
        assert len(s.pair.packets) == before
        s.pair.change(ConnectionState.AVATAR_BACK)
        assert (await asking).text == "HELLO?"


async def test_a_probe_changes_no_settings(scene):
    async with scene(silence_after=0.1, probe_timeout=5, command_resend=0.1) as s:
        await s.session.set_params(mode=2, language="fr")
        s.robot.answers_commands = False
        asking = asyncio.create_task(s.session.ask("hello?"))
        await s.robot.until(lambda: s.session.stats.probes)
        await s.robot.until(lambda: s.session.stats.commands_resent >= 2)
        probes = s.robot.named("set-params")[2:]
        assert {len(probe["pld"]["data"]) for probe in probes} == {0}
        asking.cancel()


@pytest.mark.parametrize(
    "error", [RuntimeError("the backend that renews answered 500"), asyncio.CancelledError()]
)
async def test_a_room_that_cannot_be_joined_again_is_over_whatever_was_raised(scene, error):
    async with scene(silence_after=0.1, probe_timeout=0.1) as s:

        async def reconnect(*, timeout: float) -> None:
            raise error

        s.pair.transport.reconnect = reconnect
        s.pair.silent = True
        why = f"joining it again failed: {type(error).__name__}"
        with pytest.raises(DisconnectedError, match=why) as at:
            await s.session.ask("anybody?")
        assert at.value.reason == "failed"


async def test_an_avatar_that_stays_away_ends_the_session(scene):
    async with scene(avatar_return=0.2) as s:
        asking = asyncio.create_task(s.session.ask("hello?"))
        await s.robot.until(lambda: s.robot.chats)
        s.pair.change(ConnectionState.AVATAR_LEFT)
        with pytest.raises(DisconnectedError, match=r"didn't come back within 0\.2 s") as caught:
            await asking
        assert caught.value.reason == "avatar_left"


async def test_a_lossy_reconnect_repeats_commands_and_never_questions(scene):
    async with scene(command_resend=30, lossy_timeout=0.3) as s:
        s.robot.answers_commands = False
        setting = asyncio.create_task(s.session.set_params(language="fr"))
        asking = asyncio.create_task(s.session.ask("heard?"))
        await s.robot.until(lambda: s.robot.chats and len(s.robot.named("set-params")) == 2)
        s.robot.answers_commands = True
        s.pair.change(ConnectionState.RECONNECTING)
        s.pair.change(ConnectionState.RECONNECTED, lossy=True)
        await setting
        first, second = s.robot.named("set-params")[1:]
        assert first["mid"] == second["mid"]
        with pytest.raises(QuestionInterruptedError, match="isn't sent again"):
            await asking
        assert len(s.robot.chats) == 1


@pytest.mark.filterwarnings("error")
async def test_settings_that_are_to_be_sent_again_may_be_cancelled_at_once(scene, monkeypatch):
    """As a program's end cancels all tasks: no coroutine is left that was never awaited."""
    create, cancelled = asyncio.create_task, []

    def cancelled_at_once(work, *, name=None):
        task = create(work, name=name)
        if name == "akool-settings":
            task.cancel()
            cancelled.append(task)
        return task

    async with scene() as s:
        monkeypatch.setattr(asyncio, "create_task", cancelled_at_once)
        s.pair.change(ConnectionState.AVATAR_LEFT)
        s.pair.change(ConnectionState.AVATAR_BACK)
        await s.robot.until(lambda: cancelled and cancelled[0].done())
        monkeypatch.undo()
        gc.collect()


async def test_a_reply_that_comes_after_a_lossy_reconnect_is_taken(scene):
    async with scene(lossy_timeout=5) as s:
        asking = asyncio.create_task(s.session.ask("heard?"))
        await s.robot.until(lambda: s.robot.chats)
        s.pair.change(ConnectionState.RECONNECTED, lossy=True)
        s.robot.reply(s.robot.chats[0][0], "Yes.")
        assert (await asking).text == "Yes."


async def test_a_lossy_reconnect_interrupts_v3_questions_at_once():
    from akool_async.conversation import AvatarSession

    pair = InMemoryRoom(limits=CHATROOM, dialect="v3", own_id="client_1", peer_id="server_1")
    async with AvatarSession(pair.transport) as avatar:
        asking = asyncio.create_task(avatar.ask("heard?"))
        await pair.receive()
        pair.change(ConnectionState.RECONNECTED, lossy=True)
        with pytest.raises(QuestionInterruptedError):
            await asking


async def test_a_silent_room_is_probed_and_joined_again(scene):
    async with scene(silence_after=0.2, probe_timeout=0.2, lossy_timeout=0.2) as s:
        events = s.session.events(Reconnecting, Reconnected)
        s.pair.silent = True
        with pytest.raises(QuestionInterruptedError):
            await s.session.ask("anybody?")
        assert await names(events, 2) == ["Reconnecting", "Reconnected"]
        assert s.session.stats.probes >= 1
        await s.session.set_params(language="fr")


async def test_a_probe_that_is_answered_leaves_the_room_alone(scene):
    async with scene(silence_after=0.1, probe_timeout=5) as s:
        with pytest.raises(ReplyTimeoutError):
            await s.session.ask("still thinking?", timeout=1)
        assert s.session.stats.probes >= 2
        assert s.session.stats.reconnects == 0


async def test_another_commands_answer_during_a_probe_leaves_the_room_alone(scene):
    async with scene(silence_after=0.1, probe_timeout=1) as s:
        s.robot.answers_commands = False
        asking = asyncio.create_task(s.session.ask("still there?"))
        setting = asyncio.create_task(s.session.set_params(language="fr"))
        await s.robot.until(lambda: s.robot.commands[-1]["pld"]["data"].get("lang") == "fr")
        mid = s.robot.commands[-1]["mid"]
        await s.robot.until(lambda: s.robot.commands[-1]["mid"] != mid)  # the probe
        s.robot.answer(mid, "set-params")
        await setting
        await s.robot.until(lambda: s.session.stats.probes == 2)  # the first one had no answer
        s.robot.answers_commands = True
        s.robot.reply(s.robot.chats[0][0], "Yes.")
        assert (await asking).text == "Yes."
        assert s.session.stats.reconnects == 0


async def test_nothing_is_sent_into_a_room_that_is_being_left(scene, echo):
    async with scene(silence_after=0.1, probe_timeout=0.1) as s:
        leaving, left = asyncio.Event(), asyncio.Event()
        join_anew = s.pair.transport.reconnect

        async def reconnect(*, timeout: float) -> None:
            leaving.set()
            await left.wait()
            await join_anew(timeout=timeout)

        s.pair.transport.reconnect = reconnect
        s.pair.silent = True
        setting = asyncio.create_task(s.session.set_params(language="fr"))
        async with asyncio.timeout(5):
            await leaving.wait()
            s.pair.silent = False
            echo(s.robot)
            asking = asyncio.create_task(s.session.ask("wait for me"))
            await asyncio.sleep(0.1)
            assert s.robot.chats == []
            left.set()
            assert (await asking).text == "WAIT FOR ME"
            await setting


async def test_a_room_that_stays_silent_ends_the_session(scene):
    async with scene(silence_after=0.1, probe_timeout=0.1) as s:
        s.pair.can_reconnect = False
        s.pair.silent = True
        with pytest.raises(DisconnectedError) as caught:
            await s.session.ask("anybody?")
        assert caught.value.reason == "silent"


async def test_silence_of_an_avatar_that_never_answered_a_command_means_nothing(scene):
    pair = InMemoryRoom()
    pair.silent = True
    async with scene(pair, silence_after=0.1, probe_timeout=0.1, opening_timeout=0.1) as s:
        with pytest.raises(ReplyTimeoutError):
            await s.session.ask("anybody?", timeout=0.6)
        assert s.session.stats.probes == 0


async def test_the_session_says_that_it_is_about_to_end_and_ends_by_the_clock(scene):
    info = SessionInfo(duration=0.6)
    async with scene(info=info, ending_notice=0.4, ending_timeout=0.2) as s:
        events = s.session.events(SessionEnding, Disconnected)
        async with asyncio.timeout(10):
            ending = await anext(events)
            assert 0 < ending.seconds_left <= 0.4
            assert (await anext(events)).reason == "duration"


@pytest.mark.parametrize(("duration", "notice"), [(60, 12), (300, 60), (3600, 60)])
async def test_short_sessions_are_announced_to_end_too(scene, duration, notice):
    """By default a fifth of the duration before, a minute at most."""
    info = SessionInfo(duration=duration, created=asyncio.get_running_loop().time())
    async with scene(info=info) as s:
        ending = await anext(s.session.events(SessionEnding))
        assert ending.seconds_left == pytest.approx(notice, abs=0.5)


async def test_a_session_that_goes_on_talking_is_not_ended_by_the_clock(scene, echo):
    info = SessionInfo(duration=0.2)
    async with scene(info=info, ending_timeout=1.0) as s:
        echo(s.robot)
        for n in range(8):
            assert (await s.session.ask(f"still {n}")).text == f"STILL {n}"
            await asyncio.sleep(0.1)


async def test_a_drop_at_the_end_is_put_down_to_the_duration(scene):
    async with scene(info=SessionInfo(duration=2)) as s:
        s.pair.drop("room_closed")
        with pytest.raises(DisconnectedError) as caught:
            while True:
                await s.session.ask("hello?")
        assert caught.value.reason == "duration"
        assert caught.value.__cause__ is not None


async def test_it_opens_when_the_avatar_publishes(scene):
    room = InMemoryRoom()
    room.publish(on=False)
    room.publishing = False
    ready = []

    def before(s) -> None:
        s.session.on(AvatarReady)(ready.append)
        asyncio.get_running_loop().call_later(1.0, room.publish)

    began = asyncio.get_running_loop().time()
    async with scene(room, before_opening=before, ready_timeout=5) as s:
        assert 1.0 <= asyncio.get_running_loop().time() - began < 5
        await s.robot.until(lambda: ready)
        assert ready == [AvatarReady(publishing=True)]


async def test_a_room_without_audio_and_video_opens_with_a_warning(scene, caplog):
    room = InMemoryRoom()
    room.publishing = False
    ready = []
    async with scene(
        room, before_opening=lambda s: s.session.on(AvatarReady)(ready.append), ready_timeout=0.5
    ):
        assert ready == [AvatarReady(publishing=False)]
    assert "published neither audio nor video within 0.5 s" in caplog.text


@pytest.mark.parametrize(
    ("gone", "back"),
    [
        (ConnectionState.RECONNECTING, ConnectionState.RECONNECTED),
        (ConnectionState.AVATAR_LEFT, ConnectionState.AVATAR_BACK),
        (None, ConnectionState.TOKEN_RENEWED),
    ],
)
async def test_settings_are_sent_again_before_what_waits(scene, echo, gone, back):
    async with scene(info=SessionInfo(mode=2, voice_id="v")) as s:
        echo(s.robot)
        await s.session.set_params(language="fr")
        before = len(s.pair.packets)
        if gone is not None:
            s.pair.change(gone)
            await s.robot.until(lambda: s.session._conversation.driver.outbox.held)
            asking = asyncio.create_task(s.session.ask("still there?"))
            await asyncio.sleep(0.05)
            assert len(s.pair.packets) == before
        s.pair.change(back)
        await s.robot.until(lambda: len(s.pair.packets) > before)
        again = json.loads(s.pair.packets[before])
        assert again["pld"]["data"] == {"mode": 2, "lang": "fr", "vparams": {"vid": "v"}}
        if gone is not None:
            assert (await asking).text == "STILL THERE?"


async def test_settings_under_way_are_not_undone_by_older_ones(scene):
    async with scene(info=SessionInfo(mode=2), command_resend=30) as s:
        s.robot.answers_commands = False
        setting = asyncio.create_task(s.session.set_params(mode=1))
        await s.robot.until(lambda: len(s.robot.named("set-params")) == 2)
        s.robot.answers_commands = True
        s.pair.change(ConnectionState.RECONNECTED, lossy=True)
        await setting
        await s.robot.until(lambda: len(s.robot.named("set-params")) == 4)
        assert [c["pld"]["data"]["mode"] for c in s.robot.named("set-params")] == [2, 1, 1, 1]
