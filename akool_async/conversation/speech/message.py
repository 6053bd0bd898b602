"""One chat message to be spoken: what of it was sent, and when the avatar was done with it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from akool_async.conversation.speech.port import SpeechPort
from akool_async.conversation.transcript import TranscriptEntry
from akool_async.stream import QueuedPacket

__all__ = ["SpokenMessage"]


class SpokenMessage:
    """Made when its turn has come; `add` and `finish` hand packets to the outbox.

    It owns its text, its packets and its futures; the queue passes on what happens to it.
    """

    def __init__(self, port: SpeechPort, *, avatar_speaking: bool) -> None:
        loop = asyncio.get_running_loop()
        #: The room took the last packet.
        self.sent: asyncio.Future[None] = loop.create_future()
        #: The avatar is done with it.
        self.over: asyncio.Future[None] = loop.create_future()
        #: Whether any packet of it was handed to the room: the avatar may have it.
        self.sending_started = False
        #: The avatar began to speak it, as far as is known.
        self.audible = False
        #: When the latest packet that has text was handed to the room.
        self.text_at: float | None = None
        #: The next `audio_end` ends what the avatar was saying before, unless an `audio_start`
        #: of this message comes first.
        self.ignore_next_audio_end = avatar_speaking
        self._port = port
        self._writer = port.open_message(self._done)
        self.mid = self._writer.mid
        self._given: list[str] = []
        self._finished = False
        self._sent: list[str] = []
        #: Text of the packets that wait to be sent.
        self._waiting: deque[str] = deque()
        #: Text of the packet that the room has and didn't confirm yet.
        self._unconfirmed: str | None = None
        self._taken = asyncio.Event()
        self._taken.set()
        #: The avatar fell silent after all that was sent so far.
        self._silent_since_text = False
        self._entry: TranscriptEntry | None = None

    @property
    def text(self) -> str:
        """All the text that was given to it."""
        return "".join(self._given)

    @property
    def text_sent(self) -> str:
        """What of its text was handed to the room."""
        return "".join(self._sent)

    # Sending.

    def add(self, text: str) -> None:
        """Sends more of the text at once."""
        self._given.append(text)
        self._push([*self._writer.add(text), *self._writer.flush()], more=True)

    def finish(self, text: str = "") -> None:
        """Sends the last of the text."""
        if text:
            self._given.append(text)
        self._finished = True
        self._port.text_known(self.mid, self.text)
        self._push(self._writer.finish(text), more=False)
        self._check_sent()  # (v3) there may have been nothing left to send

    def _push(self, packets: Sequence[QueuedPacket], *, more: bool) -> None:
        if packets or not more:  # without packets it ends the message in the outbox
            self._waiting.extend(packet.text for packet in packets)
            self._taken.clear()
            self._port.enqueue(self.mid, packets, more=more)

    # What happened to it.

    def packet_sending(self) -> None:
        """The next packet is handed to the room: what the avatar does may come at once."""
        text = self._unconfirmed = self._waiting.popleft()
        self.sending_started = True
        if text:
            self.text_at = asyncio.get_running_loop().time()
            self._silent_since_text = False
            self._sent.append(text)
        if self._entry is None:
            self._entry = self._port.begin_entry(self.mid)
        if self._entry.source == "said":  # else the avatar reports what it says
            self._entry.append(text)

    def packet_sent(self) -> None:
        """The room took the packet."""
        self._unconfirmed = None
        self._check_sent()

    def packet_failed(self) -> None:
        """The room didn't take the packet."""
        if self._unconfirmed:
            self._sent.pop()
            if self._entry is not None and self._entry.source == "said":
                self._entry.text = self.text_sent
        self._unconfirmed = None

    async def taken(self) -> None:
        """Returns when the room took all that was given so far."""
        await self._taken.wait()

    def _check_sent(self) -> None:
        if self._waiting or self._unconfirmed is not None:
            return
        self._taken.set()
        if self._finished and not self.sent.done():
            self.sent.set_result(None)
            if self._silent_since_text:
                self._done()

    def audio_started(self) -> None:
        """The avatar began to speak."""
        if self.sending_started:
            self.audible = True

    def audio_was_not_its_own(self) -> None:
        """The latest `audio_started` turns out to be another message's."""
        self.audible = False

    def audio_ended(self, mid: str) -> None:
        """The avatar stopped speaking: this one, if that began after it or `mid` says so."""
        if not self.sending_started:
            return
        if not self.audible and mid != self.mid and self.ignore_next_audio_end:
            self.ignore_next_audio_end = False
        elif self.sent.done():
            self._done()
        else:
            self.audible = False
            self._silent_since_text = True

    def _done(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    # Its end.

    def stop(self, *, send_end: bool) -> bool:
        """Takes back what wasn't sent. `True`: the avatar has some of it, so interrupt it.

        With `send_end`, a message all of whose packets were sent gets its last part: empty, and
        before the interrupt that follows. Without, an avatar that waits for the last part before
        it speaks never begins.
        """
        port = self._port
        dropped = port.withdraw(self.mid)
        if send_end and self.sending_started and not self._finished and not dropped:
            if ending := self._writer.finish():
                port.enqueue(self.mid, ending, more=False, urgent=True)
            port.text_known(self.mid, self.text)
        self._finished = True
        self._waiting.clear()
        return self.sending_started

    def close(self, *, cut_off: bool) -> None:
        """Nothing more is waited for."""
        self._taken.set()
        self.sent.cancel()
        self.over.cancel()
        self._port.close_message(self.mid, self._entry, cut_off=cut_off)
