"""What a fleet's server, and one worker, have to bear.

    python integrations/fleet/benchmarks/capacity.py [--help]

Plays the workers of a large fleet against a real server: every session has its seat, its journal
entry and its renewals, as a worker's has, and sleeps instead of talking. Then one real worker
process runs short jobs, each with a session and a question, against a simulated service. Prints
figures, judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any, cast

import psutil
from akool_fleet import Fleet, demo
from akool_fleet.ledger import Ledger
from akool_fleet.server import LocalServer

from akool_async.simulator import Simulator

AVATAR = "dvp_Tristan_cloth2_1080P"


@dataclass
class Figures:
    """Latencies in seconds."""

    seat: list[float] = field(default_factory=list)
    renew: list[float] = field(default_factory=list)


def percentile(values: list[float], share: float) -> float:
    """Of at least one value."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def seats(
    ledger: Ledger, worker: str, jobs: list[str], lease: float, figures: Figures
) -> None:
    """Takes the seats of a worker and writes their sessions down."""
    for job in jobs:
        began = time.perf_counter()
        got = await ledger.acquire(job, worker, worker, limit=10**6, lease=lease)
        figures.seat.append(time.perf_counter() - began)
        assert got == "seated"
        assert await ledger.journal(job, worker, f"session-{job}")


async def renew(
    ledger: Ledger, worker: str, jobs: list[str], lease: float, until: float, figures: Figures
) -> None:
    """Renews at a quarter of the lease, at moments spread over it."""
    await asyncio.sleep(hash(worker) % 1000 / 1000 * lease / 4)
    held = dict.fromkeys(jobs, worker)
    while time.monotonic() < until:
        began = time.perf_counter()
        lost = await ledger.renew(worker, held, lease=lease)
        figures.renew.append(time.perf_counter() - began)
        assert not lost
        await asyncio.sleep(lease / 4)


async def measure(sessions: int, per_process: int, lease: float, seconds: float) -> None:
    """Runs it and prints a line per figure."""
    with LocalServer() as server:
        fleet = Fleet(server.url, limit=10**6, lease=lease, name="capacity")
        ledger = fleet.make_ledger()
        assert server.process is not None
        process = psutil.Process(server.process.pid)
        try:
            info = cast("dict[str, Any]", await ledger.redis.info("memory"))
            empty = info["used_memory"]
            jobs = [f"job-{n}" for n in range(sessions)]
            began = time.perf_counter()
            for job in jobs:
                await ledger.enqueue(job, "m" * 300, {"bot": "b", "order": "{}", "retries": 1})
            print(
                f"jobs sent, one after the other: {sessions / (time.perf_counter() - began):,.0f}/s"
            )
            figures = Figures()
            workers = {
                f"worker-{start // per_process}": jobs[start : start + per_process]
                for start in range(0, sessions, per_process)
            }
            began = time.perf_counter()
            limit = asyncio.Semaphore(100)

            async def take(worker: str, mine: list[str]) -> None:
                async with limit:
                    await seats(ledger, worker, mine, lease, figures)

            await asyncio.gather(*(take(*item) for item in workers.items()))
            took = time.perf_counter() - began
            print(f"seats taken and sessions written down: {sessions / took:,.0f}/s")
            figures.seat.clear()
            before, cpu = await _commands(ledger), process.cpu_times()
            began = time.monotonic()
            until = began + seconds
            extra = asyncio.create_task(_new_seats(ledger, until, lease, figures))
            await asyncio.gather(
                *(renew(ledger, *item, lease, until, figures) for item in workers.items())
            )
            await extra
            took = time.monotonic() - began
            spent = process.cpu_times()
            info = cast("dict[str, Any]", await ledger.redis.info("memory"))
            print(f"{sessions:,} sessions in {len(workers)} processes, lease {lease:g} s:")
            print(f"  commands per second: {(await _commands(ledger) - before) / took:,.0f}")
            print(f"  seats renewed per second: {sessions / (lease / 4):,.0f}")
            busy = spent.user + spent.system - cpu.user - cpu.system
            print(f"  the server's CPU: {100 * busy / took:.1f} % of a core")
            print(
                f"  its memory: {(info['used_memory'] - empty) / sessions:,.0f} bytes per session"
            )
            for name, values in (("seat", figures.seat), ("renew", figures.renew)):
                p50, p99 = statistics.median(values), percentile(values, 0.99)
                print(f"  latency of a {name}: p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms")
        finally:
            await ledger.aclose()


async def _new_seats(ledger: Ledger, until: float, lease: float, figures: Figures) -> None:
    """A job now and then, as in a fleet where sessions end and others begin."""
    number = 0
    while time.monotonic() < until:
        number += 1
        job = f"extra-{number}"
        await ledger.enqueue(job, "m" * 300, {"bot": "b", "order": "{}", "retries": 1})
        await seats(ledger, "extra", [job], lease, figures)
        await ledger.free(job, "extra")
        await asyncio.sleep(0.05)


async def _commands(ledger: Ledger) -> int:
    info = cast("dict[str, Any]", await ledger.redis.info("stats"))
    return int(info["total_commands_processed"])


async def measure_worker(jobs: int, rooms: int) -> None:
    """What one process does: jobs per second, and memory with sleeping sessions."""
    with LocalServer() as server:
        async with Simulator(queue_time=0.0, keep=rooms) as service:
            environment = {
                **os.environ,
                "AKOOL_API_KEY": "any",
                "AKOOL_API_URL": service.url,
                "AKOOL_FLEET_URL": server.url,
                "AKOOL_FLEET_LIMIT": str(rooms),
            }
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "akool_async", "fleet", "work", "akool_fleet.demo:fleet"),
                env=environment,
            )
            try:
                await _measure_worker(psutil.Process(worker.pid), server.url, jobs, rooms)
            finally:
                worker.terminate()
                await worker.wait()


async def _measure_worker(worker: psutil.Process, url: str, jobs: int, rooms: int) -> None:
    options = {**demo.fleet.options.model_dump(), "url": url, "limit": rooms}
    fleet = Fleet(**options)
    bot = fleet.bot()(demo.greeter.settings.function)

    async def send(count: int, seconds: float) -> None:
        for _ in range(count):
            await bot.send("visitor", seconds, avatar_id=AVATAR, stream_type="trtc")

    async def until(state: str, count: int) -> None:
        while (await fleet.status()).jobs.get(state, 0) < count:  # noqa: ASYNC110 - of a process
            await asyncio.sleep(0.05)

    async with fleet:
        await send(1, 0.0)
        await until("done", 1)
        idle, cpu = worker.memory_info().rss, worker.cpu_times()
        began = time.monotonic()
        await send(jobs, 0.0)
        await until("done", jobs + 1)
        took, spent = time.monotonic() - began, worker.cpu_times()
        busy = spent.user + spent.system - cpu.user - cpu.system
        print(f"one worker process, {rooms} rooms at once, a simulated service beside it:")
        print(f"  jobs of one question per second: {jobs / took:,.1f}")
        print(f"  its CPU: {1e3 * busy / jobs:,.1f} ms per job")
        await send(rooms, 3600.0)
        await until("talking", rooms)
        await asyncio.sleep(5.0)
        held = worker.memory_info().rss
        print(f"  its memory: {idle / 1e6:,.0f} MB idle, {held / 1e6:,.0f} MB with {rooms} rooms")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--per-process", type=int, default=25)
    parser.add_argument("--lease", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--jobs", type=int, default=500, help="of the one worker; 0: leave it out")
    given = parser.parse_args()
    asyncio.run(measure(given.sessions, given.per_process, given.lease, given.seconds))
    if given.jobs:
        asyncio.run(measure_worker(given.jobs, given.per_process))


if __name__ == "__main__":
    main()
