"""An avatar's voice and ears: the program's own, and those of code."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from simulated_media import TONE, avatar_media

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.robot import robot_speech, robot_text
from akool_async.simulator.media.settings import Media
from akool_async.testing.waiting import until


async def test_a_voice_that_gives_no_frame_is_refused() -> None:
    def voice(text: str) -> Any:
        return text.encode()

    async with avatar_media(Media(voice=voice)) as media:
        with pytest.raises(TypeError, match="voice= gave bytes, not an AudioFrame"):
            await media.speech("hello")


async def test_ones_own_voice_is_used() -> None:
    async def voice(text: str) -> AudioFrame:
        await asyncio.sleep(0)
        return AudioFrame(b"\1\0" * len(text), 16_000)

    async with avatar_media(Media(voice=voice)) as media:
        assert (await media.speech("hello")).samples_per_channel == 5


async def test_the_sessions_voice_decides_the_pitch(media: AvatarMedia) -> None:
    one, other, again = [await media.speech("hello", voice) for voice in ("a", "b", "a")]
    assert one == again
    assert one != other


async def test_a_robots_voice_is_understood_by_its_ear() -> None:
    reports: list[str | None] = []

    async def report(text: str | None) -> None:
        reports.append(text)

    sound = np.concatenate([robot_speech("Good day").to_ndarray()[:, 0], np.zeros(48_000, "<i2")])
    async with avatar_media(Media(voice="robot")) as media:
        assert robot_text(await media.speech("Hello")) == "Hello"
        assert media.listens
        media.hearing.report = report
        for start in range(0, len(sound), 960):
            media.hearing.hear("me", sound[start : start + 960])
        await until(lambda: reports == ["Good day"], "what was said")


async def test_an_ear_that_gives_no_text_is_reported() -> None:
    def listen(frame: AudioFrame) -> Any:
        return 5

    errors: list[Exception] = []
    async with avatar_media(Media(listen=listen, end_of_turn=0.1), errors=errors) as media:
        for piece in (*[TONE[:960]] * 10, *[np.zeros(960, "<i2")] * 10):
            media.hearing.hear("me", piece)
        await until(lambda: errors, "the error")
        assert "listen= gave int, not text" in str(errors[0])


async def test_after_closing_nothing_is_played_or_heard(media: AvatarMedia) -> None:
    media.mouth.add(AudioFrame(TONE.tobytes(), 48_000))
    await media.close()
    await media.close()
    assert media.mouth.queued == 0
    media.hearing.hear("me", TONE[:960])
    assert media.hearing.heard().pcm == b""
