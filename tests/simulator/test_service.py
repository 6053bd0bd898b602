"""Opening and ending the rooms of sessions, seen from the state behind the REST calls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.simulator import ServiceBehavior
from akool_async.simulator.checks import Refusal
from akool_async.simulator.service import last_segment

TRISTAN = "dvp_Tristan_cloth2_1080P"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("wss://host/final_x/client_77.chat", "client_77"),
        ("wss://host/final_x/server_77.chat/", "server_77"),
        ("client_77", "client_77"),
    ],
)
def test_an_id_in_the_chat_room(url: str, found: str) -> None:
    assert last_segment(url) == found


async def test_an_avatar_is_available_while_it_is_ready_and_free(start: Any) -> None:
    caller = await start(behavior=ServiceBehavior(one_session_per_avatar=True))
    service = caller.sim._service
    record = service.store.find_avatar(TRISTAN)
    assert service.available(record)
    assert not service.available({**record, "disabled": True})
    session_id = (await caller.create())["_id"]
    assert service.avatar_in_use(TRISTAN)
    assert not service.available(record)
    await caller.close(session_id)
    assert service.available(record)


async def test_closing_says_how_it_ended_before(start: Any, stopped_clock: Any) -> None:
    caller = await start(clock=stopped_clock)
    service = caller.sim._service
    codes = []
    for end in ("closed", "expired"):
        room = await caller.room(duration=60)
        session = service.book.by_id[room.request.session_id]
        if end == "closed":
            await service.close_session(session)
        else:
            await caller.sim.advance(60)
        with pytest.raises(Refusal) as caught:
            await service.close_session(session)
        codes.append(caught.value.code)
    assert codes == [1219, 1216]


async def test_a_failed_session_has_no_room(start: Any) -> None:
    caller = await start()
    room = await caller.room()
    service = caller.sim._service
    session = service.book.by_id[room.request.session_id]
    await service.fail_session(session)
    assert (session.end_reason, session.room, room.ends) == ("failed", None, ["failed"])
    assert service.rooms.of_kind(room.kind) == []


async def test_a_paused_session_times_out_unless_a_chat_comes(
    start: Any, stopped_clock: Any
) -> None:
    caller = await start(clock=stopped_clock, pause_timeout=100)
    service = caller.sim._service
    room = await caller.room(duration=3600)
    session = service.book.by_id[room.request.session_id]
    service.pause(session)
    service.pause(session)  # twice is one pause
    assert session.pause_ends == 100
    service.resume(session)
    await caller.sim.advance(200)
    assert session.open
    service.pause(session)
    await asyncio.sleep(0)  # it looks at the clock
    await caller.sim.advance(100)
    assert session.end_reason == "expired"
    with pytest.raises(Refusal) as caught:
        service.pause(session)
    assert caught.value.code == 1219


async def test_a_kind_of_room_that_is_not_known(start: Any) -> None:
    caller = await start()
    with pytest.raises(InvalidParameterError, match="no rooms named 'zoom'"):
        await caller.sim._service.prepare("zoom")


async def test_a_room_that_does_not_close_in_time_is_left_to_itself(
    start: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("akool_async.simulator.service._ROOM_CLOSE_LIMIT", 0.01)
    caller = await start()
    room = await caller.room()
    hangs = asyncio.Event()

    async def close(reason: str) -> None:
        await hangs.wait()

    monkeypatch.setattr(room, "close", close)
    assert await caller.close(room.request.session_id) == 1000
    assert "didn't close within 0.01 s" in caplog.text
