"""Asking the avatar, having it speak, and answering what people say."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Unpack

from akool_async import validation
from akool_async.conversation.conversation import Conversation
from akool_async.conversation.idle import IdleFunction, Idleness, IdleWatch
from akool_async.conversation.params import Params, QuestionFields, check_timeout
from akool_async.conversation.questions import ReplyStream
from akool_async.conversation.responder import Responder, ResponderFunction, RespondWith
from akool_async.conversation.session.base import SessionBase
from akool_async.conversation.speech.job import SpeechSettings
from akool_async.conversation.speech.sentences import Splitter
from akool_async.conversation.speech.utterance import Split, Utterance
from akool_async.errors import InvalidParameterError, NotSupportedError
from akool_async.events import Reply

__all__ = ["TalkingMethods"]


class TalkingMethods(SessionBase):
    """The methods of `AvatarSession` by which a program asks, speaks and answers."""

    def __init__(self, conversation: Conversation) -> None:
        """Opens nothing."""
        super().__init__(conversation)
        self._idleness = Idleness(conversation.events, conversation.speech_pending)

    async def ask(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **options: Unpack[QuestionFields],
    ) -> Reply:
        """Asks, and returns the whole reply. Any number may be in flight at once.

        One that is to be answered, not repeated, waits until what `say` was given was said.

        Args:
            text: the question.
            timeout: seconds for all of it; `ConversationOptions.reply_timeout` by default.
            **options: (v3) `QuestionFields`, which the chat room has with every question;
                version 2 sets them by `set_params`.

        Raises:
            InvalidParameterError: an empty text, or an option's wrong value.
            NotSupportedError: a v3 option in a version 2 room; or `scene_mode="meeting"`.
            ReplyTimeoutError: no reply, or no end of it, in time; has the text so far.
            ReplyIncompleteError: parts of the reply were lost; has the text and the numbers.
            QuestionInterruptedError: the connection broke meanwhile. Never sent again.
            SendError: the question wasn't taken by the room.
            DisconnectedError, ConversationClosedError: the conversation is over.
        """
        self._check_open()
        self._check_text("ask")
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
        self._check_text("stream")
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
            NotSupportedError: with `scene_mode="meeting"` the avatar says no text.
            DisconnectedError, ConversationClosedError: the conversation is over.
            RuntimeError: called outside the session's event loop.
        """
        self._check_open()
        self._check_text("say")
        if interrupt and drop:
            raise InvalidParameterError("drop", "can't be combined with interrupt")
        options = self._conversation.options
        wait = check_timeout(delay, options.first_piece)
        most = options.piece_bytes
        if piece_bytes is not None:
            most = validation.whole("piece_bytes", piece_bytes, 1, unit="bytes")
        settings = SpeechSettings(split, wait, most, splitter)
        return self._conversation.speech.say(text, settings, interrupt=interrupt, drop=drop)

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
            NotSupportedError: (v3) the chat room doesn't report speech; or `scene_mode="meeting"`.
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
        self._check_text("respond_with")
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
