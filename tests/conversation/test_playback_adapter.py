"""What playing audio is given of a conversation over a room that has no way for audio."""

from __future__ import annotations

import pytest

from akool_async.conversation.playback_adapter import PlaybackAdapter
from akool_async.errors import NotSupportedError


async def test_a_room_without_a_way_for_audio_is_named(scene):
    async with scene() as s:
        conversation = s.session._conversation
        adapter = PlaybackAdapter(conversation.driver, conversation.events)
        with pytest.raises(NotSupportedError, match="audio_only_from_data_stream=True") as caught:
            adapter.speech_audio()
        assert str(caught.value).startswith(f"the {s.pair.transport.name} transport")


async def test_what_fails_is_reported(scene):
    errors = []
    async with scene(on_error=errors.append) as s:
        conversation = s.session._conversation
        PlaybackAdapter(conversation.driver, conversation.events).report(ValueError("x"), "play")
    assert [str(error) for error in errors] == ["x"]
