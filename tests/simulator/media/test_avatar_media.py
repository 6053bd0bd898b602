"""An avatar's voice and ears: the program's own, and those of code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.robot import robot_speech, robot_text
from akool_async.simulator.media.settings import Media
from akool_async.simulator.media.threads import MediaThreads
from akool_async.testing.waiting import until

TONE = (10_000 * np.sin(np.arange(24_000) / 10)).astype("<i2")


@pytest.fixture
async def media() -> AsyncIterator[AvatarMedia]:
    threads = MediaThreads()
    errors: list[Exception] = []
    media = AvatarMedia(Media(width=320, height=180), threads, failed=errors.append)
    yield media
    await media.close()
    await threads.close()
    assert errors == []


async def test_a_voice_that_gives_no_frame_is_refused() -> None:
    threads = MediaThreads()
    media = AvatarMedia(Media(voice=lambda text: text.encode()), threads, failed=print)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="voice= gave bytes, not an AudioFrame"):
        await media.speech("hello")
    await media.close()
    await threads.close()


async def test_ones_own_voice_is_used() -> None:
    async def voice(text: str) -> AudioFrame:
        await asyncio.sleep(0)
        return AudioFrame(b"\1\0" * len(text), 16_000)

    threads = MediaThreads()
    media = AvatarMedia(Media(voice=voice), threads, failed=print)
    assert (await media.speech("hello")).samples_per_channel == 5
    await media.close()
    await threads.close()


async def test_the_sessions_voice_decides_the_pitch(media: AvatarMedia) -> None:
    one, other, again = [await media.speech("hello", voice) for voice in ("a", "b", "a")]
    assert one == again
    assert one != other


async def test_a_robots_voice_is_understood_by_its_ear() -> None:
    threads = MediaThreads()
    media = AvatarMedia(Media(voice="robot"), threads, failed=print)
    reports: list[str | None] = []

    async def report(text: str | None) -> None:
        reports.append(text)

    assert robot_text(await media.speech("Hello")) == "Hello"
    assert media.listens
    media.hearing.report = report
    sound = np.concatenate([robot_speech("Good day").to_ndarray()[:, 0], np.zeros(48_000, "<i2")])
    for start in range(0, len(sound), 960):
        media.hearing.hear("me", sound[start : start + 960])
    await until(lambda: reports == ["Good day"], "what was said")
    await media.close()
    await threads.close()


async def test_an_ear_that_gives_no_text_is_reported() -> None:
    threads, errors = MediaThreads(), list[Exception]()
    listen: Any = lambda frame: 5  # noqa: E731
    media = AvatarMedia(Media(listen=listen, end_of_turn=0.1), threads, failed=errors.append)
    for piece in (*[TONE[:960]] * 10, *[np.zeros(960, "<i2")] * 10):
        media.hearing.hear("me", piece)
    await until(lambda: errors, "the error")
    assert "listen= gave int, not text" in str(errors[0])
    await media.close()
    await threads.close()


async def test_after_closing_nothing_is_played_or_heard(media: AvatarMedia) -> None:
    media.mouth.add(AudioFrame(TONE.tobytes(), 48_000))
    await media.close()
    await media.close()
    assert media.mouth.queued == 0
    media.hearing.hear("me", TONE[:960])
    assert media.hearing.heard().pcm == b""
