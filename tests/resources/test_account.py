from __future__ import annotations

from typing import Any

import pytest
from scripted import Scripted, envelope

from akool_async import AkoolClient
from akool_async.errors import InvalidResponseError
from akool_async.simulator import Simulator


@pytest.mark.parametrize("credit", [12.5, "12.5"])
async def test_the_balance(credit: Any, service: Scripted, client: AkoolClient) -> None:
    service.answer(envelope({"credit": credit, "uid": 1}))
    assert await client.account.credits() == 12.5
    assert (service.last.method, service.last.path) == ("GET", "/api/open/v3/faceswap/quota/info")


@pytest.mark.parametrize(
    "data", [None, {}, [], {"credit": None}, {"credit": "x"}, {"credit": True}]
)
async def test_no_balance(data: Any, service: Scripted, client: AkoolClient) -> None:
    service.answer(envelope(data))
    with pytest.raises(InvalidResponseError, match="can't be read"):
        await client.account.credits()


async def test_a_session_takes_credits_and_gives_the_rest_back() -> None:
    async with (
        Simulator(credits=1000) as simulator,
        AkoolClient("any", base_url=simulator.url) as akool,
    ):
        assert await akool.account.credits() == 1000
        session = await akool.sessions.create("dvp_Tristan_cloth2_1080P", duration=600)
        assert await akool.account.credits() == 400
        await akool.sessions.close(session)
        assert 900 < await akool.account.credits() <= 1000
