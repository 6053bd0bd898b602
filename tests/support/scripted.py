"""A real HTTP server on loopback that answers what a test says, and remembers what it was asked."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = ["Asked", "Scripted", "drop", "envelope"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)
    raw_path: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def envelope(data: Any = None, *, code: Any = 1000, msg: str = "OK", **more: Any) -> dict[str, Any]:
    """The service's envelope; without `data` where there is none."""
    out: dict[str, Any] = {"code": code, "msg": msg, **more}
    return out if data is None else {**out, "data": data}


class Scripted:
    """Answers in order what was put in: a dict (JSON), bytes, a response, or a handler.

    With nothing left it answers `otherwise`.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: deque[Any] = deque()
        self.otherwise: Any = envelope()
        self.url = ""
        self.connections: set[Any] = set()

    def answer(self, *answers: Any) -> None:
        self.answers.extend(answers)

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.connections.add(request.transport)
        self.asked.append(
            Asked(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                body,
                request.raw_path,
            )
        )
        answer = self.answers.popleft() if self.answers else self.otherwise
        if callable(answer):
            answer = await answer(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="application/json")
        return web.json_response(answer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scripted]:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, handle_signals=False, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()


async def drop(request: web.Request) -> web.StreamResponse:
    """Closes the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
