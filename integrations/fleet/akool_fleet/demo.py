"""`akool fleet demo`: a fleet on this machine, against a simulated service, with a death in it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Final

from rich.console import Console
from rich.live import Live

from akool_async import AvatarSession
from akool_async.simulator import Simulator
from akool_fleet.errors import FleetError
from akool_fleet.fleet import Fleet
from akool_fleet.server import LocalServer
from akool_fleet.table import fleet_table

__all__ = ["demo", "fleet"]

_AVATAR: Final = "dvp_Tristan_cloth2_1080P"
#: Seconds for a worker to end in order; a signal gives the demo itself 25.
_ENDING: Final = 15.0

#: What the demo's workers run. They are processes of their own and take it from here.
fleet = Fleet(
    os.environ.get("AKOOL_FLEET_URL", "redis://127.0.0.1:1"),
    limit=int(os.environ.get("AKOOL_FLEET_LIMIT", "10")),
    max_session=60,
    account="exclusive",
    name="demo",
    lease=3.0,
    create_time=5.0,
    sweep_every=1.0,
)


@fleet.bot(drain="hand_over", retries=1)
async def greeter(avatar: AvatarSession, customer: str, seconds: float) -> None:
    """Greets, and stays for a while."""
    async with asyncio.timeout(seconds + 30):
        await avatar.ask(f"Hello, I am {customer}")
        await asyncio.sleep(seconds)


async def demo(*, jobs: int, limit: int, console: Console, seconds: float = 2.0) -> None:
    """Runs it to its end, with a table that follows.

    Raises:
        MissingDependencyError: there is no server to start.
        FleetError: the workers can't run here.
    """
    with LocalServer() as server:
        async with Simulator() as service:
            environment = {
                **os.environ,
                "AKOOL_API_KEY": "any",
                "AKOOL_API_URL": service.url,
                "AKOOL_FLEET_URL": server.url,
                "AKOOL_FLEET_LIMIT": str(limit),
            }
            here = Fleet(
                server.url,
                **fleet.options.model_dump(exclude={"url", "limit"}),
                limit=limit,
            )
            send = here.bot(drain="hand_over", retries=1)(greeter.settings.function)
            workers: list[asyncio.subprocess.Process] = []
            began = time.monotonic()
            killed = False
            try:
                workers.append(await _worker(environment))
                workers.append(await _worker(environment))
                async with here:
                    sent = [
                        await send.send(
                            f"visitor {n}", seconds, avatar_id=_AVATAR, stream_type="trtc"
                        )
                        for n in range(jobs)
                    ]
                    with Live(console=console, auto_refresh=False) as live:
                        while True:
                            status = await here.status()
                            live.update(fleet_table(status, here.options), refresh=True)
                            done = status.jobs.get("done", 0)
                            if not killed and done >= jobs // 4:
                                killed = True
                                workers[0].kill()
                                workers.append(await _worker(environment))
                            ended = sum(
                                status.jobs.get(state, 0) for state in ("done", "failed", "cut_off")
                            )
                            if ended == len(sent) and not status.seats:
                                break
                            if all(worker.returncode is not None for worker in workers):
                                raise FleetError("the demo's workers ended: see what they wrote")
                            await asyncio.sleep(0.25)
            finally:
                await asyncio.gather(*map(_end, workers))
            open_now = sum(1 for one in service.sessions.values() if one.open)
            console.print(
                f"{done} of {jobs} jobs done in {time.monotonic() - began:.0f} s; one worker was"
                f" killed on the way; {len(service.sessions)} sessions created,"
                f" {open_now} left open"
            )


async def _worker(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "akool_async", "fleet", "work", "akool_fleet.demo:fleet"),
        env=environment,
        start_new_session=True,
    )


async def _end(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is not None:
        return
    worker.send_signal(signal.SIGTERM)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDING):
                await worker.wait()
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
