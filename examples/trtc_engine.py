"""A TRTC engine in one file: how to give `stream_type="trtc"` the part that isn't shipped.

Tencent has no SDK for Python. What people run instead is TRTC's web or native SDK in a process of
its own, and a line to it. Here that line is TCP on loopback with one JSON object per line, and the
far end is a small room (`serve_room`) that stands where your process with the SDK would be. For
the real thing keep `LineEngine` and replace the far end: have it call `trtc.enterRoom({strRoomId,
scene: 'rtc', …})`, `trtc.sendCustomMessage({cmdId: 1, data})`, and pass on `CUSTOM_MESSAGE`,
`REMOTE_USER_ENTER`, `REMOTE_USER_EXIT`, `CONNECTION_STATE_CHANGED` and `KICKED_OUT`.

    python examples/trtc_engine.py
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from akool_trtc import Engine, EngineError, EngineEvents, Room, TRTCTransport
from pydantic import SecretStr

from akool_async.models.credentials import TRTCCredentials
from akool_async.transport import JoinTarget

NOT_ALLOWED, FAILED = 5100, 5500


class LineEngine:
    """An `akool_trtc.Engine` over a process that has the SDK."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: deque[asyncio.Future[int]] = deque()

    async def join(self, room: Room, events: EngineEvents) -> None:
        """Connects to the process and has it enter the room, as an anchor."""
        try:
            lines, self._writer = await asyncio.open_connection(*self._address)
        except OSError as error:
            raise EngineError(FAILED, "the TRTC process isn't there") from error
        self._reader = asyncio.create_task(self._read(lines, events), name="trtc line")
        await self._ask(
            do="enter",
            sdkAppId=room.sdk_app_id,
            strRoomId=room.room_id,
            userId=room.user_id,
            userSig=room.user_sig,
            role="anchor",
        )

    async def send(self, packet: bytes) -> None:
        """One custom message on `cmdId` 1."""
        await self._ask(do="send", cmdId=1, data=base64.b64encode(packet).decode())

    async def leave(self) -> None:
        """Hangs up, which has the process exit the room."""
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        if reader is not None:
            reader.cancel()
            await asyncio.wait({reader})

    async def _ask(self, **order: Any) -> None:
        """Writes an order and waits for its code; the process answers in order."""
        if self._writer is None:
            raise EngineError(NOT_ALLOWED)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self._writer.write(json.dumps(order).encode() + b"\n")
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise EngineError(FAILED) from error
        if code := await answer:
            raise EngineError(code)

    async def _read(self, lines: asyncio.StreamReader, events: EngineEvents) -> None:
        try:
            while line := await lines.readline():
                self._handle(json.loads(line), events)
            events.disconnected("network")
        except ConnectionError:
            events.disconnected("network")
        finally:
            while self._answers:  # no one will answer any more
                if not (answer := self._answers.popleft()).done():
                    answer.set_result(FAILED)

    def _handle(self, message: dict[str, Any], events: EngineEvents) -> None:
        if "code" in message:
            answer = self._answers.popleft()
            if not answer.done():
                answer.set_result(message["code"])
        elif message["event"] == "message":
            events.packet(base64.b64decode(message["data"]), message["userId"])
        elif message["event"] == "enter":
            events.user_joined(message["userId"])
        elif message["event"] == "exit":
            events.user_left(message["userId"])
        elif message["event"] == "kicked_out":
            events.disconnected(message["reason"])


@contextlib.asynccontextmanager
async def serve_room(avatar: str = "avatar") -> AsyncIterator[tuple[str, int]]:
    """The far end: a room with an avatar that says back what it hears. Yields its address."""
    connections: set[asyncio.StreamWriter] = set()

    async def serve(lines: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        entered = False

        def notify(**message: Any) -> None:
            writer.write(json.dumps(message).encode() + b"\n")

        with contextlib.suppress(ConnectionError):
            while line := await lines.readline():
                order = json.loads(line)
                if order["do"] == "enter":
                    entered = bool(order["userSig"]) and isinstance(order["strRoomId"], str)
                    notify(code=0 if entered else 5400)
                    if entered:
                        notify(event="enter", userId=avatar)
                elif not entered:
                    notify(code=NOT_ALLOWED)
                elif order["cmdId"] != 1:
                    notify(code=5000)
                else:
                    notify(code=0)
                    notify(event="message", userId=avatar, data=order["data"])
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()
        for writer in connections:
            writer.close()
        await server.wait_closed()


async def main() -> None:
    """Joins, says something, hears it back, leaves."""
    credentials = TRTCCredentials(
        trtc_app_id=1400000000,
        trtc_room_id="room-1",
        trtc_user_id="me",
        trtc_user_sig=SecretStr("my-signature"),
    )
    async with serve_room() as (host, port):
        engine: Engine = LineEngine(host, port)
        # In a program: akool.open_session(…, stream_type="trtc", engine=engine)
        transport = TRTCTransport(JoinTarget(credentials), {"engine": engine})
        try:
            await transport.connect(timeout=10)
            await transport.send(b'{"v":2,"type":"chat"}', timeout=10)
            heard = await transport.receive()
            print(f"heard {heard!r}")
        finally:
            await transport.close()
    print(f"{transport.stats.packets_sent} sent, {transport.stats.packets_received} received")


if __name__ == "__main__":
    asyncio.run(main())
