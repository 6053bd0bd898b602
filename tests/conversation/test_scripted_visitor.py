"""A minute with a visitor who makes it hard, on the virtual clock: word for word.

`python tests/support/scripted_visitor.py --minutes 5` takes five, in real time.
"""

from __future__ import annotations

import random

import aiohttp
import pytest
from loading import load_example
from scripted_visitor import BEHAVIOR, PACE, ScriptedVisitor, language_model

from akool_async import AkoolClient, RespondWith
from akool_async.simulator import Simulator


@pytest.mark.parametrize(("stream_type", "seed"), [("agora", 1), ("trtc", 2)])
@pytest.mark.slow
async def test_a_minute_word_for_word(stream_type, seed):
    bot = load_example("llm_bot")
    rng = random.Random(seed)
    async with (
        Simulator(behavior=BEHAVIOR, pace=PACE) as sim,
        language_model(rng) as url,
        aiohttp.ClientSession(f"{url}/") as http,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(
            "dvp_Tristan_cloth2_1080P",
            stream_type=stream_type,
            respond_with=RespondWith(lambda turn: bot.completion(http, turn), merge_window=0.6),
        ) as avatar,
    ):
        visitor = ScriptedVisitor(avatar, sim, rng)
        await visitor.visit(60)
        visitor.check()
        assert {turn.kind for turn in visitor.turns} >= {"interrupts", "repeats", "pauses"}
