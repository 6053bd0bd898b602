"""The program's own voice through the simulated avatar, over a real server and in the simulator's
own room; the counterpart is the bare `livekit` client, which sends the same data streams by itself.

Simulator, sender and listener share this process, so the figures contain all three.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from livekit import rtc
from meeting_room import RATE, Listener, MeetingRooms, play_in_a_row, reports_of, tone

from akool_async import AvatarSession
from akool_async.simulator import Media, Simulator
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.testing.waiting import until
from framework import Bench, Goal, at_most, row
from real_server import real_server

#: Seconds of sound: as long as a sentence, and one that is interrupted.
SENTENCE = 2.0
LONG = 6.0
#: Seconds without sound after which it is over.
SILENCE = 0.3


@dataclass
class Scene:
    """A meeting with a listener, and someone with the bare client."""

    avatar: AvatarSession
    player: MeetingPlayer
    identity: str
    ear: Listener
    bare: rtc.Room

    async def quiet(self) -> None:
        """Waits until the avatar is silent, and its mouth shut."""
        await until(lambda: len(self.ear.heard) > 15 and max(self.ear.heard[-15:]) < 500)
        await until(lambda: self.ear.shut)

    async def send_bare(self, pcm: bytes) -> None:
        """What is in the examples of the bare client."""
        writer = await self.bare.local_participant.stream_bytes(
            name="speech",
            topic="lk.audio_stream",
            attributes={"sample_rate": str(RATE), "num_channels": "1"},
            destination_identities=[self.identity],
        )
        await writer.write(pcm)
        await writer.aclose()

    async def clear_bare(self) -> float:
        """Has the avatar clear; seconds until it answered."""
        begun = time.perf_counter()
        await self.bare.local_participant.perform_rpc(
            destination_identity=self.identity, method="lk.clear_buffer", payload=""
        )
        return time.perf_counter() - begun

    async def first_sound(self, since: float) -> float:
        """Milliseconds from a time on the loop's clock to the first sound."""
        return await self._first(lambda: self.ear.first_loud(since), since)

    async def first_movement(self, since: float) -> float:
        """Milliseconds from a time on the loop's clock to the first picture of an open mouth."""
        return await self._first(lambda: self.ear.first_open(since), since)

    async def _first(self, found: Callable[[], float | None], since: float) -> float:
        await until(lambda: found() is not None)
        first = found()
        assert first is not None
        return 1000 * (first - since)

    async def last_sound(self, since: float) -> float:
        """Milliseconds from a time on the loop's clock to the last sound."""
        await self.quiet()
        loud = [
            at for at, value in zip(self.ear.times, self.ear.heard, strict=False) if value > 2_000
        ]
        return max(0.0, 1000 * (loud[-1] - since))


@asynccontextmanager
async def scene(bench: Bench, *, own_room: bool = False) -> AsyncIterator[Scene]:
    """Everyone in a room, and one word spoken: the first has more to do.

    `own_room`: the simulator's, in place of a real server's.
    """
    async with AsyncExitStack() as stack:
        if own_room:
            sim = await stack.enter_async_context(Simulator(media=Media(width=320, height=180)))
            server = LiveKitServer(sim.url, API_KEY, API_SECRET)
        else:
            server = await stack.enter_async_context(real_server(bench))
            sim = await stack.enter_async_context(Simulator())
        rooms = await stack.enter_async_context(MeetingRooms(sim, server))
        avatar, player, room = await rooms.enter()
        bare = rtc.Room()
        await bare.connect(server.websocket_url, server.token("bare", str(room.name), lifetime=600))
        stack.push_async_callback(bare.disconnect)
        bare.local_participant.register_rpc_method("lk.playback_finished", lambda _: "ok")
        ear = await stack.enter_async_context(Listener(server, room))
        made = Scene(avatar, player, str(room.avatar_identity), ear, bare)
        await until(lambda: len(ear.mouths) > 2)
        await avatar.play_audio(tone(0.2))
        await made.send_bare(tone(0.2))
        await until(lambda: len(player.segments) == 2 and player.segments[1].reported)
        await made.quiet()
        yield made


class InRoom(Protocol):
    """A row's measurement, over a real server or in the simulator's own room."""

    def __call__(self, bench: Bench, *, own_room: bool) -> Coroutine[Any, Any, None]: ...


def in_both_rooms(name: str, goal: Mapping[str, Goal]) -> Callable[[InRoom], InRoom]:
    """Registers a row for each."""

    def register(measure: InRoom) -> InRoom:
        for own_room, where in ((False, ""), (True, ", simulator's own room")):
            row(
                name + where,
                group="voice",
                unit="ms",
                counterpart="bare livekit",
                goal=goal,
                needs_livekit_server=not own_room,
            )(partial(measure, own_room=own_room))
        return measure

    return register


#: From writing the first sample, at a listener.
FIRST = {"first sound": at_most(150), "first lip movement": at_most(150)}


@in_both_rooms("own voice, first sample written", FIRST)
async def first_signs(bench: Bench, *, own_room: bool) -> None:
    """Two seconds, given at once; 20 ms at a time are listened to, 15 pictures a second seen."""
    loop = asyncio.get_running_loop()
    pcm = tone(SENTENCE)
    async with scene(bench, own_room=own_room) as there:

        async def signs(since: float) -> tuple[float, float]:
            return await asyncio.gather(there.first_sound(since), there.first_movement(since))

        for _ in bench.rounds(7):
            since = loop.time()
            playback = there.avatar.play_audio(pcm)
            ours = await signs(since)
            await playback
            await there.quiet()
            since = loop.time()
            await there.send_bare(pcm)
            counterparts = await signs(since)
            await there.quiet()
            for part, mine, theirs in zip(FIRST, ours, counterparts, strict=True):
                bench.record(part, ours=mine, counterpart=theirs)


#: From the call of `cancel()`.
CUT = {"until silence": at_most(150), "call answered": at_most(20)}


@in_both_rooms("own voice, interrupted", CUT)
async def interrupt(bench: Bench, *, own_room: bool) -> None:
    """Everything was sent before it is interrupted."""
    loop = asyncio.get_running_loop()
    pcm = tone(LONG)
    async with scene(bench, own_room=own_room) as there:
        for _ in bench.rounds(7):
            since = loop.time()
            playback = there.avatar.play_audio(pcm)
            await there.first_sound(since)
            await asyncio.sleep(0.5)
            since = loop.time()
            await playback.cancel()
            ours = await there.last_sound(since)
            since = loop.time()
            await there.send_bare(pcm)
            await there.first_sound(since)
            await asyncio.sleep(0.5)
            since = loop.time()
            answered = await there.clear_bare()
            counterpart = await there.last_sound(since)
            bench.record("until silence", ours=ours, counterpart=counterpart)
            bench.record("call answered", ours=1000 * answered)


@row(
    "own voice, reported position against the truth",
    group="voice",
    unit="ms",
    goal={"to its end": at_most(60), "interrupted": at_most(60)},
    needs_livekit_server=True,
)
async def position(bench: Bench) -> None:
    """Two seconds to their end; and interrupted, where the truth is what the listener heard."""
    loop = asyncio.get_running_loop()
    async with scene(bench) as there:
        for _ in bench.rounds(7):
            result = await there.avatar.play_audio(tone(SENTENCE))
            bench.record("to its end", ours=1000 * abs(result.seconds - SENTENCE))
            await there.quiet()
            since = loop.time()
            playback = there.avatar.play_audio(tone(LONG))
            first = await there.first_sound(since)
            await asyncio.sleep(1.0)
            result = await playback.cancel()
            heard = await there.last_sound(since) - first + 20
            bench.record("interrupted", ours=abs(1000 * result.seconds - heard))


@row(
    "own voice, 100 segments with 20 interruptions",
    group="voice",
    goal={"not reported once": at_most(0), "sessions left open": at_most(0)},
    units={"not reported once": "", "sessions left open": "", "all of them": "s"},
    needs_livekit_server=True,
)
async def in_a_row(bench: Bench) -> None:
    """Short ones, one behind the other."""
    async with real_server(bench) as server, Simulator() as sim:
        for _ in bench.rounds(1):
            await _hundred(bench, sim, server)


async def _hundred(bench: Bench, sim: Simulator, server: LiveKitServer) -> None:
    short, long = tone(0.02), tone(SENTENCE)
    created = len(sim.sessions)
    async with MeetingRooms(sim, server) as rooms:
        avatar, player, _ = await rooms.enter()
        reports = reports_of(player)
        begun = time.perf_counter()
        await play_in_a_row(
            avatar, 100, lambda n: any(s.played > 0 for s in player.segments[n:]), short, long
        )
        seconds = time.perf_counter() - begun
        await until(lambda: all(s.reported for s in player.segments))
    wrong = sum(reports[number] != 1 for number in range(100))
    bench.record("not reported once", ours=wrong + abs(len(player.segments) - 100))
    bench.record("sessions left open", ours=len(sim.open_sessions))
    bench.record("all of them", ours=seconds)
    assert len(sim.sessions) == created + 1


@row(
    "own voice by a microphone, 100 segments with 20 interruptions",
    group="voice",
    goal={"not heard once": at_most(0), "sessions left open": at_most(0)},
    units={"not heard once": "", "sessions left open": "", "all of them": "s"},
    needs_livekit_server=True,
)
async def by_microphone(bench: Bench) -> None:
    """With pauses, by which the avatar hears where one ends; it reports nothing."""
    async with real_server(bench) as server, Simulator() as sim, MeetingRooms(sim, server) as rooms:
        for _ in bench.rounds(1):
            avatar, player, _ = await rooms.enter(streams=False)
            begun = time.perf_counter()
            await _hundred_spoken(avatar, player)
            seconds = time.perf_counter() - begun
            await avatar.aclose()
            bench.record("not heard once", ours=abs(len(player.segments) - 100))
            bench.record("sessions left open", ours=len(sim.open_sessions))
            bench.record("all of them", ours=seconds)


async def _hundred_spoken(avatar: AvatarSession, player: MeetingPlayer) -> None:
    for number in range(100):
        cut = number % 5 == 4
        playback = avatar.play_audio(tone(SENTENCE if cut else 0.1))
        await until(lambda: player.taking)
        result = await (playback.cancel() if cut else playback)
        assert result.interrupted == cut
        await until(lambda: not player.taking)
