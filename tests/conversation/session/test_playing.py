"""`play_audio`: refused where it can't be heard, before anything is sent."""

from __future__ import annotations

import pytest

from akool_async import SessionInfo
from akool_async.errors import ConversationClosedError, InvalidParameterError, NotSupportedError

MEETING = SessionInfo(scene_mode="meeting")
SECOND = bytes(48_000)


async def test_without_a_meeting_there_is_no_audio(scene):
    async with scene() as s:
        with pytest.raises(NotSupportedError, match='scene_mode="meeting"; without it give text'):
            s.session.play_audio(SECOND)


async def test_a_room_without_a_way_for_audio_refuses_it(scene):
    async with scene(info=MEETING) as s:
        with pytest.raises(NotSupportedError, match="lets no audio"):
            s.session.play_audio(SECOND)


@pytest.mark.parametrize(
    "given",
    [
        {"sample_rate": 7_999},
        {"sample_rate": 48_001},
        {"channels": 3},
        {"interrupt": True, "drop": True},
    ],
)
async def test_wrong_values_are_refused(scene, given):
    async with scene(info=MEETING) as s:
        with pytest.raises(InvalidParameterError):
            s.session.play_audio(SECOND, **given)


async def test_afterwards_it_says_that_the_conversation_is_over(scene):
    async with scene(info=MEETING) as s:
        pass
    with pytest.raises(ConversationClosedError):
        s.session.play_audio(SECOND)


async def test_a_meeting_says_no_text(scene):
    async with scene(info=MEETING) as s:
        with pytest.raises(NotSupportedError, match=r"no say\(\)"):
            s.session.say("Hello")
        with pytest.raises(NotSupportedError, match=r"no ask\(\)"):
            await s.session.ask("Hello")
        with pytest.raises(NotSupportedError, match=r"no respond_with\(\)"):
            s.session.respond_with(lambda turn: turn.text)
