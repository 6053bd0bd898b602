"""Readers of frames survive what happens to the avatar's tracks on a real livekit-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
import pytest_asyncio

from akool_async import AkoolClient, AvatarSession
from akool_async.events import TrackPublished, TrackUnpublished
from akool_async.simulator import Media, Simulator
from akool_async.simulator.media.avatar_media import AvatarMedia
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.media_conformance import LOUD
from akool_async.testing.media_samples import rms
from akool_async.testing.waiting import until

pytestmark = pytest.mark.livekit_server

Kind = Literal["audio", "video"]

AVATAR = "dvp_Tristan_cloth2_1080P"


@dataclass
class Frames:
    """What two readers of one session got, in order of arrival."""

    sim: Simulator
    avatar: AvatarSession
    media: AvatarMedia
    times: dict[str, list[float]] = field(default_factory=lambda: {"audio": [], "video": []})
    loud: int = 0
    news: list[str] = field(default_factory=list)

    @property
    def session(self) -> str:
        assert self.avatar.info.session_id is not None
        return self.avatar.info.session_id

    def ids(self, kind: str) -> list[str]:
        return [track.id for track in self.avatar.tracks if track.kind == kind]

    def muted(self, kind: str) -> bool:
        return any(track.muted for track in self.avatar.tracks if track.kind == kind)

    async def more(self, kind: str, count: int = 5) -> None:
        """Returns when so many more frames of a kind have come."""
        least = len(self.times[kind]) + count
        await until(lambda: len(self.times[kind]) >= least, f"more {kind}")

    async def heard(self) -> None:
        """The avatar speaks, and is heard."""
        least = self.loud + 5
        await self.avatar.say("This is to be heard, whatever was before.")
        await until(lambda: self.loud >= least, "its voice")

    async def fault(self, name: str, **options: object) -> None:
        await self.sim.fault(self.session, name, **options)

    async def hear(self) -> None:
        async for frame in self.avatar.audio_frames(16_000):
            self.times["audio"].append(frame.timestamp)
            self.loud += rms(frame.pcm) > LOUD

    async def see(self) -> None:
        async for frame in self.avatar.video_frames():
            assert (frame.width, frame.height) == (320, 180)
            self.times["video"].append(frame.timestamp)

    async def follow(self) -> None:
        async for event in self.avatar.events(TrackPublished, TrackUnpublished):
            self.news.append(f"{type(event).__name__} {event.kind}")


@asynccontextmanager
async def reading(server: LiveKitServer) -> AsyncIterator[Frames]:
    """Both kinds are read until the end of the block; then the readers end by themselves."""
    async with (
        Simulator(media=Media(width=320, height=180), livekit=server) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        async with akool.open_session(AVATAR, stream_type="livekit", mode=1) as avatar:
            assert avatar.info.session_id is not None
            media = sim.room(avatar.info.session_id).media
            assert media is not None
            frames = Frames(sim, avatar, media)
            tasks = [
                asyncio.create_task(work()) for work in (frames.hear, frames.see, frames.follow)
            ]
            await frames.more("audio")
            await frames.more("video")
            yield frames
        done, _ = await asyncio.wait(tasks, timeout=30)
        assert len(done) == len(tasks)
        for task in tasks:
            task.result()
        assert sim.errors == []


@pytest_asyncio.fixture
async def frames(server: LiveKitServer) -> AsyncIterator[Frames]:
    async with reading(server) as frames:
        yield frames


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_taken_back_and_published_again_and_again(frames: Frames, kind: Kind) -> None:
    # From the second time on the server sends it in the section of the one before.
    other = "video" if kind == "audio" else "audio"
    frames.news.clear()
    for _ in range(3):
        before = frames.ids(kind)
        await frames.fault("unpublish", kind=kind)
        await until(lambda: not frames.ids(kind), "the end of the track")
        await frames.more(other)
        await frames.fault("republish", kind=kind)
        await frames.more(kind)
        assert len(before) == len(frames.ids(kind)) == 1
        assert frames.ids(kind) != before
    assert frames.news == [f"TrackUnpublished {kind}", f"TrackPublished {kind}"] * 3
    await frames.heard()
    for times in frames.times.values():
        assert times == sorted(times)


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_a_track_in_place_of_another(frames: Frames, kind: Kind) -> None:
    for _ in range(2):
        (before,) = frames.ids(kind)
        await frames.fault("republish", kind=kind)
        await until(lambda b=before: b not in frames.ids(kind), "the end of the first one")  # type: ignore[misc]
        await until(lambda: len(frames.ids(kind)) == 1, "the other one")
        await frames.more(kind)
    await frames.heard()


@pytest.mark.parametrize("kind", ["audio", "video"])
async def test_muted_for_a_while(frames: Frames, kind: Kind) -> None:
    (track,) = frames.ids(kind)
    await frames.fault("mute", kind=kind)
    await until(lambda: frames.muted(kind), "the mute")
    other = "video" if kind == "audio" else "audio"
    await frames.more(other)
    loud = frames.loud
    await frames.avatar.say("Said into the mute.").spoken()
    assert kind == "video" or frames.loud == loud
    await frames.fault("mute", kind=kind, on=False)
    await until(lambda: not frames.muted(kind), "its end")
    await frames.more(kind)
    await frames.heard()
    assert frames.ids(kind) == [track]


async def test_a_picture_that_stands_still(frames: Frames) -> None:
    await frames.fault("freeze_video")
    await until(_still(frames), "the last picture")
    await frames.heard()
    await frames.fault("freeze_video", on=False)
    await frames.more("video")


def _still(frames: Frames) -> Callable[[], bool]:
    """Whether no picture came while as much sound did as of half a second."""
    seen = (len(frames.times["video"]), len(frames.times["audio"]))

    def still() -> bool:
        nonlocal seen
        pictures, sound = (len(frames.times[kind]) for kind in ("video", "audio"))
        if pictures != seen[0]:
            seen = (pictures, sound)
        return sound > seen[1] + 25

    return still
