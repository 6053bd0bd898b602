"""How the room stands: what its transport reports, and what is done when it seems to be gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from akool_async import events as ev
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
)
from akool_async.stream import SetParams, new_mid
from akool_async.transport import ConnectionChange, ConnectionState

if TYPE_CHECKING:
    from akool_async.conversation.line import Line

__all__ = ["Standing"]

#: After this many joins without a word from the avatar the room counts as gone.
_MOST_IN_VAIN: Final = 2


class Standing:
    """Acts for the `Watch` of a line (it is its `WatchActions`), and on what the transport says."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._strangers = False
        self._reconnects_in_vain = 0
        self._answers = 0
        self._task: asyncio.Task[None] | None = None

    def heard(self, now: float) -> None:
        """A packet came."""
        self._line.watch.heard(now)
        self._reconnects_in_vain = 0

    def answered(self) -> None:
        """A command was answered: both directions work."""
        self._answers += 1
        self._line.watch.trusts_probes = True

    async def stop(self) -> None:
        """Ends a probe in progress."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def changed(self, change: ConnectionChange, now: float) -> None:
        """The transport reports a change."""
        line = self._line
        state = change.state
        if state is ConnectionState.RECONNECTING:
            line.outbox.hold("connection")
            line.hub.publish(ev.Reconnecting(change.reason))
        elif state is ConnectionState.RECONNECTED:
            line.counts.reconnects += 1
            line.watch.heard(now)
            if change.lossy:
                line.commands.resend_all(now)
                line.replies.lost_packets(now, at_once=line.v3)
            line.outbox.release("connection")
            line.hub.publish(ev.Reconnected(change.lossy))
        elif state is ConnectionState.AVATAR_LEFT:
            line.outbox.hold("avatar")
            line.hub.publish(ev.AvatarLeft(change.reason))
            line.watch.avatar_left(now)
        elif state is ConnectionState.AVATAR_BACK:
            line.watch.avatar_back(now)
            line.commands.resend_all(now)
            line.outbox.release("avatar")
            line.hub.publish(ev.AvatarReturned())
        elif state is ConnectionState.TOKEN_EXPIRING:
            line.hub.publish(ev.TokenExpiring(change.seconds_left))
        elif state is ConnectionState.STRANGER and not self._strangers:
            self._strangers = True
            line.hub.publish(ev.UnknownSenderMessage(change.reason))

    def notice(self, seconds_left: float) -> None:
        """The session is about to end."""
        line = self._line
        line.hub.publish(ev.SessionEnding(seconds_left))

    def give_up(self, reason: str, message: str) -> None:
        """The room is gone for good."""
        line = self._line
        line.fail(DisconnectedError(message, reason=reason))

    def probe(self) -> None:
        """Asks the silent room for a sign of life; joins anew if there is none."""
        line = self._line
        if self._task is None or self._task.done():
            line.counts.probes += 1
            self._task = line.loop.create_task(self._probe(), name="akool-probe")

    async def _probe(self) -> None:
        line = self._line
        options = line.options
        answers = self._answers
        try:
            try:
                # Without settings: sent again late, older ones would undo newer ones.
                await line.command(SetParams(new_mid()), timeout=options.probe_timeout)
            except CommandRejectedError:
                pass  # an answer is a sign of life, whatever it says
            except CommandTimeoutError:
                if self._answers > answers:
                    return  # another command's answer: this one, or its own answer, was lost
                if self._reconnects_in_vain >= _MOST_IN_VAIN:
                    self.give_up("silent", "the room stayed silent, joined anew or not")
                    return
                self._reconnects_in_vain += 1
                line.outbox.hold("connection")  # until the transport says that it is back
                await line.transport.reconnect(timeout=options.reconnect_timeout)
        except DisconnectedError as error:
            line.fail(error)
        except ConversationClosedError:
            return
        except Exception as error:  # noqa: BLE001 - a transport's, or of the caller's renewal
            gone = DisconnectedError(
                f"the room fell silent and joining it again failed: {type(error).__name__}",
                reason="failed",
            )
            gone.__cause__ = error
            line.fail(gone)
        finally:
            line.watch.probed(line.loop.time())
            line.schedule()
