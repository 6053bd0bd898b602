"""A TCP forwarder on loopback, to break a connection between two programs that know no faults."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

__all__ = ["Forwarder"]


class Forwarder:
    """Hands connections on to another port; an async context manager.

    Attributes:
        port: the one to connect to.
        silent: new connections are taken and nothing is handed on.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self.port = 0
        self.silent = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def drop(self) -> None:
        """Breaks every open connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self.silent:
                await reader.read()
                return
            back, far = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._writers.add(far)
            await asyncio.gather(_pump(reader, far), _pump(back, writer))
        except OSError:
            return  # the server is down: the connection simply ends
        except asyncio.CancelledError:
            return  # by our own end; asyncio's streams would log it as an error
        finally:
            for one in (writer, far):
                if one is not None:
                    self._writers.discard(one)
                    one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
