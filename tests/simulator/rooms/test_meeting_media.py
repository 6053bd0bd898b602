"""A meeting's avatar that has a face."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from simulated_media import avatar_media

from akool_async.simulator.clock import Clock
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.meeting_media import MouthOutput, speak_microphones
from akool_async.testing.waiting import until

TONE = (9_000 * np.sin(np.arange(24_000) / 8)).astype("<i2")


@pytest_asyncio.fixture
async def media() -> AsyncIterator[AvatarMedia]:
    async with avatar_media() as media:
        yield media


@pytest_asyncio.fixture
async def player(media: AvatarMedia) -> AsyncIterator[MeetingPlayer]:
    player = MeetingPlayer(Clock())
    player.output = MouthOutput(media.mouth)
    playing = asyncio.create_task(player.run())
    yield player
    playing.cancel()
    await asyncio.wait([playing])


async def test_a_segment_is_played_by_the_mouth(media: AvatarMedia, player: MeetingPlayer) -> None:
    heard: list[int] = []
    media.feed.add(sound=lambda piece, tick: heard.append(int(np.abs(piece).max())))
    segment = player.begin("bot", 24_000, 1)
    segment.feed(TONE[:6_000].tobytes())
    player.end(segment)
    await until(lambda: segment.reported)
    assert segment.played == pytest.approx(0.25, abs=0.02)
    # Resampled from 24 to 48 kHz, and not louder or softer.
    assert max(heard) == pytest.approx(9_000, rel=0.1)


async def test_what_is_cleared_is_not_played(media: AvatarMedia, player: MeetingPlayer) -> None:
    segment = player.begin("bot", 24_000, 1)
    segment.feed(TONE.tobytes())
    await until(lambda: segment.played > 0)
    assert media.mouth.queued <= 0.2  # the rest isn't given to the mouth before it is time
    player.clear()
    assert media.mouth.queued == 0
    await until(lambda: segment.reported)
    assert segment.cleared
    assert segment.played < 1


async def test_microphones_are_spoken_and_no_text_is_made_of_them(
    media: AvatarMedia, player: MeetingPlayer
) -> None:
    texts: list[str | None] = []

    async def report(text: str | None) -> None:
        texts.append(text)

    media.hearing.report = report
    speak_microphones(media, player)
    quiet = np.zeros(960, np.int16)
    for piece in (*np.split(TONE[:4_800], 5), *[quiet] * 40):
        media.hearing.hear("person", piece)
    await until(lambda: player.segments and player.segments[0].ended_by == "quiet")
    await until(lambda: player.segments[0].played > 0.1)
    assert (player.segments[0].sender, player.segments[0].way) == ("person", "track")
    assert media.hearing.heard("person").duration > 0.8
    await media.hearing.close()
    assert texts == []
