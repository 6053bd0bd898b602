"""Finding the kinds of rooms by name, when the first session needs one."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from akool_async.errors import MissingDependencyError
from akool_async.simulator.rooms.room import RoomDirectory, SimRoom

__all__ = ["ROOMS", "RoomKinds"]

#: Kind -> "module:class". Imported on use: the LiveKit rooms bring heavy packages with them.
ROOMS: Final[Mapping[str, str]] = {
    "livekit": "akool_async.simulator.rooms.livekit.room:LiveKitRoom",
    # In a real LiveKit server; given `server=`, what `Simulator(livekit=)` was given.
    "livekit-server": "akool_async.simulator.rooms.livekit_server.room:LiveKitServerRoom",
    "agora": "akool_async.simulator.rooms.relay.agora:AgoraRoom",
    "trtc": "akool_async.simulator.rooms.relay.trtc:TRTCRoom",
    "chatroom": "akool_async.simulator.rooms.chatroom:ChatRoom",
}


#: Paths that are asked for before any session needs the kind: people may join a LiveKit room of
#: the user's own before its avatar does.
_EARLY_PATHS: Final[Mapping[str, str]] = {"/rtc": "livekit"}


class RoomKinds:
    """The classes of rooms that were needed so far, and the HTTP routes they bring.

    Args:
        directory: the open rooms, for the routes' handlers.
        kinds: kind -> class or "module:class"; over `ROOMS`.
    """

    def __init__(
        self, directory: RoomDirectory, kinds: Mapping[str, str | type[SimRoom]] | None = None
    ) -> None:
        self._directory = directory
        self._kinds: dict[str, str | type[SimRoom]] = {**ROOMS, **(kinds or {})}
        self._loaded: dict[str, type[SimRoom]] = {}
        self._routes: dict[str, web.UrlDispatcher] = {}
        self._loading = asyncio.Lock()

    async def load(self, kind: str) -> type[SimRoom]:
        """The class for a kind.

        Raises:
            MissingDependencyError: a package that it needs isn't installed.
            KeyError: there is no such kind.
        """
        async with self._loading:
            if kind not in self._loaded:
                wanted = self._kinds[kind]
                room = await _import(wanted) if isinstance(wanted, str) else wanted
                dispatcher = web.UrlDispatcher()
                for route in room.routes(self._directory):
                    route.register(dispatcher)
                self._routes[kind] = dispatcher
                self._loaded[kind] = room
        return self._loaded[kind]

    async def handle(self, request: web.Request) -> web.StreamResponse | None:
        """Answers a request for one of the rooms; `None`: no room has such a path.

        Raises:
            MissingDependencyError: a package that it needs isn't installed.
        """
        early = _EARLY_PATHS.get("/" + request.path.split("/")[1])
        if early is not None:
            await self.load(early)
        for dispatcher in self._routes.values():
            match = await dispatcher.resolve(request)
            if match.http_exception is None:
                request.match_info.update(match)
                return await match.handler(request)
        return None

    def loaded(self) -> Iterable[str]:
        """Kinds that were needed so far."""
        return tuple(self._loaded)


async def _import(name: str) -> type[SimRoom]:
    module_name, _, class_name = name.partition(":")
    try:
        # Native packages take a while to import; answers must not wait for it.
        module = await asyncio.to_thread(importlib.import_module, module_name)
    except MissingDependencyError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"The simulator's room {name} can't be imported: {error}.",
            install='pip install "akool-async[simulator]"',
        ) from error
    room = getattr(module, class_name)
    assert isinstance(room, type)
    assert issubclass(room, SimRoom)
    return room
