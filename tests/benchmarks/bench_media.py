"""Hearing, seeing and speaking beside the bare `livekit` client, over the same real server."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import numpy as np
from av_samples import probe
from livekit import rtc

from akool_async import AkoolClient
from akool_async.media import AudioRequest
from akool_async.simulator import Media, Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.media_samples import tone
from akool_async.transport import Transport
from framework import Bench, at_most, at_most_times, percentile, row
from livekit_rooms import server, token, transport
from media_rooms import bare_room, session, subscribed
from real_server import other_end, real_server

SCRIPT = Path(__file__).with_name("media_rooms.py")
#: Seconds of listening for a figure; a longer run is steadier.
SECONDS = float(os.environ.get("AKOOL_BENCH_SECONDS", "5"))
AUDIO, VIDEO = rtc.TrackKind.KIND_AUDIO, rtc.TrackKind.KIND_VIDEO


def publishing_rooms(bench: Bench, count: int, what: str) -> AbstractAsyncContextManager[None]:
    """A real server with a publisher in each of its rooms, in a process of its own."""
    return other_end(bench, SCRIPT, "publish", str(count), what)


async def figures(kind: str, count: int, what: str) -> dict[str, float]:
    """What a process that listens says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, kind, str(count), what, str(SECONDS), stdout=PIPE
    )
    said, _ = await process.communicate()
    if not said:
        raise RuntimeError(f"the process of {kind} ended with {process.returncode}")
    measured: dict[str, float] = json.loads(said)
    return measured


@row(
    "processor of a room that is heard and seen, % of a core",
    group="media",
    unit="%",
    counterpart="bare livekit client",
    goal=at_most_times(1.1),
    limit=300,
    needs_livekit_server=True,
)
async def processor(bench: Bench) -> None:
    """Audio at 16 kHz; with 720p25; and after the last reader is gone, beside no subscription."""
    async with publishing_rooms(bench, 1, "both"):
        for _ in bench.rounds(3):
            for part, ours, bare in (
                ("audio 16 kHz", "audio", "audio"),
                ("audio and 720p25", "both", "both"),
                ("nothing any more", "after", "nothing"),
            ):
                bench.record(
                    part,
                    ours=(await figures("ours", 1, ours))["cpu"],
                    counterpart=(await figures("bare", 1, bare))["cpu"],
                )


@row(
    "25 rooms of audio in one process",
    group="media",
    unit="",
    units={"loop lag p99": "ms", "processor of a room": "%"},
    counterpart="bare livekit client",
    goal={
        "frames dropped": at_most(0),
        "loop lag p99": at_most(20),
        "processor of a room": at_most_times(1.1),
    },
    limit=300,
    needs_livekit_server=True,
)
async def many_rooms(bench: Bench) -> None:
    """What readers drop, and what didn't come (the machine's and the network's part, for both)."""
    async with publishing_rooms(bench, 25, "audio"):
        for _ in bench.rounds(3):
            ours, bare = await figures("ours", 25, "audio"), await figures("bare", 25, "audio")
            bench.record("frames dropped", ours=ours["dropped"])
            bench.record("frames that didn't come", ours=ours["lost"], counterpart=bare["lost"])
            bench.record("loop lag p99", ours=ours["lag"], counterpart=bare["lag"])
            bench.record("processor of a room", ours=ours["cpu"], counterpart=bare["cpu"])


@row(
    "asking for frames until the first one",
    group="media",
    unit="ms",
    counterpart="bare livekit client",
    goal={"audio, more than bare": at_most(10), "video, more than bare": at_most(10)},
    needs_livekit_server=True,
)
async def first_frame(bench: Bench) -> None:
    """Each time in a room joined anew, both in turns."""
    async with publishing_rooms(bench, 1, "both"):
        for number in bench.rounds(7):
            for part, kind in (("audio", AUDIO), ("video", VIDEO)):
                ours = await _our_first(kind)
                bare = await _bare_first(kind, number)
                bench.record(part, ours=ours, counterpart=bare)
                bench.record(f"{part}, more than bare", ours=ours - bare)


async def _our_first(kind: rtc.TrackKind.ValueType) -> float:
    async with session(0) as avatar:
        begin = time.perf_counter()
        frames = avatar.audio_frames() if kind == AUDIO else avatar.video_frames()
        async with frames, asyncio.timeout(20):
            await anext(aiter(frames))
        return 1000 * (time.perf_counter() - begin)


async def _bare_first(kind: rtc.TrackKind.ValueType, number: int) -> float:
    room = await bare_room(0, f"bare{number}-")
    try:
        begin = time.perf_counter()
        track = await subscribed(room, kind)
        stream = (
            rtc.AudioStream.from_track(track=track)
            if kind == AUDIO
            else rtc.VideoStream.from_track(track=track)
        )
        async with asyncio.timeout(20):
            await anext(aiter(stream))
        return 1000 * (time.perf_counter() - begin)
    finally:
        await room.disconnect()


class Ear:
    """Hears whoever publishes in a room: when it was loud last."""

    def __init__(self, room: rtc.Room) -> None:
        self.room = room
        self.loud_at = 0.0
        self._track: rtc.Track | None = None
        self._tasks: list[asyncio.Task[None]] = []
        room.on("track_subscribed", self._subscribed)

    def _subscribed(self, track: rtc.Track, *_: object) -> None:
        if track.kind == AUDIO:
            self._tasks.append(asyncio.create_task(self._hear(track)))

    async def _hear(self, track: rtc.Track) -> None:
        self._track = track
        stream = rtc.AudioStream.from_track(track=track, frame_size_ms=10)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, "<i2").astype(float)
            if np.sqrt((samples**2).mean()) > 1000:
                self.loud_at = time.perf_counter()

    async def hears(self) -> None:
        """Returns when it is loud, and has been for a while."""
        begin = time.perf_counter()
        async with asyncio.timeout(20):
            while self.loud_at < begin + 0.3:
                await asyncio.sleep(0.005)

    async def silence_after(self, begin: float) -> float:
        """Milliseconds from `begin` to the last loud piece."""
        async with asyncio.timeout(20):
            while time.perf_counter() - max(self.loud_at, begin) < 0.4:
                await asyncio.sleep(0.005)
        return 1000 * max(0.0, self.loud_at - begin)

    async def held_back(self) -> tuple[float, float]:
        """Seconds that all samples of the newest track spent in the jitter buffer; the samples."""
        assert self._track is not None
        for one in await self._track.get_stats():
            if one.HasField("inbound_rtp"):
                inbound = one.inbound_rtp.inbound
                return inbound.jitter_buffer_delay, inbound.jitter_buffer_emitted_count
        return 0.0, 0.0

    async def close(self) -> None:
        """Leaves."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()


@row(
    "clear() of a microphone to silence at a listener",
    group="media",
    unit="ms",
    counterpart="bare AudioSource.clear_queue()",
    goal={"whole": at_most(60), "more than bare": at_most(10)},
    needs_livekit_server=True,
)
async def clear_to_silence(bench: Bench) -> None:
    """Both speak into one room, in turns, with a queue of 200 ms.

    What the listener's jitter buffer holds back is a part of it that no sender can change.
    """
    async with publishing_rooms(bench, 1, "audio"):
        room = rtc.Room()
        ear = Ear(room)
        ours = transport(0)
        await ours.connect(timeout=30)
        speaker = await bare_room(0, "speaker")
        await _join_deaf_to_avatar(room)
        try:
            for _ in bench.rounds(5):
                whole, buffered = await _our_clear(ours, ear)
                bare_whole, bare_buffered = await _clear(speaker, ear)
                bench.record("whole", ours=whole, counterpart=bare_whole)
                bench.record("more than bare", ours=whole - bare_whole)
                bench.record("jitter buffer", ours=buffered, counterpart=bare_buffered)
        finally:
            await ear.close()
            await speaker.disconnect()
            await ours.close()


async def _join_deaf_to_avatar(room: rtc.Room) -> None:
    """Hears everybody but the publisher, whose beeps aren't to be measured."""

    def published(publication: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant) -> None:
        if not who.identity.startswith("echo"):
            publication.set_subscribed(True)

    room.on("track_published", published)
    options = rtc.RoomOptions(auto_subscribe=False)
    await room.connect(server().websocket_url, token("ear", 0), options)


async def _our_clear(ours: Transport, ear: Ear) -> tuple[float, float]:
    media = ours.media
    assert media is not None
    writer = await media.speak(AudioRequest(24_000), queue_ms=200, timeout=20)
    piece = tone(500, 480, 24_000, 1)
    try:
        return await _silenced(ear, lambda: writer.write(piece), writer.clear)
    finally:
        await writer.close()


async def _clear(room: rtc.Room, ear: Ear) -> tuple[float, float]:
    source = rtc.AudioSource(24_000, 1, 200)
    track = rtc.LocalAudioTrack.create_audio_track("mic", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    published = await room.local_participant.publish_track(track, options)
    frame = rtc.AudioFrame(tone(500, 480, 24_000, 1), 24_000, 1, 480)
    try:
        return await _silenced(ear, lambda: source.capture_frame(frame), source.clear_queue)
    finally:
        await room.local_participant.unpublish_track(published.sid)
        await source.aclose()


async def _silenced(
    ear: Ear, write: Callable[[], Awaitable[None]], clear: Callable[[], object]
) -> tuple[float, float]:
    """Milliseconds from `clear` until what is written again and again isn't heard any more.

    And those for which the listener's jitter buffer held it back, on the average.
    """

    async def talk() -> None:
        while True:
            await write()

    talking = asyncio.create_task(talk())
    try:
        await ear.hears()
        before = await ear.held_back()
        talking.cancel()
        await asyncio.wait({talking})
        begin = time.perf_counter()
        clear()
        took = await ear.silence_after(begin)
        seconds, samples = (
            now - then for now, then in zip(await ear.held_back(), before, strict=True)
        )
        return took, 1000 * seconds / max(1.0, samples)
    finally:
        talking.cancel()


@row(
    "beep after flash in a film of 720p25",
    group="media",
    unit="ms",
    counterpart="their arrival at a bare livekit client",
    goal={"median, either way": at_most(45), "worst, either way": at_most(90)},
    limit=300,
    needs_livekit_server=True,
)
async def film_offset(bench: Bench) -> None:
    """A film of each kind over a real server; the publisher's own offset is below 20 ms."""
    async with publishing_rooms(bench, 1, "both"):
        for number in bench.rounds(2):
            bare = await _arrival_offsets(number)
            for suffix in (".webm", ".mp4"):
                offsets = await _film_offsets(suffix)
                if not offsets:
                    bench.skip("the film was too short: set AKOOL_BENCH_SECONDS to 4 or more")
                bench.record(
                    "median, signed",
                    ours=statistics.median(offsets),
                    counterpart=statistics.median(bare) if bare else None,
                )
                bench.record("median, either way", ours=abs(statistics.median(offsets)))
                bench.record("worst, either way", ours=max(map(abs, offsets)))


async def _film_offsets(suffix: str) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"film{suffix}")
        async with session(0) as avatar, avatar.record(path):
            await asyncio.sleep(max(4.0, SECONDS) + 2)
        found = await asyncio.to_thread(probe, path)
    return _offsets(found.beeps, found.flashes)


async def _arrival_offsets(number: int) -> list[float]:
    room = await bare_room(0, f"bare{number}-")
    beeps: list[float] = []
    flashes: list[float] = []

    async def hear() -> None:
        track = await subscribed(room, AUDIO)
        loud = False
        async for event in rtc.AudioStream.from_track(track=track, frame_size_ms=10):
            samples = np.frombuffer(event.frame.data, "<i2").astype(float)
            was, loud = loud, bool(np.sqrt((samples**2).mean()) > 1500)
            if loud and not was:
                beeps.append(time.perf_counter())

    async def see() -> None:
        track = await subscribed(room, VIDEO)
        bright = False
        async for event in rtc.VideoStream.from_track(track=track):
            was, bright = bright, bytes(event.frame.data[:1])[0] > 180
            if bright and not was:
                flashes.append(time.perf_counter())

    tasks = [asyncio.create_task(work()) for work in (hear, see)]
    await asyncio.sleep(max(4.0, SECONDS) + 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await room.disconnect()
    return _offsets(beeps, flashes)


def _offsets(beeps: list[float], flashes: list[float]) -> list[float]:
    """Milliseconds from each flash to the beep of the same second; the first one is left out."""
    nearest = [min(beeps, key=lambda beep: abs(beep - flash), default=flash) for flash in flashes]
    pairs = zip(nearest, flashes, strict=True)
    return [1000 * (beep - flash) for beep, flash in pairs if abs(beep - flash) < 0.45][1:]


@row(
    "interrupt to silence, simulator's own room",
    group="media",
    unit="ms",
    goal={"median": at_most(150), "worst": at_most(150)},
)
async def interrupt_to_silence(bench: Bench) -> None:
    """From calling `interrupt()` to the last loud piece that a reader of `audio_frames` gets."""
    await _interrupt(bench)


@row(
    "interrupt to silence, real livekit-server",
    group="media",
    unit="ms",
    needs_livekit_server=True,
    goal={"median": at_most(150), "worst": at_most(150)},
)
async def interrupt_over_server(bench: Bench) -> None:
    """The same with the simulator's avatar as a participant there."""
    async with real_server(bench) as there:
        await _interrupt(bench, there)


async def _interrupt(bench: Bench, livekit: LiveKitServer | None = None) -> None:
    took: list[float] = []
    async with (
        Simulator(media=Media(width=320, height=180), livekit=livekit) as simulator,
        AkoolClient("key", base_url=simulator.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", stream_type="livekit", mode=1) as avatar,
    ):
        loud_at = 0.0

        async def listen() -> None:
            nonlocal loud_at
            async for frame in avatar.audio_frames(frame_ms=10):
                samples = np.frombuffer(frame.pcm, "<i2").astype(float)
                if np.sqrt((samples**2).mean()) > 500:
                    loud_at = time.perf_counter()

        listening = asyncio.create_task(listen())
        for _ in bench.rounds(5):
            avatar.say("A long text that isn't said to its end, because it is cut. " * 10)
            begin = time.perf_counter()
            async with asyncio.timeout(30):
                while loud_at < begin + 0.8:
                    await asyncio.sleep(0.005)
            begin = time.perf_counter()
            await avatar.interrupt()
            async with asyncio.timeout(30):
                while time.perf_counter() - max(loud_at, begin) < 0.6:
                    await asyncio.sleep(0.005)
            took.append(1000 * max(0.0, loud_at - begin))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    bench.record("median", ours=percentile(took, 50))
    bench.record("worst", ours=max(took))
