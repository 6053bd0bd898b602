from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation import SessionInfo
from akool_async.errors import (
    DisconnectedError,
)
from akool_async.events import UserSpoke
from akool_async.transport import ConnectionState


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


async def test_an_interrupt_that_no_one_waits_for_is_one_all_the_same(scene):
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
        reported = [event async for event in events]
        assert [(type(e).__name__, e.reason) for e in reported] == [("Disconnected", "banned")]
        with pytest.raises(DisconnectedError) as caught:
            await s.session.ask("three")
        assert caught.value.reason == "banned"
        assert s.session.closed


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
            s.robot.speaks_chats()
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
