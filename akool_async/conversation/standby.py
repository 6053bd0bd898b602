"""A session that is open and hasn't taken over yet: joined, set up, kept silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from akool_async.conversation.commands import Commands
from akool_async.conversation.driver import Driver
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationOptions, ConversationStats, SessionInfo
from akool_async.conversation.params import Params
from akool_async.conversation.settings import Settings
from akool_async.conversation.turns import Turns
from akool_async.errors import (
    AvatarAbsentError,
    CommandRejectedError,
    CommandTimeoutError,
    DisconnectedError,
    SendError,
)
from akool_async.stream import QueuedPacket, new_mid
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    CommandAnswer,
    Interrupt,
    Received,
    SpeechEvent,
)
from akool_async.transport import ConnectionChange, ConnectionState, Transport

__all__ = ["Connection", "Standby"]

logger = logging.getLogger("akool_async.conversation")

#: Seconds between two interrupts of an avatar that has to be silent.
_INTERRUPT_AGAIN: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """A session at the service, and its room, which isn't joined yet. Equal to itself alone.

    Attributes:
        transport: the room.
        info: what is known about the session; its `duration` is.
        close: ends the session at the service, within a time limit of its own.
        credentials: of the room, by the service's names, with their token.
        own_room: the room is the user's own.
    """

    transport: Transport
    info: SessionInfo
    close: Callable[[], Awaitable[object]]
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    own_room: bool = False


class Standby:
    """Joins a room, proves the way in both directions, and waits. It is a driver's `Listener`.

    In a room of the user's own two avatars hear the people in it until one has taken over. This one
    is interrupted when it speaks, greets or hears something that it would answer.
    """

    def __init__(self, connection: Connection, options: ConversationOptions) -> None:
        """Opens nothing."""
        self.connection = connection
        #: What ended it; `None`: it can take over.
        self.error: BaseException | None = None
        #: How often the avatar was interrupted.
        self.interrupts = 0
        self._options = options
        self._driver = driver = Driver(connection.transport, options, self)
        stats = ConversationStats()
        turns = Turns(options, clock=driver.now, ids_everywhere=False)
        meter = Meter(driver.now, None)  # what the next avatar does belongs to no session yet
        self._commands = Commands(driver, options, turns=turns, stats=stats, meter=meter)
        self._published = asyncio.Event()
        self._interrupted_at = 0.0

    async def open(self, params: Params) -> None:
        """Returns when the avatar is in the room, publishes, and has these settings; without an
        answer to them after `opening_timeout`.

        Raises:
            JoinError, MissingDependencyError: as `Transport.connect`.
            AvatarAbsentError: the avatar left again.
            DisconnectedError: the room ended.
        """
        driver, options = self._driver, self._options
        await driver.transport.connect(timeout=options.connect_timeout)
        driver.start()
        if driver.transport.avatar_publishing is False:
            try:
                async with asyncio.timeout(options.ready_timeout):
                    await self._published.wait()
            except TimeoutError:
                logger.warning(
                    "the next session's avatar published neither audio nor video within %g s",
                    options.ready_timeout,
                )
        settings = Settings(
            self.connection.info, driver.limits, commands=self._commands, outbox=driver.outbox
        )
        settings.prefer(params)
        try:
            await settings.prove(timeout=options.opening_timeout)
        except DisconnectedError as error:
            raise self.error or error from None
        except (CommandTimeoutError, CommandRejectedError) as error:
            logger.warning("the next session's opening set-params: %s", error)
        if self.error is not None:
            raise self.error

    async def release(self) -> None:
        """Ends its tasks. What the room sent and wasn't read is left to the next driver."""
        await self._driver.stop()

    # What the driver reports.

    def message_received(self, message: Received, now: float) -> None:
        """See `Listener`."""
        if isinstance(message, CommandAnswer):
            self._commands.answered(message)
        elif isinstance(message, Chat | ChatDelta) or (
            isinstance(message, SpeechEvent) and message.event == "audio_start"
        ):
            self._interrupt(now)

    def _interrupt(self, now: float) -> None:
        if now - self._interrupted_at < _INTERRUPT_AGAIN:
            return
        self._interrupted_at = now
        self.interrupts += 1
        command = Interrupt(new_mid())
        self._driver.outbox.push(command.mid, self._driver.codec.encode(command), urgent=True)

    def connection_changed(self, change: ConnectionChange, now: float) -> None:
        """See `Listener`."""
        if change.state is ConnectionState.AVATAR_PUBLISHED:
            self._published.set()
        elif change.state is ConnectionState.AVATAR_LEFT:
            self.connection_lost(AvatarAbsentError("the next session's avatar left the room"))
        elif change.state is ConnectionState.RECONNECTED:
            self._commands.resend_all(now)

    def packet_sending(self, packet: QueuedPacket) -> None:
        """See `Listener`."""

    def packet_sent(self, packet: QueuedPacket) -> None:
        """See `Listener`."""

    def packet_failed(self, packet: QueuedPacket, error: SendError) -> None:
        """See `Listener`. A command is sent again."""

    def deadline(self) -> float | None:
        """See `Listener`."""
        return self._commands.deadline()

    def expire(self, now: float) -> None:
        """See `Listener`."""
        self._commands.expire(now)

    def connection_lost(self, error: BaseException) -> None:
        """See `Listener`."""
        if self.error is None:
            self.error = error
            self._published.set()
            self._commands.fail_all(lambda: DisconnectedError(str(error), reason="failed"))
            self._driver.end()

    def readers_behind(self) -> bool:
        """See `Listener`."""
        return False
