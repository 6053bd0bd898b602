"""The judge of a campaign: a simulator in a process of its own, which nothing else can confuse.

Started by `Judge`; answers one JSON line for each JSON line it reads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

sys.path.append(str(Path(__file__).parents[1] / "support"))

from real_livekit import RealServer, environment_for, server_from_environment

from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

__all__ = ["Judge"]

_ANSWERS_IN: Final = 60.0


class Judge:
    """`async with Judge() as judge`: `judge.url` is the service; the methods ask the process.

    Args:
        port: of the service; 0: a free one.
        livekit: a real server for its LiveKit rooms, in place of its own.
    """

    def __init__(self, port: int = 0, *, livekit: RealServer | None = None) -> None:
        self._port = port
        self._livekit = livekit
        self._process: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()
        self.url = ""

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        arguments, environment = [str(self._port)], dict(os.environ)
        if self._livekit is not None:
            arguments.append("livekit")
            environment |= environment_for(self._livekit)  # secrets aren't arguments
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, *arguments), stdin=pipe, stdout=pipe, env=environment
        )
        self.url = (await self._read())["url"]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def open(self) -> list[str]:
        """The ids of the sessions that are open."""
        return list((await self._ask(do="open"))["ids"])

    async def made(self) -> int:
        """How many sessions were ever made."""
        return int((await self._ask(do="open"))["made"])

    async def weather(self, faults: list[dict[str, Any]]) -> None:
        """Replaces the faults of the service by these: the arguments of `Simulator.fail_next`."""
        await self._ask(do="weather", faults=faults)

    async def close_all(self) -> None:
        """Ends every session, as its time does."""
        await self._ask(do="close_all")

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        async with self._asking:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            await self._process.stdin.drain()
            return await self._read()

    async def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(_ANSWERS_IN):
            line = await self._process.stdout.readline()
        assert line, "the judge ended"
        return dict(json.loads(line))


async def serve(port: int, livekit: LiveKitServer | None) -> None:
    """Runs the simulator until standard input ends."""
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    async with Simulator(port=port, queue_time=0.0, keep=1000, livekit=livekit) as simulator:
        print(json.dumps({"url": simulator.url}), flush=True)
        while line := await requests.readline():
            print(json.dumps(await answer(simulator, json.loads(line))), flush=True)


async def answer(simulator: Simulator, request: dict[str, Any]) -> dict[str, Any]:
    """Does what a line asks for."""
    match request["do"]:
        case "open":
            return {
                "ids": [session.id for session in simulator.open_sessions],
                "made": len(simulator.sessions),
            }
        case "weather":
            simulator.clear_faults()
            for fault in request["faults"]:
                simulator.fail_next(**fault)
        case "close_all":
            for session in list(simulator.open_sessions):
                await simulator.fail_session(session)
    return {}


def _real_server() -> LiveKitServer:
    known = server_from_environment()
    assert known is not None
    return LiveKitServer(known.url, known.api_key, known.api_secret)


if __name__ == "__main__":
    logging.getLogger("livekit").setLevel(logging.ERROR)  # details of its own signalling
    asyncio.run(serve(int(sys.argv[1]), _real_server() if sys.argv[2:] else None))
