"""The v3 chat room: latency beside a raw websocket, 1,000 sessions in one process, a long talk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from akool_chatroom import ChatRoomTransport
from framework import Bench, at_most, at_most_times, row
from pydantic import SecretStr
from websockets.asyncio.client import connect

from akool_async.conversation import AvatarSession
from akool_async.models.credentials import ChatRoomCredentials
from akool_async.stream import StreamCodec
from akool_async.stream.limits import CHATROOM
from akool_async.stream.messages import Chat, QuestionOptions
from akool_async.transport import JoinTarget

QUESTION = "Could you tell me, in a sentence or two, what the weather will be like tomorrow?"
PATH = "final_20240718075254093_8898/client_8898.chat"


@asynccontextmanager
async def echoing_room() -> AsyncIterator[str]:
    """The URL of a chat room that answers with the question's text."""
    script = Path(__file__).with_name("chatroom_echo.py")
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = int(await asyncio.to_thread(process.stdout.readline))
        try:
            yield f"ws://127.0.0.1:{port}/{PATH}"
        finally:
            process.stdin.close()
            await asyncio.to_thread(process.wait)


def transport_to(url: str) -> ChatRoomTransport:
    credentials = ChatRoomCredentials(
        client_chat_room_url=SecretStr(url), client_id="client_8898", server_id="server_8898"
    )
    return ChatRoomTransport(JoinTarget(credentials), {})


@row(
    "question to first frame",
    group="chatroom",
    unit="ms",
    counterpart="raw websockets",
    goal={"p50": at_most_times(1.3)},
)
async def question_to_first_frame(bench: Bench) -> None:
    """Both ends on loopback; the server has a process of its own."""
    codec = StreamCodec(CHATROOM, "v3", peer_id="server_8898")
    [frame] = codec.encode(Chat(QUESTION, "msg-0123456789ab", options=QuestionOptions(mode_type=2)))
    async with (
        echoing_room() as url,
        AvatarSession(transport_to(url)) as avatar,
        connect(url, compression=None) as raw,
    ):

        async def ours() -> None:
            async with avatar.stream(QUESTION) as reply:
                await anext(reply)

        async def theirs() -> None:
            await raw.send(frame, text=True)
            await raw.recv()

        await bench.latency(ours, theirs, count=500)
