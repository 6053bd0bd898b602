"""The user's own language model answers what people say, and what happens when they cut in."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from akool_async import validation
from akool_async.concurrency import EXITS, Tasks, own_cancellation, running_user_code
from akool_async.conversation.blocking import StepTimer, name_of
from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.speech.job import (
    SpeechJob,
    SpeechSettings,
    check_speech,
    end_source,
    failure_of,
)
from akool_async.conversation.speech.queue import SpeechQueue
from akool_async.conversation.speech.sentences import Splitter
from akool_async.conversation.speech.utterance import Split
from akool_async.conversation.transcript import Transcript
from akool_async.errors import AkoolError, InvalidParameterError, TextTimeoutError

__all__ = ["RespondWith", "Responder", "ResponderFunction", "ResponderPort", "UserTurn"]


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What a person said, and what was said before.

    Attributes:
        text: what was recognised.
        mid: the message's mid; of texts that were merged, the last one's.
        messages: the transcript so far, this turn included, in the roles of chat APIs:
            `[{"role": "user", "content": …}, {"role": "assistant", …}, …]`.
        language: the code that was last set, `None`: unknown.
        transcript: the conversation's, with times.
        complete: `False` where parts of `text` were lost on the way.
    """

    text: str
    mid: str
    messages: list[dict[str, str]]
    language: str | None
    transcript: Transcript
    complete: bool = True


Answer: TypeAlias = str | AsyncIterable[str | None] | None
#: A plain or async function of a turn, or an async generator. `None` or no text says nothing.
ResponderFunction: TypeAlias = Callable[[UserTurn], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class RespondWith:
    """A responder for `open_session(…, respond_with=…)`, where it takes more than a function.

    Attributes:
        function: of a `UserTurn`.
        filler: said when the first piece takes longer than `filler_after` seconds.
        filler_after: in seconds.
        merge_window: seconds to wait for more of what a person says.
        split: as for `AvatarSession.say`.
        splitter: as for `AvatarSession.say`.
        delay: as for `AvatarSession.say`.

    Raises:
        InvalidParameterError: a wrong value; names the field.
    """

    function: ResponderFunction
    filler: str | None = None
    filler_after: float = 1.0
    merge_window: float = 0.0
    split: Split = "one_message"
    splitter: Splitter | None = None
    delay: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidParameterError(
                "function", f"{validation.quoted(self.function)} can't be called"
            )
        if self.filler is not None:
            validation.speech("filler", self.filler)
        for name in ("filler_after", "merge_window", "delay"):
            value = getattr(self, name)
            if value is None:
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value < float("inf"):
                raise InvalidParameterError(
                    name, f"{validation.quoted(value)} isn't a number of seconds from 0 on"
                )
        check_speech(self.split, self.splitter)


class ResponderPort(Protocol):
    """What a responder needs of the conversation it is part of.

    Attributes:
        closing_task: closes the conversation, so it must not be waited for.
    """

    options: ConversationOptions
    speech: SpeechQueue
    transcript: Transcript
    closing_task: asyncio.Task[Any] | None

    @property
    def language(self) -> str | None:
        """The code that was last set."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether the conversation ended."""
        ...

    async def keep_retelling_mode(self) -> None:
        """Puts the avatar into retelling mode, as if the caller had set it.

        Raises:
            CommandRejectedError, CommandTimeoutError, DisconnectedError: as for `set_params`.
        """

    def answered_by_service(self, mid: str) -> bool:
        """Whether the service began to answer what was heard; if not, it isn't expected to."""
        ...

    def remove_responder(self, responder: Responder) -> None:
        """This responder is to hear nothing more."""

    def report(self, error: BaseException, where: str) -> None:
        """Reports an error of the user's code."""


class _Heard(NamedTuple):
    text: str
    mid: str
    complete: bool


class Responder:
    """Answers every user message through the avatar; made by `AvatarSession.respond_with`.

    `await responder` returns once the avatar is in retelling mode.

    Attributes:
        turns: how often the function was called.
        barge_ins: how often people spoke while text of the program was being said, or waited.
    """

    def __init__(self, port: ResponderPort, settings: RespondWith, *, mode_is_set: bool) -> None:
        self.turns = 0
        self.barge_ins = 0
        self._port = port
        self._settings = settings
        self._current: _Answer | None = None
        self._tasks = Tasks()
        self._stopped = False
        self._merging: list[_Heard] = []
        self._merge_timer: asyncio.TimerHandle | None = None
        #: What was heard before the avatar was in retelling mode: the service may answer it.
        self._held: list[_Heard] = []
        self._ready = asyncio.Event()
        if mode_is_set:
            self._ready.set()

    def begin(self) -> None:
        """The session is open: sets retelling mode, where create didn't."""
        if not self._ready.is_set():
            self._own(self._prepare(), "akool-responder-mode")

    def __await__(self) -> Generator[Any, None, Responder]:
        yield from self._ready.wait().__await__()
        return self

    async def stop(self) -> None:
        """Answers no more; ends the answer in progress, its generator closed."""
        port = self._port
        self._stopped = True
        self._merging.clear()
        if self._merge_timer is not None:
            self._merge_timer.cancel()
        port.remove_responder(self)
        if self._current is not None and not self._current.over:
            self._current.end()
            if not port.is_over:
                port.speech.interrupt_all()
        tasks = self._tasks.running - {asyncio.current_task(), port.closing_task}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=port.options.close_timeout)
        self._ready.set()

    @property
    def busy(self) -> bool:
        """Whether it waits for more of what a person says, or its function is answering."""
        return bool(self._merging) or bool(self._tasks.running)

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is one of this responder's."""
        return task in self._tasks.running

    def heard(self, text: str, mid: str, *, complete: bool) -> None:
        """A person said something: ends what the avatar is saying, and answers."""
        if self._stopped or self._port.is_over:
            return
        heard = _Heard(text, mid, complete)
        if not self._ready.is_set():
            self._held.append(heard)
            return
        speech = self._port.speech
        if self._current is not None:
            self._current.end()
        if speech.unspoken:
            self.barge_ins += 1
        # Whatever the avatar seems to do: in retelling mode it speaks the user's words back
        # (docs/protocol.md §2 "Observed on the live service").
        speech.interrupt_all()
        speech.expect_echo()
        if not self._settings.merge_window:
            self._answer([heard])
            return
        self._merging.append(heard)
        if self._merge_timer is not None:
            self._merge_timer.cancel()
        self._merge_timer = asyncio.get_running_loop().call_later(
            self._settings.merge_window, self._merged
        )

    def _merged(self) -> None:
        heard, self._merging = self._merging, []
        if not self._port.is_over:
            self._answer(heard)

    def _answer(self, heard: Sequence[_Heard]) -> None:
        port = self._port
        self.turns += 1
        turn = UserTurn(
            text=_join([one.text for one in heard]),
            mid=heard[-1].mid,
            messages=port.transcript.as_chat(),
            language=port.language,
            transcript=port.transcript,
            complete=all(one.complete for one in heard),
        )
        answer = self._current = _Answer(port, turn, self._settings)
        answer.task = self._own(answer.run(), "akool-responder")

    def _own(self, work: Any, name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        return task

    async def _prepare(self) -> None:
        """Sets the mode; until then the service may answer what is heard, and not both should."""
        port = self._port
        try:
            await port.keep_retelling_mode()
        except AkoolError as error:
            if not port.is_over:
                port.report(error, "setting retelling mode for the responder")
        finally:
            self._ready.set()
        held, self._held = self._held, []
        unanswered = [one for one in held if not port.answered_by_service(one.mid)]
        if self._stopped or port.is_over:
            return
        for one in unanswered:
            self.heard(one.text, one.mid, complete=one.complete)


class _Answer:
    """The answer to one turn: calls the function, and gives its text to an utterance."""

    def __init__(self, port: ResponderPort, turn: UserTurn, settings: RespondWith) -> None:
        #: Nothing of it is wanted any more.
        self.over = False
        self.task: asyncio.Task[None] | None = None
        self._port = port
        self._turn = turn
        self._settings = settings
        delay = port.options.first_piece if settings.delay is None else settings.delay
        self._speech = SpeechSettings(
            settings.split, delay, port.options.piece_bytes, settings.splitter
        )
        self._job: SpeechJob | None = None

    def end(self) -> None:
        """Nothing of it is wanted any more: its function is cancelled, its generator closed."""
        self.over = True
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    async def run(self) -> None:
        """One task calls, reads and closes: what a model's client opens in a generator has to be
        closed by the task that opened it.
        """
        with running_user_code():
            await self._run()

    async def _run(self) -> None:
        settings, limit = self._settings, self._port.options.text_timeout
        filler = None
        if settings.filler is not None:
            loop = asyncio.get_running_loop()
            filler = loop.call_later(settings.filler_after, self._fill, settings.filler)
        bound = asyncio.timeout(limit)
        try:
            async with bound, aclosing(self._pieces()) as pieces:
                async for piece in pieces:
                    if self.over:
                        return  # it didn't let itself be cancelled
                    if self._job is None:
                        bound.reschedule(None)  # from here on the utterance looks to it
                        if filler is not None:
                            filler.cancel()
                        self._job = self._port.speech.open(self._speech, self.end)
                    self._job.source.add(piece)
                    await self._job.source.ready()
            if self._job is not None and not self.over:
                self._job.source.finish()
        except EXITS:
            raise
        except TimeoutError as error:
            if not bound.expired():
                self._failed(error)
            else:
                problem = f"the responder gave no text within {limit:g} s"
                self._failed(TextTimeoutError(f"{problem} (ConversationOptions.text_timeout)"))
        except BaseException as error:  # noqa: BLE001 - the user's function; reported
            if not own_cancellation(error):
                self._failed(failure_of("the responder", error))
        finally:
            if filler is not None:
                filler.cancel()

    def _fill(self, text: str) -> None:
        if not self.over and not self._port.is_over:
            self._port.speech.say(text, self._speech)

    def _failed(self, error: Exception) -> None:
        if self.over:
            return
        self.over = True
        self._port.report(error, "the responder")
        if self._job is not None:
            self._job.text_failed(error, reported=True)

    async def _pieces(self) -> AsyncGenerator[str, None]:
        """The answer's text from its first word on, whatever kind of function gives it."""
        timer = StepTimer(f"the responder {name_of(self._settings.function)}")
        with timer.step():
            result = self._settings.function(self._turn)
        if inspect.isawaitable(result):
            result = await timer.timed(result)
        if result is None:
            return
        if isinstance(result, str):
            if result.strip():
                yield result
            return
        if not isinstance(result, AsyncIterable):
            raise InvalidParameterError(
                "function", f"the responder returned {type(result).__name__}, not text"
            )
        iterator = aiter(result)
        blank: list[str] = []
        begun = False
        try:
            while True:
                try:
                    piece = await timer.timed(anext(iterator))
                except StopAsyncIteration:
                    break
                if begun or not isinstance(piece, str | None):
                    yield piece  # type: ignore[misc]
                elif piece and not piece.isspace():
                    begun = True
                    yield "".join((*blank, piece))
                elif piece:
                    blank.append(piece)
        finally:
            await end_source(iterator, self._port.report)


def _join(texts: list[str]) -> str:
    """Texts of one utterance; a space between them, where their language has spaces."""
    joined = texts[0]
    for text in texts[1:]:
        dense = joined[-1:] >= "\u2e80" and text[:1] >= "\u2e80"
        joined += text if dense else f" {text}"
    return joined
