"""A session of the simulator, and the real livekit client as who sees and hears its avatar."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import numpy as np
from livekit import rtc

from akool_async.media.frames import AudioFrame
from akool_async.simulator import Simulator
from akool_async.simulator.media.face import read_clock
from akool_async.simulator.media.robot import robot_speech, robot_text
from akool_async.testing.waiting import until

__all__ = ["Listener", "Session", "loud", "media_session", "speak", "understood"]

LIMIT = 30.0
RATE = 48_000


@dataclass
class Session:
    """What a client needs to join."""

    id: str
    url: str
    token: str


@asynccontextmanager
async def media_session(sim: Simulator, **fields: Any) -> AsyncIterator[Session]:
    """A session made and closed by REST."""
    body = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit", "mode_type": 1}
    headers = {"x-api-key": "any"}
    base = f"{sim.url}/api/open/v4/liveAvatar/session"
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.post(f"{base}/create", json={**body, **fields}) as answer:
            data = (await answer.json())["data"]
        access = data["credentials"]
        session = Session(data["_id"], access["livekit_url"], access["livekit_token"])
        try:
            yield session
        finally:
            async with http.post(f"{base}/close", json={"id": session.id}) as answer:
                assert answer.status == 200


class Listener:
    """The raw client in a session's room.

    Attributes:
        samples: what it has heard, int16 mono at 48 kHz.
        pictures: how many it has seen.
        luma: Y of the latest picture.
        tracks: names of tracks that it was given, in order.
    """

    def __init__(self, session: Session, *, lean: bool = False, subscribes: bool = True) -> None:
        self._session = session
        self._lean = lean
        self._subscribes = subscribes
        self.room = rtc.Room()
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("data_received", self._data)
        self.samples: list[np.ndarray] = []
        self.pictures = 0
        self.luma: np.ndarray | None = None
        self.size = (0, 0)
        self.tracks: list[str] = []
        self.messages: list[tuple[float, dict[str, Any]]] = []
        self.last_loud = 0.0
        self.first_loud = 0.0
        self.news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._sources: list[rtc.AudioSource] = []

    async def __aenter__(self) -> Self:
        lean: dict[str, Any] = {}
        if self._lean:
            gather = rtc.ContinualGatheringPolicy.GATHER_ONCE
            config = rtc.RtcConfiguration(continual_gathering_policy=gather)
            lean = {"single_peer_connection": False, "rtc_config": config}
        options = rtc.RoomOptions(auto_subscribe=self._subscribes, **lean)
        await self.room.connect(self._session.url, self._session.token, options)
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()
        for source in self._sources:
            await source.aclose()

    @property
    def avatar(self) -> rtc.RemoteParticipant:
        """The avatar as the client knows it."""
        (avatar,) = self.room.remote_participants.values()
        return avatar

    async def until(self, condition: Any, what: str) -> None:
        """Waits until something is so, here or in the room."""
        await until(condition, what, timeout=LIMIT)

    async def silence(self, seconds: float = 0.5) -> None:
        """Returns after so much sound that is silent; limited in time."""
        async with asyncio.timeout(LIMIT):
            quiet = 0
            while quiet < seconds * RATE:
                seen = len(self.samples)
                async with self.news:
                    await self.news.wait_for(lambda seen=seen: len(self.samples) > seen)
                new = self.samples[seen:]
                quiet = 0 if any(map(loud, new)) else quiet + sum(map(len, new))

    async def play(self, source: rtc.AudioSource, samples: np.ndarray, rate: int) -> None:
        """Plays int16 mono into a microphone; returns when it was played."""
        size = rate // 50
        for start in range(0, len(samples) - size + 1, size):
            data = samples[start : start + size].tobytes()
            await source.capture_frame(rtc.AudioFrame(data, rate, 1, size))
        async with asyncio.timeout(LIMIT):
            await source.wait_for_playout()

    def published(self) -> list[str]:
        """Names of the avatar's tracks, as the client knows them."""
        return [one.name for one in self.avatar.track_publications.values()]

    def muted(self, kind: str) -> bool:
        """Whether that track of the avatar is muted, as the client knows it."""
        return any(p.name == kind and p.muted for p in self.avatar.track_publications.values())

    async def command(self, cmd: str, **data: Any) -> None:
        """Sends a command."""
        pld = {"cmd": cmd, **({"data": data} if data else {})}
        await self._send({"v": 2, "type": "command", "mid": f"c-{cmd}", "pld": pld})

    async def say(self, text: str, mid: str = "m1") -> None:
        """Has the avatar say a text."""
        message = {"v": 2, "type": "chat", "mid": mid, "idx": 0, "fin": True}
        await self._send({**message, "pld": {"text": text}})

    async def _send(self, message: dict[str, Any]) -> None:
        await self.room.local_participant.publish_data(json.dumps(message).encode())

    def events(self) -> list[str]:
        """The avatar's events so far."""
        return [m["pld"]["event"] for _, m in self.messages if m.get("type") == "event"]

    def user_texts(self) -> list[str]:
        """What the avatar reports as said by people."""
        return [
            m["pld"]["text"]
            for _, m in self.messages
            if m.get("type") == "chat" and m["pld"].get("from") == "user"
        ]

    def heard(self) -> AudioFrame:
        """All sound so far."""
        whole = np.concatenate(self.samples) if self.samples else np.zeros(0, np.int16)
        return AudioFrame(whole.astype("<i2").tobytes(), RATE)

    def clock(self) -> float:
        """The avatar's clock in the latest picture."""
        assert self.luma is not None
        return read_clock(self.luma)

    async def microphone(self, rate: int = 24_000) -> rtc.AudioSource:
        """Publishes a microphone."""
        source = rtc.AudioSource(rate, 1, queue_size_ms=200)
        self._sources.append(source)
        track = rtc.LocalAudioTrack.create_audio_track("mic", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        return source

    def _subscribed(self, track: Any, publication: Any, participant: Any) -> None:
        self.tracks.append(publication.name)
        read = self._hear if track.kind == rtc.TrackKind.KIND_AUDIO else self._see
        self._tasks.append(asyncio.create_task(read(track)))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16).copy()
                self.samples.append(samples)
                if loud(samples):
                    self.last_loud = time.monotonic()
                    self.first_loud = self.first_loud or self.last_loud
                await self._notify()
        finally:
            await stream.aclose()

    async def _see(self, track: rtc.Track) -> None:
        stream = rtc.VideoStream(track)
        try:
            async for event in stream:
                frame = event.frame
                if frame.width == 8:  # the client ends a track by a black picture of 8x8
                    continue
                size = frame.width * frame.height
                luma = np.frombuffer(frame.data, np.uint8)[:size]
                self.luma = luma.reshape(frame.height, frame.width).copy()
                self.size = (frame.width, frame.height)
                self.pictures += 1
                await self._notify()
        finally:
            await stream.aclose()

    def _data(self, packet: rtc.DataPacket) -> None:
        if not packet.topic:
            self.messages.append((time.monotonic(), json.loads(packet.data)))
            self._tasks.append(asyncio.create_task(self._notify()))

    async def _notify(self) -> None:
        async with self.news:
            self.news.notify_all()


def loud(samples: np.ndarray) -> bool:
    """Whether a piece of sound is more than noise."""
    return len(samples) > 0 and int(np.abs(samples.astype(int)).max()) > 1000


async def understood(listener: Listener, text: str, *, tries: int = 20) -> None:
    """Has a robot say a text until it was understood: a busy machine may lose some of it."""
    for number in range(tries):
        begin, ends = len(listener.samples), listener.events().count("audio_end")
        await listener.say(text, f"m-{number}-{begin}")
        await listener.until(
            lambda ends=ends: listener.events().count("audio_end") > ends, "the end of speech"
        )
        sound = np.concatenate(listener.samples[begin:] or [np.zeros(0, np.int16)])
        found = robot_text(AudioFrame(sound.astype("<i2").tobytes(), RATE))
        if found is not None:
            assert found == text
            return
    raise AssertionError(f"not understood in {tries} tries")


async def speak(
    listener: Listener, microphone: rtc.AudioSource, text: str, *, tries: int = 20
) -> None:
    """Says a text into a microphone until it is reported as understood."""
    rate = microphone.sample_rate
    pause = np.zeros(rate, np.int16)
    for _ in range(tries):
        sound = robot_speech(text, rate).to_ndarray()[:, 0]
        reported = len(listener.user_texts())
        await listener.play(microphone, np.concatenate([pause[: rate // 4], sound, pause]), rate)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0), listener.news:
                await listener.news.wait_for(
                    lambda reported=reported: len(listener.user_texts()) > reported
                )
            assert listener.user_texts()[-1] == text
            return
    raise AssertionError(f"not understood in {tries} tries")
