"""The microphones of others in a real LiveKit room, as sound to be heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final

from livekit import rtc

from akool_async.simulator.tasks import Tasks

__all__ = ["follow_microphones"]

#: Milliseconds of a track that are taken at a time.
_PIECE_MS: Final = 20

#: Is given a participant's identity, and the s16le mono samples of one track of theirs.
_Hear = Callable[[str, AsyncIterator[bytes]], Coroutine[Any, Any, None]]


def follow_microphones(
    room: rtc.Room, tasks: Tasks, sample_rate: int, hear: _Hear
) -> Callable[[], None]:
    """Asks for every microphone that is published, or will be, and has each heard.

    Args:
        room: where they are.
        tasks: those that hear them belong to it.
        sample_rate: of what is heard, in Hz.
        hear: hears one track until it is over.

    Returns:
        To be called at the end: asks for no more of them.
    """

    def published(publication: rtc.RemoteTrackPublication, _: object) -> None:
        if publication.source == rtc.TrackSource.SOURCE_MICROPHONE:
            publication.set_subscribed(True)

    def subscribed(track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            tasks.spawn(heard(track, who.identity), "simulator-room-hearing")

    async def heard(track: rtc.Track, identity: str) -> None:
        async with aclosing(_pieces(track, sample_rate)) as sound:
            await hear(identity, sound)

    def stop() -> None:
        room.off("track_published", published)
        room.off("track_subscribed", subscribed)

    room.on("track_published", published)
    room.on("track_subscribed", subscribed)
    for participant in list(room.remote_participants.values()):
        for publication in list(participant.track_publications.values()):
            published(publication, participant)
    return stop


async def _pieces(track: rtc.Track, sample_rate: int) -> AsyncGenerator[bytes, None]:
    sound = rtc.AudioStream.from_track(
        track=track, sample_rate=sample_rate, num_channels=1, frame_size_ms=_PIECE_MS
    )
    try:
        async for event in sound:
            yield bytes(event.frame.data)
    finally:
        await sound.aclose()
