"""An avatar's sound and picture, encoded."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from simulated_media import TONE

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.face import read_clock
from akool_async.testing.waiting import until


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


async def test_it_is_encoded_once_for_all(media: AvatarMedia) -> None:
    first, second = Taken("libopus"), Taken("libopus")
    media.broadcast.add("audio", first.take)
    media.broadcast.add("audio", second.take)
    await until(lambda: len(second.packets) > 3, "packets")
    assert len(media.feed.sounds) == 1
    assert first.packets[-3:] == second.packets[-3:]
    media.broadcast.remove("audio", first.take)
    count = len(first.packets)
    await until(lambda: len(second.packets) > 6, "more")
    assert len(first.packets) == count
    media.broadcast.remove("audio", second.take)
    assert not media.feed.sounds
