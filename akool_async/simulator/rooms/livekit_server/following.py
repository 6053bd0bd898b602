"""What others publish in a real LiveKit room: their microphones to be heard, their cameras seen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, cast

from livekit import rtc

from akool_async.media.frames import VideoFrame
from akool_async.simulator.meeting.track import RATE
from akool_async.simulator.tasks import Tasks

__all__ = ["follow_cameras", "follow_microphones"]

#: Milliseconds of a track that are taken at a time.
_PIECE_MS: Final = 20
#: The client ends a video with one black frame of this width.
_LAST_WIDTH: Final = 8

#: Is given a participant's identity, and the s16le mono samples of one track of theirs.
_Hear = Callable[[str, AsyncIterator[bytes]], Coroutine[Any, Any, None]]
#: Is given a participant's identity, and the pictures of one track of theirs.
_See = Callable[[str, AsyncIterator[VideoFrame]], Coroutine[Any, Any, None]]


def follow_microphones(room: rtc.Room, tasks: Tasks, hear: _Hear) -> Callable[[], None]:
    """Asks for every microphone that is published, or will be, and has each heard.

    Args:
        room: where they are.
        tasks: those that hear them belong to it.
        hear: hears one track, at 48 kHz, until it is over.

    Returns:
        To be called at the end: asks for no more of them.
    """

    async def heard(track: rtc.Track, identity: str) -> None:
        async with aclosing(_pieces(track)) as sound:
            await hear(identity, sound)

    return _follow(room, tasks, rtc.TrackSource.SOURCE_MICROPHONE, heard)


def follow_cameras(room: rtc.Room, tasks: Tasks, see: _See) -> Callable[[], None]:
    """Asks for every camera, as `follow_microphones`; `see` sees one track until it is over."""

    async def seen(track: rtc.Track, identity: str) -> None:
        async with aclosing(_pictures(track)) as pictures:
            await see(identity, pictures)

    return _follow(room, tasks, rtc.TrackSource.SOURCE_CAMERA, seen)


def _follow(
    room: rtc.Room,
    tasks: Tasks,
    source: rtc.TrackSource.ValueType,
    take: Callable[[rtc.Track, str], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    microphone = source == rtc.TrackSource.SOURCE_MICROPHONE
    kind = rtc.TrackKind.KIND_AUDIO if microphone else rtc.TrackKind.KIND_VIDEO

    def published(publication: rtc.RemoteTrackPublication, _: object) -> None:
        if publication.source == source:
            publication.set_subscribed(True)

    def subscribed(track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        if track.kind == kind:
            name = "simulator-room-hearing" if microphone else "simulator-room-seeing"
            tasks.spawn(take(track, who.identity), name)

    def stop() -> None:
        room.off("track_published", published)
        room.off("track_subscribed", subscribed)

    room.on("track_published", published)
    room.on("track_subscribed", subscribed)
    for participant in list(room.remote_participants.values()):
        for publication in list(participant.track_publications.values()):
            published(publication, participant)
    return stop


async def _pieces(track: rtc.Track) -> AsyncGenerator[bytes, None]:
    sound = rtc.AudioStream.from_track(
        track=track, sample_rate=RATE, num_channels=1, frame_size_ms=_PIECE_MS
    )
    try:
        async for event in sound:
            yield bytes(event.frame.data)
    finally:
        await sound.aclose()


async def _pictures(track: rtc.Track) -> AsyncGenerator[VideoFrame, None]:
    stream = rtc.VideoStream.from_track(track=track)
    try:
        async for event in stream:
            frame = event.frame
            if frame.width <= _LAST_WIDTH:
                continue
            if frame.type != rtc.VideoBufferType.I420:
                frame = frame.convert(rtc.VideoBufferType.I420)
            turned = 90 * cast("int", event.rotation)  # the enumeration counts quarters
            yield VideoFrame(bytes(frame.data), frame.width, frame.height, "i420", rotation=turned)
    finally:
        await stream.aclose()
