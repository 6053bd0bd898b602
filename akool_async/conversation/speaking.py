"""Whose turn it is to be spoken: utterances one after the other, and what stops them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable
from typing import TYPE_CHECKING

from akool_async.conversation.outgoing import Outgoing
from akool_async.conversation.params import Params, check_text
from akool_async.conversation.utterance import Parts, Utterance
from akool_async.errors import ConversationError, InvalidParameterError, SendError, TransportError
from akool_async.stream.messages import CommandAnswer

if TYPE_CHECKING:
    from akool_async.conversation.line import Line

__all__ = ["Speaking"]


class Speaking:
    """The utterances of one conversation. Only the first is being sent or spoken: what an avatar
    does with a second chat while it speaks nobody knows (docs/protocol.md §2 "Still open").
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self._queue: deque[Utterance] = deque()
        self._ending: set[Utterance] = set()
        self._advanced: asyncio.Event = asyncio.Event()
        self._avatar_speaks = False
        self._hushing: set[asyncio.Task[CommandAnswer]] = set()

    def say(
        self,
        text: str | AsyncIterable[str],
        *,
        parts: Parts,
        interrupt: bool,
        drop: bool,
        delay: float,
        piece_bytes: int | None,
    ) -> Utterance:
        """See `AvatarSession.say`."""
        if isinstance(text, str):
            check_text(text)
        elif not isinstance(text, AsyncIterable):
            raise InvalidParameterError(
                "text", f"{type(text).__name__} is neither a str nor an async iterable of str"
            )
        if parts not in ("one_message", "message_per_sentence"):
            raise InvalidParameterError(
                "parts", f"{parts!r} isn't 'one_message' or 'message_per_sentence'"
            )
        busy = bool(self._queue)
        utterance = Utterance(self, text, parts=parts, delay=delay, piece_bytes=piece_bytes)
        if busy and interrupt:
            self.interrupt_soon()
        utterance.start()
        if busy and drop:
            utterance.stop("dropped")
        elif not utterance.done:
            self.line.counts.utterances += 1
            self._queue.append(utterance)
        return utterance

    @property
    def busy(self) -> bool:
        """Whether anything is being said, or waits to be."""
        return self._avatar_speaks or bool(self._queue)

    # What stops them.

    def stop_all(self) -> bool:
        """Ends every utterance at once; `True`: the avatar has some of one, so interrupt it."""
        heard = [utterance.stop() for utterance in list(self._queue)]
        return any(heard)

    def interrupt_soon(self) -> None:
        """Ends every utterance, and interrupts the avatar without waiting for its answer."""
        self.stop_all()
        if not self.line.v3:
            self._hush_soon().add_done_callback(self._hushed)

    async def cancel(self, utterance: Utterance) -> None:
        """Ends one utterance; interrupts the avatar where it has some of it."""
        heard = utterance.stop()
        if heard and not self.line.v3:
            await asyncio.shield(self._hush_soon())
        await utterance.ended()

    async def hush(self) -> None:
        """Interrupts the avatar; an interrupt that fails is told and otherwise ignored."""
        if not self.line.v3:
            hushing = self._hush_soon()
            hushing.add_done_callback(self._hushed)
            await asyncio.wait([hushing])

    def _hush_soon(self) -> asyncio.Task[CommandAnswer]:
        # The command goes to the outbox now; only its answer is waited for by the task.
        waiting = self.line.send_interrupt(timeout=self.line.options.command_timeout)
        task = self.line.loop.create_task(waiting, name="akool-interrupt")
        self._hushing.add(task)
        task.add_done_callback(self._hushing.discard)
        return task

    def _hushed(self, task: asyncio.Task[CommandAnswer]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ConversationError) and self.line.error is None:
            self.line.hub.report(error, "interrupting the avatar")

    def fail_all(self, make: Callable[[], BaseException]) -> None:
        """The conversation is over."""
        for utterance in list(self._queue):
            utterance.fail(make())

    async def stop(self) -> None:
        """Waits for all tasks."""
        for task in self._hushing:
            task.cancel()
        if self._hushing:
            await asyncio.wait(list(self._hushing))
        await asyncio.gather(*(u.ended() for u in (*self._queue, *self._ending)))

    # For an utterance's task.

    async def turn_of(self, utterance: Utterance) -> None:
        """Returns when all before it are done."""
        while self._queue[0] is not utterance:
            self._advanced.clear()
            await self._advanced.wait()

    async def prepare(self) -> None:
        """Sees to it that the avatar says what it is given, and that an interrupt is behind it."""
        line = self.line
        limits = line.transport.limits
        if self._hushing and not (limits.ordered and limits.reliable):
            await asyncio.wait(list(self._hushing))  # or an interrupt might cut the new text
        if not line.v3 and line.params.mode != 1:
            await line.set_params(Params(mode=1), timeout=line.options.command_timeout)

    def begin(self) -> Outgoing:
        """A new message, whose first packet may leave now."""
        return Outgoing(self.line, already_speaking=self._avatar_speaks)

    def left(self, utterance: Utterance) -> None:
        """It is done; the next one's turn."""
        if utterance in self._queue:
            self._queue.remove(utterance)
            self._ending.add(utterance)
            if utterance.task is not None:
                utterance.task.add_done_callback(lambda _: self._ending.discard(utterance))
        self._advanced.set()

    # What the line tells.

    @property
    def _message(self) -> Outgoing | None:
        return self._queue[0].message if self._queue else None

    def _sending(self, key: str) -> Outgoing | None:
        """The message on its way, if these are its packets."""
        message = self._message
        return message if message is not None and key == message.mid else None

    def audio_started(self, mid: str) -> None:
        """The avatar began to speak."""
        self._avatar_speaks = True
        message = self._message
        if message is not None and self._is_of(message, mid):
            message.audio_started()

    def audio_ended(self, mid: str) -> None:
        """The avatar stopped speaking."""
        self._avatar_speaks = False
        message = self._message
        if message is not None and self._is_of(message, mid):
            message.audio_ended(mid)

    def interrupted(self) -> None:
        """An interrupt was answered; what the avatar may still be saying isn't our text."""
        if self._avatar_speaks and (message := self._message) is not None:
            message.others_speech = True

    def _is_of(self, message: Outgoing, mid: str) -> bool:
        """Whether audio can be this message's. An interrupt was sent before it, so without its
        answer the avatar is still busy with what was said before.
        """
        return mid == message.mid or not self.line.commands.interrupting

    def packet_leaves(self, key: str) -> None:
        """A packet is handed to the room."""
        if (message := self._sending(key)) is not None:
            message.packet_leaves()

    def packet_sent(self, key: str) -> None:
        """The room took a packet."""
        if (message := self._sending(key)) is not None:
            message.packet_sent()

    def send_failed(self, key: str, error: SendError | TransportError) -> None:
        """The room didn't take a packet."""
        if (message := self._sending(key)) is not None:
            message.refused(error)
