"""Notices that no one has spoken for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, Final, TypeAlias

from akool_async import validation
from akool_async.conversation.event_bus import EventBus
from akool_async.errors import InvalidParameterError
from akool_async.events import (
    Disconnected,
    Event,
    Idle,
    ReplyDelta,
    ReplyDone,
    ReplyStarted,
    SpeakingStarted,
    SpeakingStopped,
    UserSpoke,
)

__all__ = ["IdleFunction", "IdleWatch", "Idleness"]

#: Called when no one has spoken; what it returns is said.
IdleFunction: TypeAlias = Callable[
    [], str | AsyncIterable[str | None] | Awaitable[str | AsyncIterable[str | None] | None] | None
]

_AVATAR: Final = (ReplyStarted, ReplyDelta, ReplyDone, SpeakingStarted, SpeakingStopped)


class IdleWatch:
    """Publishes `Idle` when no one has spoken for `seconds`, and again after as long.

    What the program says while `prompting` is set doesn't count as speech.
    """

    def __init__(self, bus: EventBus, pending: Callable[[], bool], seconds: float) -> None:
        self.seconds = seconds
        self.prompting = False
        self._bus = bus
        self._pending = pending
        self._timer: asyncio.TimerHandle | None = None
        self._last = asyncio.get_running_loop().time()
        bus.on(Event, self._happened)
        self._wait()

    def stop(self) -> None:
        """Publishes nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _happened(self, event: Event) -> None:
        if isinstance(event, Disconnected):
            self.stop()
        elif isinstance(event, UserSpoke) or (isinstance(event, _AVATAR) and not self.prompting):
            self._last = asyncio.get_running_loop().time()

    def _wait(self) -> None:
        # Each event only moves `_last`; the timer looks at it when it is due.
        self._timer = asyncio.get_running_loop().call_at(self._last + self.seconds, self._due)

    def _due(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._pending() and not self.prompting:
            self._last = now
        elif now - self._last >= self.seconds * (1 - 1e-9):
            self._last = now
            self._bus.publish(Idle(self.seconds, self))
        if self._timer is not None:  # a handler may have stopped it
            self._wait()


class Idleness:
    """What a conversation does when no one speaks.

    Args:
        bus: of the conversation's events.
        pending: says whether anything is being said or answered, or waits to be.
    """

    def __init__(self, bus: EventBus, pending: Callable[[], bool]) -> None:
        self._bus = bus
        self._pending = pending
        #: Prompts are no use: a bot that asks whether anybody is there doesn't keep its session.
        self._limits: list[IdleWatch] = []

    def call(
        self, seconds: float, function: IdleFunction, say: Callable[[Any], Awaitable[object]]
    ) -> IdleWatch:
        """Calls a function when no one has spoken for so long, and says what it returns."""
        if not callable(function):
            raise InvalidParameterError("function", f"{function!r} can't be called")
        watch = IdleWatch(self._bus, self._pending, validation.seconds("seconds", seconds))

        async def idle(event: Idle) -> None:
            if event.watch is not watch:
                return
            result = function()
            text = await result if isinstance(result, Awaitable) else result
            if text is None or (isinstance(text, str) and not text.strip()):
                return
            self._prompting(begins=True)
            try:
                await say(text)
            finally:
                self._prompting(begins=False)

        self._bus.on(Idle, idle)
        return watch

    def limit(self, seconds: float, close: Callable[[], Awaitable[object]]) -> IdleWatch:
        """Closes when no one used the conversation for so long."""
        limit = validation.seconds("idle_timeout", seconds)
        watch = IdleWatch(self._bus, self._pending, limit)
        self._limits.append(watch)

        async def idle(event: Idle) -> None:
            if event.watch is watch:
                watch.stop()
                await close()

        self._bus.on(Idle, idle)
        return watch

    def _prompting(self, *, begins: bool) -> None:
        for watch in self._limits:
            watch.prompting = begins
