"""The page as an ASGI 3 application, without a framework: http, websocket and lifespan."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

from akool_async.watch.contract import EVENTS, MAX_MESSAGE, Ask, Page

__all__ = ["ASGIApplication"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TOO_LONG: Final = 1009


class ASGIApplication:
    """Brings requests of an ASGI server, or of the application it is mounted in, to the page.

    A server closes websockets itself when it stops, and pings them (uvicorn: every 20 s), so that
    a browser that is gone without a word is noticed.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one connection, as the ASGI specification has it."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)
        else:
            raise ValueError(f"ASGI scopes of the type {kind!r} aren't known here")

    async def _http(self, scope: Message, send: Send) -> None:
        answer = await self._page.answer(_ask(scope))
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.items()
        ]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": headers},
        )
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # "websocket.connect"
        ask = _ask(scope)
        if ask.name != EVENTS or self._page.refused(ask) is not None:
            # Before it is accepted, this is status 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept"})
        await self._page.run(_SocketChannel(receive, send))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._page.leave()
                await send({"type": "lifespan.shutdown.complete"})
                return


class _SocketChannel:
    """An ASGI websocket as a `Channel`."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_open = True

    async def receive(self) -> str | None:
        if not self._is_open:
            return None
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._is_open = False
            return None
        text = message.get("text") or ""
        if len(text) > MAX_MESSAGE or len(message.get("bytes") or b"") > MAX_MESSAGE:
            await self.close(_TOO_LONG, "too long")
            return None
        return text

    async def send(self, text: str) -> None:
        if self._is_open:
            await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str = "") -> None:
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(OSError, RuntimeError):  # it is gone
                await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _ask(scope: Message) -> Ask:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        # A second one of a name is ignored: none of those that are read may be repeated.
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return Ask(
        name=_name(scope),
        host=headers.get("host", ""),
        origin=headers.get("origin", ""),
        ticket=query["ticket"][0] if "ticket" in query else None,
        cookies=_cookies(headers.get("cookie", "")),
        secure=scope.get("scheme") in ("https", "wss"),
        method=scope.get("method", "GET"),
    )


def _name(scope: Message) -> str:
    """The path below the page's own; servers give it with the mount's path, or without."""
    path: str = scope["path"]
    mounted: str = scope.get("root_path", "")
    if mounted and (path == mounted or path.startswith(f"{mounted}/")):
        path = path[len(mounted) :]
    return path.removeprefix("/")


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
