from __future__ import annotations

import asyncio
import contextlib
import json
import logging

import pytest

from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
    InvalidParameterError,
    JoinRefusedError,
    NotSupportedError,
    ReplyTimeoutError,
    SessionLeftOpenError,
)
from akool_async.events import UserSpoke
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState


async def test_ask_returns_the_whole_reply(scene, echo):
    async with scene() as s:
        echo(s.robot)
        reply = await s.session.ask("Hello")
        assert (reply.text, reply.ended) == ("HELLO", "fin")
        assert reply.question == reply.mid == s.robot.chats[0][0]
        assert reply.first_after is not None
        assert 0 <= reply.first_after <= reply.took
        assert s.session.stats.questions == s.session.stats.replies == 1


async def test_stream_yields_pieces_as_they_come(scene):
    async with scene() as s:
        stream = s.session.stream("Hello")
        s.robot.on_chat = lambda mid, text: s.robot.part(mid, 0, "Good ")
        assert await anext(stream) == "Good "
        assert stream.reply is None
        s.robot.part(s.robot.chats[0][0], 1, "morning", True)
        assert [piece async for piece in stream] == ["morning"]
        assert stream.reply is not None
        assert stream.reply.text == stream.text == "Good morning"


async def test_a_stream_left_early_leaves_nothing_waiting(scene):
    async with scene() as s:
        s.robot.on_chat = lambda mid, text: s.robot.part(mid, 0, "Good ")
        async with s.session.stream("Hello") as stream:
            assert await anext(stream) == "Good "
        done = s.session.events()
        s.robot.part(s.robot.chats[0][0], 1, "morning", True)
        async for event in done:
            if type(event).__name__ == "ReplyDone":
                assert event.text == "Good morning"
                break


async def test_each_of_many_questions_gets_its_own_reply(scene):
    async with scene() as s:
        asks = [asyncio.create_task(s.session.ask(f"q{n}")) for n in range(20)]
        await s.robot.until(lambda: len(s.robot.chats) == 20)
        for mid, text in reversed(s.robot.chats):
            s.robot.reply(mid, "answer to ", text)
        assert [(await a).text for a in asks] == [f"answer to q{n}" for n in range(20)]


async def test_opening_repeats_what_create_was_told(scene):
    info = SessionInfo(mode=1, language="de", voice_id="v", background_url="https://x.example/b")
    async with scene(info=info) as s:
        (opening,) = s.robot.named("set-params")
        assert opening["pld"]["data"] == {
            "mode": 1,
            "lang": "de",
            "bgurl": "https://x.example/b",
            "vparams": {"vid": "v"},
        }


async def test_joining_a_session_changes_nothing(scene):
    async with scene() as s:
        (opening,) = s.robot.named("set-params")
        assert opening["pld"]["data"] == {}


async def test_a_refused_opening_is_an_answer_too():
    pair = InMemoryRoom()

    def refuse(packet: bytes) -> None:
        message = json.loads(packet)
        answer = {"cmd": message["pld"]["cmd"], "code": 1003, "msg": "nothing to set"}
        pair.send(json.dumps({**message, "pld": answer}).encode())

    pair.on_packet = refuse
    options = ConversationOptions(opening_timeout=30)
    async with asyncio.timeout(10), AvatarSession(pair.transport, options=options) as session:
        assert not session.closed


async def test_a_time_limit_counts_while_it_waits_for_earlier_settings(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.answers_commands = False
        first = asyncio.create_task(s.session.set_params(language="fr", timeout=8))
        await s.robot.until(lambda: len(s.robot.named("set-params")) == 2)
        with pytest.raises(CommandTimeoutError, match="an earlier set-params has no answer"):
            await s.session.set_params(language="de", timeout=0.1)
        first.cancel()


def modes(s) -> list[int]:
    """The mode in which each chat was heard, in the order of their sending."""
    mode, found = 0, []
    for packet in s.pair.packets:
        message = json.loads(packet)
        if message["type"] == "chat":
            found.append(mode)
        elif message["pld"]["cmd"] == "set-params":
            mode = message["pld"]["data"].get("mode", mode)
    return found


def speaks(s) -> None:
    def on_chat(mid: str, text: str) -> None:
        s.robot.event("audio_start", mid)
        s.robot.reply(mid, text)
        s.robot.event("audio_end", mid)

    s.robot.on_chat = on_chat


@pytest.mark.parametrize("known", [None, 2])
async def test_after_say_a_question_is_answered_and_not_repeated(scene, known):
    async with scene(info=SessionInfo(mode=known)) as s, asyncio.timeout(10):
        speaks(s)
        await s.session.say("Good morning.").spoken()
        await s.session.ask("How are you?")
        await s.session.say("Good night.").spoken()
        assert modes(s) == [1, 2, 1]


async def test_questions_in_flight_together_restore_the_mode_once(scene):
    async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
        speaks(s)
        await s.session.say("Good morning.").spoken()
        before = len(s.robot.named("set-params"))
        await asyncio.gather(*(s.session.ask(f"q{n}") for n in range(5)))
        assert modes(s) == [1, 2, 2, 2, 2, 2]
        assert len(s.robot.named("set-params")) == before + 1


async def test_the_callers_mode_stays_the_default(scene):
    async with scene() as s, asyncio.timeout(10):
        speaks(s)
        await s.session.set_params(mode=1)
        await s.session.say("Good morning.").spoken()
        await s.session.ask("Say this, too")
        assert modes(s) == [1, 1]


async def test_a_question_waits_until_everything_was_said(scene):
    async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
        saying = s.session.say("Good morning.")
        await s.robot.until(lambda: s.robot.chats)
        asking = asyncio.create_task(s.session.ask("How are you?"))
        with pytest.raises(ReplyTimeoutError, match="are still being spoken"):
            await s.session.ask("In a hurry", timeout=0.1)
        assert len(s.robot.chats) == 1
        speaks(s)
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        await saying.spoken()
        await asking
        assert modes(s) == [1, 2]


async def test_a_question_that_waits_to_be_sent_is_not_overtaken_by_another_mode(scene):
    async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
        speaks(s)
        s.pair.change(ConnectionState.RECONNECTING)
        await s.robot.until(lambda: s.session._conversation.driver.outbox.held)
        asking = asyncio.create_task(s.session.ask("How are you?"))
        await asyncio.sleep(0)
        saying = s.session.say("Good morning.")
        s.pair.change(ConnectionState.RECONNECTED)
        await asking
        await saying.spoken()
        assert modes(s) == [2, 1]


async def test_without_an_answer_it_opens_with_a_warning(scene, echo, caplog):
    pair = InMemoryRoom()
    pair.silent = True
    with caplog.at_level(logging.WARNING):
        async with scene(pair) as s:
            assert "didn't answer the opening set-params" in caplog.text
            pair.silent = False
            echo(s.robot)
            assert (await s.session.ask("still there?")).text == "STILL THERE?"


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


async def asked_around_an_interrupt(s) -> tuple[asyncio.Task, asyncio.Task, asyncio.Task]:
    """A question, an interrupt without its answer yet, and a question after it."""
    s.robot.answers_commands = False
    earlier = asyncio.create_task(s.session.ask("one"))
    await s.robot.until(lambda: len(s.robot.chats) == 1)
    interrupting = asyncio.create_task(s.session.interrupt())
    await s.robot.until(lambda: s.robot.named("interrupt"))
    later = asyncio.create_task(s.session.ask("two"))
    await s.robot.until(lambda: len(s.robot.chats) == 2)
    return earlier, interrupting, later


async def test_an_interrupt_ends_nothing_that_was_asked_after_it(scene):
    async with scene(quiet_time=5) as s, asyncio.timeout(10):
        earlier, interrupting, later = await asked_around_an_interrupt(s)
        s.robot.answer(s.robot.named("interrupt")[0]["mid"], "interrupt")
        await interrupting
        assert (await earlier).ended == "interrupted"
        second, _ = s.robot.chats[1]
        s.robot.part(second, 0, "Let me ")
        await s.robot.until(lambda: s.session.transcript[-1].text == "Let me ")
        s.robot.part(second, 1, "think.", True)
        reply = await later
        assert (reply.text, reply.ended) == ("Let me think.", "fin")


async def test_an_interrupts_answer_counts_before_what_comes_right_behind_it(scene):
    async with scene() as s, asyncio.timeout(10):
        earlier, interrupting, later = await asked_around_an_interrupt(s)
        s.robot.answer(s.robot.named("interrupt")[0]["mid"], "interrupt")
        s.robot.reply("x1", "second")
        assert (await later).text == "second"
        assert (await earlier).ended == "interrupted"
        await interrupting


async def test_an_interrupt_that_nobody_waits_for_is_one_all_the_same(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.answers_commands = False
        asked = asyncio.create_task(s.session.ask("one"))
        await s.robot.until(lambda: len(s.robot.chats) == 1)
        interrupting = asyncio.create_task(s.session.interrupt())
        await s.robot.until(lambda: s.robot.named("interrupt"))
        interrupting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await interrupting
        s.robot.answer(s.robot.named("interrupt")[0]["mid"], "interrupt")
        assert (await asked).ended == "interrupted"
        assert s.session.stats.stray_answers == 0


async def test_audio_that_ends_after_an_interrupt_was_not_said_to_its_end(scene):
    info = SessionInfo(mode=1)
    async with scene(info=info, interrupt_timeout=0.3) as s, asyncio.timeout(10):
        asked = asyncio.create_task(s.session.ask("A long text to be said"))
        await s.robot.until(lambda: s.robot.chats)
        await s.session.interrupt()
        s.robot.event("audio_end")
        reply = await asked
        assert (reply.text, reply.ended) == ("", "interrupted")


async def test_after_an_interrupt_a_new_message_answers_what_was_asked_after_it(scene):
    async with scene(interrupt_timeout=0.5) as s, asyncio.timeout(10):
        earlier = asyncio.create_task(s.session.ask("one"))
        await s.robot.until(lambda: len(s.robot.chats) == 1)
        await s.session.interrupt()
        later = asyncio.create_task(s.session.ask("two"))
        await s.robot.until(lambda: len(s.robot.chats) == 2)
        s.robot.reply("x1", "second")
        assert (await later).text == "second"
        assert (await earlier).text == ""


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


async def test_wrong_questions_and_actions_are_refused(scene):
    async with scene() as s:
        for text in ("", "  ", None):
            with pytest.raises(InvalidParameterError, match="text"):
                await s.session.ask(text)
        with pytest.raises(InvalidParameterError, match="action: 'jump' isn't allowed, use"):
            await s.session.act(action="jump")
        with pytest.raises(InvalidParameterError, match="expression"):
            await s.session.act(expression="smug")
        with pytest.raises(InvalidParameterError, match="an action, an expression or both"):
            await s.session.act()
        with pytest.raises(NotSupportedError, match="set_params"):
            await s.session.ask("Hi", voice_id="v")
        with pytest.raises(NotSupportedError, match="paused"):
            await s.session.pause()
        assert s.robot.chats == []


async def test_when_the_room_drops_everything_waiting_fails_with_its_reason(scene):
    async with scene() as s:
        s.robot.answers_commands = False
        waiting = [
            asyncio.create_task(s.session.ask("one")),
            asyncio.create_task(s.session.ask("two")),
            asyncio.create_task(s.session.set_params(language="fr")),
            asyncio.create_task(s.session.interrupt()),
        ]
        await s.robot.until(lambda: len(s.robot.chats) == 2 and len(s.robot.commands) >= 3)
        events = s.session.events()
        s.pair.drop("banned")
        for task in waiting:
            with pytest.raises(DisconnectedError) as caught:
                await task
            assert caught.value.reason == "banned"
        told = [event async for event in events]
        assert [(type(e).__name__, e.reason) for e in told] == [("Disconnected", "banned")]
        with pytest.raises(DisconnectedError) as caught:
            await s.session.ask("three")
        assert caught.value.reason == "banned"
        assert s.session.closed


async def test_closing_closes_room_and_session_and_ends_what_waits():
    pair = InMemoryRoom()
    closed = []

    async def close() -> None:
        closed.append(True)

    session = AvatarSession(
        pair.transport, options=ConversationOptions(opening_timeout=0.1), close=close
    )
    await session.open()
    waiting = asyncio.create_task(session.ask("anybody?"))
    await asyncio.sleep(0)
    await session.aclose()
    await session.aclose()
    assert closed == [True]
    assert pair.transport.closed
    with pytest.raises(ConversationClosedError):
        await waiting
    with pytest.raises(ConversationClosedError):
        await session.ask("more?")


async def test_closing_goes_on_when_cancelled_twice(scene):
    pair = InMemoryRoom()
    gate, started, closed = asyncio.Event(), asyncio.Event(), []

    async def close() -> None:
        started.set()
        await gate.wait()
        closed.append(True)

    session = AvatarSession(
        pair.transport, options=ConversationOptions(opening_timeout=0.1), close=close
    )

    async def use() -> None:
        async with session:
            await asyncio.sleep(60)

    task = asyncio.create_task(use())
    while not session.transcript and not pair.packets:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    task.cancel()
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == [True]
    assert pair.transport.closed


async def test_closing_is_bounded_in_time(caplog):
    pair = InMemoryRoom()

    async def close() -> None:
        await asyncio.sleep(3600)

    session = AvatarSession(
        pair.transport,
        options=ConversationOptions(
            opening_timeout=0.1, close_timeout=0.2, session_close_timeout=0.1
        ),
        close=close,
    )
    with pytest.raises(SessionLeftOpenError, match=r"closing it took longer than 5\.3 s"):
        async with asyncio.timeout(10), session:
            pass
    assert "closing it took longer than 5.3 s" in caplog.text


async def test_the_room_is_left_before_the_session_is_closed():
    pair = InMemoryRoom()
    left = []

    async def slow_leaving(*, timeout: float) -> None:
        await asyncio.sleep(0.01)
        await leave(timeout=timeout)

    async def close() -> None:
        left.append(pair.transport.closed)

    leave, pair.transport.close = pair.transport.close, slow_leaving
    async with AvatarSession(
        pair.transport, options=ConversationOptions(opening_timeout=0.1), close=close
    ):
        pass
    assert left == [True]


@pytest.mark.parametrize("close_timeout", [0.1, 8.0])
async def test_a_room_that_cannot_be_left_does_not_keep_the_session_open(close_timeout, caplog):
    pair = InMemoryRoom()
    closed = asyncio.Event()
    left = asyncio.Event()

    async def hung_leaving(*, timeout: float) -> None:
        await left.wait()

    async def close() -> None:
        closed.set()

    pair.transport.close = hung_leaving
    options = ConversationOptions(opening_timeout=0.1, close_timeout=close_timeout)
    session = AvatarSession(pair.transport, options=options, close=close)
    await session.open()
    closing = asyncio.create_task(session.aclose())
    async with asyncio.timeout(4):
        await closed.wait()
    left.set()
    await closing
    assert "closing the session" not in caplog.text


async def test_a_join_that_fails_closes_everything():
    pair = InMemoryRoom()
    pair.connect_error = JoinRefusedError("no")
    closed = []

    async def close() -> None:
        closed.append(True)

    with pytest.raises(JoinRefusedError):
        async with AvatarSession(pair.transport, close=close):
            pytest.fail("opened")
    assert closed == [True]
    assert pair.transport.closed


async def test_before_opening_it_says_so():
    with pytest.raises(ConversationClosedError, match="isn't open yet"):
        await AvatarSession(InMemoryRoom().transport).ask("Hello")


async def test_a_handler_and_a_responder_may_close_the_session(scene):
    async with scene() as s:

        @s.session.on(UserSpoke)
        async def end(event: UserSpoke) -> None:
            await s.session.aclose()

        s.robot.reply("u1", "goodbye", sender="user")
        async with asyncio.timeout(1.5):
            await s.robot.until(lambda: s.pair.transport.closed)
            await s.session.aclose()

    async with scene() as s:

        async def answer(turn):
            await s.session.aclose()

        await s.session.respond_with(answer)
        s.robot.reply("u1", "goodbye", sender="user")
        async with asyncio.timeout(1.5):
            await s.robot.until(lambda: s.pair.transport.closed)
            await s.session.aclose()


@pytest.mark.parametrize("steps", range(1, 12))
async def test_ask_cancelled_at_each_of_its_awaits_leaves_nothing(scene, echo, steps):
    """Cancelled after `steps` turns of the loop, wherever that is, and the session goes on."""
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        echo(s.robot)
        before = asyncio.all_tasks()
        asking = asyncio.create_task(s.session.ask("cancelled " * 300))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        assert asyncio.all_tasks() == before
        assert (await s.session.ask("and on")).text == "AND ON"
        conversation = s.session._conversation
        assert conversation.driver.outbox.waiting_bytes == 0
        assert not [turn for turn in conversation.turns if turn.future.done() is False]


@pytest.mark.parametrize("steps", range(1, 12))
async def test_opening_cancelled_at_each_of_its_awaits_closes_the_session(steps):
    pair = InMemoryRoom()
    closed = []

    async def close() -> None:
        closed.append(True)

    before = asyncio.all_tasks()
    opening = asyncio.create_task(AvatarSession(pair.transport, close=close).open())
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert closed == [True]
    assert asyncio.all_tasks() == before


def eager_task(loop, coroutine, **options):
    """What `asyncio.eager_task_factory` of Python 3.12 does: the first step runs at once."""
    waiting = []
    loop.call_soon = lambda call, *args, context=None: waiting.append((call, args, context))
    try:
        task = asyncio.tasks._PyTask(coroutine, loop=loop, **options)
    finally:
        del loop.call_soon
    running = asyncio.current_task(loop)
    if running is not None:
        asyncio.tasks._leave_task(loop, running)
    try:
        for call, args, context in waiting:
            context.run(call, *args)
    finally:
        if running is not None:
            asyncio.tasks._enter_task(loop, running)
    return task


async def test_tasks_may_begin_eagerly(scene):
    loop = asyncio.get_running_loop()
    loop.set_task_factory(getattr(asyncio, "eager_task_factory", eager_task))
    try:
        async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
            speaks(s)
            heard: list[str] = []

            @s.session.on(UserSpoke)
            async def handle(event: UserSpoke) -> None:
                heard.append(event.text)
                await asyncio.sleep(0)
                heard.append(f"end of {event.text}")

            assert (await s.session.ask("Hello")).text == "Hello"
            assert await s.session.say("Good morning.").spoken()
            await s.session.set_params(language="fr")
            s.pair.change(ConnectionState.RECONNECTING)
            s.pair.change(ConnectionState.RECONNECTED, lossy=True)
            s.robot.reply("u1", "one", sender="user")
            s.robot.reply("u2", "two", sender="user")
            await s.session.interrupt()
            await s.robot.until(lambda: len(heard) == 4)
            assert heard == ["one", "end of one", "two", "end of two"]
    finally:
        loop.set_task_factory(None)
