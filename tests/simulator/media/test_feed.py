"""One avatar's clock, encoded and not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import av
import numpy as np
import pytest

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.face import read_clock
from akool_async.simulator.media.mouth import TICK
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


class Taken:
    """Packets of one kind, decoded."""

    def __init__(self, codec: str) -> None:
        self.packets: list[Any] = []
        self._decoder: Any = av.CodecContext.create(codec, "r")

    def take(self, packet: Any) -> None:
        self.packets.append(packet)

    def decoded(self) -> list[Any]:
        return [frame for packet in self.packets for frame in self._decoder.decode(packet)]


async def test_the_broadcast_can_be_decoded(media: AvatarMedia) -> None:
    sound, picture = Taken("libopus"), Taken("libvpx")
    media.broadcast.add("audio", sound.take)
    media.broadcast.add("video", picture.take)
    media.mouth.add(AudioFrame(TONE.tobytes(), 48_000))
    await until(lambda: len(sound.packets) > 30 and len(picture.packets) > 5, "packets")
    media.broadcast.remove("audio", sound.take)
    media.broadcast.remove("video", picture.take)
    assert picture.packets[0].is_keyframe
    frames = picture.decoded()
    assert (frames[0].width, frames[0].height) == (320, 180)
    clocks = [read_clock(frame.to_ndarray()[:180]) for frame in frames]
    assert clocks == sorted(clocks)
    assert clocks[0] < clocks[-1]
    loudest = max(float(np.abs(frame.to_ndarray()).max()) for frame in sound.decoded())
    assert loudest > (0.2 if loudest <= 1 else 6_000)


async def test_who_comes_later_gets_a_key_frame(media: AvatarMedia) -> None:
    first, second = Taken("libvpx"), Taken("libvpx")
    media.broadcast.add("video", first.take)
    await until(lambda: len(first.packets) > 3, "packets")
    media.broadcast.add("video", second.take)
    await until(lambda: any(p.is_keyframe for p in second.packets), "a key frame")
    count = sum(p.is_keyframe for p in first.packets)
    media.broadcast.request_key_frame()
    await until(lambda: sum(p.is_keyframe for p in first.packets) > count, "one on request")


async def test_a_muted_kind_sends_nothing(media: AvatarMedia) -> None:
    sound, picture = Taken("libopus"), Taken("libvpx")
    media.broadcast.mute("audio", on=True)
    media.broadcast.add("audio", sound.take)
    media.broadcast.add("video", picture.take)
    await until(lambda: len(picture.packets) > 3, "pictures")
    assert sound.packets == []
    media.broadcast.mute("audio", on=False)
    await until(lambda: sound.packets, "sound")


async def test_time_never_begins_again(media: AvatarMedia) -> None:
    taken = Taken("libvpx")
    for _ in range(2):
        before = len(taken.packets)
        media.broadcast.add("video", taken.take)
        await until(lambda before=before: len(taken.packets) > before + 2, "packets")
        media.broadcast.remove("video", taken.take)
    times = [packet.pts for packet in taken.packets]
    assert times == sorted(set(times))


# Voices and ears


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
