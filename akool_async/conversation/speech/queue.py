"""The utterances of one conversation, one after the other, and what stops them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from typing import Any, Final, Literal

from akool_async import validation
from akool_async.concurrency import Tasks
from akool_async.conversation.speech.job import SpeechJob, SpeechSettings, check_speech
from akool_async.conversation.speech.message import SpokenMessage
from akool_async.conversation.speech.port import SpeechPort
from akool_async.conversation.speech.utterance import Utterance
from akool_async.errors import ConversationError, InvalidParameterError, SendError, TransportError

__all__ = ["SpeechQueue"]


#: After so many texts of people in a row without an echo the avatar isn't expected to echo.
_NO_ECHO: Final = 3
#: Seconds after a person's text in which an echo that isn't expected may still begin.
_ECHO_BEGINS: Final = 0.05
#: Seconds after an echo's text in which its `audio_start` may come.
_ECHO_AUDIO: Final = 2.0


class SpeechQueue:
    """Only the first utterance is being sent or spoken: what an avatar does with a second chat
    while it speaks isn't known for certain (docs/protocol.md §2 "Observed on the live service").

    The conversation passes on what happens: `audio_started`, `audio_ended`, `interrupted`,
    `packet_sending`, `packet_sent`, `packet_failed`, `fail_all`, `stop`.
    """

    def __init__(self, port: SpeechPort) -> None:
        self._port = port
        self._jobs: list[SpeechJob] = []
        #: Tasks of jobs that are done.
        self._ending = Tasks()
        self._interrupts = Tasks()
        self._avatar_speaks = False
        #: The service speaks back what a person said: its audio is still to come, or going on.
        self._echo: Literal["none", "expected", "audible"] = "none"
        self._echo_since = 0.0
        self._turns_without_echo = 0
        #: What an interrupt is for began while it was on its way: it may have come too early.
        self._interrupt_again = False
        self._audio_mid = ""
        #: Learned: audio events carry the mid of the text they are about.
        self._names_our_mids = False
        self._echo_begun: asyncio.Future[None] | None = None
        self._hears_audio_events = False
        self._closed = False
        self._held_back = False
        #: How many utterances were begun.
        self.utterances = 0

    # What the user asks for.

    def say(
        self,
        text: str | AsyncIterable[str | None],
        settings: SpeechSettings,
        *,
        interrupt: bool = False,
        drop: bool = False,
    ) -> Utterance:
        """See `AvatarSession.say`."""
        if isinstance(text, str):
            validation.speech("text", text)
        elif not isinstance(text, AsyncIterable):
            raise InvalidParameterError(
                "text", f"{type(text).__name__} is neither a str nor an async iterable of str"
            )
        check_speech(settings.split, settings.splitter)
        busy = self.busy or self._port.avatar_busy
        if interrupt and (busy or not self._hears_audio_events):
            self.interrupt_all()
        job = SpeechJob(self._port, self, Utterance(self._cancel), settings, text)
        if busy and drop:
            job.stop("dropped")
        else:
            self._add(job)
        return job.utterance

    def open(self, settings: SpeechSettings, on_end: Callable[[], object]) -> SpeechJob:
        """A queued utterance whose text the caller gives to `SpeechJob.source`.

        `on_end` is called when no more of it is wanted.
        """
        job = SpeechJob(self._port, self, Utterance(self._cancel), settings, None, on_end)
        self._add(job)
        return job

    @property
    def busy(self) -> bool:
        """Whether the avatar speaks, or anything waits to be said."""
        return self._avatar_speaks or bool(self._jobs)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is being said, nor is about to be, but for what isn't admitted yet."""
        waits = not self._jobs or self._held_back
        return waits and not self._avatar_speaks and not self._interrupts.running

    @property
    def mid(self) -> str | None:
        """The mid of the message being sent or spoken."""
        message = self._message
        return message.mid if message is not None else None

    @property
    def unspoken(self) -> int:
        """How many utterances aren't spoken yet."""
        return len(self._jobs)

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task reads or sends the text of an utterance."""
        return task in self._ending.running or any(task in job.tasks for job in self._jobs)

    async def idle(self) -> None:
        """Returns when nothing is being said or waits to be."""
        while self._jobs:
            await self._jobs[-1].utterance.settled()

    def _add(self, job: SpeechJob) -> None:
        if self._closed:
            job.stop()
            return
        self.utterances += 1
        self._jobs.append(job)
        if self._jobs[0] is job:
            job.start()

    # What stops them.

    def stop_all(self) -> bool:
        """Ends every utterance at once; `True`: the avatar has some of one, so interrupt it."""
        jobs, self._jobs = self._jobs, []
        avatar_has_some = False
        for job in jobs:
            avatar_has_some |= job.stop()
        return avatar_has_some

    def interrupt_all(self) -> None:
        """Ends every utterance, and interrupts the avatar without waiting for its answer."""
        self.stop_all()
        self.interrupt_soon()

    def interrupt_soon(self) -> None:
        """Interrupts the avatar without waiting for its answer; an interrupt that fails is
        reported.
        """
        if self._port.has_commands:
            self._interrupt_avatar().add_done_callback(self._interrupt_ended)

    async def _cancel(self, utterance: Utterance) -> None:
        """Ends one utterance; interrupts the avatar if it has some of it."""
        job = next((job for job in self._jobs if job.utterance is utterance), None)
        if job is None:
            return
        avatar_has_some = job.stop()
        if avatar_has_some and self._port.has_commands:
            await asyncio.shield(self._interrupt_avatar())
        await job.ended(timeout=self._port.options.close_timeout)

    def _interrupt_avatar(self) -> asyncio.Task[object]:
        # The command goes to the outbox now; only its answer is waited for by the task.
        task = asyncio.get_running_loop().create_task(
            self._port.send_interrupt(), name="akool-interrupt"
        )
        self._interrupts.add(task)
        return task

    def _interrupt_ended(self, task: asyncio.Task[object]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ConversationError) and not self._closed:
            self._port.report(error, "interrupting the avatar")

    def fail_all(self, make: Callable[[], BaseException]) -> None:
        """The conversation is over: every utterance fails with an error of its own."""
        self._closed = True
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.fail(make())

    async def stop(self, *, spare: asyncio.Task[Any] | None) -> None:
        """Waits for all tasks but `spare`, at most `close_timeout` seconds."""
        for interrupt in self._interrupts.running:
            interrupt.cancel()
        tasks = self._interrupts.running | self._ending.running
        for job in self._jobs:
            tasks |= job.tasks
        tasks -= {spare, asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=self._port.options.close_timeout)

    # For a job.

    async def prepare(self) -> None:
        """Returns when the avatar says what it is given, and no interrupt would cut it."""
        port = self._port
        self._held_back = True
        try:
            await port.admitted()
        finally:
            self._held_back = False
        if self._echo_begun is not None:
            # An interrupt that arrives before the echo began doesn't stop it.
            echo = self._echo_begun
            known = self._turns_without_echo < _NO_ECHO
            wait = port.options.interrupt_wait if known else _ECHO_BEGINS
            await asyncio.wait([echo], timeout=self._echo_since + wait - self._now())
            if not echo.done():
                self._turns_without_echo += 1
            if self._echo_begun is echo:
                self._echo_begun = None
        # On the way an interrupt may fall behind the text, unless packets keep their order; then
        # the avatar is only given the time to fall silent.
        limit = self._now() + port.options.interrupt_wait if port.keeps_order else None
        while self._interrupts.running and (limit is None or self._now() < limit):
            left = None if limit is None else limit - self._now()
            await asyncio.wait(self._interrupts.running, timeout=left)
        await port.set_retelling_mode()

    def begin_message(self) -> SpokenMessage:
        """A new message, whose first packet may be sent now."""
        return SpokenMessage(self._port, avatar_speaking=self._avatar_speaks)

    def finished(self, job: SpeechJob) -> None:
        """The job is done but for the end of its tasks; the next one's turn."""
        first = bool(self._jobs) and self._jobs[0] is job
        if job in self._jobs:
            self._jobs.remove(job)
        for task in job.tasks:
            self._ending.add(task)
        if first and self._jobs:
            self._jobs[0].start()

    def cut_off(self) -> bool:
        """Ends the text that the avatar has some of; `True`: there was one. The others wait on."""
        cut = self._ours_on_the_way()
        if cut:
            self._jobs[0].stop()
        self._avatar_speaks = False
        self._echo = "none"
        self._echo_begun = None
        self._audio_mid = ""
        return cut

    # What the conversation passes on.

    @property
    def _message(self) -> SpokenMessage | None:
        return self._jobs[0].message if self._jobs else None

    def _sending(self, key: str) -> SpokenMessage | None:
        """The message being sent, if `key` is its."""
        message = self._message
        return message if message is not None and key == message.mid else None

    def audio_started(self, mid: str, *, known: bool) -> None:
        """The avatar began to speak; `known`: `mid` is a message's that is known."""
        self._avatar_speaks = self._hears_audio_events = True
        message = self._message
        expected = self._echo == "expected" and self._now() <= self._echo_since + _ECHO_AUDIO
        self._echo = "none"
        self._audio_mid = mid
        if expected and mid != self.mid:
            self._echo = "audible"
        elif message is not None and self._is_of(message, mid, known=known):
            message.audio_started()

    def audio_ended(self, mid: str, *, known: bool) -> None:
        """The avatar stopped speaking; `known` as for `audio_started`."""
        self._avatar_speaks = False
        message = self._message
        if self._echo == "audible" and mid != self.mid:
            self._echo = "none"
        elif message is not None and self._is_of(message, mid, known=known):
            message.audio_ended(mid)

    def interrupted(self) -> None:
        """An interrupt was answered; what the avatar may still be saying isn't our text."""
        again, self._interrupt_again = self._interrupt_again, False
        goes_on = self._avatar_speaks or self._echo != "none"
        if again and goes_on and not self._ours_on_the_way():
            self.interrupt_soon()
            return
        if self._echo == "expected":
            self._echo = "none"
        elif self._echo == "none" and self._avatar_speaks and (message := self._message):
            message.ignore_next_audio_end = True

    def echo_begun(self, mid: str, *, interrupt: bool) -> None:
        """The avatar speaks back what a person said; with `interrupt` it is stopped, unless
        speech of ours is on its way or an interrupt is.
        """
        self._turns_without_echo = 0
        message = self._message
        if mid and mid == self._audio_mid:  # its audio was reported before its text
            if message is not None and mid != message.mid:
                message.audio_was_not_its_own()
            self._echo = "audible" if self._avatar_speaks else "none"
        else:
            audible = self._avatar_speaks and not (message is not None and message.audible)
            self._echo = "audible" if audible else "expected"
        self._echo_since = self._now()
        if interrupt:
            self.interrupt_unless_ours()
        if self._echo_begun is not None and not self._echo_begun.done():
            self._echo_begun.set_result(None)

    def interrupt_unless_ours(self) -> None:
        """Interrupts the avatar, unless that would cut speech of ours. Of an interrupt that is on
        its way isn't known whether it comes before what it is for: its answer shows that.
        """
        if self._ours_on_the_way():
            return
        if self._port.interrupting:
            self._interrupt_again = True
        else:
            self.interrupt_soon()

    def _ours_on_the_way(self) -> bool:
        return (message := self._message) is not None and message.sending_started

    def expect_echo(self) -> None:
        """A person spoke: what is said next waits until the echo began, or won't come."""
        self._echo_since = self._now()
        self._echo_begun = asyncio.get_running_loop().create_future()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _is_of(self, message: SpokenMessage, mid: str, *, known: bool) -> bool:
        """Whether audio can be this message's. An interrupt was sent before it, so without its
        answer the avatar still says what it was given before.
        """
        if mid == message.mid:
            self._names_our_mids = True
            return True
        if known or (mid and self._names_our_mids):
            return False
        return not self._port.interrupting

    def packet_sending(self, key: str) -> None:
        """A packet is handed to the room."""
        if (message := self._sending(key)) is not None:
            message.packet_sending()

    def packet_sent(self, key: str) -> None:
        """The room took a packet."""
        if (message := self._sending(key)) is not None:
            message.packet_sent()

    def packet_failed(self, key: str, error: SendError | TransportError) -> None:
        """The room didn't take a packet: the message has a hole, so it ends here."""
        if (message := self._sending(key)) is not None:
            message.packet_failed()
            self._jobs[0].break_off(error, send_end=False)
