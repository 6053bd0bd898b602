"""One piece of audio: its source, its limits, its end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playback_scene import LIMITS, RATE, SECOND, PlaybackScene, Way

from akool_async.errors import (
    AudioSourceError,
    AudioTimeoutError,
    DisconnectedError,
    InvalidParameterError,
    PlaybackTimeoutError,
    SendError,
)
from akool_async.media.playback import PlaybackResult
from akool_async.media.playback_job import PlaybackLimits
from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


async def test_cancelling_closes_the_source(scene: PlaybackScene) -> None:
    scene.way.plays = False
    closed = asyncio.Event()

    async def voice() -> AsyncIterator[bytes]:
        try:
            yield SECOND
            await asyncio.Event().wait()
        finally:
            closed.set()

    playback = scene.play(voice())
    await until(lambda: playback.seconds_written == 1.0)
    assert (await playback.cancel()).interrupted
    assert closed.is_set()


async def test_a_source_that_fails_is_silenced(scene: PlaybackScene) -> None:
    async def voice() -> AsyncIterator[bytes]:
        yield SECOND
        raise OSError("no more voice")

    playback = scene.play(voice())
    with pytest.raises(OSError, match="no more voice"):
        await playback
    assert scene.way.pieces[0].calls == ["end", "clear", "forget"]
    assert scene.port.reported == []
    assert not (await scene.play()).interrupted


async def test_a_refused_clear_is_raised(scene: PlaybackScene) -> None:
    scene.way.plays = False
    scene.way.clear_error = SendError("refused")
    playback = scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    with pytest.raises(SendError, match="refused"):
        await playback.cancel()


async def test_no_report_in_time() -> None:
    scene = PlaybackScene(PlaybackLimits(5.0, 5.0, 5.0, report=0.05))
    scene.way.plays = False
    with pytest.raises(PlaybackTimeoutError) as caught:
        await scene.play(SECOND[: RATE // 5])
    assert caught.value.seconds == pytest.approx(0.1)
    assert scene.way.pieces[0].calls == ["end", "forget"]
    await scene.queue.stop()


async def test_an_iterable_without_audio_opens_nothing(scene: PlaybackScene) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        for piece in (b"", b""):
            yield piece

    assert await scene.play(nothing()) == PlaybackResult(0.0, interrupted=False)
    assert scene.way.pieces == []


async def test_writing_keeps_no_more_than_so_far_ahead(scene: PlaybackScene) -> None:
    scene.way.most_ahead = 0.5
    scene.way.plays = False
    playback = scene.play(SECOND * 60)
    await until(lambda: playback.seconds_written >= 0.5)
    begun = asyncio.get_running_loop().time()
    written = playback.seconds_written
    await until(lambda: playback.seconds_written >= written + 0.3)
    assert asyncio.get_running_loop().time() - begun > 0.05
    assert playback.seconds_written < 50


async def test_a_room_that_ends_while_it_is_stopped_is_reported_by_no_one() -> None:
    """asyncio would report the error of writing, which no one waits for any more."""
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))

    async def voice() -> AsyncIterator[bytes]:
        try:
            yield SECOND
            await asyncio.Event().wait()
        finally:
            raise DisconnectedError("gone", reason="removed")

    async def stop() -> None:
        scene = PlaybackScene()
        playback = scene.play(voice())
        await until(lambda: playback.seconds_written == 1.0)
        await scene.queue.stop()

    await stop()
    gc.collect()
    assert seen == []


async def test_the_room_is_gone(scene: PlaybackScene) -> None:
    scene.way.write_error = DisconnectedError("gone", reason="removed")
    with pytest.raises(DisconnectedError):
        await scene.play()
    assert scene.way.pieces[0].calls == ["forget"]


async def test_an_iterable_that_gave_nothing_yet_is_played_in_the_next_room(
    scene: PlaybackScene,
) -> None:
    before, after = scene.way, Way()
    generated = asyncio.Event()

    async def voice() -> AsyncIterator[bytes]:
        await generated.wait()
        yield SECOND

    playback = scene.play(voice())
    await until(lambda: playback.state == "playing")
    assert scene.queue.at_rest
    assert not scene.queue.cut_off()
    scene.port.way = after
    generated.set()
    assert await playback == PlaybackResult(1.0, interrupted=False)
    assert (len(before.pieces), len(after.pieces)) == (0, 1)


ENDS = [
    "raises",
    "cancels itself",
    "odd bytes",
    "no audio",
    "nothing",
    "too slow",
    "stop iteration",
]


@pytest.mark.parametrize("first", [True, False], ids=["at once", "after a second"])
@pytest.mark.parametrize("ends", ENDS)
async def test_a_source_that_goes_wrong_is_closed_and_the_queue_goes_on(
    scene: PlaybackScene, ends: str, first: bool
) -> None:
    closed = asyncio.Event()

    async def voice() -> AsyncIterator[Any]:
        try:
            if not first:
                yield SECOND
            if ends == "raises":
                raise OSError("no more voice")
            if ends == "cancels itself":
                raise asyncio.CancelledError
            if ends == "odd bytes":
                yield b"\0\0\0"
            if ends == "no audio":
                yield "text"
            if ends == "too slow":
                await asyncio.sleep(LIMITS.more_audio + 60)
            if ends == "stop iteration":
                raise StopIteration
        finally:
            closed.set()

    errors = {
        "raises": OSError,
        "cancels itself": AudioSourceError,
        "odd bytes": InvalidParameterError,
        "no audio": InvalidParameterError,
        "too slow": AudioTimeoutError,
        "stop iteration": RuntimeError,
    }
    playback = scene.play(voice())
    if ends in errors:
        with pytest.raises(errors[ends]):
            await playback
    else:
        assert await playback == PlaybackResult(0.0 if first else 1.0, interrupted=False)
    assert closed.is_set()
    assert await scene.play() == PlaybackResult(1.0, interrupted=False)
    begun = [piece for piece in scene.way.pieces if piece.written]
    assert all(piece.calls.count("forget") == 1 for piece in begun)
    assert scene.port.reported == []


async def test_a_source_that_does_not_end_when_it_is_closed_holds_nothing_up(
    scene: PlaybackScene,
) -> None:
    scene.way.plays = False

    async def stubborn() -> AsyncIterator[bytes]:
        try:
            yield SECOND
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3600)

    playback = scene.play(stubborn())
    await until(lambda: playback.seconds_written == 1.0)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await playback.cancel()).interrupted
    await scene.queue.stop()
    assert loop.time() - begun < 4
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("steps", range(0, 60, 3))
async def test_cancelled_at_any_moment_it_ends_once_and_the_next_is_played(
    scene: PlaybackScene, steps: int
) -> None:
    closed = asyncio.Event()

    async def voice() -> AsyncIterator[bytes]:
        try:
            for _ in range(4):
                await asyncio.sleep(0)
                yield SECOND[: RATE // 5]
        finally:
            closed.set()

    playback, behind = scene.play(voice()), scene.play()
    for _ in range(steps):
        await asyncio.sleep(0)
    begun = playback.state != "waiting"
    result = await asyncio.wait_for(playback.cancel(), 20)
    assert result.seconds <= 0.4
    assert playback.state in ("played", "cancelled")
    assert closed.is_set() or not begun
    assert await behind == PlaybackResult(1.0, interrupted=False)
    for piece in scene.way.pieces:
        assert piece.calls.count("forget") == 1
        assert piece.calls[0] == "end"
