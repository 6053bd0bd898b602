from __future__ import annotations

import asyncio

from akool_async.conversation.gate import Gate


async def test_it_holds_back_while_it_is_closed():
    gate = Gate()
    await gate.passed()
    gate.close()
    waiting = asyncio.create_task(gate.passed())
    await asyncio.sleep(10)
    assert not waiting.done()
    gate.open()
    await waiting
