from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation import SessionInfo
from akool_async.errors import (
    CommandTimeoutError,
    MessageTooLargeError,
)
from akool_async.stream.limits import AGORA
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionState


async def test_opening_repeats_what_create_was_given(scene):
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


async def test_a_time_limit_counts_while_it_waits_for_earlier_settings(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.answers_commands = False
        first = asyncio.create_task(s.session.set_params(language="fr", timeout=8))
        await s.robot.until(lambda: len(s.robot.named("set-params")) == 2)
        with pytest.raises(CommandTimeoutError, match="an earlier set-params has no answer"):
            await s.session.set_params(language="de", timeout=0.1)
        first.cancel()


@pytest.mark.parametrize("known", [None, 2])
async def test_after_say_a_question_is_answered_and_not_repeated(scene, known):
    async with scene(info=SessionInfo(mode=known)) as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        await s.session.say("Good morning.").spoken()
        await s.session.ask("How are you?")
        await s.session.say("Good night.").spoken()
        assert s.robot.chat_modes() == [1, 2, 1]


async def test_questions_in_flight_together_restore_the_mode_once(scene):
    async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        await s.session.say("Good morning.").spoken()
        before = len(s.robot.named("set-params"))
        await asyncio.gather(*(s.session.ask(f"q{n}") for n in range(5)))
        assert s.robot.chat_modes() == [1, 2, 2, 2, 2, 2]
        assert len(s.robot.named("set-params")) == before + 1


async def test_the_callers_mode_stays_the_default(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        await s.session.set_params(mode=1)
        await s.session.say("Good morning.").spoken()
        await s.session.ask("Say this, too")
        assert s.robot.chat_modes() == [1, 1]


async def test_a_question_that_waits_to_be_sent_is_not_overtaken_by_another_mode(scene):
    async with scene(info=SessionInfo(mode=2)) as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        s.pair.change(ConnectionState.RECONNECTING)
        await s.robot.until(lambda: s.session._conversation.driver.outbox.held)
        asking = asyncio.create_task(s.session.ask("How are you?"))
        await asyncio.sleep(0)
        saying = s.session.say("Good morning.")
        s.pair.change(ConnectionState.RECONNECTED)
        await asking
        await saying.spoken()
        assert s.robot.chat_modes() == [2, 1]


async def test_settings_are_changed_one_after_the_other(scene):
    async with scene(command_resend=30) as s:
        s.robot.answers_commands = False
        first = asyncio.create_task(s.session.set_params(language="fr"))
        second = asyncio.create_task(s.session.set_params(language="de"))
        await s.robot.until(lambda: len(s.robot.commands) == 2)
        await asyncio.sleep(0.05)
        assert len(s.robot.commands) == 2
        s.robot.answer(s.robot.commands[-1]["mid"], "set-params")
        await first
        await s.robot.until(lambda: len(s.robot.commands) == 3)
        assert s.robot.commands[-1]["pld"]["data"] == {"lang": "de"}
        s.robot.answer(s.robot.commands[-1]["mid"], "set-params")
        await second


async def test_a_setting_too_large_for_a_packet_is_named(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        sent = len(s.robot.commands)
        with pytest.raises(MessageTooLargeError) as caught:
            await s.session.set_params(language="fr", voice_url="https://e.org/" + "x" * 2000)
        assert caught.value.field == "voice_url"
        assert len(s.robot.commands) == sent


async def test_settings_too_large_together_are_sent_one_after_the_other(scene):
    async with scene(InMemoryRoom(limits=AGORA)) as s:
        links = ["https://e.org/" + letter * 600 for letter in "vb"]
        await s.session.set_params(voice_url=links[0], background_url=links[1], language="fr")
        sent = s.robot.named("set-params")[-2:]
        assert {name for command in sent for name in command["pld"]["data"]} == {
            "vparams",
            "bgurl",
            "lang",
        }


async def test_a_question_does_not_undo_a_mode_that_is_being_set(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.speaks_chats()
        await s.session.say("Hello.")
        await s.session.ask("What is it?")
        setting = asyncio.create_task(s.session.set_params(mode=1))
        asking = asyncio.create_task(s.session.ask("Say this"))
        await asyncio.gather(setting, asking)
        assert s.robot.chat_modes() == [1, 2, 1]
        modes = [c["pld"]["data"].get("mode") for c in s.robot.named("set-params")]
        assert modes == [None, 1, 2, 1]
