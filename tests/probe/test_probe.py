"""A probe's sessions: what they cost, and that each is closed."""

from __future__ import annotations

import asyncio

import pytest
from probing import PACE

from akool_async import AkoolClient
from akool_async.errors import InvalidParameterError, JoinError
from akool_async.probe import Probe
from akool_async.probe.probe import MAIN
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


async def test_without_speech_nothing_is_said_of_it():
    async with (
        Simulator(pace=PACE) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        steps: list[str] = []
        report = await Probe(akool, stream_type="trtc", on_step=steps.append).run()
    assert "recognised speech" not in steps
    assert "echoes_user_speech" not in report.behavior
    unseen = [row for row in report.rows if row.question.startswith("Does retelling mode say")]
    assert "give it speech" in unseen[0].seen
    assert unseen[0].agrees is None


async def test_a_room_that_ends_meanwhile_ends_the_script():
    async with (
        Simulator(pace=PACE) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):

        async def fail(*_: object) -> None:
            await sim.fail_session(sim.open_sessions[-1])

        report = await Probe(akool, stream_type="agora", speak=fail).run()
        assert sim.open_sessions == []
    assert report.behavior["default_mode"] == 2
    seen = {row.question: row.seen for row in report.rows}
    assert "the room had ended before" in seen["A second text meanwhile?"]


async def test_a_cancelled_probe_closes_its_session():
    async with (
        Simulator(pace=PACE) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        steps: list[str] = []
        probe = Probe(akool, stream_type="agora", on_step=steps.append)
        task = asyncio.create_task(probe.run())
        await until(lambda: len(steps) > 3)
        assert len(sim.open_sessions) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sim.open_sessions == []


async def test_a_room_that_cant_be_joined(monkeypatch):
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        probe = Probe(akool, stream_type="agora")

        async def refuse(self: object, *, timeout: float) -> None:
            raise JoinError("not today")

        monkeypatch.setattr(probe._transport, "connect", refuse)
        with pytest.raises(JoinError, match="not today"):
            await probe.run()
        assert sim.open_sessions == []
        assert sum(session.duration for session in sim.sessions.values()) == MAIN


async def test_wrong_values_are_refused_before_anything_is_sent():
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        with pytest.raises(InvalidParameterError, match="stream_type"):
            Probe(akool, stream_type="skype")  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(InvalidParameterError, match="avatar_id"):
            Probe(akool, avatar_id="")
        assert len(sim.requests) == 0
