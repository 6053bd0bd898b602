"""`akool simulator`: a local AKOOL, for programs under development."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from akool_async.cli.options import LiveKitServerOptions, NoMedia
from akool_async.cli.terminal import Printer, fail, note, printer
from akool_async.errors import ConfigurationError, InvalidParameterError, MissingDependencyError
from akool_async.models.addresses import is_loopback
from akool_async.rooms.viewers import SIMULATOR_KEY, SIMULATOR_SECRET

if TYPE_CHECKING:
    from akool_async.simulator import Media, Simulator
    from akool_async.simulator.media.settings import VoiceFunction
    from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
    from akool_async.simulator.sessions import SimSession

__all__ = [
    "DEFAULT_PORT",
    "INSTALL",
    "SimulatorOptions",
    "avatar_media",
    "livekit_server",
    "load_simulator",
    "needed_for",
    "serve",
]

#: Where `akool simulator` listens, and where its other commands look for it.
DEFAULT_PORT: Final = 8787
#: Seconds in which a client is to join, before a visitor says something.
_READY: Final = 60.0
INSTALL = 'pip install "akool-async[simulator]"'


def load_simulator() -> type[Simulator]:
    """The simulator's class, imported on use.

    Raises:
        MissingDependencyError: its extra isn't installed.
    """
    with needed_for("The simulator"):
        from akool_async.simulator import Simulator
    return Simulator


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """What can't be imported in the block is reported with the line that installs it.

    Raises:
        MissingDependencyError: as said.
    """
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"{what} can't be imported: {error}.", install=INSTALL
        ) from error


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
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = DEFAULT_PORT
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
    say_as_user: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="In each session a visitor says this once it is ready."),
    ] = None


async def serve(options: SimulatorOptions, livekit: LiveKitServerOptions) -> int:
    """Runs until a signal; prints what to set so that a program uses it."""
    simulator = load_simulator()
    from akool_async.simulator.remote import ControlServer

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
        _show_own_room(out, sim.url, livekit)
        url = urlsplit(sim.url)
        assert url.port is not None
        try:
            await stack.enter_async_context(ControlServer(sim, url.port))
        except ConfigurationError as error:
            note(f"It can't be controlled from another terminal: {error}")
        else:
            port = "" if url.port == DEFAULT_PORT else f" --port {url.port}"
            out.line(f"From another terminal: akool simulator hear TEXT{port}, or fault, sessions.")
        if not is_loopback(host):
            fail(f"listening on {host}: whoever reaches this machine can use it")
        out.line("Ctrl-C ends it.")
        out.console.file.flush()
        if options.say_as_user is None:
            await asyncio.Event().wait()
        await _speak(sim, str(options.say_as_user))
    return 0


def _show_own_room(out: Printer, url: str, livekit: LiveKitServerOptions) -> None:
    """Prints what `OwnLiveKitRoom` reads from the environment; of a real server no secret."""
    if livekit.livekit_url is not None:
        settings = f"LIVEKIT_URL={livekit.livekit_url} LIVEKIT_API_KEY={livekit.livekit_api_key}"
        out.line(f"export {settings}  # rooms of your own; and LIVEKIT_API_SECRET")
        return
    room = f"ws{url.removeprefix('http')}"
    keys = f"LIVEKIT_API_KEY={SIMULATOR_KEY} LIVEKIT_API_SECRET={SIMULATOR_SECRET}"
    out.line(f"export LIVEKIT_URL={room} {keys}  # rooms of your own")


async def _speak(sim: Simulator, text: str) -> None:
    """Has a visitor say `text` in each session, once it is ready. Runs until it is cancelled."""

    async def speak(session: SimSession) -> None:
        try:
            await sim.until_ready(session, timeout=_READY)
            await sim.user_says(session, text)
        except (RuntimeError, TimeoutError) as error:  # it has ended; a client that never came
            note(f"session {session.id}: {error}")

    async with asyncio.TaskGroup() as tasks:
        async for session in sim.new_sessions():
            tasks.create_task(speak(session), name=f"akool-simulator-speak-{session.id}")
