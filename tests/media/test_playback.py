"""The queue of what is played, over a way into the room that the test answers for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from akool_async.errors import (
    ConversationClosedError,
    DisconnectedError,
    InvalidParameterError,
    PlaybackTimeoutError,
    SendError,
)
from akool_async.media import PlaybackReport, SpeechAudio, SpeechSegment
from akool_async.media.playback import PlaybackLimits, PlaybackQueue, PlaybackResult
from akool_async.testing.waiting import until

RATE = 8_000
SECOND = bytes(2 * RATE)
LIMITS = PlaybackLimits(step=5.0, first_audio=5.0, more_audio=5.0, report=5.0)


class Piece(SpeechSegment):
    def __init__(self, way: Way) -> None:
        self.way = way
        self.calls: list[str] = []
        self.written = 0
        self.report: asyncio.Future[PlaybackReport] = asyncio.get_running_loop().create_future()

    async def write(self, pcm: bytes) -> None:
        if self.way.write_error is not None:
            raise self.way.write_error
        self.written += len(pcm)

    async def end(self) -> None:
        self.calls.append("end")
        if self.way.plays:
            self.say(PlaybackReport(self.written / 2 / RATE, interrupted=False))

    async def clear(self) -> None:
        self.calls.append("clear")
        if self.way.clear_error is not None:
            raise self.way.clear_error
        self.say(PlaybackReport(0.25, interrupted=True))

    async def finished(self) -> PlaybackReport:
        return await asyncio.shield(self.report)

    def forget(self) -> None:
        self.calls.append("forget")

    def say(self, report: PlaybackReport) -> None:
        if not self.report.done():
            self.report.set_result(report)


class Way(SpeechAudio):
    """Attributes: plays: reports each end at once."""

    def __init__(self) -> None:
        self.plays = True
        self.pieces: list[Piece] = []
        self.write_error: Exception | None = None
        self.clear_error: Exception | None = None
        self.closed = 0

    async def open(self, sample_rate: int, channels: int, *, timeout: float) -> Piece:
        assert (sample_rate, channels) == (RATE, 1)
        self.pieces.append(Piece(self))
        return self.pieces[-1]

    async def aclose(self) -> None:
        self.closed += 1


class Port:
    def __init__(self) -> None:
        self.way = Way()
        self.reported: list[BaseException] = []

    def speech_audio(self) -> SpeechAudio:
        return self.way

    def report(self, error: BaseException, where: str) -> None:
        self.reported.append(error)


class Scene:
    def __init__(self, limits: PlaybackLimits = LIMITS) -> None:
        self.port = Port()
        self.way = self.port.way
        self.queue = PlaybackQueue(self.port, limits)

    def play(self, source: Any = SECOND, **how: bool) -> Any:
        return self.queue.play(source, sample_rate=RATE, channels=1, **how)


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    yield scene
    await scene.queue.stop()


async def test_played_in_order(scene: Scene) -> None:
    first, second = scene.play(), scene.play(SECOND * 2)
    assert scene.queue.busy
    assert await second == PlaybackResult(2.0, interrupted=False)
    assert await first.played() == PlaybackResult(1.0, interrupted=False)
    assert (first.state, first.seconds_written) == ("played", 1.0)
    assert not scene.queue.busy
    assert [piece.calls for piece in scene.way.pieces] == [["end", "forget"]] * 2


async def test_only_the_first_is_on_its_way(scene: Scene) -> None:
    scene.way.plays = False
    scene.play()
    second = scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    assert second.state == "waiting"
    scene.way.pieces[0].say(PlaybackReport(1.0, interrupted=False))
    await until(lambda: second.state == "playing")


async def test_cancelling_clears_and_waits_for_the_report(scene: Scene) -> None:
    scene.way.plays = False
    playback = scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    assert await playback.cancel() == PlaybackResult(0.25, interrupted=True)
    assert playback.state == "cancelled"
    assert scene.way.pieces[0].calls == ["end", "end", "clear", "forget"]
    assert await playback.cancel() == PlaybackResult(0.25, interrupted=True)


async def test_cancelling_one_that_waits_sends_nothing(scene: Scene) -> None:
    scene.way.plays = False
    scene.play()
    second = scene.play()
    assert await second.cancel() == PlaybackResult(0.0, interrupted=True)
    assert len(scene.way.pieces) <= 1


async def test_cancelling_closes_the_source(scene: Scene) -> None:
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


async def test_a_source_that_fails_is_silenced(scene: Scene) -> None:
    async def voice() -> AsyncIterator[bytes]:
        yield SECOND
        raise OSError("no more voice")

    playback = scene.play(voice())
    with pytest.raises(OSError, match="no more voice"):
        await playback
    assert scene.way.pieces[0].calls == ["end", "clear", "forget"]
    assert scene.port.reported == []
    assert not (await scene.play()).interrupted


async def test_a_failure_no_one_waits_for_is_reported(scene: Scene) -> None:
    scene.way.write_error = SendError("not taken")
    scene.play()
    await until(lambda: bool(scene.port.reported))
    assert isinstance(scene.port.reported[0], SendError)


async def test_a_refused_clear_is_raised(scene: Scene) -> None:
    scene.way.plays = False
    scene.way.clear_error = SendError("refused")
    playback = scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    with pytest.raises(SendError, match="refused"):
        await playback.cancel()


async def test_no_report_in_time() -> None:
    scene = Scene(PlaybackLimits(5.0, 5.0, 5.0, report=0.05))
    scene.way.plays = False
    with pytest.raises(PlaybackTimeoutError) as caught:
        await scene.play(SECOND[: RATE // 5])
    assert caught.value.seconds == pytest.approx(0.1)
    assert scene.way.pieces[0].calls == ["end", "forget"]
    await scene.queue.stop()


async def test_an_iterable_without_audio_opens_nothing(scene: Scene) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        for piece in (b"", b""):
            yield piece

    assert await scene.play(nothing()) == PlaybackResult(0.0, interrupted=False)
    assert scene.way.pieces == []


async def test_writing_keeps_no_more_than_so_far_ahead(scene: Scene) -> None:
    scene.way.most_ahead = 0.5
    scene.way.plays = False
    playback = scene.play(SECOND * 60)
    await until(lambda: playback.seconds_written >= 0.5)
    begun = asyncio.get_running_loop().time()
    written = playback.seconds_written
    await until(lambda: playback.seconds_written >= written + 0.3)
    assert asyncio.get_running_loop().time() - begun > 0.05
    assert playback.seconds_written < 50


async def test_drop_and_interrupt(scene: Scene) -> None:
    scene.way.plays = False
    first, waiting = scene.play(), scene.play()
    dropped = scene.play(drop=True)
    assert dropped.done
    assert await dropped == PlaybackResult(0.0, interrupted=True)
    await until(lambda: bool(scene.way.pieces))
    urgent = scene.play(interrupt=True)
    assert (await first).interrupted
    assert (await waiting).interrupted
    scene.way.pieces[-1].say(PlaybackReport(1.0, interrupted=False))
    await until(lambda: len(scene.way.pieces) == 2)
    scene.way.pieces[-1].say(PlaybackReport(1.0, interrupted=False))
    assert not (await urgent).interrupted
    with pytest.raises(InvalidParameterError, match="drop"):
        scene.play(drop=True, interrupt=True)


async def test_the_conversation_ends(scene: Scene) -> None:
    scene.way.plays = False
    first, second = scene.play(), scene.play()
    await until(lambda: bool(scene.way.pieces))
    scene.queue.fail_all(lambda: ConversationClosedError("closed"))
    for playback in (first, second):
        with pytest.raises(ConversationClosedError):
            await playback
        assert playback.state == "failed"
    await scene.queue.stop()
    assert scene.way.closed == 1


async def test_the_room_is_gone(scene: Scene) -> None:
    scene.way.write_error = DisconnectedError("gone", reason="removed")
    with pytest.raises(DisconnectedError):
        await scene.play()
    assert scene.way.pieces[0].calls == ["forget"]


async def test_the_room_is_replaced(scene: Scene) -> None:
    scene.way.plays = False
    first, second = scene.play(), scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    scene.queue.cut_off()
    result = await first
    assert result.interrupted
    assert result.seconds < 1.0
    await until(lambda: len(scene.way.pieces) == 2)
    scene.way.pieces[1].say(PlaybackReport(1.0, interrupted=False))
    assert not (await second).interrupted
