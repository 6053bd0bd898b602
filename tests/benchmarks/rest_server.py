"""A REST server with ready answers: as little work as HTTP allows, in a process of its own.

`async with rest_server() as server:` gives its `url`; `await server.most_connections()` says how
many were open at once. What is measured against it is the client's work, ours or the counterpart's.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

AVATARS = 1000
PAGE = 100

SESSION = {
    "_id": "6698c9d69cf7b0d61d1b6420",
    "uid": 100010,
    "type": 1,
    "status": 1,
    "stream_type": "livekit",
    "duration": 60,
    "credentials": {
        "livekit_url": "wss://livekit.example.test",
        "livekit_token": "e" * 300,
        "livekit_room_name": "6698c9d69cf7b0d61d1b6420",
        "livekit_server_identity": "server",
        "livekit_client_identity": "client",
    },
}


def avatar(number: int) -> dict[str, object]:
    """An avatar object with the fields of the documents' example."""
    return {
        "_id": f"{number:024x}",
        "uid": 0,
        "type": 2,
        "from": 2,
        "avatar_id": f"dvp_Tristan_{number}_1080P",
        "voice_id": "iP95p4xoKVk53GoZ742B",
        "name": f"Tristan {number}",
        "url": f"https://static.example.test/avatar/{number}.mp4",
        "modify_url": f"https://static.example.test/avatar/{number}_m.mp4",
        "thumbnailUrl": f"https://static.example.test/avatar/{number}.webp",
        "gender": "male",
        "available": True,
        "status": 3,
        "disabled": False,
        "sort": number,
        "create_time": 1_734_500_000_000 + number,
    }


def _http(data: object) -> bytes:
    body = json.dumps({"code": 1000, "msg": "OK", "data": data}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Protocol(asyncio.Protocol):
    answers: dict[str, bytes]
    open = 0
    most = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._data = b""
        self._counted = False

    def connection_lost(self, exc: Exception | None) -> None:
        _Protocol.open -= self._counted

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._data) < end + 4 + length:
                return
            target = self._data[:end].split(b" ", 2)[1].decode()
            self._data = self._data[end + 4 + length :]
            self._transport.write(self._answer(target))

    def _answer(self, target: str) -> bytes:
        if target == "/most":
            return _http(_Protocol.most)
        if not self._counted:
            self._counted = True
            _Protocol.open += 1
            _Protocol.most = max(_Protocol.most, _Protocol.open)
        path, _, query = target.partition("?")
        if path.endswith("/list"):
            return self.answers[dict(pair.split("=") for pair in query.split("&"))["page"]]
        return self.answers["create"]


async def _serve() -> None:
    pages = range(AVATARS // PAGE)
    _Protocol.answers = {"create": _http(SESSION)} | {
        str(page + 1): _http(
            {"count": AVATARS, "result": [avatar(page * PAGE + n) for n in range(PAGE)]}
        )
        for page in pages
    }
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with the process that started it.
    await asyncio.to_thread(sys.stdin.read)


@dataclass
class RestServer:
    """Where it is."""

    url: str

    async def most_connections(self) -> int:
        """How many connections were open at once so far, this one not counted."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/most") as response:
            return int((await response.json())["data"])


@asynccontextmanager
async def rest_server() -> AsyncIterator[RestServer]:
    """Starts it in a process of its own and ends it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 30))
        yield RestServer(f"http://127.0.0.1:{port}")
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
