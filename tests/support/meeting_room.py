"""Sessions of `scene_mode="meeting"` on a real livekit-server, and who listens to their avatar."""

from __future__ import annotations

import array
import asyncio
import math
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Self

import pytest
from livekit import rtc

from akool_async import AkoolClient, AvatarSession, ConversationOptions, OwnLiveKitRoom
from akool_async.simulator import Simulator
from akool_async.simulator.meeting.player import MeetingPlayer, Segment
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.waiting import until

__all__ = [
    "AVATAR",
    "RATE",
    "Listener",
    "MeetingRooms",
    "play_in_a_row",
    "reports_of",
    "speak_and_break_off",
    "tone",
]

AVATAR = "dvp_Tristan_cloth2_1080P"
RATE = 24_000
#: The peak from which a listener takes sound for speech; `tone` is four times as loud.
LOUD = 2_000
#: So many more rows of a picture are dark where the mouth is open.
OPEN = 6


def tone(seconds: float, *, rate: int = RATE, hz: float = 440.0) -> bytes:
    """s16le, mono."""
    samples = (
        round(8_000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(int(seconds * rate))
    )
    return array.array("h", samples).tobytes()


class MeetingRooms:
    """Opens sessions in rooms of one's own on the server, and closes them."""

    def __init__(self, sim: Simulator, server: LiveKitServer) -> None:
        self._sim = sim
        self._server = server
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._akool = await self._stack.enter_async_context(
            AkoolClient("any", base_url=self._sim.url)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def enter(
        self, *, streams: bool = True, **options: Any
    ) -> tuple[AvatarSession, MeetingPlayer, OwnLiveKitRoom]:
        """A session, the avatar's player and the room.

        `streams`: speech goes by data streams; else by a published microphone. `options` are those
        of the conversation.
        """
        server = self._server
        room = OwnLiveKitRoom(
            url=server.websocket_url,
            api_key=server.api_key,
            api_secret=server.api_secret,
            audio_only_from_data_stream=streams,
        )
        avatar = await self._stack.enter_async_context(
            self._akool.open_session(
                AVATAR,
                duration=120,
                room=room,
                scene_mode="meeting",
                options=ConversationOptions(**options),
            )
        )
        assert avatar.info.session_id is not None
        return avatar, self._sim.meeting(avatar.info.session_id), room


class Listener:
    """Someone else in the room, who hears and sees the avatar."""

    def __init__(self, server: LiveKitServer, room: OwnLiveKitRoom) -> None:
        assert room.name is not None
        self._server = server
        self._name = room.name
        self._avatar = room.avatar_identity
        self.room = rtc.Room()
        self._tasks: list[asyncio.Task[None]] = []
        #: When each 20 ms arrived (on the loop's clock).
        self.times: list[float] = []
        #: Loudness of every 20 ms heard, and how open the mouth was in every picture, and when.
        self.heard: list[float] = []
        self.mouths: list[int] = []
        self.seen: list[float] = []
        self.attributes: dict[str, str] = {}
        self.kind = 0

    async def __aenter__(self) -> Self:
        self.room.on("track_subscribed", self._subscribed)
        await self.room.connect(
            self._server.websocket_url, self._server.token("ear", self._name, lifetime=300)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.room.off("track_subscribed", self._subscribed)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    def _subscribed(self, track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        if who.identity == self._avatar:
            self.attributes, self.kind = dict(who.attributes), who.kind
            audio = track.kind == rtc.TrackKind.KIND_AUDIO
            self._tasks.append(
                asyncio.create_task(self._hear(track) if audio else self._see(track))
            )

    async def _hear(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream.from_track(
            track=track, sample_rate=RATE, num_channels=1, frame_size_ms=20
        ):
            self.heard.append(max(abs(s) for s in event.frame.data))
            self.times.append(asyncio.get_running_loop().time())

    async def _see(self, track: rtc.Track) -> None:
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.I420):
            frame = event.frame
            column = [frame.data[y * frame.width + frame.width // 2] for y in range(60, 118)]
            self.mouths.append(sum(value < 100 for value in column))
            self.seen.append(asyncio.get_running_loop().time())

    def first_loud(self, since: float = 0.0) -> float | None:
        """When it was loud first after a time."""
        pairs = zip(self.times, self.heard, strict=False)
        return next((at for at, value in pairs if at >= since and value > LOUD), None)

    def first_open(self, since: float = 0.0) -> float | None:
        """When the mouth was open first after a time."""
        pairs = zip(self.seen, self.mouths, strict=False)
        wide = min(self.mouths, default=0) + OPEN
        return next((at for at, value in pairs if at >= since and value > wide), None)

    @property
    def shut(self) -> bool:
        """Whether the mouth was shut in the last pictures."""
        return len(self.mouths) > 3 and max(self.mouths[-3:]) <= min(self.mouths) + OPEN

    @property
    def loud(self) -> bool:
        return any(value > LOUD for value in self.heard[-3:])


async def speak_and_break_off(avatar: AvatarSession, ear: Listener, seconds: float) -> None:
    """The avatar speaks for so long, by its mouth, and then a long text that is cancelled."""
    await until(lambda: len(ear.mouths) > 2 and len(ear.heard) > 2)
    pictures, closed = len(ear.mouths), ear.mouths[-1]
    first = avatar.play_audio(tone(seconds))
    await until(lambda: ear.loud)
    await until(lambda: max(ear.mouths[pictures:], default=0) > closed + OPEN)
    assert (await first).seconds == pytest.approx(seconds, abs=0.06)
    await until(lambda: not ear.loud)
    long = avatar.play_audio(tone(30.0))
    await until(lambda: ear.loud)
    assert (await long.cancel()).interrupted
    await until(lambda: not ear.loud)


def reports_of(player: MeetingPlayer) -> Counter[int]:
    """How often the end of each segment is reported from now on, by the segment's number."""
    reports: Counter[int] = Counter()
    report = player.on_finished

    async def counted(segment: Segment) -> None:
        reports[player.segments.index(segment)] += 1
        await report(segment)

    player.on_finished = counted
    return reports


async def play_in_a_row(
    avatar: AvatarSession, count: int, begun: Callable[[int], bool], short: bytes, long: bytes
) -> None:
    """Playbacks, every fifth a long one that is cancelled once `begun` says of its number that it
    is heard.
    """
    ended: Counter[str] = Counter()
    for number in range(count):
        cancelled = number % 5 == 4
        playback = avatar.play_audio(long if cancelled else short)
        if cancelled:
            await until(partial(begun, number))
            await playback.cancel()
        assert (await playback).interrupted == cancelled
        ended[playback.state] += 1
    assert ended == {"played": count * 4 // 5, "cancelled": count // 5}
