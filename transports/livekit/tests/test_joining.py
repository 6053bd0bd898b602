"""`akool_livekit.joining`: tries, pauses, refusals, new tokens."""

from __future__ import annotations

import asyncio

import pytest
from akool_livekit import LiveKitTransport
from akool_livekit.join_limiter import JOIN_LIMITER
from pydantic import SecretStr

from akool_async.errors import InvalidParameterError, JoinError, JoinRefusedError, JoinTimeoutError
from akool_async.simulator.rooms.livekit.tokens import Grants, mint
from akool_async.testing.conformance import TIMEOUT
from akool_async.transport import JoinTarget


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"livekit_url": "http://127.0.0.1:1"}, "livekit_url"),
        *(
            ({"livekit_url": f"wss://{host}"}, "livekit_url")
            for host in (
                "",
                "a..b.example",
                "x" * 64 + ".example",
                "exa mple",
                "[::1",
                "host:99999",
                "\ud800.example",
                "host/\ud800",
                "host\n",
            )
        ),
        ({"livekit_token": None}, "livekit_token"),
        ({"livekit_token": SecretStr("")}, "livekit_token"),
    ],
)
async def test_credentials_that_cannot_work_are_refused(room, change, field) -> None:
    credentials = room.credentials.model_copy(update=change)
    with pytest.raises(InvalidParameterError) as caught:
        LiveKitTransport(JoinTarget(credentials), {})
    assert caught.value.field == field


async def test_no_more_than_four_are_brought_up_at_once(room) -> None:
    await room.fault("silent_join", seconds=0.3)
    transports = [LiveKitTransport(room.as_somebody(f"bot{n}"), {}) for n in range(6)]
    joining = [asyncio.create_task(t.connect(timeout=TIMEOUT)) for t in transports]
    most = 0
    while not all(task.done() for task in joining):
        most = max(most, JOIN_LIMITER.limit - JOIN_LIMITER.free)
        await asyncio.sleep(0.01)
    for task in joining:
        task.result()
    assert most == 4
    for transport in transports:
        await transport.close()
    assert JOIN_LIMITER.free == 4


async def test_waiting_for_a_turn_counts_into_the_time(room) -> None:
    turns = [await JOIN_LIMITER.acquire() for _ in range(4)]
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(JoinTimeoutError, match="other rooms of this process"):
        await transport.connect(timeout=0.1)
    for turn in turns:
        turn.release()
    await transport.close()


async def test_a_server_that_is_busy_is_tried_again_with_a_fresh_client(room) -> None:
    # The client asks four times for each try of ours, and again for the words of a refusal.
    await room.fault("refuse_join", status=503, times=6)
    transport = LiveKitTransport(room.target, {})
    await transport.connect(timeout=TIMEOUT)
    await transport.close()


async def test_a_server_that_stays_busy_is_given_up(room) -> None:
    await room.fault("refuse_join", status=503, times=10_000)
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(JoinError, match="503") as caught:
        await transport.connect(timeout=TIMEOUT)
    assert caught.value.retryable
    await transport.close()


async def test_a_token_without_leave_to_send_is_reported(room) -> None:
    grants = Grants(room.sim.client_identity, room.sim.hub.name, can_publish_data=False)
    token = SecretStr(mint(grants, lifetime=60))
    room.credentials = room.credentials.model_copy(update={"livekit_token": token})
    transport = LiveKitTransport(room.target, {})
    with pytest.raises(JoinRefusedError, match="may not send data"):
        await transport.connect(timeout=TIMEOUT)
    await transport.close()


async def test_a_renewal_that_raises_anything_is_a_join_error(room) -> None:
    async def renew():
        raise RuntimeError("the token is s3cret")

    await room.fault("expire_tokens")
    transport = LiveKitTransport(JoinTarget(room.credentials, renew_credentials=renew), {})
    with pytest.raises(JoinRefusedError, match="RuntimeError") as caught:
        await transport.connect(timeout=TIMEOUT)
    assert "s3cret" not in str(caught.value)
    await transport.close()
