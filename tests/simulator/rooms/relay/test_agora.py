import pytest
from loopback_peer import loopback_room, relay_ask, relay_client

from akool_async.testing.conformance import until


async def test_agoras_codes() -> None:
    async with loopback_room("agora") as far, relay_client(far) as (ws, _):
        assert await relay_ask(ws, b"x" * 1024) == 0
        assert await relay_ask(ws, b"x" * 1025) == -114
        assert await relay_ask(ws, b"") == -2
        await ws.send_bytes(b"short")
        assert (await ws.receive_json(timeout=10))["ack"] == -2
        for _ in range(5):
            assert await relay_ask(ws, b"x" * 1024, at=0.5) == 0
        assert await relay_ask(ws, b"x", at=0.9) == -115
        assert await relay_ask(ws, b"x" * 1024, at=1.0) == 0
        assert await relay_ask(ws, b"x", at=0.9) == -2  # its clock ran backwards
        assert await relay_ask(ws, b"x", at=float("nan")) == -2
        for _ in range(60):
            assert await relay_ask(ws, b"x", at=3.0) == 0
        assert await relay_ask(ws, b"x", at=3.5) == -12
        assert far.room.refused == {-114: 1, -2: 4, -115: 1, -12: 1}


async def test_a_token_is_good_to_join_with_for_five_minutes_and_to_stay_for_longer() -> None:
    async with loopback_room("agora") as far:
        async with relay_client(far):
            await far.room.fault("expire_token")
            await far.drop()
            await until(lambda: not far.room.members, "the break")
        async with relay_client(far) as (_, answer):  # back to its place
            assert answer["event"] == "joined"
        async with relay_client(far, identity="2") as (_, answer):
            assert (answer["event"], answer["code"]) == ("refused", 9)
        assert len(far.events.history) == 1


async def test_a_new_token_keeps_a_member_in() -> None:
    async with loopback_room("agora") as far, relay_client(far) as (ws, _):
        await far.room.fault("token_will_expire", seconds=0.2)
        assert await ws.receive_json(timeout=10) == {"event": "token_will_expire", "seconds": 0.2}
        await ws.send_json({"do": "renew", "token": "made up"})
        assert await ws.receive_json(timeout=10) == {"event": "renewed", "code": 8}
        token = far.room.new_token()  # type: ignore[attr-defined]
        await ws.send_json({"do": "renew", "token": token})
        assert await ws.receive_json(timeout=10) == {"event": "renewed", "code": 0}
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.4)
