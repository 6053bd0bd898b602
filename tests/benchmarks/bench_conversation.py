"""Conversations: what a session costs, how soon words and interrupts leave, a long token stream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from akool_async import AkoolClient
from akool_async.conversation import AvatarSession, ConversationOptions
from akool_async.events import SpeakingStopped
from akool_async.simulator import Simulator
from akool_async.stream.limits import AGORA, LIVEKIT, PacketLimits
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.transport import ConnectionChange
from framework import Bench, at_most, percentile, row

DELAY = 0.3
TOKENS = 2000
#: Milliseconds in which an avatar that hasn't echoed so far may begin to.
ECHO = 50.0
PER_SECOND = 50


def answering(pair: InMemoryRoom, heard: Callable[[dict], None] = lambda message: None) -> None:
    """Makes the far side answer commands; `heard` is given every message."""

    def on_packet(packet: bytes) -> None:
        message = json.loads(packet)
        if message["type"] == "command":
            pld = {"cmd": message["pld"]["cmd"], "code": 1000, "msg": "OK"}
            answer = {"v": 2, "type": "command", "mid": message["mid"], "pld": pld}
            pair.send(json.dumps(answer).encode())
        heard(message)
        pair.packets.clear()

    pair.on_packet = on_packet


@asynccontextmanager
async def talking(
    limits: PacketLimits, heard: Callable[[dict], None] = lambda message: None
) -> AsyncIterator[tuple[AvatarSession, InMemoryRoom]]:
    pair = InMemoryRoom(limits=limits)
    answering(pair, heard)
    async with AvatarSession(pair.transport) as avatar:
        await avatar.set_params(mode=1)
        yield avatar, pair


@row("an idle AvatarSession above its transport", group="memory", unit="kB", goal=at_most(20))
async def session_memory(bench: Bench) -> None:
    pairs = [InMemoryRoom() for _ in range(201)]
    for pair in pairs:
        answering(pair)
    unused = iter(pairs)
    sessions = []

    async def make() -> AvatarSession:
        session = await AvatarSession(next(unused).transport).open()
        sessions.append(session)
        return session

    bench.record(ours=await bench.memory_each(make, count=200) / 1000)
    for session in sessions:
        await session.aclose()


@row(
    "say: a sentence's last token to its packet, p99",
    group="conversation",
    unit="ms",
    goal=at_most(1),
)
async def first_token(bench: Bench) -> None:
    arrived: asyncio.Future[float] | None = None

    def heard(message: dict) -> None:
        if message["type"] == "chat" and arrived is not None and not arrived.done():
            arrived.set_result(time.perf_counter())

    loop = asyncio.get_running_loop()
    async with talking(LIVEKIT, heard) as (avatar, _):
        for _ in bench.rounds(5):
            waits = []
            for _ in range(200):
                arrived = loop.create_future()
                given = 0.0

                async def tokens() -> AsyncIterator[str]:
                    nonlocal given
                    yield "A first"
                    await asyncio.sleep(0)
                    given = time.perf_counter()
                    yield " sentence. "
                    await asyncio.sleep(3600)

                utterance = avatar.say(tokens())
                waits.append(await arrived - given)
                await utterance.cancel()
            bench.record(ours=percentile(waits, 99) * 1000)


@row(
    "barge-in: user's message in to interrupt out, LiveKit, p99",
    group="conversation",
    unit="ms",
    goal=at_most(5),
)
async def barge_in(bench: Bench) -> None:
    """From the packet's being received to the interrupt's having been published."""
    from akool_livekit import LiveKitTransport

    heard = 0.0
    left = asyncio.Event()
    waits: list[float] = []

    class Watched(LiveKitTransport):
        async def receive(self) -> bytes | ConnectionChange:
            nonlocal heard
            item = await super().receive()
            if isinstance(item, bytes) and json.loads(item)["pld"].get("from") == "user":
                heard = time.perf_counter()
            return item

        async def send(self, packet: bytes, *, timeout: float) -> None:
            await super().send(packet, timeout=timeout)
            # The first one: a second goes out when the person's words begin to be spoken back.
            if b'"interrupt"' in packet and not left.is_set():
                waits.append(time.perf_counter() - heard)
                left.set()

    async def endless(turn: object) -> AsyncIterator[str]:
        while True:
            yield "A sentence that goes on. "
            await asyncio.sleep(0.01)

    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", mode=1, transport=Watched) as avatar,
    ):
        session = sim.open_sessions[0]
        await avatar.respond_with(endless)
        await sim.user_says(session, "begin")
        for _ in bench.rounds(3):
            waits.clear()
            for turn in range(100):
                while not avatar.transcript or avatar.transcript[-1].role == "user":
                    await asyncio.sleep(0.001)  # until the avatar has something to say
                left.clear()
                await sim.user_says(session, f"turn {turn}")
                async with asyncio.timeout(10):
                    await left.wait()
            bench.record(ours=percentile(waits, 99) * 1000)


@row(
    "responder: recognised text in to first packet out",
    group="conversation",
    unit="ms",
    goal={"p99 beyond the wait for an echo": at_most(5)},
)
async def responder_first_packet(bench: Bench) -> None:
    """With a model of one's own that answers at once with what was said.

    The service may speak a person's words back, so an answer waits `ECHO` for that to begin: it is
    to be interrupted first.
    """
    left: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    room = InMemoryRoom(limits=LIVEKIT)

    def heard(message: dict) -> None:
        if message["type"] == "chat" and not left.done():
            left.set_result(time.perf_counter())
            for event in ("audio_start", "audio_end"):
                packet = {"v": 2, "type": "event", "mid": message["mid"], "pld": {"event": event}}
                room.send(json.dumps(packet).encode())

    answering(room, heard)
    async with AvatarSession(room.transport) as avatar:
        stopped = avatar.events(SpeakingStopped)
        await avatar.respond_with(lambda turn: turn.text)
        for number in bench.rounds(5):
            waits = []
            for turn in range(200):
                left = asyncio.get_running_loop().create_future()
                pld = {"from": "user", "text": f"Sentence {turn}."}
                packet = {"v": 2, "type": "chat", "mid": f"u{number}-{turn}", "idx": 0, "fin": True}
                start = time.perf_counter()
                room.send(json.dumps({**packet, "pld": pld}).encode())
                async with asyncio.timeout(10):
                    waits.append(await left - start)
                    await anext(stopped)  # the next turn finds an avatar that is silent
            for percent in (50, 99):
                took = percentile(waits, percent) * 1000
                bench.record(f"p{percent}", ours=took)
                bench.record(f"p{percent} beyond the wait for an echo", ours=took - ECHO)


@row(
    "interrupt behind a 100 KB say at Agora's limits",
    group="conversation",
    unit="s",
    goal=at_most(2 * AGORA.max_bytes / 6000),
)
async def interrupt_behind_text(bench: Bench) -> None:
    left: list[float] = []

    def heard(message: dict) -> None:
        if message["pld"].get("cmd") == "interrupt":
            left.append(time.perf_counter())

    for _ in bench.rounds(5):
        async with talking(AGORA, heard) as (avatar, pair):
            avatar.say("word " * 20_000)
            await asyncio.sleep(1.3)
            start = time.perf_counter()
            await avatar.interrupt()
            bench.record(ours=left[-1] - start)
            assert pair.refused == 0


@row(
    "2,000 tokens at 50/s over Agora's limits",
    group="conversation",
    units={"share of the byte budget": "", "longest wait of a token": "s", "refused": ""},
    goal={
        "share of the byte budget": at_most(0.2),
        "longest wait of a token": at_most(DELAY + 0.02),
        "refused": at_most(0),
    },
)
async def long_stream(bench: Bench) -> None:
    given: list[tuple[int, float]] = []
    waits: list[float] = []
    arrived = 0

    def heard(message: dict) -> None:
        nonlocal arrived
        if message["type"] == "chat":
            arrived += len(message["pld"]["text"])
            now = time.perf_counter()
            while given and given[0][0] <= arrived:
                waits.append(now - given.pop(0)[1])

    async def tokens() -> AsyncIterator[str]:
        written, start = 0, time.perf_counter()
        for number in range(TOKENS):
            token = f"tok{number % 10}" + (". " if number % 17 == 16 else " ")
            written += len(token)
            given.append((written, time.perf_counter()))
            yield token
            await asyncio.sleep(max(0.0, start + (number + 1) / PER_SECOND - time.perf_counter()))

    pair = InMemoryRoom(limits=AGORA)
    answering(pair, heard)
    options = ConversationOptions(first_piece=DELAY)
    async with AvatarSession(pair.transport, options=options) as avatar:
        await avatar.set_params(mode=1)
        before, start = avatar.stats.bytes_sent, time.perf_counter()
        await avatar.say(tokens()).sent()
        took = time.perf_counter() - start
        used = avatar.stats.bytes_sent - before
        await avatar.interrupt()
    bench.record("share of the byte budget", ours=used / (AGORA.bytes_per_second or 1) / took)
    bench.record("longest wait of a token", ours=max(waits))
    bench.record("refused", ours=pair.refused)
