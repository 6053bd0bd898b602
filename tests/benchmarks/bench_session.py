"""A whole session from nothing to its end, phase by phase, beside raw clients doing the same."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import aiohttp
from akool_livekit import LiveKitTransport
from livekit import rtc

from akool_async import AkoolClient
from framework import Bench, at_most_times, row
from real_server import real_server

AVATAR = "dvp_Tristan_cloth2_1080P"
BASE = "/api/open/v4/liveAvatar/session"
QUESTION = "Hello"
PHASES = ("create", "join", "set-params", "first word", "close", "all of it")
#: From the beginning until a command was answered, and until the avatar's first word.
UNTIL = ("until ready", "until the first word")
#: Seconds for any one phase.
LIMIT = 60.0


@asynccontextmanager
async def simulator(*options: str) -> AsyncIterator[str]:
    """The URL of a simulator in a process of its own, so that its work isn't the program's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "akool_async",
        "simulator",
        "--port",
        "0",
        *options,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), LIMIT)
        yield line.decode().split("AKOOL_API_URL=")[1].split()[0]
    finally:
        process.terminate()
        await process.wait()


class Laps:
    """Milliseconds from one call of `lap` to the next."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """The phase that began with the last call is over."""
        now = time.perf_counter()
        self.times[name] = (now - self._last) * 1000
        self.times["all of it"] = (now - self._start) * 1000
        if name in ("set-params", "first word"):
            until = UNTIL[name == "first word"]
            self.times[until] = self.times["all of it"]
        self._last = now


class TimedTransport(LiveKitTransport):
    """Reports when creating the session ended and when joining its room did."""

    laps: ClassVar[Laps]

    async def connect(self, *, timeout: float) -> None:
        """As LiveKitTransport."""
        self.laps.lap("create")
        await super().connect(timeout=timeout)
        self.laps.lap("join")


async def our_session(client: AkoolClient) -> Mapping[str, float]:
    """By `open_session` and `stream`."""
    TimedTransport.laps = laps = Laps()
    async with client.open_session(AVATAR, transport=TimedTransport, mode=2) as avatar:
        laps.lap("set-params")
        async with avatar.stream(QUESTION) as pieces:
            await anext(pieces)
            laps.lap("first word")
    laps.lap("close")
    return laps.times


async def raw_session(http: aiohttp.ClientSession, url: str) -> Mapping[str, float]:
    """By aiohttp and `livekit`, with our profile of it and no precautions."""
    laps = Laps()
    body = {"avatar_id": AVATAR, "stream_type": "livekit", "mode_type": 2}
    async with http.post(f"{url}{BASE}/create", json=body) as response:
        session = json.loads(await response.read())["data"]
    laps.lap("create")

    room, heard = rtc.Room(), asyncio.Event()
    active = asyncio.Event()
    room.on("data_received", lambda packet: heard.set())
    room.on("participant_active", lambda participant: active.set())
    access = session["credentials"]
    options = rtc.RoomOptions(
        auto_subscribe=False,
        single_peer_connection=False,
        rtc_config=rtc.RtcConfiguration(
            continual_gathering_policy=rtc.ContinualGatheringPolicy.GATHER_ONCE
        ),
    )
    await room.connect(access["livekit_url"], access["livekit_token"], options)
    if not room.remote_participants:
        await asyncio.wait_for(active.wait(), LIMIT)
    laps.lap("join")

    async def send(kind: str, **rest: Any) -> None:
        heard.clear()
        packet = json.dumps({"v": 2, "type": kind, "mid": f"m-{kind}", **rest}).encode()
        await room.local_participant.publish_data(packet, reliable=True)
        await asyncio.wait_for(heard.wait(), LIMIT)

    await send("command", pld={"cmd": "set-params", "data": {"mode": 2}})
    laps.lap("set-params")
    await send("chat", idx=0, fin=True, pld={"text": QUESTION})
    laps.lap("first word")

    async def close() -> None:
        async with http.post(f"{url}{BASE}/close", json={"id": session["_id"]}) as response:
            await response.read()

    await asyncio.gather(room.disconnect(), close())
    laps.lap("close")
    return laps.times


@row(
    "a whole session",
    group="session",
    unit="ms",
    counterpart="raw aiohttp + livekit",
)
async def whole_session(bench: Bench) -> None:
    """Over the simulator's LiveKit room, the simulator in a process of its own."""
    await measure(bench, PHASES)


@row(
    "a session on a real livekit-server",
    group="session",
    unit="ms",
    counterpart="raw aiohttp + livekit",
    goal=at_most_times(1.1),
    needs_livekit_server=True,
)
async def on_a_real_server(bench: Bench) -> None:
    """The simulator's avatar in a room of a livekit-server, both in processes of their own."""
    async with real_server(bench) as server:
        access = {"url": server.url, "api-key": server.api_key, "api-secret": server.api_secret}
        options = [f"--livekit-{name}={value}" for name, value in access.items()]
        await measure(bench, UNTIL, *options)


async def measure(bench: Bench, phases: Sequence[str], *options: str) -> None:
    """Sessions in turns; `options` are the simulator's."""
    async with (
        simulator(*options) as url,
        aiohttp.ClientSession(headers={"x-api-key": "key"}) as http,
        AkoolClient("key", base_url=url) as client,
    ):
        await our_session(client)
        await raw_session(http, url)
        for _ in bench.rounds():
            ours = await our_session(client)
            raw = await raw_session(http, url)
            for phase in phases:
                bench.record(phase, ours=ours[phase], counterpart=raw[phase])
    bench.note(
        "the client waits about 150 ms before its first publish; ours does that while joining, "
        "which returns when a packet reaches the avatar, raw at its set-params"
    )
