"""A web app: each visitor talks with an avatar in a room of their own.

A visitor's websocket is the visit: it ends with the page, and so does the paid session. At most
WEB_APP_PLACES sessions are open at once (3 by default); who comes then waits in a line. SIGTERM and
Ctrl-C close everything.

It needs the extra `livekit`.

    pip install fastapi uvicorn websockets
    export AKOOL_API_KEY=…
    export LIVEKIT_URL=wss://… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=…
    python examples/web_app/main.py 8000
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket as sockets
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse

from akool_async import AkoolClient, AkoolError, OwnLiveKitRoom, ReplyDone, UserSpoke
from akool_async.watch import client_file

AVATAR = "dvp_Tristan_cloth2_1080P"
PLACES = int(os.environ.get("WEB_APP_PLACES", "3"))
#: Seconds: the longest visit, and how long one may be silent. Both are limits of what is paid.
DURATION = 600
IDLE = 120
#: Seconds between two pings. A browser that answers none in as long again is gone.
PING = 20.0
#: A question's longest text.
LONGEST = 2000

logger = logging.getLogger("web_app")
PAGE = Path(__file__).with_name("index.html")
#: LiveKit's browser client: from a file that AKOOL_LIVEKIT_CLIENT names, or from a CDN.
CLIENT = client_file()


class Line:
    """Places for visits, and those who wait for one, in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Event] = deque()

    @asynccontextmanager
    async def place(self, report: Callable[[int], Awaitable[None]]) -> AsyncIterator[None]:
        """Waits for a place and holds it; `report` is given how many are before this one."""
        changed = asyncio.Event()
        self._waiting.append(changed)
        try:
            while not self._free or self._waiting[0] is not changed:
                changed.clear()
                await report(self._waiting.index(changed))
                await changed.wait()
            self._free -= 1
        finally:
            self._waiting.remove(changed)
            self._move()
        try:
            yield
        finally:
            self._free += 1
            self._move()

    def _move(self) -> None:
        for changed in self._waiting:
            changed.set()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    OwnLiveKitRoom()  # fails now where the server's address or keys are missing
    async with AkoolClient() as akool:
        app.state.akool = akool
        app.state.line = Line(PLACES)
        yield


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/")
async def page() -> HTMLResponse:
    text = PAGE.read_text("utf-8")
    if CLIENT is not None:  # the integrity hash is the CDN's version's
        before, _, rest = text.partition("<script src=")
        text = before + '<script src="livekit-client.js">' + rest.partition(">")[2]
    return HTMLResponse(text)


@app.get("/livekit-client.js")
async def livekit_client() -> Response:
    if CLIENT is None:
        return Response(status_code=404)
    return FileResponse(CLIENT, media_type="text/javascript")


@app.websocket("/visit")
async def visit(socket: WebSocket) -> None:
    # Browsers let any page open a websocket to here: others shall not spend our credits.
    if urlsplit(socket.headers.get("origin", "")).netloc != socket.headers.get("host"):
        await socket.close()
        return
    await socket.accept()
    questions: asyncio.Queue[str] = asyncio.Queue(maxsize=5)
    tasks = [
        asyncio.create_task(read(socket, questions)),
        asyncio.create_task(hold(socket, questions)),
    ]
    try:
        # The visitor leaves, or the session ends.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        # The session is closed before this returns, whatever cancels it.
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, AkoolError):
                logger.warning("a visit ended: %s", outcome)
            elif isinstance(outcome, Exception) and not is_gone(outcome):
                logger.error("a visit failed", exc_info=outcome)


def is_gone(error: Exception) -> bool:
    """Whether an error says that the browser is gone."""
    return isinstance(error, (WebSocketDisconnect, OSError, RuntimeError))


async def read(socket: WebSocket, questions: asyncio.Queue[str]) -> None:
    async for text in socket.iter_text():
        if 0 < len(text) <= LONGEST and not questions.full():
            questions.put_nowait(text)


async def hold(socket: WebSocket, questions: asyncio.Queue[str]) -> None:
    """From the line to the end of the session."""

    async def report(ahead: int) -> None:
        await socket.send_json({"waiting": ahead + 1})

    async with app.state.line.place(report):
        await socket.send_json({"opening": True})
        room = OwnLiveKitRoom(name=f"visit-{secrets.token_hex(8)}")
        try:
            await talk(socket, questions, room)
        except AkoolError:
            # What went wrong is for the log.
            await socket.send_json({"over": "The avatar can't come now. Please try again later."})
            raise
        await socket.send_json({"over": "The visit is over."})


async def talk(socket: WebSocket, questions: asyncio.Queue[str], room: OwnLiveKitRoom) -> None:
    akool: AkoolClient = app.state.akool
    async with (
        akool.open_session(AVATAR, room=room, duration=DURATION, idle_timeout=IDLE) as avatar,
        avatar.events(UserSpoke, ReplyDone) as events,
    ):
        link = avatar.visitor_link()
        await socket.send_json(
            {"url": link.url, "token": link.token, "avatar": room.avatar_identity}
        )

        async def answer() -> None:
            while True:
                question = await questions.get()
                try:
                    await avatar.ask(question)  # its text comes as an event, as every reply
                except AkoolError as error:
                    logger.warning("a question has no answer: %s", error)
                    await socket.send_json({"who": "Avatar", "text": "I have no answer now."})

        answering = asyncio.create_task(answer())
        try:
            async for event in events:
                match event:
                    case UserSpoke(text=text):
                        await socket.send_json({"who": "You", "text": text})
                    case ReplyDone():
                        await socket.send_json({"who": "Avatar", "text": event.text})
        finally:
            answering.cancel()
            await asyncio.wait([answering])


def main(port: int) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with sockets.create_server(("127.0.0.1", port)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
        options: dict[str, Any] = {
            "ws": "websockets-sansio",
            "ws_ping_interval": PING,
            "ws_ping_timeout": PING,
            # Sessions are closed within this; the orchestrator's own limit has to be above it.
            "timeout_graceful_shutdown": 25,
            "access_log": False,
        }
        server = uvicorn.Server(uvicorn.Config(app, **options))
        server.run([listening])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
