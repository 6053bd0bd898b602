"""Agora and TRTC over the simulator's relay, which enforces the vendors' limits."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from akool_agora import loopback as agora_loopback
from akool_trtc import loopback as trtc_loopback

from akool_async import AkoolClient, ConversationOptions
from akool_async.conversation.session import AvatarSession
from akool_async.errors import CommandTimeoutError
from akool_async.simulator import NetworkConditions, ServiceBehavior, Simulator
from akool_async.simulator.rooms.relay.room import RelayRoom
from akool_async.stream.limits import AGORA, TRTC, PacketLimits
from framework import Bench, at_least, at_most, at_most_times, row

AVATAR = "dvp_Tristan_cloth2_1080P"
LIMITS = {"agora": AGORA, "trtc": TRTC}
ENGINES: dict[str, Any] = {
    "agora": agora_loopback.LoopbackEngine,
    "trtc": trtc_loopback.LoopbackEngine,
}
TEXT = ("It is a truth universally acknowledged, that somebody with an avatar must want words. "
        * 200)[:10_240]  # fmt: skip


class Watched:
    """A loopback engine that writes down when each packet was handed to it."""

    def __init__(self, kind: str, base_url: str) -> None:
        self._engine = ENGINES[kind](base_url)
        self.sent: list[tuple[float, bytes]] = []
        self.join = self._engine.join
        self.leave = self._engine.leave
        self.renew_token = getattr(self._engine, "renew_token", None)

    async def send(self, packet: bytes) -> None:
        """As the engine's."""
        self.sent.append((asyncio.get_running_loop().time(), packet))
        await self._engine.send(packet)


@asynccontextmanager
async def conversation(
    kind: str, *, options: ConversationOptions | None = None, **settings: Any
) -> AsyncIterator[tuple[AvatarSession, Watched, RelayRoom]]:
    """A session over that vendor's relay; its avatar retells without sending text."""
    settings.setdefault("behavior", ServiceBehavior(retelling_text=False))
    async with Simulator(**settings) as sim, AkoolClient("a-key", base_url=sim.url) as akool:
        engine = Watched(kind, sim.url)
        async with akool.open_session(
            AVATAR, stream_type=kind, engine=engine, options=options, mode=1
        ) as avatar:
            assert avatar.info.session_id is not None
            room = sim.room(avatar.info.session_id)
            assert isinstance(room, RelayRoom)
            yield avatar, engine, room


def least(limits: PacketLimits, text: str) -> tuple[float, float]:
    """Seconds that a text needs with every packet full.

    First, its bytes at the budget's rate. Second, until its last packet can leave when nothing is
    kept back: the budget of the first second is spent at once, and so on. An interrupt would then
    wait for most of a second; the sender's reserve for commands is the difference.
    """
    assert limits.bytes_per_second is not None
    assert limits.packets_per_second is not None
    left = len(json.dumps(text, ensure_ascii=False).encode()) - 2
    sent: deque[tuple[float, int]] = deque()
    now, idx, total = 0.0, 0, 0
    while left > 0:
        empty = {"v": 2, "type": "chat", "mid": "msg-0123456789ab", "idx": idx, "fin": False}
        envelope = len(json.dumps({**empty, "pld": {"text": ""}}, separators=(",", ":")))
        size = min(limits.max_bytes, envelope + left)
        while sent and (
            sum(s for _, s in sent) + size > limits.bytes_per_second
            or len(sent) + 1 > limits.packets_per_second
        ):
            now = max(now, sent.popleft()[0] + 1.0)
        sent.append((now, size))
        total += size
        left -= size - envelope
        idx += 1
    return total / limits.bytes_per_second, now


def both(name: str, **settings: Any) -> Callable[[Callable[[Bench, str], Any]], None]:
    """A row for each of the two vendors."""

    def register(measure: Callable[[Bench, str], Any]) -> None:
        for kind in LIMITS:

            async def run(bench: Bench, kind: str = kind) -> None:
                await measure(bench, kind)

            run.__name__ = f"{measure.__name__}_{kind}"
            run.__doc__ = measure.__doc__
            row(f"{kind}: {name}", group="rtc", **settings)(run)

    return register


@both(
    "10 KB of text at the limits",
    unit="s",
    units={"": "s", "as a burst": "s"},
    counterpart="the least: full packets at the budget's rate, or in bursts",
    goal={"": at_most_times(1.05)},
    limit=120,
)
async def ten_kilobytes(bench: Bench, kind: str) -> None:
    """From the first packet of a 10 KB text to the last, by both measures of `least`."""
    at_rate, as_burst = least(LIMITS[kind], TEXT)
    for _ in bench.rounds(3):
        async with conversation(kind) as (avatar, engine, _room):
            await asyncio.sleep(1.1)  # opening's packets no longer count
            before = len(engine.sent)
            await avatar.say(TEXT).spoken()
            times = [at for at, packet in engine.sent[before:] if b'"chat"' in packet]
            bench.record(ours=times[-1] - times[0], counterpart=at_rate)
            bench.record("as a burst", ours=times[-1] - times[0], counterpart=as_burst)


@both("refused by the limits, ten concurrent says", unit="", goal=at_most(0), limit=120)
async def refused(bench: Bench, kind: str) -> None:
    """Packets that the relay refused over a whole conversation."""
    async with conversation(kind) as (avatar, _, room):
        for _ in range(3):
            utterances = [avatar.say(TEXT[: 700 * n]) for n in range(1, 11)]
            await avatar.set_params(language="en")
            await avatar.act(action="nod")
            await asyncio.gather(*(u.spoken() for u in utterances))
        bench.record(ours=sum(room.refused.values()))
        bench.note(f"{kind}: {avatar.stats.packets_sent} packets sent")


@both(
    "interrupt behind 100 KB of chat",
    unit="s",
    counterpart="two packet intervals",
    goal=at_most_times(1.0),
    limit=120,
)
async def interrupted(bench: Bench, kind: str) -> None:
    """From `interrupt()` to its packet at the engine, at different moments of the second."""
    limits = LIMITS[kind]
    assert limits.bytes_per_second is not None
    interval = limits.max_bytes / limits.bytes_per_second
    loop = asyncio.get_running_loop()
    async with conversation(kind) as (avatar, engine, _):
        for number in bench.rounds(9):
            asking = asyncio.create_task(avatar.ask(TEXT * 10))
            await asyncio.sleep(1.0 + number * 0.11)
            before, asked = len(engine.sent), loop.time()
            await avatar.interrupt()
            at = next(at for at, packet in engine.sent[before:] if b'"interrupt"' in packet)
            bench.record(ours=at - asked, counterpart=2 * interval)
            asking.cancel()
            await asyncio.wait({asking})


@row(
    "agora: commands answered of 1,000, 5 % lost, doubled, reordered",
    group="rtc",
    unit="",
    goal=at_least(1000),
    limit=300,
)
async def answered(bench: Bench) -> None:
    """Twenty tasks ask for 50 changes each, over a network that loses either way."""
    conditions = NetworkConditions(loss=0.05, double=0.05, reorder=0.05, seed=1)
    options = ConversationOptions(command_resend=0.3, command_timeout=20.0)
    async with conversation("agora", options=options, conditions=conditions) as (avatar, _, room):
        good = 0

        async def ask() -> None:
            nonlocal good
            for _ in range(50):
                try:
                    await avatar.set_params(language="en")
                except CommandTimeoutError:
                    continue
                good += 1

        await asyncio.gather(*(ask() for _ in range(20)))
        bench.record(ours=good)
        bench.note(
            f"{avatar.stats.commands_resent} sent again; "
            f"{sum(room.refused.values())} packets refused by the limits"
        )


@both("round trip of a command", unit="ms", limit=60)
async def round_trip(bench: Bench, kind: str) -> None:
    """`set_params` until it is answered, in one process, at a pace within the limits."""
    async with conversation(kind) as (avatar, _, _room):

        async def once() -> None:
            await avatar.set_params(language="en")

        loop = asyncio.get_running_loop()
        for _ in bench.rounds(20):
            began = loop.time()
            await once()
            bench.record(ours=(loop.time() - began) * 1000)
            await asyncio.sleep(0.1)
