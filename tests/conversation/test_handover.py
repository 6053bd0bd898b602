"""When a conversation is at rest; what is in flight when it isn't is in test_renewal.py."""

from __future__ import annotations

import asyncio

from akool_async.conversation.handover import at_rest


async def test_it_is_at_rest_when_nothing_is_said_asked_or_on_its_way(scene):
    async with scene() as s:
        conversation = s.session._conversation

        async def busy() -> None:
            await s.robot.until(lambda: not at_rest(conversation))

        async def quiet() -> None:
            await s.robot.until(lambda: at_rest(conversation))

        await quiet()
        question = asyncio.create_task(s.session.ask("Hello"))
        await busy()
        await s.robot.until(lambda: s.robot.chats)
        assert not at_rest(conversation)
        mid = s.robot.chats[0][0]
        s.robot.event("audio_start", mid)
        s.robot.reply(mid, "Good morning")
        await question
        assert not at_rest(conversation)  # it speaks still
        s.robot.event("audio_end", mid)
        await quiet()

        s.robot.answers_commands = False
        command = asyncio.create_task(s.session.act(action="nod"))
        await busy()
        await s.robot.until(lambda: s.robot.named("set-action"))
        s.robot.answer(s.robot.named("set-action")[0]["mid"], "set-action")
        await command
        await quiet()


async def test_a_text_that_is_not_admitted_yet_is_no_speech(scene):
    async with scene() as s:
        conversation = s.session._conversation
        conversation.gate.clear()
        text = s.session.say("Later.")
        await asyncio.sleep(1)
        assert at_rest(conversation)
        conversation.gate.set()
        await s.robot.until(lambda: s.robot.chats)
        assert not at_rest(conversation)
        s.robot.event("audio_start", text.mid)
        s.robot.event("audio_end", text.mid)
        assert await text.spoken()
        assert at_rest(conversation)


async def test_what_a_person_said_is_waited_for_and_so_is_the_responder(scene):
    async with scene() as s:
        conversation = s.session._conversation
        answering = asyncio.Event()

        async def answer(turn):
            await answering.wait()

        await s.session.respond_with(answer)
        s.robot.part("u1", 0, "Good ", sender="user")
        await s.robot.until(lambda: not at_rest(conversation))
        s.robot.part("u1", 1, "morning", True, sender="user")
        await s.robot.until(lambda: s.session.transcript)
        await asyncio.sleep(2)
        assert not at_rest(conversation)
        answering.set()
        await s.robot.until(lambda: at_rest(conversation))
