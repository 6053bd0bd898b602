"""A live FLV stream over HTTP, as a version 3 session has it, with flashes and beeps."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from av_samples import picture, sound

from akool_async.media.recording.film import FilmWriter
from akool_async.media.recording.formats import FileFormat
from akool_async.media.recording.output_file import OutputFile

_FLV = FileFormat("flv", "libx264", "aac", "", video_options={"preset": "ultrafast", "bf": "0"})
_HEADER = 9 + 4
SECONDS = 8


@dataclass(frozen=True)
class Tag:
    """One tag of FLV: 8 audio, 9 video, 18 metadata; `at` in milliseconds."""

    kind: int
    at: int
    data: bytes

    @property
    def is_header(self) -> bool:
        """What a decoder is set up with."""
        return self.kind == 18 or (self.kind in (8, 9) and self.data[1] == 0)

    @property
    def is_key(self) -> bool:
        """A picture that needs no other."""
        return self.kind == 9 and self.data[0] >> 4 == 1 and not self.is_header

    def packed(self, at: int) -> bytes:
        """Its bytes, with another time."""
        size = len(self.data)
        head = bytes([self.kind]) + size.to_bytes(3, "big") + (at & 0xFFFFFF).to_bytes(3, "big")
        return head + bytes([at >> 24, 0, 0, 0]) + self.data + (size + 11).to_bytes(4, "big")


@functools.cache
def film() -> tuple[bytes, tuple[Tag, ...]]:
    """The header, and the tags of `SECONDS` seconds with a key frame every two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.flv")
        writer = FilmWriter(OutputFile(path), _FLV, tracks=("avatar",))
        for i in range(50 * SECONDS):
            if i % 2 == 0:
                writer.video(picture(i / 50))
            writer.audio(sound(i / 50))
        writer.close()
        data = path.read_bytes()
    tags, at = [], _HEADER
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        when = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        tags.append(Tag(data[at], when, data[at + 11 : at + 11 + size]))
        at += 11 + size + 4
    return data[:_HEADER], tuple(sorted(tags, key=lambda tag: tag.at))


class FLVServer:
    """Serves the film again and again, at its pace; a new viewer begins at the last key frame.

    Attributes:
        viewers: connections that are open.
        requests: how many there were.
        status: of the answers.
        silent: nothing is sent any more.
        garbage: what is sent isn't FLV.
    """

    def __init__(self) -> None:
        self.url = ""
        self.viewers = 0
        self.requests = 0
        self.status = 200
        self.silent = False
        self.garbage = False
        self._open: list[web.Request] = []
        self._began = 0.0

    def cut(self) -> None:
        """Breaks every connection."""
        for request in self._open:
            if request.transport is not None:
                request.transport.abort()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FLVServer]:
        """While it lasts, it answers."""
        film()
        self._began = asyncio.get_running_loop().time()
        app = web.Application()
        app.add_routes([web.get("/live/secret.flv", self._live)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        self.url = f"http://{host}:{port}/live/secret.flv"
        try:
            yield self
        finally:
            self.cut()
            await runner.cleanup()

    async def _live(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if self.status != 200:
            return web.Response(status=self.status)
        answer = web.StreamResponse(headers={"Content-Type": "video/x-flv"})
        await answer.prepare(request)
        self._open.append(request)
        self.viewers += 1
        try:
            await self._send(answer)
        except (ConnectionError, RuntimeError):
            pass
        finally:
            self.viewers -= 1
            self._open.remove(request)
        return answer

    async def _send(self, answer: web.StreamResponse) -> None:
        header, tags = film()
        if self.garbage:
            await answer.write(b"this is no film" * 10_000)
            return
        await answer.write(header + b"".join(tag.packed(0) for tag in tags if tag.is_header))
        body = [tag for tag in tags if not tag.is_header]
        now = self._now()
        turn, place = divmod(now, SECONDS * 1000)
        keys = [i for i, tag in enumerate(body) if tag.is_key and tag.at <= place]
        at = keys[-1] if keys else 0
        while True:
            for tag in body[at:]:
                when = turn * SECONDS * 1000 + tag.at
                while self.silent or when > self._now():
                    await asyncio.sleep(0.01)
                await answer.write(tag.packed(when))
            turn, at = turn + 1, 0

    def _now(self) -> int:
        """Milliseconds of the stream."""
        return round((asyncio.get_running_loop().time() - self._began) * 1000)
