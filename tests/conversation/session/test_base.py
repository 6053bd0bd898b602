from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation import AvatarSession, SessionInfo
from akool_async.errors import (
    ConversationClosedError,
    NotSupportedError,
)
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_before_opening_it_says_so():
    with pytest.raises(ConversationClosedError, match="isn't open yet"):
        await AvatarSession(InMemoryRoom().transport).ask("Hello")


async def test_afterwards_it_says_so(scene):
    async with scene() as s:
        pass
    for call in (s.session.ask("Hello"), s.session.interrupt(), s.session.set_params(mode=1)):
        with pytest.raises(ConversationClosedError):
            await call
    with pytest.raises(ConversationClosedError):
        s.session.say("Hello")


async def test_in_another_event_loop_it_says_so(scene):
    async with scene() as s:

        async def elsewhere() -> None:
            s.session.say("Hello")

        with pytest.raises(RuntimeError, match="event loop"):
            await asyncio.to_thread(lambda: asyncio.run(elsewhere()))


async def test_in_a_meeting_there_is_no_text(scene):
    async with scene(info=SessionInfo(scene_mode="meeting")) as s:
        with pytest.raises(NotSupportedError, match="play_audio"):
            await s.session.ask("Hello")
        for call in (s.session.stream, s.session.say):
            with pytest.raises(NotSupportedError, match=rf"no {call.__name__}\(\)"):
                call("Hello")
        with pytest.raises(NotSupportedError, match="respond_with"):
            s.session.respond_with(str.upper)
