"""An avatar with sound and pictures in a room of a real livekit-server, by the `livekit` client."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, Self

import numpy as np
from livekit import rtc
from livekit_peer import ServerPeer

from akool_async.media.contract import MediaKind
from akool_async.testing.media_peer import MediaPeer

__all__ = ["ServerMediaPeer"]

RATE = 48_000


class Publisher:
    """A participant that publishes a tone and grey pictures."""

    def __init__(self, room: rtc.Room, width: int, height: int, grey: int, fps: int = 15) -> None:
        self.room = room
        self.published: dict[MediaKind, tuple[rtc.LocalTrackPublication, Any]] = {}
        self._size = (width, height)
        self._grey = grey
        self._fps = fps
        self._tasks: dict[MediaKind, asyncio.Task[None]] = {}

    async def publish(
        self,
        kind: MediaKind,
        *,
        simulcast: bool = False,
        codec: rtc.VideoCodec.ValueType = rtc.VideoCodec.VP8,
    ) -> None:
        track: rtc.LocalAudioTrack | rtc.LocalVideoTrack
        if kind == "audio":
            audio = rtc.AudioSource(RATE, 1, queue_size_ms=200)
            track = rtc.LocalAudioTrack.create_audio_track("voice", audio)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            work: Coroutine[Any, Any, None] = self._play(audio)
        else:
            video = rtc.VideoSource(*self._size)
            track = rtc.LocalVideoTrack.create_video_track("face", video)
            options = rtc.TrackPublishOptions(
                source=rtc.TrackSource.SOURCE_CAMERA, simulcast=simulcast, video_codec=codec
            )
            work = self._show(video)
        publication = await self.room.local_participant.publish_track(track, options)
        self.published[kind] = (publication, track)
        self._tasks[kind] = asyncio.create_task(work)

    async def unpublish(self, kind: MediaKind) -> None:
        await self._end(self._tasks.pop(kind))
        publication, _ = self.published.pop(kind)
        await self.room.local_participant.unpublish_track(publication.sid)

    def mute(self, kind: MediaKind, muted: bool) -> None:
        _, track = self.published[kind]
        track.mute() if muted else track.unmute()

    async def stop(self) -> None:
        for task in self._tasks.values():
            await self._end(task)
        self._tasks.clear()

    async def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait({task})

    async def _play(self, source: rtc.AudioSource) -> None:
        wave = np.sin(2 * np.pi * 1000 * np.arange(RATE // 100) / RATE) * 12_000
        tone = wave.astype("<i2").tobytes()
        while True:
            await source.capture_frame(rtc.AudioFrame(tone, RATE, 1, RATE // 100))

    async def _show(self, source: rtc.VideoSource) -> None:
        width, height = self._size
        grey = bytes([self._grey]) * (width * height) + b"\x80" * (width * height // 2)
        picture = rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, grey)
        while True:
            source.capture_frame(picture)
            await asyncio.sleep(1 / self._fps)


class ServerMediaPeer(ServerPeer, MediaPeer):
    """The avatar of a `LiveKitServerRoom`, which publishes nothing at first, and what it hears."""

    grey = 100
    stranger_grey = 200

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._subscribed: set[MediaKind] = set()
        self._heard: deque[tuple[float, float]] = deque(maxlen=200)
        self._luma: float | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._strangers: list[rtc.Room] = []
        self._publishers: list[Publisher] = []
        await self._take_over()
        return self

    async def __aexit__(self, *_: object) -> None:
        for publisher in self._publishers:
            await publisher.stop()
        for task in self._readers:
            task.cancel()
        if self._readers:
            await asyncio.wait(self._readers)
        for room in self._strangers:
            await room.disconnect()
        await super().__aexit__()

    async def _take_over(self) -> None:
        """Of the avatar that is in the room: it publishes nothing any more, and listens."""
        room = self.sim._avatar._room
        assert room is not None
        self.room = room
        for sid in list(room.local_participant.track_publications):
            await room.local_participant.unpublish_track(sid)
        self.avatar = self._publisher(room, self.grey)
        room.on("local_track_subscribed", self._track_subscribed)
        room.on("track_published", lambda publication, _: publication.set_subscribed(True))
        room.on("track_subscribed", lambda track, *_: self._listen(track))
        for participant in room.remote_participants.values():
            for publication in participant.track_publications.values():
                publication.set_subscribed(True)

    def _publisher(self, room: rtc.Room, grey: int) -> Publisher:
        publisher = Publisher(room, self.width, self.height, grey)
        self._publishers.append(publisher)
        return publisher

    def _track_subscribed(self, track: rtc.Track) -> None:
        audio = track.kind == rtc.TrackKind.KIND_AUDIO
        self._subscribed.add("audio" if audio else "video")

    @property
    def ever_subscribed(self) -> set[MediaKind]:
        """What the room was ever asked for."""
        return self._subscribed

    async def publish(self, kind: MediaKind) -> None:  # type: ignore[override]
        await self.avatar.publish(kind)

    async def unpublish(self, kind: MediaKind) -> None:
        await self.avatar.unpublish(kind)

    async def replace(self, kind: MediaKind) -> None:
        before = self.avatar
        self.avatar = self._publisher(self.room, self.grey)
        await self.avatar.publish(kind)
        await before.unpublish(kind)

    async def change_codec(self) -> None:
        await self.avatar.unpublish("video")
        await self.avatar.publish("video", codec=rtc.VideoCodec.H264)

    async def mute(self, kind: MediaKind, muted: bool) -> None:
        self.avatar.mute(kind, muted)

    async def stranger_publishes(self, kind: MediaKind) -> None:
        room = rtc.Room()
        token = self.sim.new_token(identity="stranger")
        await room.connect(self.server.websocket_url, token, rtc.RoomOptions(auto_subscribe=False))
        self._strangers.append(room)
        await self._publisher(room, self.stranger_grey).publish(kind)

    async def avatar_leaves(self) -> None:
        await self.avatar.stop()
        await self.sim.fault("avatar_leaves")

    async def avatar_returns(self) -> None:
        before = self.avatar.published
        await self.sim.fault("avatar_returns")
        await self._take_over()
        for kind in before:
            await self.avatar.publish(kind)

    def _listen(self, track: rtc.Track) -> None:
        audio = track.kind == rtc.TrackKind.KIND_AUDIO
        work = self._hear(track) if audio else self._see(track)
        self._readers.append(asyncio.create_task(work))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE, frame_size_ms=10)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, "<i2").astype(float) / 32_768
                self._heard.append((time.monotonic(), float(np.sqrt((samples**2).mean()))))
        finally:
            await stream.aclose()

    async def _see(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream.from_track(track=track)
        try:
            async for event in stream:
                if event.frame.width > 8:
                    size = event.frame.width * event.frame.height
                    self._luma = float(np.frombuffer(event.frame.data[:size], np.uint8).mean())
        finally:
            await stream.aclose()

    def loudness(self) -> float:
        since = time.monotonic() - 0.1
        levels = [level for at, level in self._heard if at >= since]
        return max(levels, default=0.0)

    def luma(self) -> float | None:
        return self._luma
