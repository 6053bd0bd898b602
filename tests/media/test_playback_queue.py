"""What is played behind each other, and what becomes of it when the room is replaced."""

from __future__ import annotations

import asyncio

import pytest
from playback_scene import SECOND, PlaybackScene, Way

from akool_async.errors import (
    ConversationClosedError,
    InvalidParameterError,
    NotSupportedError,
    SendError,
)
from akool_async.media import PlaybackReport
from akool_async.media.playback import PlaybackResult
from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


async def test_played_in_order(scene: PlaybackScene) -> None:
    first, second = scene.play(), scene.play(SECOND * 2)
    assert scene.queue.busy
    assert await second == PlaybackResult(2.0, interrupted=False)
    assert await first.played() == PlaybackResult(1.0, interrupted=False)
    assert (first.state, first.seconds_written) == ("played", 1.0)
    assert not scene.queue.busy
    assert [piece.calls for piece in scene.way.pieces] == [["end", "forget"]] * 2


async def test_only_the_first_is_on_its_way(scene: PlaybackScene) -> None:
    scene.way.plays = False
    scene.play()
    second = scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    assert second.state == "waiting"
    scene.way.pieces[0].say(PlaybackReport(1.0, interrupted=False))
    await until(lambda: second.state == "playing")


async def test_cancelling_clears_and_waits_for_the_report(scene: PlaybackScene) -> None:
    scene.way.plays = False
    playback = scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    assert await playback.cancel() == PlaybackResult(0.25, interrupted=True)
    assert playback.state == "cancelled"
    assert scene.way.pieces[0].calls == ["end", "end", "clear", "forget"]
    assert await playback.cancel() == PlaybackResult(0.25, interrupted=True)


async def test_cancelling_one_that_waits_sends_nothing(scene: PlaybackScene) -> None:
    scene.way.plays = False
    scene.play()
    second = scene.play()
    assert await second.cancel() == PlaybackResult(0.0, interrupted=True)
    assert len(scene.way.pieces) <= 1


async def test_a_failure_no_one_waits_for_is_reported(scene: PlaybackScene) -> None:
    scene.way.write_error = SendError("not taken")
    scene.play()
    await until(lambda: bool(scene.port.reported))
    assert isinstance(scene.port.reported[0], SendError)


async def test_drop_and_interrupt(scene: PlaybackScene) -> None:
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


async def test_the_conversation_ends(scene: PlaybackScene) -> None:
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


async def test_the_room_is_replaced(scene: PlaybackScene) -> None:
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


async def test_what_waits_is_played_in_the_room_that_replaced_the_one_before(
    scene: PlaybackScene,
) -> None:
    before, after = scene.way, Way()
    before.plays = False
    first, second = scene.play(), scene.play()
    await until(lambda: bool(before.pieces) and "end" in before.pieces[0].calls)
    assert not scene.queue.at_rest
    scene.port.way = after
    assert scene.queue.cut_off()
    assert (await first).interrupted
    assert not (await second).interrupted
    assert (len(before.pieces), len(after.pieces)) == (1, 1)
    assert (before.closed, after.closed) == (1, 0)


async def test_nothing_begins_while_another_session_is_about_to_take_over(
    scene: PlaybackScene,
) -> None:
    before, after = scene.way, Way()
    scene.port.gate.clear()
    first, second, third = scene.play(), scene.play(), scene.play()
    await asyncio.sleep(1)
    assert scene.queue.busy
    assert scene.queue.at_rest
    assert await first.cancel() == PlaybackResult(0.0, interrupted=True)
    assert await third.cancel() == PlaybackResult(0.0, interrupted=True)
    scene.port.way = after
    assert not scene.queue.cut_off()
    scene.port.gate.set()
    assert not (await second).interrupted
    assert (len(before.pieces), len(after.pieces)) == (0, 1)


async def test_a_room_that_has_no_way_any_more_fails_what_waits(scene: PlaybackScene) -> None:
    scene.way.plays = False
    first, second = scene.play(), scene.play()
    await until(lambda: bool(scene.way.pieces) and "end" in scene.way.pieces[0].calls)
    scene.port.error = NotSupportedError("lets no audio in")
    scene.queue.cut_off()
    assert (await first).interrupted
    with pytest.raises(NotSupportedError, match="lets no audio"):
        await second
