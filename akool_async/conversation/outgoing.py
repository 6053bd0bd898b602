"""One chat message to be spoken, on its way: what of it left, and when the avatar was done."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from akool_async.conversation.params import question_options
from akool_async.conversation.turns import Reply, Turn
from akool_async.stream import new_mid

if TYPE_CHECKING:
    from akool_async.conversation.line import Line

__all__ = ["Outgoing"]


class _Text(msgspec.Struct):
    text: str = ""
    question: str = ""


class _Packet(msgspec.Struct):
    pld: _Text | None = None
    payload: str = ""


_read_packet = msgspec.json.Decoder(_Packet).decode
_read_payload = msgspec.json.Decoder(_Text).decode


class Outgoing:
    """Made when its turn has come; `add`, `flush` and `finish` hand packets to the outbox."""

    def __init__(self, line: Line, *, already_speaking: bool) -> None:
        self.mid = new_mid()
        self.text_sent = ""
        #: All of the text given so far, sent or not.
        self.text = ""
        self.finished = False
        loop = line.loop
        #: The room took the last packet.
        self.sent: asyncio.Future[None] = loop.create_future()
        #: The avatar is done with it; what told so.
        self.over: asyncio.Future[str] = loop.create_future()
        self._line = line
        options = question_options(line.params.question(), mode=1) if line.v3 else None
        self._writer = line.codec.open_chat(self.mid, options=options)
        #: Of packets that wait to be sent, and of the one that the room has and didn't confirm.
        self._texts: deque[str] = deque()
        self._flying: str | None = None
        self._started = False
        self._quiet_since_text = False
        #: The next `audio_end` without an `audio_start` of ours before it isn't ours.
        self.others_speech = already_speaking
        self._turn = Turn(
            "say",
            self.mid,
            "",
            now=loop.time(),
            timeout=86_400.0,  # ended by `close`
            future=loop.create_future(),
            retelling=True,
        )
        assert self._turn.future is not None
        if line.v3:  # which knows no audio events: the end of the answer has to serve
            self._turn.future.add_done_callback(self._answered)
        line.open_turn(self._turn)

    # Sending.

    def add(self, text: str, *, flush: bool) -> None:
        """More of the text; `flush` sends all there is, in a packet that need not be full."""
        self.text += text
        packets = self._writer.add(text)
        if flush:
            packets += self._writer.flush()
        self._push(packets, more=True)

    def finish(self, text: str = "") -> None:
        """The last of the text."""
        self.text += text
        self.finished = True
        line = self._line
        line.hearing.sent(self.mid, self.text, line.loop.time())
        self._push(self._writer.finish(text), more=False)
        self._check_sent()  # (v3) there may have been nothing left to send

    def _push(self, packets: Sequence[bytes], *, more: bool) -> None:
        if packets or not more:  # without packets it ends the message in the outbox
            self._texts.extend(map(self._text_of, packets))
            self._line.send_chat(self.mid, packets, more=more)

    def _text_of(self, packet: bytes) -> str:
        read = _read_packet(packet)
        if read.pld is not None:
            return read.pld.text
        return _read_payload(read.payload).question

    # What happened to it.

    @property
    def left(self) -> bool:
        """Whether any packet was handed to the room."""
        return self._turn.handed_over

    def packet_leaves(self) -> None:
        """The next packet is handed to the room: what the avatar does may come at once."""
        text = self._flying = self._texts.popleft()
        self._quiet_since_text = self._quiet_since_text and not text
        if self._turn.entry is None:
            self._turn.entry = self._line.transcript.begin("avatar", "said", mid=self.mid)
        self._tell_sent(self.text_sent + text)

    def packet_sent(self) -> None:
        """The room took the packet."""
        self._flying = None
        self._check_sent()

    def refused(self, error: BaseException) -> None:
        """The room didn't take the packet."""
        if self._flying:
            self._tell_sent(self.text_sent.removesuffix(self._flying))
        self._flying = None
        self.failed(error)

    def _tell_sent(self, text: str) -> None:
        self.text_sent = text
        entry = self._turn.entry
        if entry is not None and entry.source == "said":  # else the avatar tells what it says
            entry.text = text

    def _check_sent(self) -> None:
        if self.finished and not self._texts and self._flying is None and not self.sent.done():
            self.sent.set_result(None)
            if self._quiet_since_text:
                self._end("audio_end")

    def failed(self, error: BaseException) -> None:
        """It comes to nothing: a packet wasn't taken, or the conversation is over."""
        for future in (self.sent, self.over):
            if not future.done():
                future.set_exception(error)
                future.exception()

    def audio_started(self) -> None:
        """The avatar began to speak."""
        if self.left:
            self._started = True

    def audio_ended(self, mid: str) -> None:
        """The avatar stopped speaking: ours, if it began after our first packet or says so."""
        if not self.left:
            return
        if not self._started and mid != self.mid and self.others_speech:
            self.others_speech = False
            return
        if self.sent.done():
            self._end("audio_end")
        else:
            self._started = False
            self._quiet_since_text = True

    def _answered(self, future: asyncio.Future[Reply]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._end("quiet")

    def _end(self, how: str) -> None:
        if not self.over.done():
            self.over.set_result(how)

    def stop(self, *, ended: bool) -> bool:
        """Takes back what didn't leave. `True`: the avatar has some of it, so interrupt it.

        With `ended`, a message all of whose packets have left gets its last part first: empty, and
        urgent, so that it goes before the interrupt that follows. Without, an avatar that waits
        for the last part before it speaks never begins.
        """
        line = self._line
        withdrawn = line.outbox.withdraw(self.mid)
        if ended and self.left and not self.finished and not withdrawn.packets_dropped:
            if ending := self._writer.finish():
                line.outbox.push(f"{self.mid} end", ending, urgent=True)
            line.hearing.sent(self.mid, self.text, line.loop.time())
        self.finished = True
        self._texts.clear()
        return self.left

    def close(self, *, interrupted: bool, complete: bool = True) -> None:
        """Nothing more is waited for; the transcript's entry ends with it."""
        turn, line = self._turn, self._line
        for future in (self.sent, self.over, turn.future):
            if future is not None and not future.done():
                future.cancel()
        if turn.message is None:
            line.turns.outlive(turn) if interrupted else line.turns.drop(self.mid)
        entry = turn.entry
        if entry is not None and entry.source == "said":
            line.transcript.end(entry, complete=complete, interrupted=interrupted)
