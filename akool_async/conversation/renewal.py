"""A conversation outlives its session: another one takes over before the first one's end.

A session lasts an hour at most (docs/protocol.md §1), a bot that greets visitors lives for weeks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from akool_async.concurrency import (
    Backoff,
    Flag,
    Uncancellable,
    own_cancellation,
    run_to_completion,
)
from akool_async.conversation import handover
from akool_async.conversation.event_bus import EventBus
from akool_async.conversation.handover import HandoverPort
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.settings import Settings
from akool_async.conversation.standby import Connection, Standby
from akool_async.errors import (
    AkoolError,
    BusyError,
    DisconnectedError,
    QuotaError,
    SessionLeftOpenError,
)
from akool_async.events import SessionNotRenewed, SessionRenewed, SessionRenewing
from akool_async.telemetry.measurements import CONVERSATION_ID

__all__ = ["NextSessions", "Renewal"]

logger = logging.getLogger("akool_async.conversation")

#: Codes of a refusal that our own open session may be the reason for: all slots are taken, the
#: avatar is in use.
_OURS: Final = (1215, 1237)
#: Seconds between two looks at whether anybody speaks, in the last minute of a session.
_LOOK: Final = 0.02
#: Seconds for which a next session is tried for when the old one had to be closed first.
_LONGEST_GAP: Final = 30.0


@dataclass(frozen=True, slots=True)
class NextSessions:
    """Where the sessions that take over come from.

    Attributes:
        first: the one that the conversation begins with.
        open: creates a session at the service; its room isn't joined yet. Failed or cancelled, it
            leaves none open.
        overlap: whether two of them can be open at once; `False`: the two would remove each other
            from the room.
    """

    first: Connection
    open: Callable[[], Awaitable[Connection]]
    overlap: bool = True


class RenewalPort(HandoverPort, Protocol):
    """What renewing needs of the conversation.

    Attributes:
        rescue: called when a room is lost; `True`: the conversation goes on.
        gate: set, unless what is new is held back.
    """

    options: ConversationOptions
    error: BaseException | None
    rescue: Callable[[BaseException], bool]
    meter: Meter
    settings: Settings
    events: EventBus
    gate: Flag

    def connection_lost(self, error: BaseException) -> None:
        """The conversation is over."""


class _Windows:
    """When what happens, in seconds before the end of a session."""

    def __init__(self, duration: float) -> None:
        #: Another session is opened, and takes over at the next quiet moment.
        self.begin = min(60.0, duration / 2)
        #: New questions and texts wait, so that a quiet moment comes.
        self.hold_back = min(30.0, duration / 3)
        #: It takes over, quiet or not.
        self.latest = min(20.0, duration / 8)
        #: For so long no one has to speak, in seconds.
        self.quiet = min(0.5, duration / 60)


class Renewal:
    """One task; owns every session that is open, the current one included."""

    def __init__(self, port: RenewalPort, sessions: NextSessions) -> None:
        """Opens nothing."""
        self._port = port
        self._sessions = sessions
        self._current = sessions.first
        #: Open at the service, as far as is known -> what closes it, once that was begun.
        self._open: dict[Connection, Uncancellable[None] | None] = {sessions.first: None}
        self._standby: Standby | None = None
        self._between = False
        self._lost: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    # Its life.

    def start(self) -> None:
        """The first session is open."""
        self._port.rescue = self._rescue
        self._port.liveness.expects_renewal = True
        self._task = asyncio.create_task(self._run(), name="akool-renewal")

    async def close(self) -> None:
        """Closes every session that is open.

        Raises:
            SessionLeftOpenError: one couldn't be closed.
        """
        # At once: a next session that takes its time to be opened mustn't keep these open.
        for one in self._open:
            self._begin_closing(one)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._drop_standby()
        closings = [self._begin_closing(one) for one in self._open]
        self._open.clear()
        failed: list[BaseException] = []
        for closing in closings:
            try:
                await closing.wait()
            except Exception as error:  # noqa: BLE001 - raised below
                failed.append(error)
        for other in failed[1:]:
            failed[0].add_note(str(other))
        if failed:
            raise failed[0]

    def _rescue(self, error: BaseException) -> bool:
        """The room joined so far is lost. While another session is about to take over, that is no
        end.
        """
        ready = self._standby is not None and self._standby.error is None
        if isinstance(error, DisconnectedError) and (ready or self._between):
            self._lost = error
            self._port.liveness.between_sessions()
            return True
        if self._task is not None:
            self._task.cancel()
        return False

    async def _run(self) -> None:
        port = self._port
        try:
            while port.error is None and (ends_at := port.liveness.ends_at) is not None:
                windows = _Windows(port.info.duration or 0.0)
                await asyncio.sleep(ends_at - windows.begin - port.now())
                if not await self._renew(ends_at, windows):
                    return
        except Exception as error:
            logger.exception("renewing the session failed")
            self._fail(error)

    # One renewal.

    async def _renew(self, ends_at: float, windows: _Windows) -> bool:
        port, info, began = self._port, self._port.info, self._port.now()
        port.events.publish(SessionRenewing(info.session_id, max(0.0, ends_at - port.now())))
        try:
            standby, quiet = await self._another(ends_at, windows), None
            while standby is not None and quiet is None:
                quiet = await self._quiet_moment(ends_at, windows, standby)
                if quiet is None:
                    logger.info("the next session was lost: %s", standby.error)
                    await self._drop_standby()
                    standby = await self._another(ends_at, windows)
        except (Exception, asyncio.CancelledError) as error:
            if own_cancellation(error):
                raise
            # The service's, or of the caller's functions.
            port.meter.span("renewal", port.now() - began, type(error).__name__)
            await self._drop_standby()
            port.gate.set()
            port.liveness.not_renewed()
            logger.warning("the session %s isn't renewed: %s", info.session_id, error)
            port.events.publish(SessionNotRenewed(error, max(0.0, ends_at - port.now())))
            if self._lost is not None:
                self._fail(self._lost)
            return False
        if standby is not None:
            await self._take_over(standby, quiet=bool(quiet))
            return True
        quiet = await self._quiet_moment(ends_at, windows, None)
        return await self._close_and_open(quiet=bool(quiet))

    async def _another(self, ends_at: float, windows: _Windows) -> Standby | None:
        """A second session; `None`: the first has to be closed before.

        Raises:
            AkoolError: none can be had in time.
        """
        if not self._sessions.overlap:
            return None
        port, backoff = self._port, Backoff()
        last = ends_at - windows.latest
        while True:
            try:
                async with asyncio.timeout_at(ends_at):
                    return await self._open_one()
            except TimeoutError:
                raise DisconnectedError(
                    "the next session's room couldn't be joined in time", reason="failed"
                ) from None
            except QuotaError:
                raise
            except AkoolError as error:
                if isinstance(error, BusyError) and error.code in _OURS:
                    return None
                pause = backoff.pause()
                if port.now() + pause >= last:
                    raise
                logger.info("the next session couldn't be opened yet: %s", error)
            await asyncio.sleep(pause)

    async def _open_one(self) -> Standby:
        """Creates a session and joins its room; closes it again if that fails."""
        connection = await self._sessions.open()
        self._open[connection] = None
        standby = self._standby = Standby(connection, self._port.options)
        try:
            await standby.open(self._port.settings.known)
        except BaseException:
            await self._drop_standby()
            raise
        return standby

    async def _quiet_moment(
        self, ends_at: float, windows: _Windows, standby: Standby | None
    ) -> bool | None:
        """Returns at a moment when no one speaks: `True`; or when there is no more time: `False`;
        or when the standby was lost: `None`.
        """
        port, since = self._port, None
        while (now := port.now()) < ends_at - windows.latest and self._lost is None:
            if standby is not None and standby.error is not None:
                return None
            if now >= ends_at - windows.hold_back:
                port.gate.clear()
            if not handover.at_rest(port):
                since = None
            elif since is None:
                since = now
            elif now - since >= windows.quiet:
                port.gate.clear()
                return True
            await asyncio.sleep(_LOOK)
        port.gate.clear()
        return self._lost is None and handover.at_rest(port)

    async def _take_over(self, standby: Standby, *, quiet: bool) -> None:
        port, old = self._port, self._current
        await handover.detach(port)
        await standby.release()
        if not quiet:
            handover.settle(port)
        self._switch(standby, gap=0.0, quiet=quiet)
        await self._leave_and_close(old)

    async def _close_and_open(self, *, quiet: bool) -> bool:
        """The variant for an account, or a room, that can have one session at a time."""
        port, old, began = self._port, self._current, self._port.now()
        self._between = True
        try:
            await handover.detach(port)
            port.liveness.between_sessions()
            if not quiet:
                handover.settle(port)
            await self._leave_and_close(old)
            try:
                standby = await self._until_open(began + _LONGEST_GAP)
            except (AkoolError, TimeoutError) as error:
                self._between = False
                port.meter.span("renewal", port.now() - began, type(error).__name__)
                self._fail(error)
                return False
            await standby.release()
            self._switch(standby, gap=port.now() - began, quiet=quiet)
        finally:
            self._between = False
        return True

    async def _until_open(self, limit: float) -> Standby:
        backoff = Backoff(first=0.2, most=2.0)
        async with asyncio.timeout_at(limit):
            while True:
                try:
                    return await self._open_one()
                except QuotaError:
                    raise
                except AkoolError as error:
                    logger.info("the next session couldn't be opened yet: %s", error)
                await asyncio.sleep(backoff.pause())

    def _switch(self, standby: Standby, *, gap: float, quiet: bool) -> None:
        """The next session takes over, in one step."""
        port, old, new = self._port, self._current, standby.connection
        self._current, self._standby, self._lost = new, None, None
        info = port.info = new.info
        handover.attach(port, new.transport)
        port.gate.set()
        port.meter.identify(info)
        port.meter.span("renewal", gap, **{"akool.renewal.quiet": quiet})
        logger.info("the session %s takes over from %s", info.session_id, old.info.session_id)
        port.events.publish(
            SessionRenewed(
                info.session_id,
                old.info.session_id,
                info.avatar_id,
                info.transport,
                new.own_room,
                new.credentials,
                gap,
                quiet,
            )
        )

    # The ends.

    async def _drop_standby(self) -> None:
        standby, self._standby = self._standby, None
        if standby is not None:
            await run_to_completion(
                self._end(standby), timeout=None, name="akool: closing the next session"
            )

    async def _end(self, standby: Standby) -> None:
        await standby.release()
        await self._leave_and_close(standby.connection)

    async def _leave_and_close(self, connection: Connection) -> None:
        limit = self._port.options.close_timeout
        try:
            async with asyncio.timeout(limit + 1.0):
                await connection.transport.close(timeout=limit)
        except Exception as error:  # noqa: BLE001 - the session has to be closed all the same
            logger.warning("leaving the room failed: %s", type(error).__name__)
        try:
            with self._port.meter.measured("close") as attributes:
                attributes[CONVERSATION_ID] = connection.info.session_id or ""
                await self._begin_closing(connection).wait()
        except SessionLeftOpenError as error:
            logger.error("%s", error)  # noqa: TRY400 - its text says what to do
            self._open[connection] = None  # it is tried again at the end
        else:
            del self._open[connection]

    def _begin_closing(self, connection: Connection) -> Uncancellable[None]:
        """Begins to close a session, unless that was begun before."""
        closing = self._open[connection]
        if closing is None:
            closing = self._open[connection] = Uncancellable(
                _awaited(connection.close()), timeout=None, name="akool: closing a session"
            )
        return closing

    def _fail(self, error: BaseException) -> None:
        """No session is left for the conversation."""
        lost = DisconnectedError(f"the session couldn't be renewed: {error}", reason="not_renewed")
        lost.__cause__ = error
        self._port.rescue = lambda _: False
        self._port.connection_lost(lost)


async def _awaited(work: Awaitable[Any]) -> None:
    await work
