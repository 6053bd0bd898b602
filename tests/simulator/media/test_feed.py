"""One avatar's clock."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from simulated_media import TONE

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.face import read_clock
from akool_async.simulator.media.mouth import TICK
from akool_async.testing.waiting import until


async def test_nothing_runs_without_takers(media: AvatarMedia) -> None:
    before = asyncio.all_tasks()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_sound_is_played_without_a_listener(media: AvatarMedia) -> None:
    start = asyncio.get_running_loop().time()
    media.mouth.add(AudioFrame(TONE.tobytes(), 48_000))
    await media.mouth.wait_played()
    assert asyncio.get_running_loop().time() - start > 0.4
    await until(
        lambda: not any("feed" in task.get_name() for task in asyncio.all_tasks()), "its end"
    )


async def test_pieces_are_numbered_and_carry_what_is_said(media: AvatarMedia) -> None:
    pieces: list[tuple[np.ndarray, int]] = []
    media.feed.add(sound=lambda piece, tick: pieces.append((piece, tick)))
    media.mouth.add(AudioFrame(TONE.tobytes(), 48_000))
    await until(lambda: len(pieces) > 30, "sound")
    assert {len(piece) for piece, _ in pieces} == {TICK}
    ticks = [tick for _, tick in pieces]
    assert ticks == sorted(set(ticks))
    assert np.concatenate([piece for piece, _ in pieces])[:24_000].tobytes() == TONE.tobytes()


async def test_pictures_show_their_time_and_the_mouth_moves(media: AvatarMedia) -> None:
    shown: list[tuple[float, float, int]] = []

    def see(picture: np.ndarray, at: float) -> None:
        luma = picture[:180]
        shown.append((at, read_clock(luma), int((luma[90:130, 110:210] == 60).sum())))

    media.feed.add(picture=see)
    await until(lambda: len(shown) > 3, "pictures")
    closed = max(size for *_, size in shown)
    media.mouth.add(AudioFrame(TONE.tobytes(), 48_000))
    await until(lambda: shown[-1][2] > 2 * closed, "an open mouth")
    assert all(clock == pytest.approx(at, abs=0.0011) for at, clock, _ in shown)
    media.feed.frozen = True
    await asyncio.sleep(0.3)  # one that is being drawn may still come
    count = len(shown)
    await asyncio.sleep(0.3)
    assert len(shown) == count


async def test_a_taker_that_fails_does_not_end_the_feed(
    media: AvatarMedia, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[float] = []

    def fail(picture: np.ndarray, at: float) -> None:
        shown.append(at)
        raise ValueError("no window")

    media.feed.add(picture=fail)
    await until(lambda: len(shown) > 2, "pictures")
    assert "couldn't be drawn" in caplog.text
