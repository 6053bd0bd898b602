from __future__ import annotations

import asyncio

import pytest

from akool_async.errors import CommandTimeoutError
from akool_async.stream.limits import LIVEKIT
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_a_command_is_sent_again_with_the_same_mid_until_answered(scene):
    async with scene(command_resend=0.05) as s:
        s.robot.answers_commands = False
        setting = asyncio.create_task(s.session.set_params(language="fr"))
        await s.robot.until(lambda: len(s.robot.named("set-params")) >= 4)
        mids = {command["mid"] for command in s.robot.named("set-params")[1:]}
        assert len(mids) == 1
        s.robot.answer(mids.pop(), "set-params")
        await setting
        sent = len(s.robot.commands)
        await asyncio.sleep(0.2)
        assert len(s.robot.commands) == sent
        assert s.session.stats.commands_resent == sent - 2


async def test_answers_without_a_mid_go_to_the_oldest_of_that_name(scene):
    async with scene(command_resend=30) as s:
        s.robot.answers_commands = False
        interrupting = asyncio.create_task(s.session.interrupt())
        acting = asyncio.create_task(s.session.act(action="nod"))
        await s.robot.until(lambda: len(s.robot.commands) == 3)
        s.robot.answer("", "set-action")
        await acting
        assert not interrupting.done()
        s.robot.answer("", "interrupt")
        await interrupting


async def test_an_answer_no_one_waits_for_is_counted(scene):
    async with scene() as s:
        s.robot.answer("somebody else's", "interrupt")
        await s.robot.until(lambda: s.session.stats.stray_answers == 1)


async def test_an_interrupt_is_not_repeated_once_a_chat_follows(scene):
    """Or it would cut off what was said after it."""
    async with scene(command_resend=0.1) as s:
        s.robot.answers_commands = False
        interrupting = asyncio.create_task(s.session.interrupt(timeout=0.6))
        await s.robot.until(lambda: s.robot.named("interrupt"))
        asking = asyncio.create_task(s.session.ask("and now?"))
        with pytest.raises(CommandTimeoutError):
            await interrupting
        assert len(s.robot.named("interrupt")) == 1
        asking.cancel()


async def test_a_cancelled_command_is_not_sent_again(scene):
    async with scene(command_resend=0.05) as s:
        s.robot.answers_commands = False
        setting = asyncio.create_task(s.session.set_params(language="fr"))
        await s.robot.until(lambda: len(s.robot.named("set-params")) == 2)
        setting.cancel()
        await asyncio.sleep(0.2)
        assert len(s.robot.named("set-params")) == 2


async def test_every_command_is_answered_under_loss_doubling_and_disorder(scene):
    pair = InMemoryRoom(limits=LIVEKIT, loss=0.05, double=0.05, reorder=0.3, reorder_delay=0.02)
    async with scene(pair, command_resend=0.1, opening_timeout=5) as s:
        for _ in range(20):
            await asyncio.gather(*(s.session.act(action="nod") for _ in range(10)))
        assert len({command["mid"] for command in s.robot.named("set-action")}) == 200
        assert s.session.stats.commands_resent > 0
