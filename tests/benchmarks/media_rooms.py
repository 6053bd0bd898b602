"""The other processes of `bench_media`: who publishes, and who hears and sees alone.

    python tests/benchmarks/media_rooms.py publish COUNT audio|both
    python tests/benchmarks/media_rooms.py ours|bare COUNT nothing|audio|both|after SECONDS

The server is named in the environment as for the tests. `publish` prints "ready" and goes on until
its standard input is closed; the others print their figures as JSON.

What is published has a beep of 1 kHz and a white picture in the first 0.1 s of each second of the
publisher's clock, so that their distance can be measured.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from livekit import rtc

from akool_async.conversation import AvatarSession, ConversationOptions
from livekit_rooms import server, token, transport

RATE: Final = 48_000
HEAR_RATE: Final = 16_000
WIDTH, HEIGHT, FPS = 1280, 720, 25
BEEP: Final = 0.1
_TICK: Final = 0.01


async def at_once(calls: Iterable[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """What they return, four under way at a time."""
    turns = asyncio.Semaphore(4)

    async def one(call: Callable[[], Awaitable[Any]]) -> Any:
        async with turns:
            return await call()

    return await asyncio.gather(*map(one, calls))


class Publisher:
    """One room's avatar, with a voice and, if it is to be seen, a picture."""

    def __init__(self, number: int, *, seen: bool) -> None:
        self._number = number
        self.audio = rtc.AudioSource(RATE, 1, queue_size_ms=100)
        self.video = rtc.VideoSource(WIDTH, HEIGHT) if seen else None
        self.room = rtc.Room()

    async def join(self) -> None:
        """Publishes its tracks."""
        name = token("echo", self._number)
        await self.room.connect(server().websocket_url, name, rtc.RoomOptions(auto_subscribe=False))
        sound = rtc.LocalAudioTrack.create_audio_track("voice", self.audio)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(sound, options)
        if self.video is not None:
            picture = rtc.LocalVideoTrack.create_video_track("face", self.video)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
            await self.room.local_participant.publish_track(picture, options)


def pictures() -> list[rtc.VideoFrame]:
    """A bar that moves over a gradient, 25 of them; the last one is white."""
    still = np.tile(np.linspace(16, 200, WIDTH, dtype=np.uint8), (HEIGHT, 1))
    made = []
    for number in range(FPS + 1):
        luma = still.copy()
        luma[200:400, number * 40 : number * 40 + 200] = 220
        if number == FPS:
            luma[:] = 235
        data = luma.tobytes() + b"\x80" * (WIDTH * HEIGHT // 2)
        made.append(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.I420, data))
    return made


async def publish(count: int, what: str) -> None:
    """Plays in all rooms by one clock."""
    publishers = [Publisher(number, seen=what == "both") for number in range(count)]
    await at_once(one.join for one in publishers)
    size = round(RATE * _TICK)
    beep = (12_000 * np.sin(2 * np.pi * 1000 * np.arange(size) / RATE)).astype("<i2").tobytes()
    # Never digital silence, for which nothing may be sent.
    noise = np.random.default_rng(1).integers(-60, 60, size).astype("<i2").tobytes()
    shown = pictures()

    async def play() -> None:
        start, tick = time.monotonic(), 0
        while True:
            at = tick * _TICK
            loud = at % 1 < BEEP - 1e-6
            for one in publishers:
                if one.video is not None and tick % 4 == 0:
                    one.video.capture_frame(shown[FPS if loud else tick // 4 % FPS])
                # After a hold-up the queue would stay full, and all sound late.
                if loud or one.audio.queued_duration < 2 * _TICK:
                    frame = rtc.AudioFrame(beep if loud else noise, RATE, 1, size)
                    await one.audio.capture_frame(frame)
            tick += 1
            await asyncio.sleep(max(0.0, start + tick * _TICK - time.monotonic()))

    playing = asyncio.create_task(play())
    print("ready", flush=True)
    reading = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait({playing, reading}, return_when=asyncio.FIRST_COMPLETED)
    playing.cancel()
    await asyncio.wait({playing})
    for one in publishers:
        await one.room.disconnect()
    if not playing.cancelled():
        playing.result()


@dataclass
class Bare:
    """The client by itself in room `number`: what it heard and saw, and when."""

    room: rtc.Room
    tasks: list[asyncio.Task[None]]
    samples: int = 0
    pictures: int = 0

    async def close(self) -> None:
        """Leaves."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.room.disconnect()


async def bare_room(number: int, who: str = "bare") -> rtc.Room:
    """Joined, with the publisher's tracks announced, subscribed to nothing."""
    room = rtc.Room()
    await room.connect(
        server().websocket_url, token(who, number), rtc.RoomOptions(auto_subscribe=False)
    )
    async with asyncio.timeout(20):
        while not any(p.track_publications for p in room.remote_participants.values()):
            await asyncio.sleep(0.01)
    return room


def publications(room: rtc.Room, kind: rtc.TrackKind.ValueType) -> rtc.RemoteTrackPublication:
    """The publisher's track."""
    found = [
        publication
        for participant in room.remote_participants.values()
        for publication in participant.track_publications.values()
        if publication.kind == kind
    ]
    return found[0]


async def subscribed(room: rtc.Room, kind: rtc.TrackKind.ValueType) -> rtc.Track:
    """Asks for the publisher's track."""
    got: asyncio.Future[rtc.Track] = asyncio.get_running_loop().create_future()

    def on(track: rtc.Track, *_: object) -> None:
        if track.kind == kind and not got.done():
            got.set_result(track)

    room.on("track_subscribed", on)
    publications(room, kind).set_subscribed(True)
    async with asyncio.timeout(20):
        return await got


async def bare(number: int, what: str) -> Bare:
    """Reads what is wanted, and does nothing with it."""
    one = Bare(await bare_room(number), [])

    async def hear() -> None:
        track = await subscribed(one.room, rtc.TrackKind.KIND_AUDIO)
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=HEAR_RATE, num_channels=1, frame_size_ms=20
        )
        async for event in stream:
            one.samples += event.frame.samples_per_channel

    async def see() -> None:
        track = await subscribed(one.room, rtc.TrackKind.KIND_VIDEO)
        async for _ in rtc.VideoStream.from_track(track=track):
            one.pictures += 1

    if what in ("audio", "both"):
        one.tasks.append(asyncio.create_task(hear()))
    if what == "both":
        one.tasks.append(asyncio.create_task(see()))
    return one


def session(number: int) -> AvatarSession:
    """A session in room `number`, whose avatar answers nothing."""
    options = ConversationOptions(connect_timeout=120.0, opening_timeout=0.1, silence_after=None)
    return AvatarSession(transport(number), options=options)


class Ours:
    """A session in room `number`."""

    def __init__(self, number: int, what: str) -> None:
        self.avatar = session(number)
        self._what = what
        self.tasks: list[asyncio.Task[None]] = []
        self.samples = self.pictures = self.dropped = 0

    async def start(self) -> None:
        """Reads what is wanted, and does nothing with it."""
        await self.avatar.__aenter__()
        if self._what in ("audio", "both", "after"):
            self.tasks.append(asyncio.create_task(self._hear()))
        if self._what in ("both", "after"):
            self.tasks.append(asyncio.create_task(self._see()))
        if self._what == "after":
            async with asyncio.timeout(20):
                while not (self.samples and self.pictures):
                    await asyncio.sleep(0.01)
            await self._stop()
            await asyncio.sleep(1.5)  # given up a second after the last reader

    async def _hear(self) -> None:
        async with self.avatar.audio_frames(sample_rate=HEAR_RATE) as frames:
            async for frame in frames:
                self.samples += frame.samples_per_channel
                self.dropped = frames.dropped

    async def _see(self) -> None:
        async with self.avatar.video_frames() as frames:
            async for _ in frames:
                self.pictures += 1

    async def _stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def close(self) -> None:
        """Leaves."""
        await self._stop()
        await self.avatar.__aexit__(None, None, None)


async def measure(
    make: Callable[[int], Awaitable[Any]], count: int, seconds: float, *, hears: bool
) -> Any:
    """Processor time for a room and second, what was lost, how late the loop was."""
    rooms = await at_once(functools.partial(make, number) for number in range(count))
    # Joining, and the first frames, aren't part of it.
    async with asyncio.timeout(60):
        while hears and not all(one.samples for one in rooms):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)
    late: list[float] = []
    over = False

    async def watch() -> None:
        while not over:
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            late.append(time.perf_counter() - due)

    watching = asyncio.create_task(watch())
    samples = sum(one.samples for one in rooms)
    begin, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    cpu, passed = time.process_time() - cpu, time.perf_counter() - begin
    samples = sum(one.samples for one in rooms) - samples
    over = True
    await watching
    dropped = sum(getattr(one, "dropped", 0) for one in rooms)
    for one in rooms:
        await one.close()
    expected = passed * HEAR_RATE * count
    return {
        "cpu": 100 * cpu / passed / count,
        # The network's part is the same for both: frames of 20 ms that weren't handed on.
        "lost": max(0.0, (expected - samples) / (HEAR_RATE / 50)) if samples else 0.0,
        "dropped": dropped,
        "lag": 1000 * sorted(late)[int(len(late) * 0.99)],
    }


async def our_room(number: int, what: str) -> Ours:
    """A session that reads."""
    one = Ours(number, what)
    await one.start()
    return one


async def main() -> None:
    """The command line."""
    kind, count, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind == "publish":
        await publish(count, what)
        return
    seconds = float(sys.argv[4])
    make = our_room if kind == "ours" else bare
    hears = what in ("audio", "both")
    measured = await measure(lambda n: make(n, what), count, seconds, hears=hears)
    print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    sys.stdout.flush()
    # The bare client's native part aborts now and then as its process ends.
    os._exit(0)
