"""`akool simulator`: a local AKOOL, for programs under development."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from akool_async.cli.terminal import fail, printer
from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.addresses import is_loopback

if TYPE_CHECKING:
    from akool_async.simulator import Simulator
    from akool_async.simulator.rooms.livekit_server.room import LiveKitServer

__all__ = ["INSTALL", "LiveKitOptions", "livekit_server", "load_simulator", "serve"]

#: URL, key and secret, as given.
LiveKitOptions = tuple[str | None, str | None, str | None]

INSTALL = 'pip install "akool-async[simulator]"'


def load_simulator() -> type[Simulator]:
    """The simulator's class, imported on use.

    Raises:
        MissingDependencyError: its extra isn't installed.
    """
    try:
        from akool_async.simulator import Simulator
    except ImportError as error:
        raise MissingDependencyError(
            f"The simulator can't be imported: {error}.", install=INSTALL
        ) from error
    return Simulator


def livekit_server(url: str | None, key: str | None, secret: str | None) -> LiveKitServer | None:
    """The real livekit-server that the options name; `None` where they name none.

    Raises:
        InvalidParameterError: a URL without its key and secret.
        MissingDependencyError: what mints its tokens isn't installed.
    """
    if url is None:
        return None  # the key and secret may stand in the environment for other programs
    if not key or not secret:
        raise InvalidParameterError(
            "--livekit-url",
            "needs --livekit-api-key and --livekit-api-secret, "
            "or LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
        )
    load_simulator()
    from akool_async.simulator.rooms.livekit_server.room import LiveKitServer

    return LiveKitServer(url, key, secret)


async def serve(host: str, port: int, livekit: LiveKitOptions) -> int:
    """Runs until a signal; prints what to set so that a program uses it."""
    simulator = load_simulator()
    out = printer()
    async with AsyncExitStack() as stack:
        sim = simulator(host=host, port=port, livekit=livekit_server(*livekit))
        try:
            await stack.enter_async_context(sim)
        except OSError as error:
            fail(f"can't listen on {host}:{port}: {error}")
            return 1
        out.line(f"export AKOOL_API_URL={sim.url} AKOOL_API_KEY=any")
        if not is_loopback(host):
            fail(f"listening on {host}: everybody who reaches this machine can use it")
        out.line("Ctrl-C ends it.")
        out.console.file.flush()
        await asyncio.Event().wait()
    return 0
