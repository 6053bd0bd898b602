"""What speech needs of the conversation it is part of: one protocol, and nothing else.

The conversation implements `SpeechPort` and passes to `SpeechQueue` what happens: packets being
sent, taken or refused, `audio_start` and `audio_end`, answered interrupts, its own end.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from akool_async.conversation.options import ConversationOptions
from akool_async.conversation.transcript import TranscriptEntry
from akool_async.stream import QueuedPacket
from akool_async.stream.chat_writer import ChatWriter

__all__ = ["SpeechPort"]


class SpeechPort(Protocol):
    """The calls that speech makes. Those that aren't `async` neither block nor raise.

    Attributes:
        has_commands: whether the dialect has commands and audio events (version 2).
        keeps_order: whether packets arrive for certain, and in the order they were sent.
    """

    options: ConversationOptions
    has_commands: bool
    keeps_order: bool

    @property
    def interrupting(self) -> bool:
        """Whether an interrupt that was sent has no answer yet."""
        ...

    @property
    def avatar_busy(self) -> bool:
        """Whether the avatar owes, or is sending, an answer that isn't speech of ours."""
        ...

    # Messages.

    async def admitted(self) -> None:
        """Returns when a text may be begun: at once, unless another session takes over."""

    def open_message(self, answered: Callable[[], None]) -> ChatWriter:
        """A new chat message for the avatar to say.

        What the avatar reports under its mid belongs to it until `close_message`. `answered` is
        called when the avatar's answer to it is over, in a dialect without audio events.
        """
        ...

    def begin_entry(self, mid: str) -> TranscriptEntry:
        """The transcript's entry for a message, made when its first packet is sent.

        An entry whose `source` is no longer "said" has the avatar's own text.
        """
        ...

    def enqueue(
        self, mid: str, packets: Sequence[QueuedPacket], *, more: bool, urgent: bool = False
    ) -> None:
        """Hands packets to the outbox; without `more` the message is whole.

        `urgent` packets are sent before anything else, and aren't reported to the queue.
        """

    def text_known(self, mid: str, text: str) -> None:
        """All of a message's text is known, so that an echo of it can be recognised."""

    def withdraw(self, mid: str) -> int:
        """Takes back the packets that weren't sent; returns how many those were."""
        ...

    def close_message(self, mid: str, entry: TranscriptEntry | None, *, cut_off: bool) -> None:
        """Nothing more is waited for; `entry`, of `begin_entry`, ends.

        `cut_off`: the avatar was stopped, and may still report some of it.
        """

    async def wait_for_capacity(self) -> None:
        """Returns when chat may be added.

        Raises:
            SendError: too much waited for too long.
        """

    # The avatar.

    async def set_retelling_mode(self) -> None:
        """Sees to it that the avatar says the text it is given.

        Raises:
            CommandRejectedError, CommandTimeoutError, DisconnectedError: as for `set_params`.
        """

    def send_interrupt(self) -> Coroutine[Any, Any, object]:
        """Hands an interrupt to the outbox at once; what it returns waits for the answer.

        The coroutine raises as `set_retelling_mode`.
        """
        ...

    def last_piece_sent(self, seconds: float) -> None:
        """The last piece of a text that came in pieces was handed to the room so much later."""

    def utterance_ended(self, seconds: float, state: str, error: BaseException | None) -> None:
        """An utterance that was begun ended in `state`, `seconds` after its turn came."""

    def report(self, error: BaseException, where: str) -> None:
        """Reports an error that no caller is waiting for."""
