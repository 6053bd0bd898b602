"""The work on one utterance: a task that sends its text and, for an iterable, one that reads it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from akool_async.concurrency import EXITS, Tasks, own_cancellation, running_user_code
from akool_async.conversation.speech.message import SpokenMessage
from akool_async.conversation.speech.port import SpeechPort
from akool_async.conversation.speech.sentences import Splitter
from akool_async.conversation.speech.source import TextSource
from akool_async.conversation.speech.utterance import Split, Utterance, UtteranceState
from akool_async.errors import InvalidParameterError, TextSourceError
from akool_async.validation import quoted

__all__ = [
    "SpeechJob",
    "SpeechSettings",
    "check_speech",
    "end_source",
    "failure_of",
]


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """How a text is sent: the arguments of `AvatarSession.say` that say so."""

    split: Split
    delay: float
    piece_bytes: int | None
    splitter: Splitter | None = None


def check_speech(split: object, splitter: object) -> None:
    """Raises `InvalidParameterError` for what `split=` and `splitter=` can't be."""
    if split not in ("one_message", "message_per_sentence"):
        raise InvalidParameterError(
            "split", f"{quoted(split)} isn't 'one_message' or 'message_per_sentence'"
        )
    if splitter is not None and not callable(splitter):
        raise InvalidParameterError("splitter", f"{quoted(splitter)} can't be called")


class JobOwner(Protocol):
    """The queue that a job is in."""

    async def prepare(self) -> None:
        """Returns when the avatar says what it is given, and no interrupt would cut it."""

    def begin_message(self) -> SpokenMessage:
        """A new message, whose first packet may be sent now."""
        ...

    def interrupt_soon(self) -> None:
        """Interrupts the avatar; a failure of that is reported."""

    def finished(self, job: SpeechJob) -> None:
        """The job is done but for the end of its tasks; the next one's turn."""


class SpeechJob:
    """Sends the text of an `Utterance`, one message or many, and waits until it was spoken.

    Args:
        utterance: what the caller has; ended by this job.
        settings: how the text is sent.
        given: the text, or an iterable that is read when the job's turn has come; `None`: the
            text comes through `source`, and `on_end` is called when no more of it is wanted.
    """

    def __init__(
        self,
        port: SpeechPort,
        owner: JobOwner,
        utterance: Utterance,
        settings: SpeechSettings,
        given: str | AsyncIterable[object] | None,
        on_end: Callable[[], object] | None = None,
    ) -> None:
        self.utterance = utterance
        #: The message that is being sent or spoken.
        self.message: SpokenMessage | None = None
        self.source = TextSource(
            settings.splitter,
            by_sentence=settings.split == "message_per_sentence",
            timeout=port.options.text_timeout,
            most_bytes=settings.piece_bytes,
        )
        self._port = port
        self._owner = owner
        self._settings = settings
        self._given = given
        self._on_end = on_end
        self._error_reported = False
        self._tasks = Tasks()
        self._began: float | None = None
        if isinstance(given, str):
            self.source.add_whole(given)

    # Its life, for the queue.

    def start(self) -> None:
        """Its turn has come."""
        self._began = asyncio.get_running_loop().time()
        self._own(self._send(), "akool-utterance")
        given, self._given = self._given, None
        if isinstance(given, AsyncIterable):
            self._own(self._read(given), "akool-utterance-text")

    def stop(self, state: UtteranceState = "cancelled") -> bool:
        """Ends it at once; `True`: the avatar has some of it. Its tasks end by themselves."""
        if self.utterance.done:
            return False
        avatar_has_some = self.message is not None and self.message.stop(send_end=False)
        self._end(state)
        return avatar_has_some

    def fail(self, error: BaseException) -> None:
        """Ends it with an error: the conversation is over."""
        if not self.utterance.done:
            self._end("failed", error)

    def break_off(self, error: BaseException, *, send_end: bool = True) -> None:
        """Ends it with an error, and stops the avatar if that has some of the text.

        `send_end` as for `SpokenMessage.stop`.
        """
        if self.utterance.done:
            return
        avatar_has_some = self.message is not None and self.message.stop(send_end=send_end)
        reported = self._error_reported or self.utterance.awaited
        self._end("failed", error)
        if avatar_has_some:
            self._owner.interrupt_soon()
        if not reported:
            self._port.report(error, "the text given to say()")

    def text_failed(self, error: BaseException, *, reported: bool = False) -> None:
        """No more text comes: what came before is sent, then it ends as by `break_off`.

        `reported`: the error needs no other report.
        """
        self._error_reported = reported
        if self.utterance.state == "speaking":
            self.break_off(error)
        else:
            self.source.fail(error)

    async def ended(self, *, timeout: float) -> None:
        """Waits until its tasks ended, the iterator's closing included, or `timeout` seconds."""
        tasks = self._tasks.running - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """The tasks that didn't end yet."""
        return self._tasks.running

    def _end(self, state: UtteranceState, error: BaseException | None = None) -> None:
        if self.message is not None:
            self.message.close(cut_off=state != "spoken")
        self.utterance.end(state, error)
        if self._began is not None:
            took = asyncio.get_running_loop().time() - self._began
            self._port.utterance_ended(took, state, error)
        current = asyncio.current_task()
        for task in self._tasks.running:
            if task is not current:
                task.cancel()
        given, self._given = self._given, None
        if isinstance(given, AsyncIterable):  # its turn never came
            self._own(end_source(given, self._port.report), "akool-utterance-text")
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end()
        self._owner.finished(self)

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)

    # Reading.

    async def _read(self, given: AsyncIterable[object]) -> None:
        """Reads the iterable to its end. What it raises is the utterance's error."""
        try:
            if self.utterance.done:
                return
            with running_user_code():
                await self._read_all(aiter(given))
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - the user's; becomes the utterance's error
            if own_cancellation(error):
                self.stop()
            else:
                self.text_failed(failure_of("the iterator given to say()", error))

    async def _read_all(self, iterator: AsyncIterator[object]) -> None:
        try:
            async for piece in iterator:
                if self.utterance.done:
                    return  # it didn't let itself be cancelled
                self.source.add(piece)
                await self.source.ready()
                if self.utterance.done:
                    return
        finally:
            await end_source(iterator, self._port.report)
        self.source.finish()

    # Sending.

    async def _send(self) -> None:
        try:
            await self._owner.prepare()
            self.utterance.reached("sending")
            if self._settings.split == "one_message":
                await self._one_message()
            else:
                await self._message_per_sentence()
            self._end("spoken")
        except asyncio.CancelledError:
            self.stop()
        except Exception as error:  # noqa: BLE001 - the room's, or a splitter's; handed on
            self.break_off(error)

    def _begin(self) -> SpokenMessage:
        message = self.message = self._owner.begin_message()
        self.utterance.message_begun(message.mid, lambda: message.text_sent)
        return message

    async def _one_message(self) -> None:
        source, settings = self.source, self._settings
        message: SpokenMessage | None = None
        try:
            while (text := await source.piece(delay=settings.delay)) is not None:
                await self._port.wait_for_capacity()
                message = message or self._begin()
                if source.exhausted:
                    break
                message.add(text)
        except Exception:
            if message is not None:  # what was written before the failure is sent first
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(message.taken(), self._port.options.send_timeout)
            raise
        if message is None:
            return  # there was nothing to say
        message.finish(text or "")
        await self._until_spoken(message, last=True)

    async def _message_per_sentence(self) -> None:
        while (text := await self.source.sentence()) is not None:
            await self._port.wait_for_capacity()
            message = self._begin()
            message.finish(text)
            await self._until_spoken(message, last=self.source.exhausted)

    async def _until_spoken(self, message: SpokenMessage, *, last: bool) -> None:
        await message.sent
        if last:
            self.utterance.note_all_sent()
            given, sent = self.source.given_at, message.text_at
            if given is not None and sent is not None and sent >= given:
                self._port.last_piece_sent(sent - given)
        self.utterance.reached("speaking")
        limit = self._port.options.speaking_time(message.text)
        await asyncio.wait([message.over], timeout=limit)
        if not last:
            message.close(cut_off=False)


async def end_source(source: object, report: Callable[[BaseException, str], None]) -> None:
    """Closes a user's iterator; what its closing raises is reported."""
    close = getattr(source, "aclose", None)
    if close is None:
        return
    try:
        await close()
    except asyncio.CancelledError as error:
        if own_cancellation(error):
            raise
    except Exception as error:  # noqa: BLE001 - the user's; reported
        report(error, "closing the text given to say()")


def failure_of(what: str, error: BaseException) -> Exception:
    """An error of the user's code as one to report: what isn't an `Exception`, as test frameworks
    raise, or a `CancelledError` though nothing cancelled the code, is the cause of another.
    """
    if isinstance(error, Exception):
        return error
    if isinstance(error, asyncio.CancelledError):
        failure = TextSourceError(
            f"{what} raised asyncio.CancelledError, though it wasn't cancelled: it awaited a task "
            "or future that something else cancelled. Catch it there if that is expected"
        )
    else:
        failure = TextSourceError(f"{what} raised {type(error).__name__}, which isn't an Exception")
    failure.__cause__ = error
    return failure
