"""The page as an aiohttp application."""

from __future__ import annotations

from typing import Final

from aiohttp import WSMsgType, web

from akool_async.watch.contract import EVENTS, MAX_MESSAGE, Answer, Ask, Page

__all__ = ["make_app"]

#: Seconds between two pings: a browser that is gone without a word is noticed in as much and half.
_HEARTBEAT: Final = 20.0


class _SocketChannel:
    """An aiohttp websocket as a `Channel`."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> str | None:
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT:
            return str(message.data)
        return "" if message.type is WSMsgType.BINARY else None

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def close(self, code: int, reason: str = "") -> None:
        await self._socket.close(code=code, message=reason.encode())


def make_app(page: Page) -> web.Application:
    """A new application; its websockets are closed when it shuts down."""

    async def files(request: web.Request) -> web.Response:
        return _response(await page.answer(_ask(request)))

    async def events(request: web.Request) -> web.StreamResponse:
        refused = page.refused(_ask(request))
        if refused is not None:
            return _response(refused)
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=MAX_MESSAGE)
        await socket.prepare(request)
        await page.run(_SocketChannel(socket))
        return socket

    async def leave(app: web.Application) -> None:
        del app
        await page.leave()

    app = web.Application()
    app.router.add_get(f"/{EVENTS}", events)
    app.router.add_route("*", "/{name:[^/]*}", files)
    app.on_shutdown.append(leave)
    return app


def _ask(request: web.Request) -> Ask:
    return Ask(
        name=request.match_info.get("name", EVENTS),
        host=request.host,
        origin=request.headers.get("Origin", ""),
        ticket=request.query.get("ticket"),
        cookies=request.cookies,
        secure=request.secure,
        method=request.method,
    )


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
