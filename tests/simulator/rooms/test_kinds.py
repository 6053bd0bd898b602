"""Finding kinds of rooms by name, and answering the requests that are theirs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from akool_async.errors import MissingDependencyError
from akool_async.simulator.rooms.kinds import ROOMS, RoomKinds
from akool_async.simulator.rooms.room import RoomDirectory, SimRoom


class Room(SimRoom):
    """A kind that answers `/look/…`; counts how often its routes were made."""

    kind = "plain"
    made = 0

    @classmethod
    def routes(cls, rooms: RoomDirectory) -> Iterable[web.RouteDef]:
        cls.made += 1

        async def look(request: web.Request) -> web.Response:
            return web.Response(text=request.match_info["name"])

        return [web.get("/look/{name}", look)]

    async def open(self) -> dict[str, Any]:
        return {}

    async def send(self, packet: bytes) -> None:
        """Nothing is sent."""

    async def close(self, reason: str) -> None:
        """Nothing is open."""


async def test_every_kind_is_found_by_its_name() -> None:
    kinds = RoomKinds(RoomDirectory())
    for name in ROOMS:
        found = await kinds.load(name)
        assert issubclass(found, SimRoom)
        assert found.kind == name.removesuffix("-server")
    assert set(kinds.loaded()) == set(ROOMS)
    with pytest.raises(KeyError):
        await kinds.load("zoom")


async def test_a_kinds_routes_are_there_once_it_is_needed() -> None:
    kinds = RoomKinds(RoomDirectory(), {"plain": Room})
    request = make_mocked_request("GET", "/look/here")
    assert await kinds.handle(request) is None
    before = Room.made
    assert await kinds.load("plain") is Room
    assert await kinds.load("plain") is Room
    assert Room.made == before + 1
    answer = await kinds.handle(request)
    assert isinstance(answer, web.Response)
    assert answer.text == "here"
    for method, path in (("POST", "/look/here"), ("GET", "/elsewhere")):
        assert await kinds.handle(make_mocked_request(method, path)) is None


async def test_a_livekit_room_may_be_asked_for_before_any_session() -> None:
    kinds = RoomKinds(RoomDirectory(), {"livekit": Room})
    assert await kinds.handle(make_mocked_request("GET", "/rtc/validate")) is None
    assert tuple(kinds.loaded()) == ("livekit",)


@pytest.mark.parametrize("kind", ["akool_no_such_module:Room"])
async def test_the_missing_part_is_named(kind: str) -> None:
    kinds = RoomKinds(RoomDirectory(), {"agora": kind})
    with pytest.raises(MissingDependencyError, match=r"akool-async\[simulator\]"):
        await kinds.load("agora")


async def test_kinds_of_rooms_are_imported_on_use() -> None:
    script = (
        "import sys, akool_async.simulator as s; s.Simulator();"
        "print(sorted({'aiortc', 'livekit', 'av', 'pytest', 'pydantic'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert not ({"aiortc", "livekit", "av", "pytest"} & set(eval(out)))
