"""AvatarSession: the door to a conversation, and the order of opening and closing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from akool_async.concurrency import Uncancellable
from akool_async.conversation.closing import shut
from akool_async.conversation.conversation import Conversation
from akool_async.conversation.event_bus import EventReader
from akool_async.conversation.idle import IdleFunction, Idleness, IdleWatch
from akool_async.conversation.options import (
    ConversationOptions,
    ConversationStats,
    Mode,
    SessionInfo,
)
from akool_async.conversation.params import (
    Params,
    QuestionFields,
    check_action,
    check_timeout,
)
from akool_async.conversation.questions import ReplyStream
from akool_async.conversation.responder import Responder, ResponderFunction, RespondWith
from akool_async.conversation.speech.job import SpeechSettings
from akool_async.conversation.speech.sentences import Splitter
from akool_async.conversation.speech.utterance import Split, Utterance
from akool_async.conversation.transcript import Transcript
from akool_async.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    ConversationClosedError,
    DisconnectedError,
    InvalidParameterError,
    NotSupportedError,
)
from akool_async.events import Event, Reply
from akool_async.stream import new_mid
from akool_async.stream.messages import SetAction
from akool_async.transport import Transport

__all__ = ["AvatarSession"]

logger = logging.getLogger("akool_async.conversation")

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[..., object])


class AvatarSession:
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
    ) -> None:
        """Opens nothing yet.

        Args:
            transport: the room; closed with the session.
            info: what is known about the session.
            options: every time limit and bound.
            close: ends the session at the service; called once, when closing. It must end within
                a time limit of its own.
            pause: (v3) pauses the session at the service.
        """
        self._conversation = Conversation(
            transport, info or SessionInfo(), options or ConversationOptions()
        )
        self._close = close
        self._pause = pause
        self._closing: Uncancellable[None] | None = None
        self._opened = False
        self._idleness = Idleness(self._conversation.events, self._conversation.speech_pending)

    # Opening and closing.

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
        try:
            await conversation.driver.transport.connect(
                timeout=conversation.options.connect_timeout
            )
            conversation.driver.start()
            await conversation.liveness.ready()
            if conversation.has_commands:
                await self._prove()
            if conversation.responder is not None:
                conversation.responder.begin()
        except BaseException as error:
            await self._closed().settle(error)
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
        raises the cancellation. Twice is fine. A handler or a responder of this session doesn't
        wait here: closing waits for it.

        Raises:
            SessionLeftOpenError: the session couldn't be closed, so it goes on to cost credits.
        """
        closing = self._closed()
        if not self._conversation.runs(asyncio.current_task()):
            await closing.wait()

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is a handler or a responder of this session: closing waits for it."""
        return self._conversation.runs(task)

    def _closed(self) -> Uncancellable[None]:
        if self._closing is None:
            self._conversation.closing_task = asyncio.current_task()
            self._closing = Uncancellable(
                shut(self._conversation, self._close),
                timeout=None,
                name="akool: closing the conversation",
            )
        return self._closing

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
            logger.warning(
                "the session's block was left while %d text(s) given to say() weren't spoken yet; "
                "they are cancelled. To wait: await avatar.say(…)",
                unspoken,
            )
        try:
            await self.aclose()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    # Asking.

    async def ask(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **options: Unpack[QuestionFields],
    ) -> Reply:
        """Asks, and returns the whole reply. Any number may be in flight at once.

        Args:
            text: the question.
            timeout: seconds for all of it; `ConversationOptions.reply_timeout` by default.
            **options: (v3) `QuestionFields`, which the chat room has with every question;
                version 2 sets them by `set_params`.

        Raises:
            InvalidParameterError: an empty text, or an option's wrong value.
            NotSupportedError: a v3 option in a version 2 room.
            ReplyTimeoutError: no reply, or no end of it, in time; has the text so far.
            ReplyIncompleteError: parts of the reply were lost; has the text and the numbers.
            QuestionInterruptedError: the connection broke meanwhile. Never sent again.
            SendError: the question wasn't taken by the room.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        self._check_open()
        return await self._conversation.questions.ask(text, timeout, options)

    def stream(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **options: Unpack[QuestionFields],
    ) -> ReplyStream:
        """Asks, and yields the reply as it comes; arguments and errors as `ask`."""
        self._check_open()
        return self._conversation.questions.stream(text, timeout, options)

    def say(
        self,
        text: str | AsyncIterable[str | None],
        *,
        split: Split = "one_message",
        splitter: Splitter | None = None,
        interrupt: bool = False,
        drop: bool = False,
        delay: float | None = None,
        piece_bytes: int | None = None,
    ) -> Utterance:
        """Has the avatar say a text, or the text of an async iterable while it is being written.

        It is said after what is being said already. Retelling mode is set if it isn't. An
        iterable's text is sent at the ends of sentences and clauses; what has waited for `delay`
        seconds, or has `piece_bytes`, is sent anyway. `None` and blank text are skipped. However
        the utterance ends, the iterable is closed.

        Two things aren't known of the service. Whether it speaks before a message is whole: with
        `split="message_per_sentence"` it needn't, at the price of a pause between sentences. What
        it does with a second chat while it speaks: so a queued utterance is held back until
        `audio_end`, or the limit that `Utterance.spoken` names.

        Args:
            text: what to say.
            split: one chat message of many parts, or a message for every sentence.
            splitter: finds the sentences of a text in place of the built-in rules: a function
                that returns them in order; it may leave out white space between them.
            interrupt: cancels what is being said and what waits, interrupts the avatar, whatever
                it is saying.
            drop: isn't said at all if the avatar speaks or answers, or if anything waits to be
                said.
            delay: seconds; `ConversationOptions.first_piece` by default.
            piece_bytes: `ConversationOptions.piece_bytes` by default.

        Raises:
            InvalidParameterError: an empty text, no text, or both `interrupt` and `drop`.
            DisconnectedError, ConversationClosedError: the conversation is over.
            RuntimeError: called outside the session's event loop.
        """
        self._check_open()
        if interrupt and drop:
            raise InvalidParameterError("drop", "can't be combined with interrupt")
        settings = self._speech_settings(split, splitter, delay, piece_bytes)
        return self._conversation.speech.say(text, settings, interrupt=interrupt, drop=drop)

    def _speech_settings(
        self,
        split: Split,
        splitter: Splitter | None,
        delay: float | None,
        piece_bytes: int | None,
    ) -> SpeechSettings:
        options = self._conversation.options
        wait = check_timeout(delay, options.first_piece)
        return SpeechSettings(split, wait, piece_bytes or options.piece_bytes, splitter)

    def respond_with(
        self,
        function: ResponderFunction,
        *,
        filler: str | None = None,
        filler_after: float = 1.0,
        merge_window: float = 0.0,
        split: Split = "one_message",
        splitter: Splitter | None = None,
        delay: float | None = None,
    ) -> Responder:
        """Answers everything people say in the room with `function(turn)`, through the avatar.

        Called before the session is opened, nothing that is said is missed, and the avatar is in
        retelling mode from the start; `open_session(…, respond_with=function)` does that. Called
        later, retelling mode is set for it.

        `function` is a plain function (called on the event loop, so it must not block), an async
        one, or an async generator of text. Whenever a person speaks, the avatar is interrupted,
        because the service speaks recognised words back in retelling mode; an answer still being
        written or spoken ends, its generator is closed, and the transcript keeps what was said
        until then. What `function` raises is reported as `HandlerFailed` and to
        `ConversationOptions.on_error`; the conversation goes on.

        Args:
            function: of a `UserTurn`.
            filler: said when the first piece takes longer than `filler_after` seconds.
            filler_after: in seconds.
            merge_window: seconds to wait for more of what a person says: the service may split
                one utterance in two texts, 300 to 600 ms apart. They are joined for `function`.
            split: as for `say`.
            splitter: as for `say`.
            delay: as for `say`.

        Raises:
            NotSupportedError: (v3) the chat room doesn't report speech.
            InvalidParameterError: a wrong value, or there is a responder already.
            RuntimeError: called outside the session's event loop.
        """
        return self.install(
            RespondWith(function, filler, filler_after, merge_window, split, splitter, delay)
        )

    def install(self, respond_with: RespondWith) -> Responder:
        """`respond_with`, its arguments in one object."""
        conversation = self._conversation
        conversation.check_loop()
        if self._opened:
            self._check_open()
        if not conversation.has_commands:
            raise NotSupportedError(
                "the v3 chat room doesn't report what people say, so there is nothing to respond to"
            )
        if conversation.responder is not None:
            raise InvalidParameterError("function", "there is a responder already; stop it first")
        conversation.responder = Responder(
            conversation, respond_with, mode_is_set=conversation.settings.mode == 1
        )
        conversation.settings.prefer(Params(mode=1))
        if self._opened:
            conversation.responder.begin()
        return conversation.responder

    def on_idle(self, seconds: float, function: IdleFunction) -> IdleWatch:
        """Calls `function()`, plain or async, when no one has spoken for so long, and then again.

        The text or async iterable it returns is said, a prompt for instance; `None` says nothing.
        It may end the session by `aclose()`. What it raises is reported as `HandlerFailed`. The
        `Idle` event comes before each call; `stop()` of what this returns ends it.

        Raises:
            InvalidParameterError: `seconds` isn't a number above 0, `function` can't be called.
        """
        self._check_open()
        return self._idleness.call(seconds, function, self.say)

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

    # Commands.

    async def set_params(
        self,
        *,
        mode: Mode | None = None,
        language: str | None = None,
        voice_id: str | None = None,
        voice_url: str | None = None,
        background_url: str | None = None,
        speed: float | None = None,
        pron_map: Mapping[str, str] | None = None,
        stt_language: str | None = None,
        stt_type: str | None = None,
        turn_detection: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Changes the avatar's settings; returns when it answered. See `Params` for the values.

        In the v3 chat room, which has no commands, it sets what later questions carry.

        Raises:
            InvalidParameterError: a wrong value; nothing was sent.
            NotSupportedError: (v3) a setting that no question can carry.
            CommandRejectedError, CommandTimeoutError: as answered, or not answered in time.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        params = Params(
            mode=mode,
            language=language,
            voice_id=voice_id,
            voice_url=voice_url,
            background_url=background_url,
            speed=speed,
            pron_map=pron_map,
            stt_language=stt_language,
            stt_type=stt_type,
            turn_detection=turn_detection,
        )
        if params.empty:
            raise InvalidParameterError("set_params", "nothing to set was given")
        conversation = self._conversation
        limit = check_timeout(timeout, conversation.options.command_timeout)
        self._check_open()
        if not conversation.has_commands:
            params.check_v3()
        else:
            await conversation.settings.set_params(params, timeout=limit)
            return
        conversation.settings.want(params)

    async def interrupt(self, *, timeout: float | None = None) -> None:
        """The avatar stops speaking, and what waits to be said isn't. Replies in flight end early.

        Cancelled, it is sent all the same, and takes effect without being waited for.

        Raises:
            NotSupportedError: (v3) has no commands.
            CommandRejectedError, CommandTimeoutError, DisconnectedError,
            ConversationClosedError: as for `set_params`.
        """
        conversation = self._conversation
        self._check_commands("interrupt")
        limit = check_timeout(timeout, conversation.options.command_timeout)
        conversation.speech.stop_all()
        await conversation.speech_port.send_interrupt(timeout=limit)

    async def act(
        self,
        *,
        action: str | None = None,
        expression: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """A gesture and/or a facial expression: `ACTIONS`, `EXPRESSIONS` in `stream.messages`.

        Raises:
            InvalidParameterError: neither was given, or one the avatar doesn't know.
            NotSupportedError, CommandRejectedError, CommandTimeoutError, DisconnectedError,
            ConversationClosedError: as for `interrupt`.
        """
        conversation = self._conversation
        self._check_commands("act")
        check_action(action, expression)
        limit = check_timeout(timeout, conversation.options.command_timeout)
        await conversation.commands.send(SetAction(new_mid(), action, expression), timeout=limit)

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

    # Hearing.

    @overload
    def events(self, *, max_waiting: int | None = None) -> EventReader[Event]: ...
    @overload
    def events(self, *kinds: type[E], max_waiting: int | None = None) -> EventReader[E]: ...
    def events(self, *kinds: type[Any], max_waiting: int | None = None) -> EventReader[Any]:
        """A new, independent reader of what happens from now on, of `kinds` or of all kinds.

        It keeps `max_waiting` events; a slow reader loses the oldest. A reader of all kinds, or of
        `EventsLost`, is given an `EventsLost` in their place; others count them in `lost`.
        """
        return self._conversation.events.reader(kinds, limit=max_waiting)

    def on(self, kind: type[E]) -> Callable[[H], H]:
        """Decorator: calls a function, plain or async, with every event of a kind.

        An async one gets its events one after the other in a task that the session owns. What it
        raises is reported as `HandlerFailed`, logged, and given to `ConversationOptions.on_error`.
        """

        def decorate(function: H) -> H:
            self._conversation.events.on(kind, function)
            return function

        return decorate

    @property
    def transcript(self) -> Transcript:
        """Who said what, when."""
        return self._conversation.transcript

    @property
    def info(self) -> SessionInfo:
        """What is known about the session."""
        return self._conversation.info

    @property
    def options(self) -> ConversationOptions:
        """The limits in use."""
        return self._conversation.options

    @property
    def stats(self) -> ConversationStats:
        """What was counted so far: a copy."""
        return self._conversation.stats()

    @property
    def closed(self) -> bool:
        """Whether the conversation is over."""
        return self._conversation.error is not None

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open" if self._opened else "new"
        name = self._conversation.info.session_id or "unnamed"
        return f"<AvatarSession {name} over {self._conversation.driver.transport.name}, {state}>"

    def _check_open(self) -> None:
        self._conversation.check_loop()
        if not self._opened:
            raise ConversationClosedError("the conversation isn't open yet")
        self._conversation.check_open()

    def _check_commands(self, name: str) -> None:
        if not self._conversation.has_commands:
            raise NotSupportedError(f"the v3 chat room has no commands, so no {name}()")
        self._check_open()
