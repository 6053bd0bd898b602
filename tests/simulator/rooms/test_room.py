from __future__ import annotations

from typing import Any

import pytest
from loopback_peer import Events

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.room import RoomDirectory, RoomRequest, SimRoom


def wanted(credentials: dict[str, Any] | None = None) -> RoomRequest:
    return RoomRequest("s1", 60.0, "plain", "http://127.0.0.1:1", NetworkConditions(), credentials)


class Room(SimRoom):
    """A kind of room without tracks, participants, routes and faults."""

    kind = "plain"

    def __init__(self) -> None:
        super().__init__(wanted(), Events())
        self.closed: list[str] = []

    async def open(self) -> dict[str, Any]:
        return {}

    async def send(self, packet: bytes) -> None:
        raise AssertionError("nothing is sent")

    async def close(self, reason: str) -> None:
        self.closed.append(reason)


async def test_a_room_without_participants_ends_when_the_avatar_leaves() -> None:
    room = Room()
    room.publish()
    room.publish(on=False)
    assert room.closed == []
    await room.leave()
    assert room.closed == ["expired"]


async def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(ValueError, match="a plain room knows no fault named 'drop_socket'"):
        await Room().fault("drop_socket", seconds=5)


def test_it_speaks_version_2_and_needs_no_routes() -> None:
    assert Room.dialect == "v2"
    assert tuple(Room.routes(RoomDirectory())) == ()


def test_credentials_are_in_no_repr() -> None:
    assert "room-token-123" not in repr(wanted({"agora_token": "room-token-123"}))


def test_open_rooms_are_found_by_kind() -> None:
    room, rooms = Room(), RoomDirectory()
    rooms.add(room)
    assert (rooms.of_kind("plain"), rooms.of_kind("agora")) == ([room], [])
    rooms.remove(room)
    assert rooms.of_kind("plain") == []
