"""What a recording reads of its conversation."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_room import stage

from akool_async.conversation.recording_port import _Port
from akool_async.media import AudioFrame, TrackInfo

#: The transcript has its times from the machine's clock.
pytestmark = pytest.mark.real_clock


async def test_the_announced_size_is_the_film_s() -> None:
    async with stage() as one:
        conversation = one.avatar._conversation
        port = _Port(conversation.media, conversation.events, conversation.transcript)
        assert port.size() is None
        one.media._set_tracks(
            (
                TrackInfo("a", "audio"),
                TrackInfo("b", "video", width=640, height=360),
                TrackInfo("c", "video", width=1280, height=720),
            )
        )
        assert port.size() == (1280, 720)


async def test_what_the_program_says_has_its_time() -> None:
    async with stage() as one:
        conversation = one.avatar._conversation
        port = _Port(conversation.media, conversation.events, conversation.transcript)
        heard: list[AudioFrame] = []
        end = port.microphone(heard.append)
        async with one.avatar.microphone(sample_rate=16_000) as microphone:
            begin = port.now()
            await microphone.write(bytes(2 * 3200))
            assert sum(frame.duration for frame in heard) == pytest.approx(0.2)
            assert heard[0].timestamp == pytest.approx(begin, abs=0.1)
            assert heard[-1].timestamp - heard[0].timestamp == pytest.approx(0.18, abs=0.05)
            end()
            await microphone.write(bytes(320))
            assert len(heard) == 10


async def test_a_path_like_object(tmp_path: Path) -> None:
    async with stage() as one:
        recording = one.avatar.record(tmp_path / "call.wav")
        assert recording.path == tmp_path / "call.wav"
        assert one.avatar.record("call.wav").path == Path("call.wav")


async def test_a_recording_is_a_span(tmp_path: Path) -> None:
    async with stage() as one:
        async with one.avatar.record(tmp_path / "call.wav", subtitles=False):
            pass
        assert one.avatar.stats.timings["recording"].count == 1
