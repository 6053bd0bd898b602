"""`akool simulator`: a local AKOOL, for programs under development."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from akool_async.cli.options import LiveKitServerOptions, NoMedia
from akool_async.cli.terminal import fail, note, printer
from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.addresses import is_loopback

if TYPE_CHECKING:
    from akool_async.simulator import Media, Simulator
    from akool_async.simulator.media.settings import VoiceFunction
    from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

__all__ = [
    "INSTALL",
    "SimulatorOptions",
    "avatar_media",
    "livekit_server",
    "load_simulator",
    "serve",
]

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


def avatar_media(*, off: bool = False, voice: VoiceFunction | None = None) -> Media | None:
    """A face, a voice and ears for the simulated avatars; `None` where it is `off`.

    Where a package is missing, a line says which and how to install it, and there is none either.
    `voice` is a voice other than the usual one.
    """
    if off:
        return None
    load_simulator()
    from akool_async.simulator import Media

    try:
        return Media() if voice is None else Media(voice=voice)
    except MissingDependencyError as error:
        note(f"The avatar has no face and no voice: {error}")
        return None


def livekit_server(options: LiveKitServerOptions) -> LiveKitServer | None:
    """The real livekit-server that the options name; `None` where they name none.

    Raises:
        InvalidParameterError: a URL without its key and secret.
        MissingDependencyError: what mints its tokens isn't installed.
    """
    key, secret = options.livekit_api_key, options.livekit_api_secret
    if options.livekit_url is None:
        return None  # the key and secret may stand in the environment for other programs
    if not key or not secret:
        raise InvalidParameterError(
            "--livekit-url",
            "needs --livekit-api-key and --livekit-api-secret, "
            "or LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
        )
    load_simulator()
    from akool_async.simulator.rooms.livekit_server.server import LiveKitServer

    return LiveKitServer(options.livekit_url, key, secret)


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """What the command `akool simulator` was given.

    Attributes:
        behavior: names of presets of `ServiceBehavior`, `random=SEED`, or a JSON file.
        allow_origin: web pages that may use it besides those on loopback.
        allow_host: names by which it is called besides `localhost`.
    """

    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8787
    behavior: Annotated[
        str | None,
        typer.Option(help="How the service behaves: preset, presets joined by +, or JSON file."),
    ] = None
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="A web page's origin that may use it.")
    ] = None
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name it is called by, for example a container's.")
    ] = None
    no_media: NoMedia = False


async def serve(options: SimulatorOptions, livekit: LiveKitServerOptions) -> int:
    """Runs until a signal; prints what to set so that a program uses it."""
    simulator = load_simulator()
    out = printer()
    host = options.host
    async with AsyncExitStack() as stack:
        sim = simulator(
            host=host,
            port=options.port,
            livekit=livekit_server(livekit),
            behavior=options.behavior,
            media=avatar_media(off=options.no_media),
            allow_origins=options.allow_origin or (),
            allow_hosts=options.allow_host or (),
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # printed below, without a line
                await sim.start()
        except OSError as error:
            fail(f"can't listen on {host}:{options.port}: {error}")
            return 1
        stack.push_async_callback(sim.stop)
        out.line(f"export AKOOL_API_URL={sim.url} AKOOL_API_KEY=any")
        if not is_loopback(host):
            fail(f"listening on {host}: whoever reaches this machine can use it")
        out.line("Ctrl-C ends it.")
        out.console.file.flush()
        await asyncio.Event().wait()
    return 0
