"""`akool fleet`: work, status, reap, drain, demo."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.live import Live

from akool_async.errors import AkoolError
from akool_fleet.fleet import Fleet
from akool_fleet.reaper import reap_once
from akool_fleet.table import fleet_table
from akool_fleet.worker import work as run_worker

__all__ = ["app", "load"]

app = typer.Typer(help="Many bots over many processes.", no_args_is_help=True)

Target = Annotated[
    str, typer.Argument(help="MODULE:NAME of the Fleet, for example bots:fleet.", metavar="FLEET")
]
#: Seconds between two starts of a worker process that died.
_AGAIN: Final = 2.0


def load(target: str) -> Fleet:
    """The fleet that `MODULE:NAME` names; the module is looked for in the current folder, too.

    Raises:
        typer.BadParameter: there is none.
    """
    module, _, name = target.partition(":")
    if not module or not name:
        raise typer.BadParameter(f"{target!r} isn't MODULE:NAME, for example bots:fleet")
    if "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise typer.BadParameter(f"no module {module!r} is found from {Path.cwd()}") from None
    if not isinstance(found, Fleet):
        raise typer.BadParameter(f"{target!r} is not a Fleet: {type(found).__name__}")
    return found


@app.command("work")
def work_command(
    target: Target,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log every job.")] = False,
) -> None:
    """Runs bots until SIGTERM or Ctrl-C; a second signal hands unfinished bots over at once."""
    fleet = load(target)
    if processes > 1:
        raise typer.Exit(_many(target, processes, verbose=verbose))
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    logging.getLogger("taskiq").setLevel(logging.WARNING)
    _try(lambda: asyncio.run(run_worker(fleet)))


@app.command("status")
def status_command(
    target: Target,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Goes on until Ctrl-C.")] = False,
) -> None:
    """Jobs that wait, seats, who talks since when, live workers."""
    fleet = load(target)

    async def show() -> None:
        async with fleet:
            if as_json:
                sys.stdout.write(json.dumps((await fleet.status()).to_dict()) + "\n")
                return
            console = Console()
            if not watch:
                console.print(fleet_table(await fleet.status(), fleet.options))
                return
            with Live(console=console, auto_refresh=False) as live:
                while True:
                    live.update(fleet_table(await fleet.status(), fleet.options), refresh=True)
                    await asyncio.sleep(1.0)

    _try(lambda: asyncio.run(show()))


@app.command("reap")
def reap_command(target: Target) -> None:
    """Closes the sessions of dead workers now, where no worker is left to do it."""
    fleet = load(target)

    async def reap() -> dict[str, str]:
        async with fleet, fleet.client() as client:
            return await reap_once(fleet.options, fleet.ledger, client, force=True)

    done: dict[str, str] = {}
    _try(lambda: done.update(asyncio.run(reap())))
    sys.stdout.write(f"{len(done)} seats of dead workers freed\n")
    for job, state in done.items():
        sys.stdout.write(f"{job} {state}\n")


@app.command("drain")
def drain_command(target: Target) -> None:
    """Asks every worker that runs now to end in order; new ones may be started at once."""
    fleet = load(target)

    async def drain() -> int:
        async with fleet:
            await fleet.drain()
            return len((await fleet.status()).workers)

    found: list[int] = []
    _try(lambda: found.append(asyncio.run(drain())))
    sys.stdout.write(f"{found[0]} workers were asked to end\n")


@app.command("demo")
def demo_command(
    jobs: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 40,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Sessions at once.")] = 10,
) -> None:
    """Two workers, forty short jobs and a simulated service; one worker is killed on the way."""
    from akool_fleet import demo

    _try(lambda: asyncio.run(demo.demo(jobs=jobs, limit=limit, console=Console())))


def _try(function: object) -> None:
    """Errors that people can do something about, in a line each."""
    try:
        function()  # type: ignore[operator]
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except AkoolError as error:
        sys.stderr.write(f"akool fleet: {error}\n")
        raise typer.Exit(1) from None
    except (RedisError, OSError) as error:
        sys.stderr.write(
            f"akool fleet: the fleet's server can't be reached ({type(error).__name__}). Is it"
            " running, and is the fleet's url right?\n"
        )
        raise typer.Exit(1) from None


def _many(target: str, processes: int, *, verbose: bool) -> int:
    """One process per worker; signals are passed on, a worker that dies is started again."""
    command = [sys.executable, "-m", "akool_async", "fleet", "work", target]
    if verbose:
        command.append("--verbose")
    ending = False
    running: dict[int, subprocess.Popen[bytes]] = {}

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal ending
        del frame
        ending = True
        for process in running.values():
            if process.poll() is None:
                process.send_signal(number)

    numbers = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    started: dict[int, float] = {}
    worst = 0
    try:
        while True:
            for slot in range(processes):
                process = running.get(slot)
                if process is not None and process.poll() is None:
                    continue
                if process is not None and process.returncode:
                    worst = max(worst, abs(process.returncode))
                if ending or (process is not None and process.returncode == 0):
                    continue
                if time.monotonic() - started.get(slot, -_AGAIN) < _AGAIN:
                    continue
                started[slot] = time.monotonic()
                # A group of its own: a Ctrl-C in the terminal reaches it once, through here.
                running[slot] = subprocess.Popen(  # noqa: S603 - this program itself
                    command, env=dict(os.environ), start_new_session=True
                )
            if all(p.poll() is not None for p in running.values()) and (
                ending or all(p.returncode == 0 for p in running.values())
            ):
                return worst if not ending else 0
            time.sleep(0.1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
