"""Conversations that go on over many sessions, with a visitor who talks meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain, count, pairwise
from typing import Any

import pytest
from most_open import most_open

from akool_async import (
    AkoolClient,
    AvatarSession,
    Disconnected,
    Event,
    ReplyDone,
    SessionEnding,
    SessionNotRenewed,
    SessionRenewed,
    SessionRenewing,
)
from akool_async.conversation import renewal
from akool_async.simulator import LiveKitServer, ServiceBehavior, Simulator

__all__ = ["AVATAR", "renew_early", "renew_in_the_simulator", "renew_often"]

AVATAR = "dvp_Tristan_cloth2_1080P"


class Visitor:
    """Asks, has things said and interrupts, at random moments."""

    def __init__(self, avatar: AvatarSession, seed: int) -> None:
        self.avatar = avatar
        self.random = random.Random(seed)
        self.asked = 0
        self.said = 0
        self.interrupts = 0

    async def asks(self, done: asyncio.Event) -> None:
        while not done.is_set():
            self.asked += 1
            question = f"question {self.asked}."
            reply = await self.avatar.ask(question)
            whole = f"You said: {question}"
            if reply.ended == "interrupted":
                assert whole.startswith(reply.text.rstrip()), reply
            else:
                assert reply.text == whole
            await asyncio.sleep(self.random.uniform(0.0, 1.2))

    async def says(self, done: asyncio.Event) -> None:
        while not done.is_set():
            self.said += 1
            before = self.interrupts
            spoken = await self.avatar.say(f"Text number {self.said}.")
            assert spoken or self.interrupts > before
            await asyncio.sleep(self.random.uniform(0.0, 3.0))

    async def cuts_in(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 3.0))
            self.interrupts += 1
            await self.avatar.interrupt()

    async def until_renewed(self, times: int, duration: int) -> None:
        done = asyncio.Event()
        renewed = self.avatar.events(SessionRenewed)
        async with asyncio.timeout(duration * (times + 10)), asyncio.TaskGroup() as tasks:
            for work in (self.asks, self.says, self.cuts_in):
                tasks.create_task(work(done))
            for _ in range(times):
                await anext(renewed)
            done.set()


async def renew_often(
    avatar: AvatarSession,
    times: int,
    duration: int,
    asked: Callable[[], Iterable[str]],
    *,
    always_quiet: bool = True,
) -> None:
    """Has a visitor talk meanwhile: no question is lost, none is asked or answered twice."""
    events: list[Event] = []
    avatar.on(Event)(events.append)
    visitor = Visitor(avatar, seed=times)
    await visitor.until_renewed(times, duration)
    renewed = [event for event in events if isinstance(event, SessionRenewed)]
    assert len(renewed) >= times
    assert all(new.previous_id == old.session_id for old, new in pairwise(renewed))
    assert avatar.info.session_id == renewed[-1].session_id
    kinds = Counter(type(event) for event in events)
    assert kinds[SessionRenewing] - kinds[SessionRenewed] in (0, 1)
    assert kinds[SessionEnding] == kinds[SessionNotRenewed] == kinds[Disconnected] == 0
    assert visitor.interrupts
    assert all(event.quiet for event in renewed) or not always_quiet
    heard = Counter(asked())
    # Each question was asked of one avatar, once; a text that was interrupted early, of none.
    assert all(number == 1 for number in heard.values()), heard
    assert all(heard[f"question {n}."] for n in range(1, visitor.asked))
    answered = Counter(
        event.question for event in events if isinstance(event, ReplyDone) and event.question
    )
    assert all(number == 1 for number in answered.values())


async def renew_in_the_simulator(
    limited: bool,
    times: int,
    stream_type: Any,
    duration: int,
    pace: float,
    *,
    behavior: ServiceBehavior | None = None,
    livekit: LiveKitServer | None = None,
    always_quiet: bool = True,
) -> None:
    """Renews so many times, and compares what avatars heard and the visitor got."""
    behavior = (behavior or ServiceBehavior()).but(one_session_per_avatar=limited)
    async with (
        Simulator(behavior=behavior, pace=pace, livekit=livekit) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
    ):
        async with akool.open_session(
            AVATAR, stream_type=stream_type, duration=duration, mode=2, renew="quiet"
        ) as avatar:
            await renew_often(
                avatar,
                times,
                duration,
                lambda: chain(*(sim.asked(name) for name in sim.sessions)),
                always_quiet=always_quiet,
            )
            assert avatar.info.session_id in [session.id for session in sim.open_sessions]
        assert sim.open_sessions == []
        assert all(session.end_reason == "closed" for session in sim.sessions.values())
        assert most_open(sim) == (1 if limited else 2)


def renew_early(monkeypatch: pytest.MonkeyPatch, sessions: int) -> None:
    """So many sessions are renewed after a second, long before their end: nothing is late on a
    busy machine.
    """
    numbers = count()

    class Early(renewal._Windows):
        def __init__(self, duration: float) -> None:
            super().__init__(duration)
            if next(numbers) < sessions:
                self.begin = duration - 1
                self.hold_back = duration / 2

    monkeypatch.setattr(renewal, "_Windows", Early)
