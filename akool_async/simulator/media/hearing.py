"""What an avatar hears in the microphones of a room, and the texts it understands."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from akool_async.media.frames import AudioFrame
from akool_async.simulator.media.ear import RATE, TurnDetector

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Hearing"]

logger = logging.getLogger(__name__)

_Understand: TypeAlias = Callable[[AudioFrame], Awaitable[str | None]]
_Report: TypeAlias = Callable[[str | None], Awaitable[None]]

#: Pieces of each microphone that are kept: of 20 ms they are a minute.
_KEPT: Final = 3000
#: Seconds between looks for turns that ended because nothing came any more.
_LOOK: Final = 0.1
#: Turns waiting to be understood; the oldest are dropped.
_MOST_TURNS: Final = 20


class Hearing:
    """Listens to every microphone, each for itself, and reports texts in their order.

    Args:
        understand: what becomes of a turn: its text or `None`.
        end_of_turn: seconds of quiet that end a turn.
        failed: called with what `understand` raised.

    Attributes:
        report: called with each text; `None`: a turn that wasn't understood.
        diverted: takes the sound of every microphone, by its participant; texts aren't made of it.
        dropped: turns for which there was no time.
    """

    def __init__(
        self, understand: _Understand, *, end_of_turn: float, failed: Callable[[Exception], None]
    ) -> None:
        self._understand = understand
        self._end_of_turn = end_of_turn
        self._failed = failed
        self.report: _Report | None = None
        self.diverted: Callable[[str, NDArray[Any]], None] | None = None
        self.dropped = 0
        self._ears: dict[str, TurnDetector] = {}
        self._kept: dict[str, deque[NDArray[Any]]] = {}
        self._turns: deque[NDArray[Any]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._closed = False

    def hear(self, identity: str, samples: NDArray[Any]) -> None:
        """Takes int16 mono at 48 kHz of a participant's microphone."""
        if self._closed:
            return
        self._kept.setdefault(identity, deque(maxlen=_KEPT)).append(samples)
        if self.diverted is not None:
            self.diverted(identity, samples)
            return
        ear = self._ears.get(identity)
        if ear is None:
            ear = self._ears[identity] = TurnDetector(self._end_of_turn)
        self._ended(ear.add(samples, self._now()))
        if ear.speaking and self._looking is None:
            self._look_later()

    def heard(self, identity: str | None = None) -> AudioFrame:
        """The last minute of a microphone; `None`: of the one that was heard first.

        Raises:
            KeyError: nothing was heard of that participant.
        """
        if identity is None:
            identity = next(iter(self._kept), None)
        kept = self._kept.get(identity) if identity is not None else None
        if identity is not None and kept is None:
            raise KeyError(f"nothing was heard of {identity!r}")
        pcm = np.concatenate(kept).astype("<i2").tobytes() if kept else b""
        return AudioFrame(pcm, RATE)

    async def close(self) -> None:
        """Stops listening; twice is fine."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _look(self) -> None:
        self._looking = None
        for ear in self._ears.values():
            self._ended(ear.poll(self._now()))
        if any(ear.speaking for ear in self._ears.values()):
            self._look_later()

    def _ended(self, turn: NDArray[Any] | None) -> None:
        if turn is None:
            return
        self._turns.append(turn)
        if len(self._turns) > _MOST_TURNS:
            self._turns.popleft()
            self.dropped += 1
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="simulator-media-hearing")

    async def _listen(self) -> None:
        while self._turns:
            turn = self._turns.popleft()
            try:
                text = await self._understand(AudioFrame(turn.astype("<i2").tobytes(), RATE))
                if self.report is not None:
                    await self.report(text)
            except Exception as error:
                logger.exception("listen= failed")
                self._failed(error)
        self._task = None
