"""Starting, stopping, and rooms' own HTTP routes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from socket import SHUT_RDWR
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from akool_async.client import AkoolClient
from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import Grants, mint
from akool_async.simulator.rooms.room import RoomDirectory, SimRoom

BODY = {"avatar_id": "dvp_Tristan_cloth2_1080P", "stream_type": "livekit"}


class _WebRoom(SimRoom):
    kind = "livekit"

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        def find(session_id: str) -> SimRoom | None:
            found = [one for one in rooms.of_kind(cls.kind) if one.request.session_id == session_id]
            return found[0] if found else None

        async def look(request: web.Request) -> web.Response:
            found = find(request.match_info["name"])
            return web.json_response(
                {"found": found is not None, "all": len(rooms.of_kind("livekit"))}
            )

        async def wait(request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            room = find(request.match_info["name"])
            assert isinstance(room, _WebRoom)
            room.sockets.append(socket)
            room.events.joined("me")
            async for _ in socket:
                pass
            return socket

        return [web.get("/look/{name}", look), web.get("/wait/{name}", wait)]

    async def open(self) -> dict[str, Any]:
        self.sockets: list[web.WebSocketResponse] = []
        return {}

    async def send(self, packet: bytes) -> None:
        for socket in self.sockets:
            await socket.send_bytes(packet)

    async def close(self, reason: str) -> None:
        for socket in self.sockets:
            await socket.close()


async def _create(sim: Simulator, http: aiohttp.ClientSession) -> str:
    url = f"{sim.url}/api/open/v4/liveAvatar/session/create"
    async with http.post(url, json=BODY, headers={"x-api-key": "k"}) as answer:
        return str((await answer.json())["data"]["_id"])


async def test_rooms_routes_are_there_once_a_session_needs_them() -> None:
    async with Simulator(rooms={"livekit": _WebRoom}) as sim, aiohttp.ClientSession() as http:
        async with http.get(f"{sim.url}/look/x") as answer:
            assert (await answer.json())["code"] in {1008, 1102}
        session_id = await _create(sim, http)
        for name, found in ((session_id, True), ("x", False)):
            async with http.get(f"{sim.url}/look/{name}") as answer:
                assert await answer.json() == {"found": found, "all": 1}
        assert len(sim.requests) == 2


async def test_a_livekit_room_can_be_asked_for_before_any_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Rtc(_WebRoom):
        @classmethod
        def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
            async def validate(request: web.Request) -> web.Response:
                return web.Response(text="success")

            return [web.get("/rtc/validate", validate)]

    async with (
        Simulator(rooms={"livekit": Rtc}) as sim,
        aiohttp.ClientSession() as http,
        http.get(f"{sim.url}/rtc/validate") as answer,
    ):
        assert await answer.text() == "success"
    async with (
        Simulator(rooms={"livekit": "no_such_module:Room"}) as sim,
        aiohttp.ClientSession() as http,
        http.get(f"{sim.url}/rtc/validate") as answer,
    ):
        assert answer.status == 404
    assert "pip install" in caplog.text


async def test_someone_comes_and_gets_what_is_injected() -> None:
    async with Simulator(rooms={"livekit": _WebRoom}) as sim, aiohttp.ClientSession() as http:
        session_id = await _create(sim, http)
        avatar = sim.avatar(session_id)
        async with http.ws_connect(f"{sim.url}/wait/{session_id}") as socket:
            await asyncio.wait_for(avatar.wait_for_participant(), 20)
            assert avatar.present == {"me"}
            await sim.inject(session_id, b"\x00 not JSON")
            assert await socket.receive_bytes(timeout=20) == b"\x00 not JSON"
            avatar.left("me")
            assert not avatar.present


async def test_stopping_ends_a_rooms_connections() -> None:
    sim = Simulator(rooms={"livekit": _WebRoom})
    await sim.start()
    async with aiohttp.ClientSession() as http:
        session_id = await _create(sim, http)
        async with http.ws_connect(f"{sim.url}/wait/{session_id}") as socket:
            await asyncio.wait_for(sim.avatar(session_id).wait_for_participant(), 20)
            await asyncio.gather(sim.stop(), socket.receive(timeout=20))
            assert socket.closed


async def test_starting_twice_and_looking_too_early() -> None:
    sim = Simulator()
    with pytest.raises(RuntimeError, match="isn't running"):
        _ = sim.url
    async with sim:
        assert sim.url.startswith("http://127.0.0.1:")
        with pytest.raises(RuntimeError, match="already"):
            await sim.start()
        other = Simulator(port=int(sim.url.rsplit(":", 1)[1]))
        with pytest.raises(OSError, match="address"):
            await other.start()


async def test_stopping_survives_cancellation() -> None:
    entered = asyncio.Event()
    sim = Simulator()

    async def use() -> None:
        async with sim:
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(use())
    await entered.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(sim.url)


async def test_rooms_can_be_prepared():
    async with Simulator() as sim:
        await sim.prepare("agora")
        with pytest.raises(InvalidParameterError, match="kind"):
            await sim.prepare("pigeon")


async def test_preparing_says_what_is_missing():
    missing = "akool_async.simulator.not_there:Room"
    async with Simulator(rooms={"livekit": missing}) as sim:
        with pytest.raises(MissingDependencyError):
            await sim.prepare("livekit")


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
async def test_listening_for_other_machines_warns_and_the_sdk_takes_the_url(
    host: str, shown: str
) -> None:
    with pytest.warns(RuntimeWarning, match="whoever reaches this machine"):
        sim = await Simulator(host=host).__aenter__()
    try:
        assert sim.url.startswith(f"http://{shown}:")
        async with AkoolClient("k", base_url=sim.url) as akool:
            assert await akool.languages.list()
    finally:
        await sim.stop()


async def test_a_client_that_leaves_before_its_connection_is_upgraded_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    arrived, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow(_WebRoom):
        @classmethod
        def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
            async def upgrade(request: web.Request) -> web.StreamResponse:
                arrived.set()
                await gone.wait()
                try:
                    await web.WebSocketResponse().prepare(request)
                finally:
                    ended.set()
                raise AssertionError("the client was there")

            return [web.get("/rtc", upgrade)]

    async with Simulator(rooms={"livekit": Slow}) as sim:
        host, port = sim.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /rtc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await arrived.wait()
        writer.transport.abort()
        await asyncio.sleep(0.05)  # for the server's end to notice
        gone.set()
        await ended.wait()
    assert not caplog.records


async def test_a_connection_whose_client_is_gone_ends_with_the_simulator() -> None:
    """A program's own room isn't closed with a session, and aiohttp forgets such a connection."""
    before = asyncio.all_tasks()
    async with Simulator() as sim:
        token = mint(Grants(identity="page", room="hall"), lifetime=60)
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{sim.url}/rtc?access_token={token}&protocol=16") as socket,
        ):
            await socket.receive(timeout=30)
            transport = socket.get_extra_info("socket")
            assert transport is not None
            transport.shutdown(SHUT_RDWR)
    assert asyncio.all_tasks() <= before
