"""Whether the room and the avatar are still there, and what is done when they seem not to be.

A room can take packets and deliver none for as long as the program likes to wait (docs/livekit.md:
269 accepted, none delivered), and how a room ends when the session's `duration` is up isn't known
for certain (docs/protocol.md §2 "Still open"). So a silent room that owes an answer is probed, and
every way of ending is read as one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from akool_async import events as ev
from akool_async.concurrency import Flag, Tasks, own_cancellation
from akool_async.conversation.commands import Commands
from akool_async.conversation.driver import Driver
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.options import ConversationOptions, ConversationStats
from akool_async.conversation.reply_tracker import ReplyTracker
from akool_async.conversation.settings import Settings
from akool_async.conversation.turns import Turns
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
)
from akool_async.stream import SetParams, new_mid
from akool_async.transport import ConnectionChange, ConnectionState

__all__ = ["Liveness"]

logger = logging.getLogger("akool_async.conversation")

#: A room that ends this many seconds before its `duration` is up ended because of it: clocks and
#: the time that create took differ by that much.
_SLACK: Final = 3.0
#: After this many joins without a packet from the avatar the room counts as gone.
_MOST_FRUITLESS: Final = 2


class Liveness:
    """Synchronous but for a probe; is given the time, in seconds of the event loop's clock.

    `lost(error)` is called when the room is gone for good.
    """

    def __init__(
        self,
        options: ConversationOptions,
        *,
        driver: Driver,
        commands: Commands,
        settings: Settings,
        replies: ReplyTracker,
        turns: Turns,
        events: EventBus,
        stats: ConversationStats,
        duration: float | None,
        ends_at: float | None,
        lost: Callable[[BaseException], None],
    ) -> None:
        self._options = options
        self._driver = driver
        self._commands = commands
        self._settings = settings
        self._replies = replies
        self._turns = turns
        self._events = events
        self._stats = stats
        self._lost = lost
        #: Another session is expected to take over, so `SessionEnding` would be a false alarm.
        self.expects_renewal = False
        #: When the session's duration is up, in seconds of the event loop's clock.
        self.ends_at: float | None
        self._set_end(duration, ends_at)
        #: When silence begins to count, unless a packet came later.
        self._heard = driver.now()
        self._away_until: float | None = None
        self._unknown_senders = False
        self._fruitless_joins = 0
        self._joined_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._repeating = Tasks()
        self._published = Flag()

    # What happens.

    async def ready(self) -> None:
        """Returns when the avatar publishes audio or video, or after `ready_timeout`.

        What it is sent before may be lost.
        """
        publishing = self._driver.transport.avatar_publishing
        limit = self._options.ready_timeout
        if publishing is False:
            try:
                async with asyncio.timeout(limit):
                    await self._published.wait()
                publishing = True
            except TimeoutError:
                logger.warning(
                    "the avatar is in the room and published neither audio nor video within %g s; "
                    "going on without",
                    limit,
                )
        self._events.publish(ev.AvatarReady(publishing))

    def _set_end(self, duration: float | None, ends_at: float | None) -> None:
        self.ends_at = ends_at
        notice = self._options.ending_notice
        self._notice = min(60.0, (duration or 0.0) / 5) if notice is None else notice
        self._noticed = False

    def between_sessions(self) -> None:
        """No session is open until `renewed`: none ends meanwhile."""
        self._set_end(None, None)
        self._away_until = None

    def not_renewed(self) -> None:
        """The session runs to its end after all, and says so before."""
        self.expects_renewal = False
        self._driver.schedule()

    def renewed(self, duration: float | None, ends_at: float | None, now: float) -> None:
        """Another session took over, its avatar in the room and publishing. Its settings are sent
        again: what was set while it was being opened isn't known to it. Chat that waits is sent
        behind them.
        """
        self._set_end(duration, ends_at)
        self._away_until = None
        self._heard = self._joined_at = now
        self._fruitless_joins = 0
        self._commands.resend_all(now)
        self._repeat_settings()
        for reason in self._driver.outbox.held:
            self._driver.outbox.release(reason)

    def changed(self, change: ConnectionChange, now: float) -> None:
        """The transport reports a change. Connected and present are two conditions."""
        outbox, state = self._driver.outbox, change.state
        if state is ConnectionState.RECONNECTING:
            outbox.hold("connection")
            self._events.publish(ev.Reconnecting(change.reason))
        elif state is ConnectionState.RECONNECTED:
            self._stats.reconnects += 1
            self._heard = now
            if change.lossy:
                self._commands.resend_all(now)
                # Without commands there is nothing that could tell whether a question arrived.
                at_once = not self._driver.capabilities.has_commands
                self._replies.lost_packets(now, at_once=at_once)
            self._repeat_settings()
            outbox.release("connection")
            self._events.publish(ev.Reconnected(change.lossy))
        elif state is ConnectionState.AVATAR_LEFT:
            outbox.hold("avatar")
            self._events.publish(ev.AvatarLeft(change.reason))
            self._avatar_left(now)
        elif state is ConnectionState.AVATAR_BACK:
            self._away_until = None
            self._heard = now
            self._commands.resend_all(now)
            self._repeat_settings()
            outbox.release("avatar")
            self._events.publish(ev.AvatarReturned())
        elif state is ConnectionState.AVATAR_PUBLISHED:
            self._published.set()
        elif state is ConnectionState.TOKEN_RENEWED:
            self._repeat_settings()
        elif state is ConnectionState.TOKEN_EXPIRING:
            self._events.publish(ev.TokenExpiring(change.seconds_left))
        elif state is ConnectionState.STRANGER and not self._unknown_senders:
            self._unknown_senders = True
            self._events.publish(ev.UnknownSenderMessage(change.reason))

    def _repeat_settings(self) -> None:
        """The service may have reset the settings. Sent before chat that waits: the task begins
        before the sender wakes, and commands are sent first.
        """
        if self._driver.capabilities.has_commands:
            task = asyncio.create_task(self._repeat(), name="akool-settings")
            self._repeating.add(task)

    async def _repeat(self) -> None:
        try:
            await self._settings.repeat(timeout=self._options.command_timeout)
        except (ConversationClosedError, DisconnectedError):
            return  # the conversation is over, and says so itself

    def _avatar_left(self, now: float) -> None:
        if self.duration_is_up(now):
            self._give_up("duration", "the avatar left: the session's duration is up")
        else:
            self._away_until = now + self._options.avatar_return

    def duration_is_up(self, now: float) -> bool:
        """Whether the session's duration is up, as far as our clock can tell."""
        return self.ends_at is not None and now >= self.ends_at - _SLACK

    def ended(self) -> None:
        """The conversation is over: `ready` waits no longer."""
        self._published.set()

    async def stop(self) -> None:
        """Ends the tasks in progress."""
        tasks = {*self._repeating.running, *([self._task] if self._task is not None else [])}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # Time.

    def deadline(self) -> float | None:
        """When `expire` has something to do next."""
        times = (self._away_until, self._notice_at(), self._silent_end(), self._silent_at())
        return min((t for t in times if t is not None), default=None)

    def expire(self, now: float) -> None:
        """Does what is due by `now`."""
        if _is_due(self._away_until, now):
            self._give_up(
                "avatar_left",
                f"the avatar left and didn't come back within {self._options.avatar_return:g} s",
            )
            return
        if self.ends_at is not None and _is_due(self._notice_at(), now):
            self._noticed = True
            self._events.publish(ev.SessionEnding(max(0.0, self.ends_at - now)))
        if _is_due(self._silent_end(), now):
            self._give_up("duration", "the session's duration is up and the room fell silent")
        elif _is_due(self._silent_at(), now):
            self._heard = now  # the probe takes over; silence is measured again after it
            self._probe_soon()

    def _notice_at(self) -> float | None:
        if self.ends_at is None or self._noticed or self.expects_renewal:
            return None
        return self.ends_at - self._notice

    def _last_heard(self) -> float:
        return max(self._heard, self._driver.last_received)

    def _silent_end(self) -> float | None:
        if self.ends_at is None:
            return None
        return max(self.ends_at, self._last_heard()) + self._options.ending_timeout

    def _silent_at(self) -> float | None:
        """When the silence of a room that owes an answer has lasted too long. An avatar that never
        answered a command needn't answer a probe either.
        """
        after = self._options.silence_after
        if after is None or not self._commands.answers or self._away_until is not None:
            return None
        if "renewal" in self._driver.outbox.held:
            return None
        waiting = (self._commands.waiting_since, self._turns.waiting_since)
        since = min((t for t in waiting if t is not None), default=None)
        return None if since is None else max(since, self._last_heard()) + after

    # What is done.

    def _give_up(self, reason: str, message: str) -> None:
        self._lost(DisconnectedError(message, reason=reason))

    def _probe_soon(self) -> None:
        if self._task is None or self._task.done():
            self._stats.probes += 1
            self._task = asyncio.create_task(self._probe(), name="akool-probe")

    async def _probe(self) -> None:
        """Asks the silent room for an answer; joins it again if there is none."""
        answers = self._commands.answers
        # Without settings: sent again late, older ones would undo newer ones.
        probe = SetParams(new_mid())
        try:
            try:
                await self._commands.send(probe, timeout=self._options.probe_timeout)
            except CommandRejectedError:
                pass  # an answer, whatever it says
            except CommandTimeoutError:
                # Nor was another command answered meanwhile.
                if self._commands.answers == answers:
                    await self._join_again()
        except DisconnectedError as error:
            self._lost(error)
        except ConversationClosedError:
            return
        except (Exception, asyncio.CancelledError) as error:
            if own_cancellation(error):
                raise
            # A transport's, or of the caller's renewal.
            lost = DisconnectedError(
                f"the room fell silent and joining it again failed: {type(error).__name__}",
                reason="failed",
            )
            lost.__cause__ = error
            self._lost(lost)
        finally:
            self._heard = max(self._heard, self._driver.now())
            self._driver.schedule()

    async def _join_again(self) -> None:
        if self._driver.last_received > self._joined_at:
            self._fruitless_joins = 0
        if self._fruitless_joins >= _MOST_FRUITLESS:
            self._give_up("silent", "the room stayed silent, also after it was joined again")
            return
        self._fruitless_joins += 1
        self._driver.outbox.hold("connection")  # until the transport says that it is back
        await self._driver.transport.reconnect(timeout=self._options.reconnect_timeout)
        self._joined_at = self._driver.now()


def _is_due(when: float | None, now: float) -> bool:
    return when is not None and when <= now
