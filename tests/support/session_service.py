"""What creates and closes sessions at the service, scripted; and a room without an avatar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from akool_async.client import AkoolClient
from akool_async.conversation import ConversationOptions
from akool_async.stream.limits import LIVEKIT
from akool_async.testing.in_memory_room import InMemoryRoom, InMemoryTransport
from akool_async.transport import JoinTarget

__all__ = ["QUICK", "EmptyRoom", "SessionService", "answer", "opening", "refusal"]

Hook = Callable[[Mapping[str, Any]], Awaitable[web.StreamResponse | None]]

#: For a room where nothing answers the opening command.
QUICK = ConversationOptions(opening_timeout=0.01, close_timeout=1.0)


def answer(data: object = None) -> web.Response:
    return web.json_response({"code": 1000, "msg": "OK"} | ({} if data is None else {"data": data}))


def refusal(code: int, *, status: int = 200, retry_after: int | None = None) -> web.Response:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response({"code": code, "msg": "no"}, status=status, headers=headers)


class EmptyRoom(InMemoryTransport):
    """A room that can be joined, and where no one is."""

    name = "empty"
    room_limits = LIVEKIT

    def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
        super().__init__(target, {**options, "room": InMemoryRoom(limits=self.room_limits)})


def opening(akool: AkoolClient, **more: Any) -> Any:
    """`open_session` of an avatar, in an empty room."""
    return akool.open_session("a", transport=EmptyRoom, **{"options": QUICK, **more})


class SessionService:
    """Sessions of versions 3 and 4, over real HTTP.

    Attributes:
        open: the ids of the sessions that cost now.
        calls: the last part of each call's path, "create", "close", …
        bodies: of each call.
        hooks: by such a name, a function of the call's body that answers in our place; what gives
            `None` has the call go on as usual.
    """

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.calls: list[str] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.hooks: dict[str, Hook] = {}
        self.made = 0
        self.url = ""
        self._ending = asyncio.Event()

    def create(self, *, version_3: bool = False) -> dict[str, Any]:
        """A new session; create's `data`."""
        self.made += 1
        session_id = f"s{self.made}"
        self.open.add(session_id)
        data: dict[str, Any] = {"_id": session_id, "status": 2}
        if version_3:
            room = "wss://127.0.0.1:1/final_x/"
            return data | {"stream_urls": {"client_chat_room_url": f"{room}client_1.chat"}}
        fields = {"url": "ws://127.0.0.1:1", "token": "t", "server_identity": "avatar"}
        return data | {"credentials": {f"livekit_{name}": value for name, value in fields.items()}}

    async def never(self, body: Mapping[str, Any]) -> web.StreamResponse:
        """A hook that answers when the service ends."""
        await self._ending.wait()
        return refusal(1005)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = request.path.rsplit("/", 1)[-1]
        body = await request.json() if request.can_read_body else {}
        self.calls.append(name)
        self.bodies.append(body)
        if name in self.hooks and (answered := await self.hooks[name](body)) is not None:
            return answered
        if name == "create":
            return answer(self.create(version_3="/v3/" in request.path))
        if name == "close":
            self.open.discard(body["id"])
            return answer()
        return answer({"_id": request.query.get("id"), "status": 2})

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[SessionService]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            self._ending.set()
            await runner.cleanup()
