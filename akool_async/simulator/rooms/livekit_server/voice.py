"""The sound and the picture of the meeting's avatar in a real LiveKit room."""

from __future__ import annotations

import asyncio
from typing import Final

import numpy as np
from livekit import rtc

from akool_async.simulator.meeting.output import SpeechOutput

__all__ = ["SAMPLE_RATE", "RoomVoice", "TalkingFace"]

SAMPLE_RATE: Final = 48_000
_WIDTH: Final = 160
_HEIGHT: Final = 120
_FRAMES_PER_SECOND: Final = 15
#: The loudness at which the mouth is wide open, of 32,768.
_LOUD: Final = 6_000.0


class RoomVoice(SpeechOutput):
    """Plays by an audio track of the room.

    Attributes:
        level: how loud it is at the moment, 0 to 1.
    """

    def __init__(self, source: rtc.AudioSource) -> None:
        self._source = source
        self._channels = 1
        self._resampler: rtc.AudioResampler | None = None
        self._level = 0.0

    @property
    def level(self) -> float:
        """How loud it is, 0 to 1; 0 while nothing is played."""
        return self._level if self._source.queued_duration > 0 else 0.0

    async def begin(self, sample_rate: int, channels: int) -> None:
        """See `SpeechOutput`."""
        self._channels = channels
        self._resampler = None
        if sample_rate != SAMPLE_RATE:
            self._resampler = rtc.AudioResampler(sample_rate, SAMPLE_RATE)

    async def write(self, pcm: bytes) -> None:
        """See `SpeechOutput`."""
        samples = np.frombuffer(pcm, "<i2")
        if self._channels > 1:
            mixed = samples.reshape(-1, self._channels).mean(axis=1)
            samples = mixed.astype("<i2")
        loudness = float(np.sqrt(np.mean(np.square(samples.astype(np.float32)))))
        self._level = min(1.0, loudness / _LOUD)
        data = samples.tobytes()
        if self._resampler is None:
            await self._play(rtc.AudioFrame(data, SAMPLE_RATE, 1, len(samples)))
            return
        for frame in self._resampler.push(bytearray(data)):
            await self._play(frame)

    async def _play(self, frame: rtc.AudioFrame) -> None:
        await self._source.capture_frame(frame)

    @property
    def queued(self) -> float:
        """See `SpeechOutput`."""
        return self._source.queued_duration

    def clear(self) -> None:
        """See `SpeechOutput`."""
        self._source.clear_queue()
        self._resampler = None
        self._level = 0.0

    async def drain(self) -> None:
        """See `SpeechOutput`."""
        if self._resampler is not None:
            for frame in self._resampler.flush():
                await self._play(frame)
        await self._source.wait_for_playout()


class TalkingFace:
    """A face whose mouth opens with the voice; published as the avatar's video."""

    def __init__(self, voice: RoomVoice) -> None:
        self._voice = voice
        self._source = rtc.VideoSource(_WIDTH, _HEIGHT)

    async def publish(self, room: rtc.Room) -> None:
        """Publishes the track."""
        track = rtc.LocalVideoTrack.create_video_track("face", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
        await room.local_participant.publish_track(track, options)

    async def run(self) -> None:
        """Shows pictures until it is cancelled."""
        try:
            while True:
                picture = _picture(self._voice.level)
                self._source.capture_frame(
                    rtc.VideoFrame(_WIDTH, _HEIGHT, rtc.VideoBufferType.I420, picture)
                )
                await asyncio.sleep(1 / _FRAMES_PER_SECOND)
        finally:
            await self._source.aclose()


def _picture(level: float) -> bytearray:
    """I420, grey; the mouth is a dark field as high as the voice is loud."""
    luma = np.full((_HEIGHT, _WIDTH), 200, np.uint8)
    luma[30:45, 40:55] = luma[30:45, 105:120] = 30
    open_by = 1 + round(level * 20)
    luma[90 - open_by : 90 + open_by, 50:110] = 30
    return bytearray(luma.tobytes() + bytes([128]) * (_WIDTH * _HEIGHT // 2))
