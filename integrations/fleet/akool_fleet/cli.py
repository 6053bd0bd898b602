"""`akool fleet`: work, status, reap, drain, demo."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from akool_async.cli.failures import report
from akool_async.cli.running import run_command
from akool_async.errors import AkoolError
from akool_fleet.errors import FleetError
from akool_fleet.fleet import Fleet
from akool_fleet.reaper import reap_once
from akool_fleet.table import fleet_object, fleet_table
from akool_fleet.worker import work as run_worker

__all__ = ["app", "load"]

app = typer.Typer(help="Many bots over many processes.", no_args_is_help=True)

Target = Annotated[
    str, typer.Argument(help="MODULE:NAME of the Fleet, for example bots:fleet.", metavar="FLEET")
]
#: Seconds between two starts of a worker process that died: at first, and at most.
_AGAIN: Final = 2.0
_LONGEST: Final = 30.0
#: Seconds between two looks of `--watch`.
_LOOK: Final = 1.0


def load(target: str) -> Fleet:
    """The fleet that `MODULE:NAME` names; the module is looked for in the current folder, too.

    Raises:
        typer.BadParameter: there is none.
    """
    module, _, name = target.partition(":")
    if not module or not name:
        raise typer.BadParameter(f"{target!r} isn't MODULE:NAME, for example bots:fleet")
    if module.startswith("."):
        raise typer.BadParameter(f"{target!r} is relative: name the module from its top")
    if "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # one that the module itself imports
        raise typer.BadParameter(f"no module {module!r} is found from {Path.cwd()}") from None
    except AkoolError as error:
        raise typer.BadParameter(f"{module} can't be imported: {error}") from None
    if not isinstance(found, Fleet):
        raise typer.BadParameter(f"{target!r} is not a Fleet: {type(found).__name__}")
    return found


@app.command("work")
def work_command(
    target: Target,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Worker processes.")] = 1,
) -> None:
    """Runs bots until SIGTERM or Ctrl-C; a second signal hands unfinished bots over at once.

    With --verbose every job is logged.
    """
    fleet = load(target)
    # `akool` has taken --verbose, and lets sessions log by it.
    verbose = logging.getLogger("akool_async.session").isEnabledFor(logging.INFO)
    if processes > 1:
        raise typer.Exit(_many(target, processes, verbose=verbose))
    if verbose:
        logging.getLogger("akool_fleet").setLevel(logging.INFO)
    logging.getLogger("taskiq").setLevel(logging.WARNING)
    try:
        asyncio.run(run_worker(fleet))
    except RedisError as error:
        raise typer.Exit(report(_unreachable(error))) from None
    except AkoolError as error:
        raise typer.Exit(report(error)) from None


@app.command("status")
def status_command(
    target: Target,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Goes on until Ctrl-C.")] = False,
) -> None:
    """Jobs that wait, seats, who talks since when, live workers, credits per hour.

    With --json and --watch one JSON object in a line every second.
    """
    fleet = load(target)

    async def show() -> None:
        async with fleet:
            if as_json:
                await _show_json(fleet, watch=watch)
            elif watch:
                await _watch(fleet)
            else:
                Console().print(fleet_table(await fleet.status(), fleet.options))

    _run(show, as_json=as_json)


async def _show_json(fleet: Fleet, *, watch: bool) -> None:
    while True:
        line = json.dumps(fleet_object(await fleet.status(), fleet.options))
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        if not watch:
            return
        await asyncio.sleep(_LOOK)


async def _watch(fleet: Fleet) -> None:
    """The table, while the server is away, too."""
    with Live(console=Console(), auto_refresh=False) as live:
        while True:
            shown: RenderableType
            try:
                shown = fleet_table(await fleet.status(), fleet.options)
            except RedisError as error:
                shown = Text(str(_unreachable(error)))
            live.update(shown, refresh=True)
            await asyncio.sleep(_LOOK)


@app.command("reap")
def reap_command(target: Target) -> None:
    """Closes the sessions of dead workers now, where no worker is left to do it."""
    fleet = load(target)

    async def reap() -> None:
        async with fleet, fleet.client() as client:
            done = await reap_once(fleet.options, fleet.ledger, client, force=True)
        sys.stdout.write(f"{len(done)} seats of dead workers freed\n")
        for job, state in done.items():
            sys.stdout.write(f"{job} {state}\n")

    _run(reap)


@app.command("drain")
def drain_command(target: Target) -> None:
    """Asks every worker that runs now to end in order; new ones may be started at once."""
    fleet = load(target)

    async def drain() -> None:
        async with fleet:
            await fleet.drain()
            found = len((await fleet.status()).workers)
        sys.stdout.write(f"{found} workers were asked to end\n")

    _run(drain)


@app.command("demo")
def demo_command(
    jobs: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 40,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Sessions at once.")] = 10,
) -> None:
    """Two workers, forty short jobs and a simulated service; one worker is killed on the way."""
    from akool_fleet import demo

    _run(lambda: demo.demo(jobs=jobs, limit=limit, console=Console()))


def _run(command: Callable[[], Coroutine[Any, Any, None]], *, as_json: bool = False) -> None:
    """Signals end it in order; errors that people can do something about take a line each."""

    async def run() -> int:
        try:
            await command()
        except RedisError as error:
            raise _unreachable(error) from None
        return 0

    if status := run_command(run, as_json=as_json):
        raise typer.Exit(status)


def _unreachable(error: RedisError) -> FleetError:
    # Its text isn't quoted: it may hold the address, and so a password.
    name = type(error).__name__
    if isinstance(error, AuthenticationError | NoPermissionError):
        return FleetError(
            f"the fleet's server refused access ({name}). Are user and password in the fleet's url"
            " right?"
        )
    return FleetError(
        f"the fleet's server can't be reached ({name}). Is it running, and is the fleet's url"
        " right?"
    )


def _many(target: str, processes: int, *, verbose: bool) -> int:
    """One process per worker; signals are passed on, a worker that dies is started again."""
    command = [sys.executable, "-m", "akool_async", "fleet", "work", target]
    if verbose:
        command.append("--verbose")
    asked: list[int] = []
    running: dict[int, subprocess.Popen[bytes]] = {}

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        asked.append(number)
        for process in list(running.values()):
            if process.poll() is None:
                process.send_signal(number)

    numbers = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    slots = [_Slot() for _ in range(processes)]
    worst = 0
    try:
        while True:
            for number, slot in enumerate(slots):
                process = running.get(number)
                if process is not None and process.poll() is None:
                    continue
                if process is not None and process.returncode:
                    worst = max(worst, abs(process.returncode))
                if asked or (process is not None and process.returncode == 0) or not slot.due():
                    continue
                # A group of its own: a Ctrl-C in the terminal reaches it once, through here.
                running[number] = subprocess.Popen(  # noqa: S603 - this program itself
                    command, env=dict(os.environ), start_new_session=True
                )
                if asked:  # between the look and the start
                    running[number].send_signal(asked[-1])
            if all(process.poll() is not None for process in running.values()):
                if asked:
                    return 0
                if all(process.returncode == 0 for process in running.values()):
                    return worst
            time.sleep(0.1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Slot:
    """When a worker process is started: at once, and after its deaths with growing pauses."""

    def __init__(self) -> None:
        self._started = self._died = math.nan
        self._pause = _AGAIN / 2

    def due(self) -> bool:
        """Whether it is started now; asked while it doesn't run."""
        now = time.monotonic()
        if not math.isnan(self._started) and math.isnan(self._died):
            ran, self._died = now - self._started, now
            self._pause = _AGAIN if ran > _LONGEST else min(2 * self._pause, _LONGEST)
        if now - self._died < self._pause:
            return False
        self._started, self._died = now, math.nan
        return True
