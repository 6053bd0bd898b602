from __future__ import annotations

import io

import pytest

from akool_async import AkoolClient
from akool_async.cli.balance import Balance
from akool_async.simulator import Simulator


@pytest.mark.parametrize("known", [True, False])
async def test_it_says_what_a_session_took(known):
    async with Simulator(credits=1000) as sim, AkoolClient("any", base_url=sim.url) as akool:
        balance = Balance(akool)
        if not known:
            sim.fail_next(path="*/quota/info", code=1009)
        await balance.note()
        session = await akool.sessions.create("dvp_Tristan_cloth2_1080P", duration=60)
        await sim.advance(10)
        taken = await balance.spent()
        assert taken is not None and taken > 0 if known else taken is None
        await akool.sessions.close(session.id)
        text = await balance.compared()
        assert text.startswith("1,000.0 before, 9") if known else text == ""
        shown = io.StringIO()

        class Out:
            def line(self, text: str) -> None:
                shown.write(text)

        await balance.show(Out())  # type: ignore[arg-type]
        assert bool(shown.getvalue()) == known
