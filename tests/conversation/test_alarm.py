"""One timer; and what it does when the event loop was held up."""

from __future__ import annotations

import asyncio
import time

import pytest

from akool_async import ReplyDelta
from akool_async.conversation.alarm import Alarm


class Fires:
    """An alarm whose deadlines are given; counts what it is told."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.deadlines: list[float] = []
        self.times: list[float] = []
        self.received = 0
        self.alarm = Alarm(
            self.loop,
            deadline=lambda: min(self.deadlines, default=None),
            ring=self.ring,
            received=lambda: self.received,
        )

    def ring(self, now: float) -> None:
        self.times.append(now)
        self.deadlines = [when for when in self.deadlines if when > now]

    async def until_fired(self, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while len(self.times) < times:
                await asyncio.sleep(0.01)


async def test_it_fires_at_each_deadline_however_they_were_given():
    fires = Fires()
    now = fires.loop.time()
    fires.deadlines = [now + 0.2]
    fires.alarm.set()
    fires.deadlines.append(now + 0.05)
    fires.alarm.set()
    await fires.until_fired(2)
    assert fires.times[0] < now + 0.2 <= fires.times[1]
    fires.alarm.stop()


class PlainHandles:
    """A loop that hands out handles without `when`, as uvloop does for timers due at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.time = loop.time

    def call_at(self, when, call, *args):
        return self._loop.call_soon(call, *args)


async def test_a_handle_need_not_know_its_time():
    fires = Fires()
    fires.alarm = Alarm(
        PlainHandles(fires.loop),  # type: ignore[arg-type]
        deadline=lambda: min(fires.deadlines, default=None),
        ring=fires.ring,
        received=lambda: 0,
    )
    for _ in range(3):
        fires.deadlines = [fires.loop.time()]
        fires.alarm.set()
        fires.alarm.set()
    await fires.until_fired()
    fires.alarm.stop()


@pytest.mark.real_clock
async def test_late_it_waits_until_what_arrived_was_read():
    fires = Fires()
    fires.deadlines = [fires.loop.time() + 0.05]
    fires.alarm.set()
    time.sleep(0.5)  # noqa: ASYNC251 - what it is about
    for _ in range(3):
        await asyncio.sleep(0.1)
        fires.received += 1
        assert fires.times == []
    await fires.until_fired()
    fires.alarm.stop()


@pytest.mark.real_clock
@pytest.mark.parametrize("limit", [0.2, 5.0])
async def test_a_loop_that_was_held_up_loses_nothing_that_had_arrived(scene, limit):
    async with scene(quiet_time=0.2, fin_patience=0.2) as s:
        held = []

        @s.session.on(ReplyDelta)
        def handler(event: ReplyDelta) -> None:
            if not held:
                held.append(event)
                s.robot.part(event.mid, 1, "two ")
                s.robot.part(event.mid, 2, "three", True)
                time.sleep(0.6)

        s.robot.on_chat = lambda mid, text: s.robot.part(mid, 0, "one ")
        reply = await s.session.ask("Count.", timeout=limit)
        assert (reply.text, reply.ended) == ("one two three", "fin")
