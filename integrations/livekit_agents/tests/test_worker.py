"""The example agent as a real worker that a real server gives jobs; the simulator is the judge."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from livekit import api
from paid_calls import calls
from real_livekit import RealServer, server_from_environment

from akool_async.simulator import Simulator
from akool_async.testing.waiting import until

INTEGRATION = Path(__file__).parents[1]
SUPPORT = Path(__file__).parent / "support"
#: Starting a worker and a job's process, on a busy machine.
LIMIT = 120.0

_numbers = itertools.count()


class Worker:
    """A worker's process, and the rooms that are made for it."""

    def __init__(self, sim: Simulator, server: RealServer, admin: api.LiveKitAPI) -> None:
        self._sim = sim
        self._server = server
        self._admin = admin
        self.lines: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.room = ""

    async def start(self, **environment: str) -> None:
        """Starts it and waits until the server knows it."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(SUPPORT / "idle_worker.py"), "dev"),
            env={
                **os.environ,
                "LIVEKIT_URL": self._server.url.replace("http", "ws", 1),
                "LIVEKIT_API_KEY": self._server.api_key,
                "LIVEKIT_API_SECRET": self._server.api_secret,
                "AKOOL_API_KEY": "any",
                "AKOOL_API_URL": self._sim.url,
                "AGENT_MODELS": "scripted_models",
                "PYTHONPATH": os.pathsep.join([str(SUPPORT), str(INTEGRATION)]),
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self.process))
        await until(lambda: self.logged("registered worker"), timeout=LIMIT)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())

    def logged(self, text: str) -> bool:
        """Whether a line of its log has this."""
        return any(text in line for line in self.lines)

    async def give_job(self, name: str) -> None:
        """Makes a room whose name begins so: the server gives the worker a job in it."""
        self.room = f"{name}-{os.getpid()}-{next(_numbers)}"
        await self._admin.room.create_room(api.CreateRoomRequest(name=self.room))
        await until(lambda: self.logged(f'"room": "{self.room}"'), timeout=LIMIT)

    async def end_room(self) -> None:
        """Deletes the room; who is in it is removed."""
        await self._admin.room.delete_room(api.DeleteRoomRequest(room=self.room))

    async def stop(self) -> None:
        """Ends the process, and deletes the room."""
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), LIMIT)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reading is not None:
            await self._reading
        if self.room:
            with contextlib.suppress(api.TwirpError):  # it may be gone
                await self.end_room()


@pytest_asyncio.fixture
async def worker(sim: Simulator) -> AsyncIterator[Worker]:
    server = server_from_environment()
    assert server is not None, "run by tests/livekit/server.py"
    async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as admin:
        worker = Worker(sim, server, admin)
        try:
            yield worker
        finally:
            await worker.stop()


async def speaks(sim: Simulator) -> None:
    """Waits until the job's avatar has begun its greeting."""
    await until(lambda: len(sim.open_sessions) == 1, timeout=LIMIT)
    player = sim.meeting(sim.open_sessions[0])
    await until(lambda: bool(player.segments) and player.segments[0].played > 0.1, timeout=LIMIT)


async def closed(sim: Simulator, count: int) -> None:
    """Waits until so many sessions, and no more, were closed by a call and not by their time."""
    await until(lambda: len(sim.sessions) == count and not sim.open_sessions, timeout=LIMIT)
    assert {session.end_reason for session in sim.sessions.values()} == {"closed"}
    assert calls(sim) == {"create": count, "close": count}


async def test_the_session_is_closed_whatever_ends_the_job(sim: Simulator, worker: Worker) -> None:
    await worker.start()
    # Its room is deleted.
    await worker.give_job("room")
    await speaks(sim)
    await worker.end_room()
    await closed(sim, 1)
    # The entry point raises after the avatar was started.
    await worker.give_job("crash")
    await until(lambda: worker.logged("the agent's own fault"), timeout=LIMIT)
    await closed(sim, 2)
    await worker.end_room()
    # The worker is stopped.
    await worker.give_job("sigterm")
    await speaks(sim)
    assert worker.process is not None
    worker.process.send_signal(signal.SIGTERM)
    await closed(sim, 3)
    assert await asyncio.wait_for(worker.process.wait(), LIMIT) == 0
    # In no line of a worker that logs everything is a token or the secret.
    creates = [request for request in sim.requests if request.path.endswith("/create")]
    secrets = [create.body["credentials"]["livekit_token"] for create in creates]
    log = "\n".join(line for line in worker.lines if "livekit_ffi" not in line)
    assert "joined, session" in log
    assert not any(secret in log for secret in secrets)


async def test_a_worker_that_is_killed_leaves_no_session(sim: Simulator, worker: Worker) -> None:
    """Its job's process sees that, and ends without the framework's callbacks."""
    await worker.start()
    await worker.give_job("kill")
    await speaks(sim)
    assert worker.process is not None
    worker.process.kill()
    await closed(sim, 1)


async def test_a_room_that_is_deleted_while_the_session_is_created_leaves_none(
    sim: Simulator, worker: Worker
) -> None:
    """Creating has its answer when the room is gone."""
    await worker.start()
    sim.fail_next(path="*/session/create", delay=4.0)
    await worker.give_job("early")
    await until(lambda: calls(sim)["create"] == 1, timeout=LIMIT)
    await worker.end_room()
    await until(lambda: bool(sim.sessions), timeout=LIMIT)
    [first, *_] = sim.sessions.values()
    await until(lambda: first.end_reason == "closed", timeout=LIMIT)
    # An avatar that came after that has made the room again, and with it another job, which ends
    # with the worker.


async def test_a_worker_interrupted_twice_leaves_no_session(sim: Simulator, worker: Worker) -> None:
    await worker.start()
    await worker.give_job("sigint")
    await speaks(sim)
    assert worker.process is not None
    worker.process.send_signal(signal.SIGINT)
    worker.process.send_signal(signal.SIGINT)
    await closed(sim, 1)
