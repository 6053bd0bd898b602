"""Sound on its way out of the avatar's mouth."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.mouth import RATE, TICK, Mouth

pytestmark = pytest.mark.virtual_clock


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> AudioFrame:
    wave = (10_000 * np.sin(2 * np.pi * 500 * np.arange(round(seconds * rate)) / rate)).astype(
        "<i2"
    )
    return AudioFrame(np.repeat(wave, channels).tobytes(), rate, channels)


def played(mouth: Mouth) -> np.ndarray:
    pieces = []
    while mouth.queued:
        pieces.append(mouth.take())
    return np.concatenate(pieces)


async def test_what_is_added_is_played_in_order_and_then_silence() -> None:
    calls: list[None] = []
    mouth = Mouth(lambda: calls.append(None))
    sound = tone(0.05)
    assert mouth.add(sound) == 0.05
    assert mouth.add(sound) == 0.05
    assert mouth.queued == pytest.approx(0.1)
    heard = played(mouth)
    assert len(heard) == 5 * TICK
    assert heard.astype("<i2").tobytes() == sound.pcm * 2
    assert not mouth.take().any()
    assert len(calls) == 2


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (24_000, 2), (44_100, 1), (48_000, 2)])
async def test_any_rate_in_any_parts(rate: int, channels: int) -> None:
    mouth = Mouth(lambda: None)
    whole = tone(1.0, rate, channels).pcm
    size = 2 * channels * (rate // 30)
    for start in range(0, len(whole), size):
        mouth.add(AudioFrame(whole[start : start + size], rate, channels))
    heard = played(mouth).astype(float)
    assert len(heard) == pytest.approx(RATE, abs=2 * TICK)
    spectrum = np.abs(np.fft.rfft(heard[4_800:43_200]))
    loudest = int(spectrum.argmax())
    assert loudest * RATE / 38_400 == pytest.approx(500, abs=1.3)
    # No clicks where the parts meet: nearly all of it is that tone.
    assert (spectrum[loudest - 3 : loudest + 4] ** 2).sum() > 0.999 * (spectrum**2).sum()


async def test_clear_drops_what_was_not_played() -> None:
    mouth = Mouth(lambda: None)
    mouth.add(tone(1.0))
    mouth.take()
    waiting = asyncio.ensure_future(mouth.wait_played())
    await asyncio.sleep(0)
    assert mouth.clear() == pytest.approx(0.98)
    await asyncio.wait_for(waiting, 1)
    assert not mouth.take().any()
    assert mouth.clear() == 0


async def test_waiting_until_so_much_is_left() -> None:
    mouth = Mouth(lambda: None)
    await mouth.wait_played()
    mouth.add(tone(0.1))
    half = asyncio.ensure_future(mouth.wait_played(left=0.05))
    whole = asyncio.ensure_future(mouth.wait_played())
    await asyncio.sleep(0)
    states = []
    while mouth.queued:
        mouth.take()
        await asyncio.sleep(0)
        states.append((half.done(), whole.done()))
    assert states == [(False, False)] * 2 + [(True, False)] * 2 + [(True, True)]


async def test_who_waits_can_be_cancelled() -> None:
    mouth = Mouth(lambda: None)
    mouth.add(tone(0.1))
    waiting = asyncio.ensure_future(mouth.wait_played())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(played(mouth)) == 5 * TICK


@pytest.mark.virtual_clock
async def test_who_waits_is_not_kept_waiting_by_a_mouth_that_plays_nothing() -> None:
    mouth = Mouth(lambda: None)
    mouth.add(tone(0.1))
    waiting = asyncio.ensure_future(mouth.wait_played())
    await asyncio.sleep(8)
    mouth.take()
    await asyncio.sleep(8)
    assert not waiting.done()
    with pytest.raises(TimeoutError, match="the avatar played nothing for 10 s"):
        await waiting
    assert len(played(mouth)) == 4 * TICK


async def test_an_empty_sound_is_nothing() -> None:
    mouth = Mouth(lambda: pytest.fail("there is nothing to play"))
    assert mouth.add(AudioFrame(b"", 24_000)) == 0


async def test_who_passes_its_sound_on_is_called_when_it_falls_silent() -> None:
    mouth, calls = Mouth(lambda: None), []
    mouth.on_clear.add(lambda: calls.append(mouth.queued))
    mouth.add(AudioFrame(bytes(9_600), 48_000))
    assert calls == []
    mouth.clear()
    assert calls == [0]
