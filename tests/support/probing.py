"""Probes of a simulator."""

from __future__ import annotations

from typing import Any

from akool_async import AkoolClient
from akool_async.probe import MOST_SECONDS, Probe, ProbeReport
from akool_async.simulator import ServiceBehavior, Simulator

__all__ = ["PACE", "probed"]

#: Seconds for a word: what comes at once and what is paced differ in time only.
PACE = 0.05


async def probed(behavior: ServiceBehavior, **options: Any) -> ProbeReport:
    async with (
        # A legacy session has no duration of its own.
        Simulator(behavior=behavior, pace=PACE, credits=1000, default_duration=90) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):

        async def speak(*_: object) -> None:
            await sim.user_says(sim.open_sessions[-1], "what people say")

        options.setdefault("stream_type", "agora")
        report = await Probe(akool, speak=speak, **options).run()
        assert sim.open_sessions == []
        assert sim.credits_taken <= MOST_SECONDS
        return report
