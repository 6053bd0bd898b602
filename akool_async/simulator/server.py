"""A local AKOOL: REST, sessions and their rooms, and an avatar that talks, on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.models.addresses import is_loopback
from akool_async.simulator.access import Access
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.avatar.speech import ReplyFunction, default_reply
from akool_async.simulator.behavior import ServiceBehavior
from akool_async.simulator.capture import Capture
from akool_async.simulator.clock import Clock
from akool_async.simulator.controls import SimulatorControls
from akool_async.simulator.faults import FaultPlan
from akool_async.simulator.media.settings import Media
from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.recording import Recording, RequestRecord, StreamRecord
from akool_async.simulator.rest import avatars, legacy, libraries, sessions
from akool_async.simulator.rest.api import Api
from akool_async.simulator.rest.browsers import BrowserAccess
from akool_async.simulator.rooms.kinds import RoomKinds
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.simulator.rooms.room import RoomDirectory, SimRoom
from akool_async.simulator.service import Service
from akool_async.simulator.sessions import SessionBook
from akool_async.simulator.store import Store

__all__ = ["Simulator"]

logger = logging.getLogger(__name__)

#: Seconds that requests which are still running have when the simulator stops.
_SHUTDOWN_LIMIT: Final = 1.0
_LARGEST_BODY: Final = 4 * 2**20

_ROUTES: Final = {
    **avatars.ROUTES,
    **sessions.ROUTES,
    **legacy.ROUTES,
    **libraries.ROUTES,
}


class Simulator(SimulatorControls):
    """A local AKOOL, as faithful as the documents and never kinder (docs/protocol.md §1 to §3).

    ```python
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool: ...
    ```

    Args:
        host: the address to listen on. Other than loopback it warns: whoever reaches this machine
            can then use the simulator.
        port: 0: any that is free.
        reply: what the avatar answers in dialogue mode: a function of what was asked that gives
            a text, several pieces of it, or either asynchronously.
        pace: seconds that a word takes to be said; `None`: no time.
        piece_words: how many words go into one part of a reply.
        behavior: how the service behaves where documents leave it open: a `ServiceBehavior`, the
            name of a preset, or a JSON file of switches (`ServiceBehavior.load`).
        credits: what the account has; `None`: enough.
        credits_per_second: what a second of a session takes.
        slots: how many sessions may be open at once (1215 for one more); `None`: any number.
        slots_per_avatar: the same for each avatar.
        api_key: the only one that is right; `None`: any key or token.
        client_id: the only one that is right for getToken; `None`: any.
        livekit: a real LiveKit server for the avatar to join; `None`: the simulator's own rooms,
            which any LiveKit client can join.
        conditions: what the rooms' network does to packets.
        clock: where the time comes from; `Clock(running=False)` moves by `advance` only.
        queue_time: seconds for which a new session's status is 1.
        upload_time: seconds until an uploaded avatar is ready.
        default_duration: seconds for a session that asks for none; the documents name only the
            maximum.
        pause_timeout: (v3) seconds of silence after which a paused session times out.
        token_life: seconds for which a token of getToken is good.
        wrap_knowledge_list: answers knowledge/list as older versions did.
        loose_answers: answers as they are seen in the wild, not as the documents have them:
            numbers as strings, nulls, unknown fields, `message` for `msg`.
        allow_origins: web pages that may use it, such as "https://app.example", besides those on
            loopback; "*": any page.
        allow_hosts: names by which it is called besides `localhost` and IP addresses, such as a
            container's.
        media: how the avatars look, sound and listen; `None`: they exchange text only. Speech
            takes its real time then, whatever `pace` and `clock` say.
        rooms: kind of room -> class or "module:class", over the simulator's own.
        keep: how many requests and how many packets are remembered.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        reply: ReplyFunction | None = None,
        pace: float | None = None,
        piece_words: int = 4,
        behavior: ServiceBehavior | str | PathLike[str] | None = None,
        credits: float | None = None,  # noqa: A002 - the service's word
        credits_per_second: float = 1.0,
        slots: int | None = None,
        slots_per_avatar: int | None = None,
        api_key: str | None = None,
        client_id: str | None = None,
        livekit: LiveKitServer | None = None,
        conditions: NetworkConditions | None = None,
        clock: Clock | None = None,
        queue_time: float = 0.2,
        upload_time: float = 1.0,
        default_duration: float = 3600.0,
        pause_timeout: float = 60.0,
        token_life: float = 366 * 86400.0,
        wrap_knowledge_list: bool = False,
        loose_answers: bool = False,
        allow_origins: Iterable[str] = (),
        allow_hosts: Iterable[str] = (),
        media: Media | None = None,
        rooms: Mapping[str, str | type[SimRoom]] | None = None,
        keep: int = 20_000,
    ) -> None:
        self._host = host
        self._port = port
        self.clock = clock or Clock()
        self.conditions = conditions or NetworkConditions()
        self.requests: Recording[RequestRecord] = Recording(keep)
        self.packets: Recording[StreamRecord] = Recording(keep)
        self._settings = AvatarSettings(
            clock=self.clock,
            behavior=ServiceBehavior.load(behavior or "observed"),
            reply=reply or default_reply,
            pace=pace,
            piece_words=piece_words,
            packets=self.packets,
            media=media,
        )
        open_rooms = RoomDirectory(media=media)
        self._service = Service(
            clock=self.clock,
            store=Store(self.clock, upload_time=upload_time),
            access=Access(self.clock, api_key=api_key, client_id=client_id, token_life=token_life),
            faults=FaultPlan(),
            requests=self.requests,
            settings=self._settings,
            conditions=self.conditions,
            rooms=open_rooms,
            kinds=RoomKinds(open_rooms, rooms),
            default_duration=default_duration,
            pause_timeout=pause_timeout,
            slots_per_avatar=slots_per_avatar,
            wrap_knowledge_list=wrap_knowledge_list,
            loose_answers=loose_answers,
            livekit=livekit,
        )
        self._service.book = SessionBook(
            self.clock,
            credits=credits,
            credits_per_second=credits_per_second,
            slots=slots,
            queue_time=queue_time,
            on_expired=self._service.end_expired,
        )
        self._browsers = BrowserAccess(origins=allow_origins, hosts=[host, *allow_hosts])
        self._api = Api(self._service, _ROUTES)
        self._runner: web.AppRunner | None = None
        #: What handles a call of the API, and what handles a connection to a room.
        self._running: set[asyncio.Task[Any]] = set()
        self._connected: set[asyncio.Task[Any]] = set()

    @classmethod
    def replay(
        cls, path: str | PathLike[str], *, speed: float | None = None, **options: Any
    ) -> Self:
        """A simulator whose avatars play a captured session again (`capture`, `akool chat`).

        An avatar sends what it sent then, once the client has sent the same as then;
        `differences(session)` says what it sent otherwise.

        Args:
            path: a file in the format of `akool_async.simulator.capture`.
            speed: 1.0: at the pace of the capture, 2.0: twice as fast; `None`: at once.
            options: as for `Simulator`.

        Raises:
            InvalidParameterError: the file isn't a capture, or `speed` isn't above 0.
        """
        if speed is not None and not speed > 0:
            raise InvalidParameterError("speed", f"{speed} isn't above 0")
        simulator = cls(**options)
        simulator._settings.capture = Capture.read(path)
        simulator._settings.speed = speed
        return simulator

    # -- starting and stopping

    async def start(self) -> None:
        """Listens. `async with` does it."""
        if self._runner is not None:
            raise RuntimeError("the simulator is running already")
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(self._allow_origin)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN_LIMIT, handle_signals=False
        )
        self._runner = runner
        try:
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await self.stop()
            raise
        self._service.base_url = _url(*runner.addresses[0][:2])
        if not is_loopback(self._host):
            warnings.warn(
                f"the simulator listens on {self._host}: whoever reaches this machine can use it",
                RuntimeWarning,
                stacklevel=2,
            )

    async def prepare(self, kind: str) -> None:
        """Imports now what rooms of a kind need, rather than when the first session asks for one.

        Args:
            kind: "livekit", "agora", "trtc" or "chatroom".

        Raises:
            MissingDependencyError: a package isn't installed; says the install line.
            InvalidParameterError: there is no such kind.
        """
        await self._service.prepare(kind)

    async def stop(self) -> None:
        """Closes rooms, tasks and sockets; may be called twice. Open sessions stay visible."""
        runner, self._runner = self._runner, None
        if runner is not None:
            for site in list(runner.sites):
                await site.stop()
        # aiohttp forgets calls and connections whose client is gone.
        await _end(self._running)
        await self._service.stop()
        # Rooms of the user's own aren't closed with their session.
        if left := self._connected - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=_SHUTDOWN_LIMIT)
        await _end(self._connected)
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.shield(asyncio.ensure_future(self.stop()))

    # -- HTTP

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        refusal = self._browsers.refusal(request)
        if refusal is not None:
            return refusal
        if not self._api.knows(request.path):
            try:
                with _listed(self._connected):
                    answer = await self._service.kinds.handle(request)
            except ConnectionResetError:
                # The client left before its connection was upgraded: no answer is read.
                return web.Response(status=499)
            except MissingDependencyError as error:
                logger.error("%s", error)  # noqa: TRY400 - the message says it all
                raise web.HTTPNotFound from error
            if answer is not None:
                return answer
        with _listed(self._running):
            return await self._api.handle(request)

    async def _allow_origin(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._browsers.headers(request))


@contextmanager
def _listed(tasks: set[asyncio.Task[Any]]) -> Iterator[None]:
    """The current task is one of `tasks` in the block."""
    task = asyncio.current_task()
    assert task is not None
    tasks.add(task)
    try:
        yield
    finally:
        tasks.discard(task)


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits for their end; not for the current one."""
    ending = tasks - {asyncio.current_task()}
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)


def _url(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens on an address."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
