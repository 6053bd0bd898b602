"""The relay itself, spoken to as its own docstring says, without an engine."""

import asyncio
import contextlib
import json
from typing import Any

import aiohttp
import pytest
from loopback_peer import loopback_room, relay_ask, relay_client

from akool_async.simulator.network import NetworkConditions
from akool_async.testing.conformance import until
from akool_async.transport.engines import relay_wire

KINDS = pytest.mark.parametrize("kind", ["agora", "trtc"])


@KINDS
async def test_joining_and_leaving_are_reported_to_the_avatar_and_the_others(kind: str) -> None:
    own = {"agora_channel": "c", "agora_uid": 1} | {
        "trtc_sdk_app_id": 5,
        "trtc_sdk_room_id": "c",
        "trtc_sdk_user_id": "1",
    }
    async with loopback_room(kind, own_room=own) as far:
        far.access |= {"agora_token": "t", "agora_app_id": "a", "trtc_room_id": "c"}
        far.access |= {"trtc_user_id": "2", "trtc_user_sig": "s", "trtc_app_id": 5}
        async with relay_client(far, identity="2") as (one, joined):
            assert joined == {"event": "joined", "members": ["1"]}
            async with relay_client(far, identity="3") as (two, answer):
                assert sorted(answer["members"]) == ["1", "2"]
                reported = await one.receive_json(timeout=10)
                assert reported == {"event": "user_joined", "identity": "3"}
                await two.send_json({"do": "leave"})
            reported = await one.receive_json(timeout=10)
            assert reported == {"event": "user_left", "identity": "3"}
        assert far.events.history == ["+2", "+3", "-3"]


@KINDS
async def test_a_packet_goes_to_the_avatar_and_to_everybody_else(kind: str) -> None:
    own = {"agora_channel": "c", "agora_uid": 1} | {
        "trtc_sdk_app_id": 5,
        "trtc_sdk_room_id": "c",
        "trtc_sdk_user_id": "1",
    }
    async with loopback_room(kind, own_room=own) as far:
        far.access |= {"agora_token": "t", "agora_app_id": "a", "trtc_room_id": "c"}
        far.access |= {"trtc_user_id": "2", "trtc_user_sig": "s", "trtc_app_id": 5}
        command = far.room.command
        async with (
            relay_client(far, identity="2") as (one, _),
            relay_client(far, identity="3") as (two, _),
        ):
            await one.receive_json(timeout=10)
            assert await relay_ask(two, b"hello", command=command) == 0
            frame = await one.receive_bytes(timeout=10)
            assert relay_wire.unpack_relayed(frame) == relay_wire.Relayed(command, "3", b"hello")
            assert (far.events.packets, far.events.senders) == ([b"hello"], ["3"])


@pytest.mark.parametrize(
    ("kind", "changes", "code"),
    [
        ("agora", {"credential": "wrong"}, 8),
        ("agora", {"credential": ""}, 8),
        ("agora", {"app_id": "wrong"}, 6),
        ("agora", {"identity": "bob"}, 10),
        ("agora", {"channel": "none"}, 10),
        ("agora", {"identity": "1" * 256}, 10),
        ("trtc", {"credential": "wrong"}, 5400),
        ("trtc", {"identity": "bob"}, 5400),
        ("trtc", {"app_id": 1}, 5000),
        ("trtc", {"room_kind": "number"}, 5000),
        ("trtc", {"channel": "none"}, 5400),
        ("trtc", {"channel": 7}, 5400),
    ],
)
async def test_who_is_refused(kind: str, changes: dict[str, Any], code: int) -> None:
    async with loopback_room(kind) as far, relay_client(far, **changes) as (ws, answer):
        assert (answer["event"], answer["code"]) == ("refused", code)
        assert str(far.access.get("agora_token")) not in json.dumps(answer)
        assert (await ws.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
        assert far.events.history == []


@KINDS
async def test_what_isnt_understood_is_borne(kind: str) -> None:
    async with loopback_room(kind) as far, relay_client(far) as (ws, _):
        for nonsense in ("no JSON", "[1]", '"text"', '{"do":"fly"}', '{"do":"renew"}'):
            await ws.send_str(nonsense)
        await far.send(b"still here")
        while True:
            message = await ws.receive(timeout=10)
            if message.type is aiohttp.WSMsgType.BINARY:
                assert message.data.endswith(b"still here")
                return


@KINDS
@pytest.mark.parametrize("first", ["", "[]", "{}"])
async def test_a_first_frame_that_names_no_room(kind: str, first: str) -> None:
    async with (
        loopback_room(kind) as far,
        aiohttp.ClientSession() as http,
        http.ws_connect(far.room.base_url + far.room.path) as ws,
    ):
        await ws.send_str(first)
        assert (await ws.receive_json(timeout=10))["event"] == "refused"


@KINDS
async def test_the_avatar_keeps_to_the_limits_as_well(kind: str) -> None:
    async with loopback_room(kind) as far, relay_client(far) as (ws, _):
        for packet in (b"", b"x" * (far.room.rules.max_bytes + 1)):
            with pytest.raises(ValueError, match="in a packet"):
                await far.send(packet)
        loop = asyncio.get_running_loop()
        began = loop.time()
        per_second = far.room.rules.packets_per_second
        for _ in range(per_second + 1):
            await far.send(b"x")
        assert loop.time() - began > 0.9
        for _ in range(per_second + 1):
            assert (await ws.receive_bytes(timeout=10))[-1:] == b"x"


@KINDS
async def test_what_no_one_hears_is_lost(kind: str) -> None:
    async with loopback_room(kind) as far:
        await far.send(b"to nobody")
        async with relay_client(far) as (ws, _):
            await far.room.fault("avatar_leaves")
            await far.send(b"from outside")
            assert (await ws.receive_json(timeout=10))["event"] == "user_left"
            await far.room.fault("avatar_returns")
            assert (await ws.receive_json(timeout=10))["event"] == "user_joined"
            await far.send(b"to somebody")
            assert (await ws.receive_bytes(timeout=10)).endswith(b"to somebody")


@KINDS
async def test_the_avatar_leaves_before_the_room_ends(kind: str) -> None:
    async with loopback_room(kind) as far, relay_client(far) as (ws, _):
        await far.room.leave()
        assert (await ws.receive_json(timeout=10))["event"] == "user_left"
        await far.room.close("expired")
        await far.room.close("expired")
        assert (await ws.receive_json(timeout=10))["event"] == "disconnected"
        assert (await ws.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE


@KINDS
async def test_silence_swallows_packets_either_way(kind: str) -> None:
    async with loopback_room(kind) as far, relay_client(far) as (ws, _):
        await far.room.fault("silence", seconds=60)
        assert await relay_ask(ws, b"up", command=far.room.command) == 0
        await far.send(b"down")
        await far.room.fault("silence", seconds=0)
        await far.send(b"again")
        assert (await ws.receive_bytes(timeout=10)).endswith(b"again")
        assert far.events.packets == []


@KINDS
async def test_an_unknown_fault_and_a_wrong_option_are_refused(kind: str) -> None:
    async with loopback_room(kind) as far:
        with pytest.raises(ValueError, match="earthquake'; it knows avatar_leaves, ") as raised:
            await far.room.fault("earthquake")
        known = str(raised.value).partition("it knows ")[2].split(", ")
        assert {"drop_socket", "disconnect"} < set(known)
        assert ("token_will_expire" in known) == (kind == "agora")
        with pytest.raises(TypeError, match="note"):
            await far.room.fault("silence", seconds=0, note="text")
        for name in known:  # each is one; some need an option
            with contextlib.suppress(TypeError):
                await far.room.fault(name)


async def test_a_lost_place_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("akool_async.simulator.rooms.relay.room.LINGER", 0.05)
    async with loopback_room("agora") as far:
        async with relay_client(far):
            await far.drop()
        await until(lambda: len(far.events.history) == 2, "the avatar to learn of it")
        assert far.events.present == []


async def test_a_member_who_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("akool_async.simulator.rooms.relay.member.MAX_WAITING", 2)
    async with loopback_room("agora") as far, relay_client(far) as (ws, _):
        for _ in range(3):
            await far.room.fault("stranger", packet=b"x")  # two frames, with no turn between
        kinds = [(await ws.receive(timeout=10)).type for _ in range(3)]
        assert kinds[-1] in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_conditions_are_applied_both_ways() -> None:
    async with (
        loopback_room(
            "agora", conditions=NetworkConditions(double=1.0, reorder_delay=0.001)
        ) as far,
        relay_client(far) as (ws, _),
    ):
        await far.send(b"down")
        for _ in range(2):
            assert (await ws.receive_bytes(timeout=10)).endswith(b"down")
        await ws.send_bytes(relay_wire.pack_sent(0, 0, b"up"))
        await far.wait_received(2)
        assert far.received == [b"up", b"up"]
