"""The avatar's face, voice, ears and eyes as tracks in a real LiveKit room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from livekit import rtc

from akool_async.media.frames import VideoFrame
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.media.mouth import RATE, TICK
from akool_async.simulator.rooms.livekit_server.following import (
    follow_cameras,
    follow_microphones,
)
from akool_async.simulator.rooms.room import MEDIA_KINDS
from akool_async.simulator.tasks import Tasks

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RoomMedia"]

#: Milliseconds of sound that the native source keeps.
_QUEUE_MS: Final = 200
_TICK_SECONDS: Final = TICK / RATE
#: Pieces that wait for the source; more come only after the machine was held up.
_MOST_WAITING: Final = 10
#: Pieces of silence ahead of the sound, so that a short delay isn't heard.
_AHEAD: Final = 2
#: Seconds ahead from which silence is left out: what a delay has added goes again.
_TOO_FAR: Final = 0.06


class RoomMedia:
    """One stay of the avatar in the room. Draws and plays once a participant has subscribed.

    Attributes:
        dropped: pieces of sound left out because the machine was held up.
    """

    def __init__(self, room: rtc.Room, media: AvatarMedia) -> None:
        self._room = room
        self._media = media
        settings = media.settings
        self._size = (settings.width, settings.height)
        self._sound = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._picture = rtc.VideoSource(*self._size)
        self._tracks: dict[str, rtc.LocalAudioTrack | rtc.LocalVideoTrack] = {}
        self._pieces: asyncio.Queue[NDArray[Any]] = asyncio.Queue(_MOST_WAITING)
        self._played_until = 0.0
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks()
        self._stop_following: list[Callable[[], None]] = []
        self._hears = False
        self._closed = False
        self.dropped = 0

    async def publish(self) -> None:
        """Publishes both tracks, and asks for cameras, and for microphones where it listens."""
        room = self._room
        room.on("local_track_subscribed", self._wanted)
        self._stop_following.append(follow_cameras(room, self._tasks, self._see))
        if self._media.listens:
            self.hear_microphones()
        self._media.mouth.on_clear.add(self._cleared)
        for kind in MEDIA_KINDS:
            await self.publish_track(kind)

    async def publish_track(self, kind: str) -> None:
        """Publishes a new track, "audio" or "video"; one that is there is taken back then."""
        track: rtc.LocalAudioTrack | rtc.LocalVideoTrack
        if kind == "audio":
            track = rtc.LocalAudioTrack.create_audio_track(kind, self._sound)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        else:
            track = rtc.LocalVideoTrack.create_video_track(kind, self._picture)
            options = rtc.TrackPublishOptions(
                source=rtc.TrackSource.SOURCE_CAMERA,
                simulcast=False,
                video_codec=rtc.VideoCodec.VP8,
                video_encoding=rtc.VideoEncoding(
                    max_framerate=self._media.settings.fps,
                    max_bitrate=self._media.broadcast.bits,
                ),
            )
        before = self._tracks.pop(kind, None)
        self._tracks[kind] = track
        await self._room.local_participant.publish_track(track, options)
        await self._take_back(before)

    async def unpublish_track(self, kind: str) -> None:
        """Takes a track back; nothing where there is none."""
        await self._take_back(self._tracks.pop(kind, None))

    async def _take_back(self, track: rtc.LocalAudioTrack | rtc.LocalVideoTrack | None) -> None:
        if track is not None:
            await self._room.local_participant.unpublish_track(track.sid)

    def hear_microphones(self) -> None:
        """Asks for microphones from now on; twice is fine."""
        if not self._hears:
            self._hears = True
            self._stop_following.append(follow_microphones(self._room, self._tasks, self._hear))

    def mute(self, kind: str, *, on: bool) -> None:
        """Mutes a track, "audio" or "video", or has it heard or seen again; if it is published."""
        track = self._tracks.get(kind)
        if track is None:
            return
        if on:
            track.mute()
        else:
            track.unmute()

    async def stop(self) -> None:
        """Plays, shows and hears nothing more; before the room is left."""
        self._closed = True
        self._media.mouth.on_clear.discard(self._cleared)
        self._media.feed.remove(sound=self._play, picture=self._draw)
        for stop_following in self._stop_following:
            stop_following()
        await self._tasks.stop()

    async def close(self) -> None:
        """Frees what belongs to the native client; after the room was left."""
        await self._sound.aclose()
        await self._picture.aclose()

    # -- to the room

    def _wanted(self, track: rtc.Track) -> None:
        """One of the tracks has its first subscriber."""
        if self._closed:
            return
        feed = self._media.feed
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            feed.add(picture=self._draw)
        elif self._play not in feed.sounds:
            self._go_ahead()
            self._tasks.spawn(self._pump(), "simulator-room-voice")
            feed.add(sound=self._play)

    def _play(self, piece: NDArray[Any], tick: int) -> None:
        del tick
        now = time.monotonic()
        ahead = self._played_until - now
        if (ahead > _TOO_FAR and not piece.any()) or self._pieces.full():
            self.dropped += 1
            return
        self._played_until = max(now, self._played_until) + _TICK_SECONDS
        self._pieces.put_nowait(piece)

    def _cleared(self) -> None:
        while not self._pieces.empty():
            self._pieces.get_nowait()
        self._sound.clear_queue()
        self._played_until = 0.0
        self._go_ahead()

    def _go_ahead(self) -> None:
        for _ in range(_AHEAD):
            self._play(np.zeros(TICK, np.int16), 0)

    async def _pump(self) -> None:
        while True:
            piece = await self._pieces.get()
            await self._sound.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, TICK))

    def _draw(self, picture: NDArray[Any], at: float) -> None:
        del at
        # In a thread; the next picture is drawn over this one.
        self._loop.call_soon_threadsafe(self._show, bytearray(picture.data))

    def _show(self, picture: bytearray) -> None:
        if not self._closed:
            frame = rtc.VideoFrame(*self._size, rtc.VideoBufferType.I420, picture)
            self._picture.capture_frame(frame)

    # -- from the room

    async def _hear(self, identity: str, sound: AsyncIterator[bytes]) -> None:
        async for pcm in sound:
            self._media.hear(identity, np.frombuffer(pcm, np.int16))

    async def _see(self, identity: str, pictures: AsyncIterator[VideoFrame]) -> None:
        async for picture in pictures:
            self._media.sight.see(identity, picture)
