"""Is the room still there? Told by silence, by the clock, and by the avatar's leaving.

A room can take packets and deliver none without a word for as long as the program likes to wait
(docs/livekit.md: 269 accepted, none delivered), and nobody knows how a room ends when the session's
`duration` is up (docs/protocol.md §2 "Still open"). So a silent room that owes an answer is probed,
and every way of ending is read as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from akool_async.conversation.options import ConversationOptions

__all__ = ["Watch", "WatchActions"]

#: A room that ends this many seconds before its `duration` is up ended because of it: clocks and
#: the time that create took differ by that much.
SLACK: Final = 3.0


class WatchActions(Protocol):
    """What the watch can ask for."""

    def probe(self) -> None:
        """Send a command; joining anew if it has no answer."""

    def notice(self, seconds_left: float) -> None:
        """Tell that the session is about to end."""

    def give_up(self, reason: str, message: str) -> None:
        """The room is gone for good."""


class Watch:
    """Synchronous; told the time, in seconds of the event loop's clock."""

    def __init__(
        self,
        options: ConversationOptions,
        actions: WatchActions,
        *,
        owed: Callable[[], float | None],
        now: float,
        ends_at: float | None,
    ) -> None:
        self._options = options
        self._actions = actions
        self._owed = owed
        self._ends_at = ends_at
        self._noticed = ends_at is None
        self._heard = now
        self._away_until: float | None = None
        #: Whether a command was ever answered: only then does a probe's silence mean anything.
        self.trusts_probes = False

    def heard(self, now: float) -> None:
        """Something came."""
        self._heard = now

    def avatar_left(self, now: float) -> None:
        """The avatar isn't in the room any more; it may come back."""
        if self.is_over(now):
            self._actions.give_up("duration", "the avatar left: the session's duration is up")
        else:
            self._away_until = now + self._options.avatar_return

    def avatar_back(self, now: float) -> None:
        """The avatar is in the room again."""
        self._away_until = None
        self._heard = now

    def probed(self, now: float) -> None:
        """A probe ended, one way or the other; silence is measured anew."""
        self._heard = max(self._heard, now)

    def is_over(self, now: float) -> bool:
        """Whether the session's duration is up, as far as our clock can tell."""
        return self._ends_at is not None and now >= self._ends_at - SLACK

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        times: list[float] = []
        if self._ends_at is not None:
            if not self._noticed:
                times.append(self._ends_at - self._options.ending_notice)
            else:
                times.append(max(self._ends_at, self._heard) + self._options.ending_grace)
        if self._away_until is not None:
            times.append(self._away_until)
        if (silent := self._silent_at()) is not None:
            times.append(silent)
        return min(times, default=None)

    def expire(self, now: float) -> None:
        """Does what is due by `now`."""
        if self._away_until is not None and self._away_until <= now:
            self._actions.give_up(
                "avatar_left",
                f"the avatar left and didn't come back within {self._options.avatar_return:g} s",
            )
            return
        if self._ends_at is not None:
            if not self._noticed and self._ends_at - self._options.ending_notice <= now:
                self._noticed = True
                self._actions.notice(max(0.0, self._ends_at - now))
            if max(self._ends_at, self._heard) + self._options.ending_grace <= now:
                self._actions.give_up(
                    "duration", "the session's duration is up and the room fell silent"
                )
                return
        silent = self._silent_at()
        if silent is not None and silent <= now:
            self._heard = now  # the probe takes over; silence is measured anew after it
            self._actions.probe()

    def _silent_at(self) -> float | None:
        after = self._options.silence_after
        if after is None or not self.trusts_probes or self._away_until is not None:
            return None
        since = self._owed()
        return None if since is None else max(since, self._heard) + after
