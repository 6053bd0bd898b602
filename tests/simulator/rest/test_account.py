from __future__ import annotations

from typing import Any

CREDITS = "/v3/faceswap/quota/info"


async def test_the_balance_goes_down_while_a_session_is_open(start: Any) -> None:
    caller = await start(credits=1000, credits_per_second=0.5)
    assert await caller.data("GET", CREDITS) == {"credit": 1000}
    session_id = (await caller.create(duration=600))["_id"]
    assert await caller.data("GET", CREDITS) == {"credit": 700}
    await caller.close(session_id)
    assert (await caller.data("GET", CREDITS))["credit"] > 990


async def test_without_a_limit_there_is_plenty_and_it_goes_down_all_the_same(start: Any) -> None:
    caller = await start(credits=None, credits_per_second=1.0)
    before = (await caller.data("GET", CREDITS))["credit"]
    await caller.create(duration=600)
    assert before - (await caller.data("GET", CREDITS))["credit"] == 600
