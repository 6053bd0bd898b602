"""AvatarSession: opening and closing a conversation, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self

from akool_async import misuse
from akool_async.concurrency import Uncancellable, unlisted_task, user_task
from akool_async.conversation.conversation import Conversation
from akool_async.conversation.idle import IdleWatch
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationOptions, SessionInfo
from akool_async.conversation.renewal import NextSessions, Renewal
from akool_async.conversation.session.control import ControlMethods
from akool_async.conversation.session.media import MediaMethods
from akool_async.conversation.session.talking import TalkingMethods
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
    NotSupportedError,
    SessionLeftOpenError,
)
from akool_async.transport import Transport

__all__ = ["AvatarSession"]

logger = logging.getLogger("akool_async.conversation")

#: Seconds that leaving the room may take before the session is closed all the same. A session's
#: end closes its room, and a client that is removed while it leaves complains in its log.
_LEAVE_FIRST: Final = 0.5
#: Options are immutable: one for all sessions that have none of their own.
_DEFAULTS: Final = ConversationOptions()


class AvatarSession(TalkingMethods, ControlMethods, MediaMethods):
    """One conversation with an avatar, over any transport, in either dialect.

    Made by `AkoolClient.open_session` and `akool_async.join`; or by hand around a transport:
    `async with AvatarSession(transport) as avatar`. Belongs to one event loop; its methods may be
    used by any number of tasks.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        info: SessionInfo | None = None,
        options: ConversationOptions | None = None,
        close: Callable[[], Awaitable[object]] | None = None,
        pause: Callable[[], Awaitable[object]] | None = None,
        renew: NextSessions | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Opens nothing yet.

        Args:
            transport: the room; closed with the session.
            info: what is known about the session.
            options: every time limit and bound.
            close: ends the session at the service; called once, when closing. It must end within
                a time limit of its own. With `renew` it is called when all sessions are closed.
            pause: (v3) pauses the session at the service.
            renew: this session, and where the one comes from that takes over before its `duration`
                is up. `open_session(…, renew="quiet")` gives it.
            meter: what has measured creating it; `open_session` gives it.
        """
        options = options or _DEFAULTS
        meter = meter or Meter(asyncio.get_running_loop().time, options.telemetry)
        super().__init__(Conversation(transport, info or SessionInfo(), options, meter))
        self._close = close
        self._pause = pause
        self._renewal = None if renew is None else Renewal(self._conversation, renew)
        self._closing: Uncancellable[None] | None = None

    async def open(self) -> Self:
        """Joins the room and proves the way in both directions by an answered set-params.

        Without an answer in time the session is open all the same, with a warning in the log.
        Failed or cancelled, it leaves nothing open.

        Raises:
            JoinError, MissingDependencyError: as `Transport.connect`.
        """
        if self._opened:
            raise ConversationClosedError("a conversation is opened once")
        self._opened = True
        conversation = self._conversation
        transport = conversation.driver.transport
        try:
            conversation.meter.identify(conversation.info)
            with conversation.meter.measured("join"):
                await transport.connect(timeout=conversation.options.connect_timeout)
            conversation.log.joined(transport.name, conversation.info.avatar_id)
            conversation.people.begin(transport)
            conversation.driver.start()
            conversation.media.attach(transport.media, transport.name)
            with conversation.meter.measured("ready"):
                await conversation.liveness.ready()
            if conversation.has_commands:
                await self._prove()
            if conversation.responder is not None:
                conversation.responder.begin()
            if self._renewal is not None:
                self._renewal.start()
        except BaseException as error:
            await self._closed(failed=type(error).__name__).settle(error)
            raise
        return self

    async def _prove(self) -> None:
        conversation = self._conversation
        try:
            await conversation.settings.prove(timeout=conversation.options.opening_timeout)
        except CommandTimeoutError:
            logger.warning(
                "the avatar didn't answer the opening set-params within %g s; going on without",
                conversation.options.opening_timeout,
            )
        except CommandRejectedError as error:
            logger.warning("the opening set-params was refused: %s", error)

    async def aclose(self) -> None:
        """Ends everything: what waits, the handlers, the room, the session at the service.

        Leaving the room takes at most `ConversationOptions.close_timeout` seconds and some. Closing
        the session is tried for `session_close_timeout`. Goes on to the end when cancelled, then
        raises the cancellation. Twice is fine. A handler or a responder of this session, and
        an iterable that it says, doesn't wait here: closing waits for it.

        Raises:
            SessionLeftOpenError: the session couldn't be closed, so it goes on to cost credits.
        """
        closing = self._closed()
        if not self._conversation.runs(user_task()):
            await closing.wait()

    async def wait_closed(self) -> None:
        """Returns once the conversation is over: for a bot that lives as long as its session.

            async with akool.open_session("dvp_Tristan_cloth2_1080P") as avatar:
                avatar.respond_with(answer)
                await avatar.wait_closed()

        It is over when its `duration` is up, no one uses it (`idle_timeout=`), the room is gone for
        good, or something closes it. Why is in the event `Disconnected`. With `renew` that is the
        end of the last session. There is no time limit: the session's duration is one.

        Raises:
            ConversationClosedError: it isn't open yet.
        """
        self._check_opened()
        await self._conversation.driver.wait_ended()

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task runs a handler, a responder or an iterable: closing waits for it."""
        return self._conversation.runs(task)

    def _closed(self, failed: str = "") -> Uncancellable[None]:
        if self._closing is None:
            self._conversation.closing_task = user_task()
            self._closing = Uncancellable(
                _shut(self._conversation, self._close_sessions, failed),
                timeout=None,
                name="akool: closing the conversation",
            )
        return self._closing

    async def _close_sessions(self) -> None:
        try:
            if self._renewal is not None:
                await self._renewal.close()
        finally:
            if self._close is not None:
                await self._close()

    async def __aenter__(self) -> Self:
        # Also for `async with await akool.open_session(…)`, which is open already.
        return self if self._opened else await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and (unspoken := self._conversation.speech.unspoken):
            misuse.warn(
                f"the session's block was left while {unspoken} text(s) given to say() weren't "
                "spoken yet; they are cancelled. To wait: await avatar.say(…)"
            )
        if kind is None and (unplayed := self._conversation.playbacks.unplayed):
            misuse.warn(
                f"the session's block was left while {unplayed} piece(s) of audio given to "
                "play_audio() weren't played yet; they are cancelled. To wait: await "
                "avatar.play_audio(…)"
            )
        try:
            await self.aclose()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    def close_when_idle(self, seconds: float) -> IdleWatch:
        """Closes the session when no one used it for so long: it costs credits while it is open.

        People who speak use it, and so does what the program asks and says, but not the prompts
        of `on_idle`. Whoever waits for the conversation gets a `DisconnectedError` with the reason
        "idle". `open_session(…, idle_timeout=…)` calls this.

        Raises:
            InvalidParameterError: `seconds` isn't a number above 0.
        """
        self._check_open()

        async def close() -> None:
            idle = DisconnectedError(f"no one spoke for {seconds:g} s", reason="idle")
            self._conversation.connection_lost(idle)
            await self.aclose()

        return self._idleness.limit(seconds, close)

    async def pause(self) -> None:
        """(v3) Pauses the session: streaming stops soon after; the next question resumes it.

        A long silence times the session out (docs/protocol.md §1).

        Raises:
            NotSupportedError: not a v3 session, or one that was only joined.
        """
        if self._pause is None:
            raise NotSupportedError("only a v3 session opened by this client can be paused")
        self._check_open()
        await self._pause()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open" if self._opened else "new"
        name = self._conversation.info.session_id or "unnamed"
        return f"<AvatarSession {name} over {self._conversation.driver.transport.name}, {state}>"


async def _shut(
    conversation: Conversation, close: Callable[[], Awaitable[None]], failed: str
) -> None:
    """Ends a conversation, and its session by `close`, which should keep to `session_close_timeout`
    by itself. `failed` is the name of the error that opening it ended with, or "".

    Everything ends at once, because each part may take its time; only the session waits a moment
    until the room was left. What fails, or takes longer than `close_timeout`, is logged.

    Raises:
        SessionLeftOpenError: `close` raised it, or took far longer than it may.
        SystemExit, KeyboardInterrupt: raised by a handler of the last event.
    """
    try:
        with conversation.meter.measured("close"):
            await _end_all(conversation, close)
    except BaseException as error:
        failed = failed or type(error).__name__
        raise
    finally:
        conversation.meter.end(conversation.stats(), failed or _ended_by(conversation.error))


def _ended_by(error: BaseException | None) -> str:
    """The name of what ended a conversation, "" for what isn't a failure."""
    if error is None or isinstance(error, ConversationClosedError):
        return ""
    if isinstance(error, DisconnectedError) and error.reason in ("duration", "idle"):
        return ""
    return type(error).__name__


async def _end_all(conversation: Conversation, close: Callable[[], Awaitable[None]]) -> None:
    limit = conversation.options.close_timeout
    tasks = {
        "ending the tasks": unlisted_task(conversation.stop()),
        "ending the handlers": unlisted_task(conversation.events.stop(timeout=min(1.0, limit))),
        "leaving the room": unlisted_task(conversation.leave(timeout=limit)),
    }
    leaving = tasks["leaving the room"]
    closing = unlisted_task(_behind(leaving, min(_LEAVE_FIRST, limit / 4), close))
    exiting: BaseException | None = None
    try:
        # The tasks are there before any handler of the user's runs: it may raise SystemExit.
        conversation.connection_lost(ConversationClosedError("the conversation was closed"))
    except BaseException as exit_:  # noqa: BLE001 - raised at the end
        exiting = exit_
    _, late = await asyncio.wait(tasks.values(), timeout=limit)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=1.0)
    for name, task in tasks.items():
        if task in late:
            logger.warning("%s took longer than %g s", name, limit)
        elif not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("%s failed: %s", name, error)
    # It may have waited for others to be closed. Three times is for what never ends.
    longest = 3 * (conversation.options.session_close_timeout or 60.0) + 5
    if not (await asyncio.wait([closing], timeout=longest))[0]:
        closing.cancel()
        raise _left_open(conversation.info.session_id, longest)
    await closing
    if exiting is not None:
        raise exiting


async def _behind(
    leaving: asyncio.Future[None], moment: float, close: Callable[[], Awaitable[None]]
) -> None:
    """Closes the session once the room was left, or after `moment` seconds: it costs by the time
    it is open.
    """
    await asyncio.wait([leaving], timeout=moment)
    await close()


def _left_open(session_id: str | None, seconds: float) -> SessionLeftOpenError:
    name = session_id or "of unknown id"
    error = SessionLeftOpenError(
        f"The session {name} may still be open, and cost credits: closing it took longer than "
        f"{seconds:g} s",
        session_ids=(session_id,) if session_id else (),
    )
    logger.error("%s", error)
    return error
