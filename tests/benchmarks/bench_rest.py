"""REST: one call, many at once, a long list; each beside raw aiohttp and `json.loads`."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp

from akool_async import AkoolClient
from framework import Bench, at_most, at_most_times, row
from rest_server import AVATARS, PAGE, rest_server

CREATE = "/api/open/v4/liveAvatar/session/create"
CLOSE = "/api/open/v4/liveAvatar/session/close"
LIST = "/api/open/v4/liveAvatar/avatar/list"
HEADERS = {"x-api-key": "key", "Accept": "application/json", "Content-Type": "application/json"}
BODY = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit", "duration": 60}
RAW = "raw aiohttp + json.loads"
AT_ONCE = 200
CLOSED = 100


async def raw_create(http: aiohttp.ClientSession, url: str) -> Any:
    """The same exchange with nothing around it."""
    async with http.post(url + CREATE, data=json.dumps(BODY), headers=HEADERS) as response:
        return json.loads(await response.read())["data"]


async def create(client: AkoolClient) -> Any:
    """Ours."""
    return await client.sessions.create(
        "dvp_Tristan_cloth2_1080P", stream_type="livekit", duration=60
    )


@row(
    "REST call: create session",
    group="rest",
    unit="ms",
    counterpart=RAW,
    goal=at_most_times(1.15),
)
async def create_session(bench: Bench) -> None:
    """One after the other on one connection; the server is in a process of its own."""
    async with (
        rest_server() as server,
        aiohttp.ClientSession() as http,
        AkoolClient("key", base_url=server.url) as client,
    ):
        await bench.latency(lambda: create(client), lambda: raw_create(http, server.url), count=500)


@row(
    f"{AT_ONCE} REST calls at once",
    group="rest",
    unit="ms",
    units={"connections": ""},
    counterpart=RAW,
    goal={"time": at_most_times(1.15), "connections": at_most(100)},
)
async def calls_at_once(bench: Bench) -> None:
    """`sessions.create` of one client in 200 tasks; connections are counted by the server."""
    async with (
        rest_server() as server,
        aiohttp.ClientSession() as http,
        AkoolClient("key", base_url=server.url) as client,
    ):
        await asyncio.gather(*(create(client) for _ in range(AT_ONCE)))
        most = await server.most_connections()
        bench.record("connections", ours=most)
        await asyncio.gather(*(raw_create(http, server.url) for _ in range(AT_ONCE)))
        for _ in bench.rounds(30):
            start = time.perf_counter()
            await asyncio.gather(*(create(client) for _ in range(AT_ONCE)))
            middle = time.perf_counter()
            await asyncio.gather(*(raw_create(http, server.url) for _ in range(AT_ONCE)))
            end = time.perf_counter()
            ours, raw = (middle - start) * 1000, (end - middle) * 1000
            bench.record("time", ours=ours, counterpart=raw)


@row(
    f"closing {CLOSED} sessions at once",
    group="rest",
    unit="ms",
    counterpart=f"{CLOSED} raw closes",
    goal=at_most_times(1.2),
)
async def closing_at_once(bench: Bench) -> None:
    """`sessions.closing`, which no cancellation ends, as every `AvatarSession` closes by it."""
    ids = [f"{number:024x}" for number in range(CLOSED)]
    async with (
        rest_server() as server,
        aiohttp.ClientSession() as http,
        AkoolClient("key", base_url=server.url) as client,
    ):

        async def raw_close(session_id: str) -> None:
            body = json.dumps({"id": session_id})
            async with http.post(server.url + CLOSE, data=body, headers=HEADERS) as response:
                assert json.loads(await response.read())["code"] == 1000

        async def ours() -> None:
            await asyncio.gather(*(client.sessions.closing(one, timeout=60).wait() for one in ids))

        async def raw() -> None:
            await asyncio.gather(*(raw_close(one) for one in ids))

        for call in (ours, raw):
            await call()
        await bench.atime(ours, raw, loops=3)


@row(
    "list 1,000 avatars, ten pages",
    group="rest",
    unit="ms",
    counterpart=RAW,
    goal=at_most_times(1.4),
)
async def long_list(bench: Bench) -> None:
    """Iterating `avatars.list()`, models made, beside ten GETs and `json.loads` of each."""
    async with (
        rest_server() as server,
        aiohttp.ClientSession() as http,
        AkoolClient("key", base_url=server.url) as client,
    ):

        async def ours() -> None:
            found = [avatar async for avatar in client.avatars.list()]
            assert len(found) == AVATARS

        async def raw() -> None:
            found: list[Any] = []
            for page in range(1, AVATARS // PAGE + 1):
                url = f"{server.url}{LIST}?page={page}&size={PAGE}"
                async with http.get(url, headers=HEADERS) as response:
                    found += json.loads(await response.read())["data"]["result"]
            assert len(found) == AVATARS

        await bench.atime(ours, raw, loops=5)


@row("memory of an idle AkoolClient", group="memory", units={"new": "kB", "connected": "kB"})
async def idle_client(bench: Bench) -> None:
    """Python memory (tracemalloc) of a new client, and of one that made a call and is idle."""
    async with rest_server() as server:
        clients: list[AkoolClient] = []

        def make() -> AkoolClient:
            clients.append(AkoolClient("key", base_url=server.url))
            return clients[-1]

        async def connected() -> AkoolClient:
            client = make()
            await create(client)
            return client

        bench.record("new", ours=await bench.memory_each(make) / 1000)
        bench.record("connected", ours=await bench.memory_each(connected) / 1000)
        for client in clients:
            await client.aclose()
