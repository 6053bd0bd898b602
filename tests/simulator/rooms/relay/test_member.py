"""What a member may send, and what goes out to it; its websocket is a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.rooms.relay import member as member_module
from akool_async.simulator.rooms.relay.limits import SendRules
from akool_async.simulator.rooms.relay.member import Member
from akool_async.transport.engines import relay_wire

RULES = SendRules(
    max_bytes=10,
    bytes_per_second=20,
    packets_per_second=3,
    bad_argument=1,
    too_large=2,
    too_many_bytes=3,
    too_many_packets=4,
)
NOT_ALLOWED = 9


def judge(member: Member, payload: bytes = b"x", *, at: float = 0.0, command: int = 1) -> int:
    frame = relay_wire.pack_sent(at, command, payload)
    return member.take(frame, not_allowed=NOT_ALLOWED, check_command=lambda c: 7 * (c != 1))


@asynccontextmanager
async def members(**given: bool) -> AsyncIterator[tuple[Member, aiohttp.ClientWebSocketResponse]]:
    """A member with a writer, and its end of the websocket."""
    made: asyncio.Future[Member] = asyncio.get_running_loop().create_future()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        member = Member(
            "7",
            "token",
            ws,
            request.transport,
            rules=RULES,
            conditions=NetworkConditions(),
            reliable=True,
            **given,
        )
        made.set_result(member)
        await member.write()
        return ws

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
            member = await made
            yield member, ws
            member.dismiss()
            member.close()
    finally:
        await runner.cleanup()


async def test_packets_are_judged_by_the_vendors_rules() -> None:
    async with members() as (member, _):
        assert judge(member, b"x" * 10) == 0
        assert judge(member, b"x" * 11) == RULES.too_large
        assert judge(member, b"") == RULES.bad_argument
        assert judge(member, command=2) == 7
        assert judge(member, b"x" * 10, at=0.1) == 0
        assert judge(member, at=0.2) == RULES.too_many_bytes
        assert judge(member, at=0.05) == RULES.bad_argument  # its clock ran backwards
        assert judge(member, at=float("inf")) == RULES.bad_argument
        frame = b"short"
        taken = member.take(frame, not_allowed=NOT_ALLOWED, check_command=lambda _: 0)
        assert taken == RULES.bad_argument


async def test_a_refused_packet_does_not_count() -> None:
    async with members() as (member, _):
        for _ in range(5):
            assert judge(member, b"x" * 11) == RULES.too_large
        assert [judge(member) for _ in range(4)] == [0, 0, 0, RULES.too_many_packets]
        assert judge(member, at=2.0) == 0


async def test_who_may_not_send_is_refused_whatever_it_sends() -> None:
    async with members(can_send=False) as (member, _):
        assert judge(member) == judge(member, b"") == NOT_ALLOWED


async def test_notices_and_packets_go_out_in_order_and_a_last_notice_before_the_end() -> None:
    async with members() as (member, ws):
        member.notify({"event": "user_joined", "identity": "8"})
        member.give(b"packet")
        member.dismiss({"event": "over"})
        assert json.loads(await ws.receive_str(timeout=20)) == {
            "event": "user_joined",
            "identity": "8",
        }
        assert await ws.receive_bytes(timeout=20) == b"packet"
        assert json.loads(await ws.receive_str(timeout=20)) == {"event": "over"}
        assert (await ws.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE
        assert member.left


async def test_one_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_module, "MAX_WAITING", 3)
    async with members() as (member, ws):
        for _ in range(4):  # the writer doesn't run meanwhile
            member.give(b"packet")
        async with asyncio.timeout(20):
            while not (await ws.receive()).type.name.startswith("CLOSE"):
                pass
        assert ws.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
