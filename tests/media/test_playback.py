"""What a program holds of audio that is played."""

from __future__ import annotations

import pytest

from akool_async.media.playback import Playback, PlaybackResult


async def test_it_ends_once_and_says_how_much_is_on_its_way() -> None:
    cancelled: list[Playback] = []
    playback = Playback(cancelled.append, 16_000)
    playback.begun()
    playback.note_written(4_000)
    assert repr(playback) == "<Playback playing, 0.25 s written>"
    assert not playback.done
    assert not playback.awaited
    playback.end("played", PlaybackResult(0.25, interrupted=False))
    playback.end("failed", ValueError("too late"))
    assert await playback.cancel() == await playback == PlaybackResult(0.25, interrupted=False)
    assert (playback.state, playback.awaited, cancelled) == ("played", True, [playback])


async def test_its_error_is_raised_each_time_it_is_waited_for() -> None:
    playback = Playback(lambda _: None, 16_000)
    playback.end("failed", ValueError("no voice"))
    for _ in range(2):
        with pytest.raises(ValueError, match="no voice"):
            await playback
