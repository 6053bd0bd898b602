from loopback_peer import loopback_room, relay_ask, relay_client


async def test_trtcs_codes() -> None:
    async with loopback_room("trtc") as far, relay_client(far) as (ws, _):
        assert await relay_ask(ws, b"x" * 1000, command=1) == 0
        assert await relay_ask(ws, b"x" * 1001, command=1) == 5000
        assert await relay_ask(ws, b"", command=1) == 5000
        assert await relay_ask(ws, b"x", command=0) == 5000
        assert await relay_ask(ws, b"x", command=11) == 5000
        assert await relay_ask(ws, b"other", command=2) == 0
        for _ in range(28):
            assert await relay_ask(ws, b"x", command=1) == 0
        assert await relay_ask(ws, b"x", command=1) == 5100
        await far.room.fault("refuse_sends", code=5400)
        assert await relay_ask(ws, b"x", at=3, command=1) == 5400
        assert b"other" not in far.events.packets


async def test_only_an_anchor_may_send() -> None:
    async with loopback_room("trtc") as far, relay_client(far, role="audience") as (ws, joined):
        assert joined["event"] == "joined"
        assert await relay_ask(ws, b"x", command=1) == 5100
