"""`until` returns when its condition holds, and says what it waited for when it doesn't."""

from __future__ import annotations

import asyncio

import pytest

from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


async def test_it_returns_once_the_condition_holds():
    loop, arrived = asyncio.get_running_loop(), []
    start = loop.time()
    loop.call_later(2, arrived.append, 1)
    await until(lambda: arrived, "an arrival")
    assert 2 <= loop.time() - start < 2.1


async def test_a_condition_that_holds_already_costs_no_time():
    loop = asyncio.get_running_loop()
    start = loop.time()
    await until(lambda: True, timeout=0)
    assert loop.time() - start < 0.001


@pytest.mark.parametrize(("what", "said"), [("a reply", "a reply"), (None, "a condition")])
async def test_it_names_what_did_not_come(what, said):
    with pytest.raises(TimeoutError, match=rf"waited 3 s for {said}"):
        await until(lambda: False, what, timeout=3)
