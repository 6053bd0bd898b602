"""What speech is given of a conversation, seen from the room."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.pending import RetoldText
from akool_async.errors import NotSupportedError
from akool_async.media import MediaCapabilities
from akool_async.media.microphone_speech import MicrophoneSpeech
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom


def port(s):
    return s.session._conversation.speech_port


async def test_an_opened_message_waits_for_what_is_said_under_its_mid(scene):
    async with scene() as s:
        turns = s.session._conversation.turns
        writer = port(s).open_message(lambda: None)
        assert isinstance(turns.get(writer.mid), RetoldText)
        entry = port(s).begin_entry(writer.mid)
        assert port(s).begin_entry(writer.mid) is entry
        port(s).text_known(writer.mid, "Good morning.")
        assert turns.get(writer.mid).said() == "Good morning."
        port(s).close_message(writer.mid, entry, cut_off=False)
        assert turns.get(writer.mid) is None


async def test_packets_are_sent_and_what_was_not_is_taken_back(scene):
    async with scene() as s:
        writer = port(s).open_message(lambda: None)
        port(s).enqueue(writer.mid, [*writer.add("Good morning."), *writer.finish()], more=False)
        await s.robot.until(lambda: s.robot.chats == [(writer.mid, "Good morning.")])
        assert port(s).withdraw(writer.mid) == 0
        other = port(s).open_message(lambda: None)
        packets = [*other.add("Never."), *other.finish()]
        port(s).enqueue(other.mid, packets, more=False)
        assert port(s).withdraw(other.mid) == len(packets)
        await s.session.set_params(language="en")  # what was to be sent is sent by then
        assert len(s.robot.chats) == 1


async def test_retelling_mode_is_set_once(scene):
    async with scene() as s:
        await port(s).set_retelling_mode()
        await port(s).set_retelling_mode()
        modes = [command["pld"]["data"].get("mode") for command in s.robot.named("set-params")]
        assert modes.count(1) == 1


async def test_the_avatar_is_busy_while_a_question_is_open(scene, echo):
    async with scene() as s, asyncio.timeout(10):
        assert not port(s).avatar_busy
        asking = asyncio.create_task(s.session.ask("one"))
        await s.robot.until(lambda: s.robot.chats)
        assert port(s).avatar_busy
        s.robot.reply(s.robot.chats[0][0], "answer")
        await asking
        assert not port(s).avatar_busy


async def test_an_interrupt_is_under_way_until_it_is_answered(scene):
    async with scene() as s, asyncio.timeout(10):
        s.robot.answers_commands = False
        interrupting = asyncio.create_task(port(s).send_interrupt())
        await s.robot.until(lambda: s.robot.named("interrupt"))
        assert port(s).interrupting
        s.robot.answer(s.robot.named("interrupt")[0]["mid"], "interrupt")
        assert (await interrupting).code == 1000
        assert not port(s).interrupting


async def test_what_fails_is_reported(scene):
    errors = []
    async with scene(on_error=errors.append) as s:
        port(s).report(ValueError("broken"), "say")
    assert [str(error) for error in errors] == ["broken"]


async def test_a_room_without_a_way_for_audio_is_named(scene):
    async with scene() as s:
        with pytest.raises(NotSupportedError, match="audio_only_from_data_stream=True") as caught:
            port(s).speech_audio()
        assert str(caught.value).startswith(f"the {s.pair.transport.name} transport")


async def test_a_room_that_takes_a_track_gets_one(scene, monkeypatch):
    room = InMemoryRoom()
    room.media = InMemoryMedia()
    async with scene(room) as s:
        way = port(s).speech_audio()
        assert isinstance(way, MicrophoneSpeech)
        assert port(s).speech_audio() is way
        mute = MediaCapabilities(hear=True, see=True, speak=False, show=False)
        monkeypatch.setattr(InMemoryMedia, "capabilities", mute)
        with pytest.raises(NotSupportedError, match="lets no audio"):
            port(s).speech_audio()
