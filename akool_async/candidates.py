"""Which avatar a session is opened with: several candidates, and waiting while all are in use."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from akool_async.concurrency import Backoff
from akool_async.errors import APIError, BusyError, InvalidParameterError
from akool_async.models.session import LegacySession
from akool_async.resources.open_sessions import OpenSessions
from akool_async.validation import number, text

__all__ = ["CandidateRefusedError", "Candidates", "OnProgress", "OpeningProgress", "unavailable"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Beside `BusyError`: what the service answers for an avatar that no session can be had with:
#: 1008 there is none of that id, 1010 it is disabled, 1220 its upload failed.
_UNAVAILABLE: Final = (1008, 1010, 1220)


@dataclass(frozen=True, slots=True)
class OpeningProgress:
    """A step of opening a session, given to `open_session(…, on_progress=…)`.

    Attributes:
        step: "trying", a session with this avatar is about to be created; "refused", the service
            has none for it now, `error` says why; "waiting", no candidate could be had, and the
            next round begins after `pause`; "starting", (legacy) `session` was looked at, which
            isn't running until its status is 2.
        avatar_id: the candidate; while waiting, the first one.
        error: the service's answer.
        pause: seconds.
        session: as it was looked at.
    """

    step: Literal["trying", "refused", "waiting", "starting"]
    avatar_id: str
    error: APIError | None = None
    pause: float | None = None
    session: LegacySession | None = None


#: Called with each step; plain or async. What it raises ends the opening.
OnProgress: TypeAlias = Callable[[OpeningProgress], Awaitable[object] | object]


class CandidateRefusedError(Exception):
    """Inside of opening: the service has no session with this avatar; `error` is its answer."""

    def __init__(self, error: APIError) -> None:
        super().__init__(str(error))
        self.error = error


def unavailable(error: APIError) -> bool:
    """Whether create's refusal may be the avatar's, so that another one could be had."""
    return isinstance(error, BusyError) or error.code in _UNAVAILABLE


class Candidates:
    """The avatars of one opening, checked.

    Args:
        avatar_ids: one, or several in the order of preference.
        wait_for_slot: seconds for which all are tried again while one of them is in use.
        on_progress: called with each step.

    Raises:
        InvalidParameterError: a wrong value.
    """

    def __init__(
        self,
        avatar_ids: str | Sequence[str],
        wait_for_slot: float | None,
        on_progress: OnProgress | None,
    ) -> None:
        if isinstance(avatar_ids, str) or not isinstance(avatar_ids, Sequence):
            avatar_ids = [avatar_ids]
        if not avatar_ids:
            raise InvalidParameterError("avatar_id", "is an empty list, give at least one id")
        checked = (text("avatar_id", avatar_id) for avatar_id in avatar_ids)
        self.avatar_ids = tuple(dict.fromkeys(checked))
        self._wait = 0.0
        if wait_for_slot is not None:
            self._wait = number("wait_for_slot", wait_for_slot, 0.0, 86_400.0)
        if on_progress is not None and not callable(on_progress):
            raise InvalidParameterError("on_progress", "can't be called")
        self._on_progress = on_progress

    @property
    def plain(self) -> bool:
        """Whether there is one avatar and no waiting, so that creating is repeated as other calls
        are when the service is busy.
        """
        return len(self.avatar_ids) == 1 and not self._wait

    def again(self, preferred: str | None) -> Candidates:
        """The same avatars for another session, this one first; none is waited for."""
        rest = [avatar_id for avatar_id in self.avatar_ids if avatar_id != preferred]
        first = [] if preferred is None else [preferred]
        return Candidates([*first, *rest], None, self._on_progress)

    async def report(self, progress: OpeningProgress) -> None:
        """Calls `on_progress`."""
        if self._on_progress is not None:
            result = self._on_progress(progress)
            if inspect.isawaitable(result):
                await result

    async def first(self, opens: Callable[[str], Awaitable[T]], sessions: OpenSessions) -> T:
        """The session of the first avatar that one could be opened with.

        Args:
            opens: opens one; raises `CandidateRefusedError` where the next one is to be tried.
            sessions: of the client: closing it ends the waiting.

        Raises:
            APIError: none could be had: the answer for the first one that is in use, else for the
                first one. A note says what was answered for each of several.
        """
        clock = asyncio.get_running_loop().time
        ends = clock() + self._wait
        backoff = Backoff()
        while True:
            refused: dict[str, APIError] = {}
            for avatar_id in self.avatar_ids:
                await self.report(OpeningProgress("trying", avatar_id))
                try:
                    return await opens(avatar_id)
                except CandidateRefusedError as refusal:
                    error = refused[avatar_id] = refusal.error
                if not self.plain:
                    logger.info("no session with the avatar %s now: %s", avatar_id, error)
                await self.report(OpeningProgress("refused", avatar_id, error=error))
            busy = [error for error in refused.values() if isinstance(error, BusyError)]
            left = ends - clock()
            if not busy or left <= 0:
                raise self._none_of(refused, busy)
            asked = [error.retry_after for error in busy if error.retry_after is not None]
            pause = min(backoff.pause(min(asked, default=None)), left)
            await self.report(OpeningProgress("waiting", self.avatar_ids[0], pause=pause))
            async with sessions.waiting():
                await asyncio.sleep(pause)

    @staticmethod
    def _none_of(refused: dict[str, APIError], busy: list[BusyError]) -> APIError:
        error: APIError = busy[0] if busy else next(iter(refused.values()))
        if len(refused) > 1:
            answers = "; ".join(f"{avatar_id}: {one}" for avatar_id, one in refused.items())
            error.add_note(f"No avatar could be had: {answers}")
        return error
