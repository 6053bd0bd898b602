"""The page as an aiohttp application: its files, its websocket, and what it may load."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSMsgType, web

from akool_async import events as ev
from akool_async.conversation import AvatarSession
from akool_async.errors import AkoolError, ConfigurationError
from akool_async.rooms.viewers import ViewerLink
from akool_async.validation import flag, text
from akool_async.watch.access import Access

__all__ = ["LIVEKIT_CLIENT_URL", "LOOPBACK", "WatchPage"]

logger = logging.getLogger(__name__)

#: LiveKit's browser client, where no file of it is given: a fixed version, checked by its hash.
LIVEKIT_CLIENT_URL: Final = (
    "https://cdn.jsdelivr.net/npm/livekit-client@2.15.7/dist/livekit-client.umd.js"
)
_LIVEKIT_CLIENT_HASH: Final = (
    "sha384-Im1I1B8kg+QAqMWMje7KTj17burxG2bnM4X8//QdlzfKYxi8sQuvsRYwHbU2vyAJ"
)
_VARIABLE: Final = "AKOOL_LIVEKIT_CLIENT"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_STATIC: Final = Path(__file__).with_name("static")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
#: What a browser may send at once, in bytes, and type in one question.
_MAX_MESSAGE: Final = 64 * 1024
_MAX_TEXT: Final = 10_000
#: Questions of one browser that wait for their answers.
_MAX_ASKING: Final = 8
_SEND_TIMEOUT: Final = 10.0


class WatchPage:
    """One conversation's page. Any number of browsers may have it open."""

    def __init__(
        self,
        avatar: AvatarSession,
        *,
        livekit_client: str | Path | None = None,
        hosts: Iterable[str] = LOOPBACK,
        microphone: bool = True,
    ) -> None:
        """Serves nothing yet.

        Args:
            avatar: the conversation, which stays the caller's to close; the page has a button that
                ends it.
            livekit_client: a file `livekit-client.umd.js` of the npm package `livekit-client`, by
                default what `AKOOL_LIVEKIT_CLIENT` names; without, the browser loads it from
                jsdelivr.net, a fixed version checked by its hash.
            hosts: names by which the page may be asked for. Others are refused, so that a foreign
                page can't reach it by a name of its own that leads to this machine.
            microphone: whether people may talk by it; otherwise they join hidden.

        Raises:
            ConfigurationError: there is no such file.
            InvalidParameterError: a wrong value.
            NotSupportedError: the room lets no one in; see `AvatarSession.viewer_link`.
        """
        given = livekit_client or os.environ.get(_VARIABLE, "").strip() or None
        self._client = None if given is None else Path(given)
        if self._client is not None and not self._client.is_file():
            raise ConfigurationError(f"there is no file {str(self._client)!r} with livekit-client")
        self._microphone = flag("microphone", microphone)
        self._avatar = avatar
        self._access = Access(text("hosts", host) for host in hosts)
        self._server = self._link().url  # raises where no one can be let in
        self._open: set[web.WebSocketResponse] = set()

    def link(self, base: str) -> str:
        """A link for one browser, once; `base`: where the application is reached, "http://…/"."""
        return f"{base.rstrip('/')}/?ticket={self._access.ticket()}"

    def app(self) -> web.Application:
        """A new application; mount it with `add_subapp`, or run it by itself."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/events", self._events)
        for name in ("watch.js", "watch.css"):
            app.router.add_get(f"/{name}", self._file(_STATIC / name))
        if self._client is not None:
            app.router.add_get("/livekit-client.js", self._file(self._client))
        app.on_shutdown.append(self._leave)
        return app

    def _link(self) -> ViewerLink:
        return self._avatar.visitor_link() if self._microphone else self._avatar.viewer_link()

    # What is let in.

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not self._access.is_host(request.host):
            raise web.HTTPForbidden(text="this host isn't one that the page is served at")
        ticket = request.query.get("ticket")
        if ticket is not None:
            return self._enter(request, ticket)
        if not self._access.is_inside(request.cookies.get(self._access.cookie, "")):
            raise web.HTTPForbidden(text="this link was used, or isn't one; ask for another")
        response: web.StreamResponse = await handler(request)
        return response

    def _enter(self, request: web.Request, ticket: str) -> web.Response:
        cookie = self._access.enter(ticket)
        if cookie is None:
            raise web.HTTPForbidden(text="this link was used, or isn't one; ask for another")
        # To the page without the ticket: it stays in no history and no screenshot.
        response = web.Response(status=303, headers={"Location": request.path, **_headers()})
        response.set_cookie(
            self._access.cookie,
            cookie,
            httponly=True,
            samesite="Lax",
            secure=request.secure,
            path=request.path,
        )
        return response

    # Files.

    async def _page(self, request: web.Request) -> web.Response:
        del request
        page = (_STATIC / "index.html").read_text(encoding="utf-8")
        script = 'src="livekit-client.js"'
        if self._client is None:
            script = (
                f'src="{LIVEKIT_CLIENT_URL}" integrity="{_LIVEKIT_CLIENT_HASH}" '
                'crossorigin="anonymous"'
            )
        return web.Response(
            text=page.replace('src="livekit-client.js"', script),
            content_type="text/html",
            headers={**_headers(), "Content-Security-Policy": self._policy()},
        )

    def _policy(self) -> str:
        server = urlsplit(self._server)
        secure = server.scheme in ("wss", "https")
        calls = " ".join(
            f"{scheme}://{server.netloc.rpartition('@')[2]}"
            for scheme in (("wss", "https") if secure else ("ws", "http"))
        )
        script = "'self'" if self._client is not None else f"'self' {LIVEKIT_CLIENT_URL}"
        return (
            f"default-src 'none'; script-src {script}; style-src 'self'; "
            f"connect-src 'self' {calls}; media-src blob: mediastream:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def _file(self, path: Path) -> Any:
        async def send(request: web.Request) -> web.Response:
            del request
            content = await asyncio.to_thread(path.read_bytes)
            kind = _TYPES[path.suffix]
            return web.Response(body=content, content_type=kind, headers=_headers())

        return send

    # The conversation.

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        # A websocket isn't bound by the same-origin rule, so the server has to look.
        if not self._access.is_own_origin(request.headers.get("Origin", ""), request.host):
            raise web.HTTPForbidden(text="a page of another origin")
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=_MAX_MESSAGE)
        await socket.prepare(request)
        self._open.add(socket)
        try:
            await _Browser(self._avatar, socket, self._link).run()
        finally:
            self._open.discard(socket)
        return socket

    async def _leave(self, app: web.Application) -> None:
        del app
        for socket in list(self._open):
            await socket.close(code=1001, message=b"the page is closed")


class _Browser:
    """One browser that has the page open."""

    def __init__(self, avatar: AvatarSession, socket: web.WebSocketResponse, link: Any) -> None:
        self._avatar = avatar
        self._socket = socket
        self._link = link
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the browser leaves or the conversation is over."""
        if self._avatar.closed:
            await self._send({"type": "over", "reason": "closed"})
            return
        async with self._avatar.events() as reader:
            link: ViewerLink = self._link()
            await self._send(
                {
                    "type": "hello",
                    "url": link.url,
                    "token": link.token,
                    "avatar": next(
                        (one.identity for one in self._avatar.participants if one.is_avatar), ""
                    ),
                    "microphone": link.identity.startswith("visitor"),
                    "transcript": [
                        {"who": entry.role, "text": entry.text} for entry in self._avatar.transcript
                    ],
                }
            )
            reporting = asyncio.create_task(self._report(reader), name="akool-watch-events")
            try:
                async for message in self._socket:
                    if message.type is WSMsgType.TEXT:
                        await self._received(message.data)
            finally:
                tasks = [reporting, *self._asking]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _received(self, data: str) -> None:
        try:
            wanted = msgspec.json.decode(data)
        except msgspec.DecodeError:
            wanted = None
        match wanted:
            case {"ask": str() as question} if 0 < len(question.strip()) <= _MAX_TEXT:
                if len(self._asking) >= _MAX_ASKING:
                    await self._send({"type": "problem", "text": "too many questions at once"})
                    return
                await self._send({"type": "line", "who": "user", "text": question})
                self._start(self._do(self._avatar.ask(question)))
            case {"interrupt": True}:
                self._start(self._do(self._avatar.interrupt()))
            case {"end": True}:
                self._start(self._do(self._avatar.aclose()))
            case {"ping": int() | float() as sent}:
                await self._send({"type": "pong", "sent": sent})
            case _:
                await self._send({"type": "problem", "text": "that wasn't understood"})

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work, name="akool-watch")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _do(self, call: Any) -> None:
        """What fails is shown; the answer itself comes as events."""
        try:
            await call
        except AkoolError as error:
            await self._send({"type": "problem", "text": str(error)})

    async def _report(self, reader: Any) -> None:
        async for event in reader:
            match event:
                case ev.ReplyDelta(text=piece, mid=mid):
                    await self._send({"type": "piece", "mid": mid, "text": piece})
                case ev.ReplyDone(reply=reply):
                    done = {"type": "done", "mid": reply.mid, "text": reply.text}
                    await self._send(done)
                case ev.UserSpoke(text=heard):
                    await self._send({"type": "line", "who": "user", "text": heard})
                case ev.Reconnecting():
                    await self._send({"type": "state", "text": "connecting again"})
                case ev.Reconnected() | ev.AvatarReturned():
                    await self._send({"type": "state", "text": "connected"})
                case ev.AvatarLeft():
                    await self._send({"type": "state", "text": "the avatar left"})
                case ev.Disconnected(reason=reason):
                    await self._send({"type": "over", "reason": reason})
        await self._socket.close()

    async def _send(self, message: dict[str, Any]) -> None:
        # A browser that is gone ends the loop that reads; what it would have shown is lost.
        with contextlib.suppress(ConnectionError, RuntimeError):
            try:
                async with asyncio.timeout(_SEND_TIMEOUT):
                    await self._socket.send_str(msgspec.json.encode(message).decode())
            except TimeoutError:
                logger.warning("a browser took nothing for %g s and is dropped", _SEND_TIMEOUT)
                await self._socket.close(code=1008)


def _headers() -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
