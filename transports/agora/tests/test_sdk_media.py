"""`akool_agora.sdk_media`, over the stand-in for the SDK: audio in and out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fake_agora
import pytest
from agora_engine import ROOM, RecordedEvents, joined

from akool_async.errors import DisconnectedError, NotSupportedError, SendError
from akool_async.media import AudioRequest, MediaCapabilities
from akool_async.testing.media_samples import NotingAudio, tone
from akool_async.testing.waiting import until

FORM = AudioRequest(16_000, 1)


@pytest.fixture
def sdk(tmp_path: Path) -> Any:
    with fake_agora.installed(tmp_path) as sdk:
        yield sdk
    assert sdk.violations == []
    assert sdk.vanished == []


def piece(samples: int, rate: int = 16_000, channels: int = 1) -> object:
    """A frame as the SDK gives it."""
    buffer = bytearray(tone(500, samples, rate, channels))
    return SimpleNamespace(buffer=buffer, samples_per_sec=rate, channels=channels)


async def test_the_avatars_sound_is_heard_and_no_one_elses(sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        assert engine.media.capabilities == MediaCapabilities(hear=True, speak=True)
        assert sdk.connection.local_user.forms == []
        sink, user = NotingAudio(), sdk.connection.local_user
        subscription = engine.media.hear("7", FORM, sink)
        await until(lambda: user.subscribed == {"7"}, "the subscription")
        assert sdk.connection._audio_observer is not None
        assert user.forms == [(16_000, 1)]
        sdk.connection.sound("8", piece(160))
        sdk.connection.sound("7", piece(160, 48_000))
        sdk.connection.sound("7", piece(160))
        await until(lambda: sink.size, "sound")
        assert (sink.starts, sink.size) == (1, 320)
        assert sink.loudness > 0.03
        other = NotingAudio()
        second = engine.media.hear("7", FORM, other)
        subscription.close()
        subscription.close()
        sdk.connection.sound("7", piece(160))
        await until(lambda: other.size, "sound")
        assert sink.size == 320
        second.close()
        await until(lambda: not user.subscribed, "no subscription")
        assert user.forms == [(16_000, 1)]


async def test_one_form_at_a_time(sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        first, second = NotingAudio(), NotingAudio()
        subscription = engine.media.hear("7", FORM, first)
        engine.media.hear("7", AudioRequest(48_000, 2), second)
        await until(lambda: second.error, "the refusal")
        assert isinstance(second.error, NotSupportedError)
        assert first.error is None
        subscription.close()
        engine.media.hear("7", AudioRequest(48_000, 2), NotingAudio())
        user = sdk.connection.local_user
        await until(lambda: user.forms == [(16_000, 1), (48_000, 2)], "the other form")


async def test_tracks_are_what_agora_announces(sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        media, changes = engine.media, []
        media.on_change = lambda: changes.append([t.kind for t in media.tracks("7")])
        sink = NotingAudio()
        media.hear("7", FORM, sink)
        await until(lambda: sdk.connection.local_user.subscribed == {"7"}, "the subscription")
        sdk.connection.emit_to_user("on_user_info_updated", "7", 0, 0)
        sdk.connection.emit_to_user("on_user_info_updated", "7", 1, 0)
        sdk.connection.sound("7", piece(160))
        await until(lambda: sink.starts == 1, "sound")
        before = media.tracks("7")
        sdk.connection.emit_to_user("on_user_info_updated", "7", 0, 1)
        sdk.connection.emit_to_user("on_user_info_updated", "7", 0, 0)
        sdk.connection.sound("7", piece(160))
        await until(lambda: sink.starts == 2, "another stream")
        assert before[0].id not in {track.id for track in media.tracks("7")}
        sdk.connection.emit("on_user_left", "7", 0)
        await until(lambda: media.tracks("7") == (), "no tracks")
    assert changes == [
        ["audio"], ["audio", "video"], ["video"], ["video", "audio"], ["video"], [],
    ]  # fmt: skip


async def test_what_is_spoken_is_pushed_in_whole_milliseconds(sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        assert not sdk.connection.published
        writer = await engine.media.speak(AudioRequest(24_000), queue_ms=200, timeout=10)
        connection = sdk.connection
        assert connection.published
        sound = tone(500, 1_001, 24_000, 1)
        await writer.write(sound)
        await writer.wait_for_playout()
        await until(lambda: sum(len(one) for one, *_ in connection.pushed) >= len(sound), "all")
        pushed = b"".join(one for one, *_ in connection.pushed)
        assert pushed[: len(sound)] == sound
        assert not any(pushed[len(sound) :])
        assert {tuple(rest) for _, *rest in connection.pushed} == {(24_000, 1)}
        await writer.write(tone(500, 4_000, 24_000, 1))
        assert writer.clear() > 0
        await until(lambda: connection.interrupted == 1, "the interrupt")
        await writer.close()
        await writer.close()
        await until(lambda: not connection.published, "the track unpublished")
        with pytest.raises(DisconnectedError):
            await writer.write(sound)


async def test_what_the_sdk_cannot_is_refused(sdk) -> None:
    async with joined(RecordedEvents()) as engine:
        media = engine.media
        with pytest.raises(NotSupportedError, match="no sound of 44100 Hz"):
            await media.speak(AudioRequest(44_100), queue_ms=200, timeout=10)
        sdk.publish_answer = -7
        with pytest.raises(SendError, match="didn't publish"):
            await media.speak(FORM, queue_ms=200, timeout=10)
        sdk.publish_answer = 0
        writer = await media.speak(FORM, queue_ms=200, timeout=10)
        with pytest.raises(NotSupportedError, match="one microphone at a time"):
            await media.speak(FORM, queue_ms=200, timeout=10)
        await media.close()
        with pytest.raises(DisconnectedError):
            await writer.write(bytes(2))


async def test_everything_goes_on_in_the_next_join(sdk) -> None:
    events: Any = RecordedEvents()
    async with joined(events) as engine:
        sink = NotingAudio()
        engine.media.hear("7", FORM, sink)
        writer = await engine.media.speak(FORM, queue_ms=200, timeout=10)
        first = sdk.connection
        await engine.join(ROOM, events)
        second = sdk.connection
        assert second is not first
        user = second.local_user
        await until(lambda: second.published and user.subscribed == {"7"}, "both again")
        second.sound("7", piece(160))
        await until(lambda: sink.size == 320, "sound")
        async with asyncio.timeout(10):
            await writer.write(tone(500, 1_600, 16_000, 1))
        await until(lambda: second.pushed, "what is spoken")
        await engine.media.close()
