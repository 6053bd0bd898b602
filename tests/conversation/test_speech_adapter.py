"""What speech is given of a conversation, seen from the room."""

from __future__ import annotations

import asyncio

from akool_async.conversation.pending import RetoldText


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
