"""The simulator's chat room, entered with a plain `websockets` client and with a raw socket."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.chatroom import ChatRoom
from akool_async.simulator.rooms.room import RoomDirectory, RoomRequest
from akool_async.testing.waiting import until

LIMIT = 20.0


@dataclass
class Events:
    """What the room reported to its avatar."""

    reported: list[tuple[str, str | bytes]] = field(default_factory=list)

    def joined(self, identity: str) -> None:
        self.reported.append(("joined", identity))

    def left(self, identity: str) -> None:
        self.reported.append(("left", identity))

    def packet(self, data: bytes, sender: str) -> None:
        self.reported.append((sender, data))

    async def until(self, what: tuple[str, str | bytes]) -> None:
        await until(lambda: what in self.reported, repr(what))


@asynccontextmanager
async def running():
    directory = RoomDirectory()
    app = web.Application()
    app.add_routes(ChatRoom.routes(directory))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    opened = []

    async def make(conditions: NetworkConditions | None = None, stream_type="flv"):
        room = ChatRoom(
            RoomRequest(
                "s1",
                60.0,
                stream_type,
                f"http://127.0.0.1:{port}",
                conditions or NetworkConditions(),
            ),
            Events(),
        )
        room.urls = await room.open()
        room.url = room.urls["client_chat_room_url"]
        directory.add(room)
        opened.append(room)
        return room

    yield make
    for room in opened:
        await room.close("closed")
    await runner.cleanup()


@pytest.fixture
async def make():
    async with running() as make:
        yield make


@pytest.fixture
async def room(make):
    return await make()


async def test_urls_are_shaped_like_the_documents(room):
    urls = room.urls
    assert re.fullmatch(
        r"ws://127\.0\.0\.1:\d+/final_\d{17}_(\d{4})/client_\1\.chat", urls["client_chat_room_url"]
    )
    assert urls["server_chat_room_url"] == urls["client_chat_room_url"].replace("client", "server")
    assert re.fullmatch(
        r"http://127\.0\.0\.1:\d+/final_openapi_live/\d{17}_\d{4}\.flv",
        urls["client_pull_stream_url"],
    )
    assert urls["client_push_stream_url"].endswith(f"/openapi_live/{room.stream_name}.whip")
    assert not [name for name in urls if name.startswith("agora")]


async def test_agora_video_has_its_credentials(make):
    urls = (await make(stream_type="agora")).urls
    assert len(urls["agora_app_id"]) == 32
    assert urls["agora_channel"]
    assert urls["agora_token"].startswith("007")


async def test_no_two_rooms_share_a_name(make):
    rooms = [await make() for _ in range(50)]
    assert len({room.stream_name for room in rooms}) == 50


async def test_frames_both_ways(room):
    async with connect(room.url) as client:
        await room.events.until(("joined", room.client_id))
        await client.send("question")
        await room.events.until((room.client_id, b"question"))
        await room.send(b"answer")
        assert await client.recv() == "answer"
    await room.events.until(("left", room.client_id))


async def test_no_one_there_loses_the_packet(room):
    await room.send(b"into the void")
    async with connect(room.url) as client:
        await room.events.until(("joined", room.client_id))
        await room.send(b"heard")
        assert await client.recv() == "heard"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (("client_", "server_"), 403),
        (("client_", "spy_"), 404),
        (("final_2", "final_1"), 404),
    ],
)
async def test_other_doors_are_shut(room, change, status):
    with pytest.raises(InvalidStatus) as caught:
        await connect(room.url.replace(*change))
    assert caught.value.response.status_code == status


async def test_plain_http_is_no_way_in(room):
    async with ClientSession() as http, http.get(room.url.replace("ws", "http", 1)) as answer:
        assert answer.status == 400
    assert room.events.reported == []


@pytest.mark.parametrize(
    ("reason", "said"), [("closed", "session closed"), ("expired", "session timed out")]
)
async def test_closing_says_why(room, reason, said):
    async with connect(room.url) as client:
        await room.events.until(("joined", room.client_id))
        await room.close(reason)
        await room.close(reason)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (1000, said)
    with pytest.raises(InvalidStatus) as caught:
        await connect(room.url)
    assert caught.value.response.status_code == 404


async def test_conditions_apply_both_ways(make):
    room = await make(NetworkConditions(double=1.0, delay=0.01))
    async with connect(room.url) as client:
        await room.events.until(("joined", room.client_id))
        await room.send(b"answer")
        assert [await client.recv(), await client.recv()] == ["answer", "answer"]
        await client.send("question")
        await until(lambda: room.events.reported.count((room.client_id, b"question")) == 2)
        room.conditions.loss = 1.0
        await room.send(b"lost")
        room.conditions.loss = room.conditions.double = 0.0
        await room.send(b"after")
        assert await client.recv() == "after"


class TestFaults:
    async def test_unknown_one(self, room):
        with pytest.raises(ValueError, match="it knows big_frame, binary, close"):
            await room.fault("earthquake")

    async def test_every_one_is_documented(self, room):
        for name in room.faults:
            assert f"`{name}(" in ChatRoom.__doc__

    async def test_close(self, room):
        async with connect(room.url) as client:
            await room.events.until(("joined", room.client_id))
            await room.fault("close", code=4001, reason="because")
            await client.wait_closed()
            assert (client.close_code, client.close_reason) == (4001, "because")

    async def test_drop_socket(self, room):
        async with connect(room.url) as client:
            await room.events.until(("joined", room.client_id))
            await room.fault("drop_socket")
            await client.wait_closed()
            assert client.close_code == 1006

    async def test_refuse(self, room):
        await room.fault("refuse", status=503, times=2)
        for _ in range(2):
            with pytest.raises(InvalidStatus) as caught:
                await connect(room.url)
            assert caught.value.response.status_code == 503
        async with connect(room.url):
            pass

    async def test_silent_join(self, room):
        await room.fault("silent_join")
        with pytest.raises(TimeoutError):
            await connect(room.url, open_timeout=0.2)
        async with connect(room.url):
            pass

    async def test_freeze_and_thaw(self, room):
        async with connect(room.url, ping_interval=None) as client:
            await room.events.until(("joined", room.client_id))
            await room.fault("freeze")
            pong = await client.ping()
            await client.send("unheard")
            await asyncio.wait([pong], timeout=0.2)
            assert not pong.done()
            assert (room.client_id, b"unheard") not in room.events.reported
            await room.fault("thaw")
            await room.events.until((room.client_id, b"unheard"))

    async def test_frozen_it_still_closes(self, room):
        async with connect(room.url) as client:
            await room.events.until(("joined", room.client_id))
            await room.fault("freeze")
            async with asyncio.timeout(LIMIT):
                await room.close("closed")
                await client.wait_closed()

    async def test_a_client_that_reads_nothing_is_dropped(self, room, monkeypatch):
        monkeypatch.setattr("akool_async.simulator.rooms.chatroom.CLIENT_TIMEOUT", 0.1)
        async with connect(room.url) as client:
            await room.events.until(("joined", room.client_id))
            client.transport.pause_reading()
            async with asyncio.timeout(LIMIT):
                while ("left", room.client_id) not in room.events.reported:
                    await room.send(b"x" * 2**20)
                    await asyncio.sleep(0)
            client.transport.abort()

    async def test_frames_that_are_no_messages(self, room):
        async with connect(room.url, max_size=2**22) as client:
            await room.events.until(("joined", room.client_id))
            await room.fault("big_frame", size=2**21)
            assert await client.recv() == "x" * 2**21
            await room.fault("binary", data=b"\x01\x02")
            assert await client.recv() == b"\x01\x02"
            await room.fault("not_json")
            assert await client.recv() == "hello?"
