"""Which way audio takes into the room of a conversation."""

from __future__ import annotations

import pytest

from akool_async.conversation.playback_adapter import PlaybackAdapter
from akool_async.errors import NotSupportedError
from akool_async.media import MediaCapabilities
from akool_async.media.microphone_speech import MicrophoneSpeech
from akool_async.testing.in_memory_media import InMemoryMedia
from akool_async.testing.in_memory_room import InMemoryRoom


async def test_a_room_without_a_way_for_audio_is_named(scene):
    async with scene() as s:
        conversation = s.session._conversation
        adapter = PlaybackAdapter(conversation.driver, conversation.events, conversation.gate)
        with pytest.raises(NotSupportedError, match="audio_only_from_data_stream=True") as caught:
            adapter.speech_audio()
        assert str(caught.value).startswith(f"the {s.pair.transport.name} transport")


async def test_what_fails_is_reported(scene):
    errors = []
    async with scene(on_error=errors.append) as s:
        conversation = s.session._conversation
        PlaybackAdapter(conversation.driver, conversation.events, conversation.gate).report(
            ValueError("x"), "play"
        )
    assert [str(error) for error in errors] == ["x"]


async def test_a_room_that_takes_a_track_gets_one(scene, monkeypatch):
    room = InMemoryRoom()
    room.media = InMemoryMedia()
    async with scene(room) as s:
        conversation = s.session._conversation
        adapter = PlaybackAdapter(conversation.driver, conversation.events, conversation.gate)
        way = adapter.speech_audio()
        assert isinstance(way, MicrophoneSpeech)
        assert adapter.speech_audio() is way
        mute = MediaCapabilities(hear=True, see=True, speak=False, show=False)
        monkeypatch.setattr(InMemoryMedia, "capabilities", mute)
        with pytest.raises(NotSupportedError, match="lets no audio"):
            adapter.speech_audio()
