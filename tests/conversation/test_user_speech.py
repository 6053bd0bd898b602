"""What people say, and what only looks like it."""

from __future__ import annotations

import asyncio

from akool_async import SessionInfo, UserSpoke


async def spoken(events, count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [(await anext(events)).text for _ in range(count)]


async def test_a_pause_between_parts_that_are_not_the_last_cuts_nothing(scene):
    async with scene(audio_end_timeout=0.05, quiet_time=5) as s:
        heard = s.session.events(UserSpoke)
        s.robot.part("u1", 0, "Send 100 euros to ", False, "user")
        await asyncio.sleep(0.2)
        s.robot.part("u1", 1, "nobody.", True, "user")
        assert await spoken(heard, 1) == ["Send 100 euros to nobody."]
        assert s.session.stats.late_parts == 0


async def test_once_last_parts_are_marked_they_are_waited_for(scene):
    async with scene(audio_end_timeout=0.05, quiet_time=0.05, fin_timeout=5) as s:
        heard = s.session.events(UserSpoke)
        s.robot.reply("u0", "Good ", "morning.", sender="user")
        s.robot.part("u1", 0, "Send 100 euros to ", False, "user")
        await asyncio.sleep(0.2)
        s.robot.part("u1", 1, "nobody.", True, "user")
        assert await spoken(heard, 2) == ["Good morning.", "Send 100 euros to nobody."]


async def test_an_avatar_that_goes_on_speaking_cuts_no_one_off(scene):
    async with scene(quiet_time=5) as s:
        heard = s.session.events(UserSpoke)
        s.robot.part("u1", 0, "Turn off the ", False, "user")
        s.robot.reply("b1", "And then we ", "went home.")
        s.robot.part("u1", 1, "alarm, not the lights.", True, "user")
        assert await spoken(heard, 1) == ["Turn off the alarm, not the lights."]


async def test_without_any_fin_speech_ends_with_a_pause_or_the_avatars_answer(scene):
    async with scene() as s:
        heard = s.session.events(UserSpoke)
        s.robot.part("u1", 0, "What time ", None, "user")
        s.robot.part("u1", 1, "is it?", None, "user")
        s.robot.part("b1", 0, "Noon.", None)
        assert await spoken(heard, 1) == ["What time is it?"]
        s.robot.part("u2", 0, "Thank you.", None, "user")
        assert await spoken(heard, 1) == ["Thank you."]


async def test_repeating_the_avatar_is_speaking(scene):
    async with scene(info=SessionInfo(mode=1)) as s:
        heard = s.session.events(UserSpoke)
        saying = s.session.say("Bonjour!")
        await s.robot.until(lambda: s.robot.chats)
        s.robot.reply("e1", "Bonjour!", sender="user")  # comes back once, while it is being said
        s.robot.event("audio_start")
        s.robot.event("audio_end")
        await saying.spoken()
        s.robot.reply("u1", "bonjour!", sender="user")
        assert await spoken(heard, 1) == ["bonjour!"]
        assert [entry.mid for entry in s.session.transcript if entry.role == "user"] == ["u1"]


async def test_repeating_a_question_that_was_answered_is_speaking(scene, echo):
    async with scene() as s:
        echo(s.robot)
        heard = s.session.events(UserSpoke)
        await s.session.ask("What is it?")
        s.robot.reply("u1", "What is it?", sender="user")
        assert await spoken(heard, 1) == ["What is it?"]


async def test_a_question_comes_back_in_parts_and_only_once(scene):
    async with scene() as s:
        heard = s.session.events(UserSpoke)
        asking = asyncio.create_task(s.session.ask("What is the capital?"))
        await s.robot.until(lambda: s.robot.chats)
        s.robot.reply("e1", "what is", sender="user")
        s.robot.reply("e2", "the capital?", sender="user")
        s.robot.reply("u1", "what is", sender="user")
        assert await spoken(heard, 1) == ["what is"]
        asking.cancel()
