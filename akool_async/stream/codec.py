"""Messages to packets and back: one object for one room, in either dialect.

See docs/protocol.md §2, §3.
"""

from __future__ import annotations

import secrets
from typing import Final

from msgspec.structs import replace

from akool_async.errors import InvalidParameterError, MessageTooLargeError
from akool_async.stream import wire_v2, wire_v3
from akool_async.stream.bounds import ReassemblyBounds
from akool_async.stream.chat_writer import ChatWriter
from akool_async.stream.checks import check_mid
from akool_async.stream.dialects import Dialect, capabilities_of
from akool_async.stream.limits import PacketLimits
from akool_async.stream.message_buffer import CHARACTER_COST, PART_COST
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    CommandAnswer,
    Ended,
    Interrupt,
    QuestionOptions,
    RawPayload,
    Received,
    Sender,
    Sent,
    SetAction,
    SetParams,
    SpeechEvent,
    UnknownMessage,
)
from akool_async.stream.packetizer import Envelope, Packetizer
from akool_async.stream.recent_messages import Key
from akool_async.stream.surrogates import has_surrogates
from akool_async.stream.tolerant_json import NotOursError
from akool_async.stream.v2_reassembly import PartReassembler
from akool_async.stream.v3_reassembly import QUIET_TIME, FrameReassembler
from akool_async.validation import quoted

__all__ = ["StreamCodec", "new_mid"]

_read_chat = wire_v2.read_chat


def new_mid() -> str:
    """A name for a message, different from all others: "msg-" and 12 random hexadecimal digits."""
    return f"msg-{secrets.token_hex(6)}"


class StreamCodec:
    """Turns messages into packets within the limits, and packets into messages.

    Without I/O and without a clock: `now` is in seconds of any clock that doesn't go backwards.

    Args:
        limits: of the transport that carries the packets.
        dialect: "v2" for Agora, LiveKit and TRTC, "v3" for the legacy chat room.
        own_id: (v3) our name in the room, written into messages from the avatar's side.
        peer_id: (v3) whom messages are for.
        bounds: how much is held of messages that aren't complete, and for how long.
        quiet_time: (v3) seconds without a frame after which an answer is over.

    Raises:
        InvalidParameterError: a dialect that doesn't exist, a quiet time not above 0.
    """

    def __init__(
        self,
        limits: PacketLimits,
        dialect: Dialect = "v2",
        *,
        own_id: str | None = None,
        peer_id: str | None = None,
        bounds: ReassemblyBounds = ReassemblyBounds(),  # noqa: B008 - it is immutable
        quiet_time: float = QUIET_TIME,
    ) -> None:
        if dialect not in ("v2", "v3"):
            raise InvalidParameterError("dialect", f"{quoted(dialect)} is neither v2 nor v3")
        if not quiet_time > 0:
            raise InvalidParameterError("quiet_time", f"{quiet_time} is not more than 0 seconds")
        self.limits = limits
        self.dialect: Final = dialect
        #: What this dialect can express.
        self.capabilities: Final = capabilities_of(dialect)
        self.own_id = own_id
        self.peer_id = peer_id
        #: (v2) Senders whose parts say whether they are the last, by `fin` true or false.
        self.marks_end: tuple[Sender | None, ...] = ()
        self._parts = PartReassembler(bounds)
        self._frames = FrameReassembler(bounds, quiet_time)
        self._pending = self._parts if dialect == "v2" else self._frames

    @property
    def held_bytes(self) -> int:
        """Memory held by messages that aren't complete; at most `bounds.bytes`."""
        return self._pending.held

    @property
    def duplicates(self) -> int:
        """Parts that came twice and were dropped; in version 3 they can't be recognised."""
        return self._parts.duplicates

    def encode(self, message: Sent | Received) -> list[bytes]:
        """The packets of a message, each within the limits, to be sent in this order.

        The avatar's messages can be encoded, too; an `UnknownMessage` is passed on as it came.

        Raises:
            InvalidParameterError: a value that the documents don't know, named; a piece of a
                message (`ChatDelta`, `PartialChat`, `LatePart`); a command in version 3.
            MessageTooLargeError: the envelope alone, or a command, takes more than one packet.
        """
        if isinstance(message, Chat):
            packetizer = self._packetizer(message.mid, message.sender, message.options)
            packetizer.feed(message.text)
            return [packet for packet, _ in packetizer.cut(last=True)]
        if isinstance(message, UnknownMessage):
            return [self._fitting("raw", message.raw)]
        if self.dialect == "v3":
            if not isinstance(message, RawPayload):
                raise InvalidParameterError(
                    "message", f"version 3 has no {type(message).__name__}, only Chat"
                )
            return [self._fitting("data", wire_v3.raw_packet(message.data, self.peer_id))]
        if isinstance(message, SetParams | Interrupt | SetAction | CommandAnswer | SpeechEvent):
            if not isinstance(message, CommandAnswer | SpeechEvent):
                message = replace(message, mid=check_mid(message.mid))
            return [self._fitting("message", wire_v2.command_packet(message))]
        raise InvalidParameterError(
            "message", f"a {type(message).__name__} isn't sent by itself in version 2"
        )

    def open_chat(
        self,
        mid: str,
        *,
        sender: Sender | None = None,
        options: QuestionOptions | None = None,
    ) -> ChatWriter:
        """A chat message to be fed piece by piece; `mid` from `new_mid()`.

        Raises:
            InvalidParameterError: an empty `mid`, another sender than "bot" and "user", options
                in version 2, or options that the documents don't know.
            MessageTooLargeError: the envelope leaves no room for text.
        """
        return ChatWriter(mid, self._packetizer(mid, sender, options))

    def _packetizer(
        self, mid: str, sender: Sender | None, options: QuestionOptions | None
    ) -> Packetizer:
        mid = check_mid(mid)
        if sender not in (None, "bot", "user"):
            raise InvalidParameterError("sender", f"{quoted(sender)} is none of bot, user, None")
        envelope: Envelope
        if self.dialect == "v3":
            envelope = wire_v3.ChatEnvelope(
                mid, sender, options, own_id=self.own_id, peer_id=self.peer_id
            )
        elif options is not None:
            raise InvalidParameterError("options", "go with version 3 only, use SetParams")
        else:
            envelope = wire_v2.ChatEnvelope(mid, sender)
        return Packetizer(envelope, self.limits.max_bytes)

    def _fitting(self, field: str, packet: bytes) -> bytes:
        limit = self.limits.max_bytes
        if len(packet) > limit:
            raise MessageTooLargeError(
                field,
                f"takes {len(packet)} bytes and can't be cut, a packet holds {limit}",
                size=len(packet),
                limit=limit,
            )
        return packet

    def decode(self, packet: bytes, *, now: float) -> list[Received]:
        """The messages that a packet brings. Never raises for what the network brings.

        A whole message in one packet is `[ChatDelta, Chat]`; text in order is a `ChatDelta` at
        once; text out of order is nothing until its turn comes.
        """
        if self._pending is self._frames:
            return self._decode_frame(packet, now)
        try:
            wire = _read_chat(packet)
        except (ValueError, RecursionError):
            return self._decode_other(packet, now)
        pld, parts = wire.pld, self._parts
        mid, idx, text, sender = wire.mid, wire.idx, pld.text, pld.sender
        fin = wire.fin or pld.fin
        # Two short ways, for what nearly every packet is; `add` would do the same, at twice the
        # cost: a message of one part, and the next part in order (`PartReassembler.latest`).
        if fin:
            if idx <= 0 and text:
                key: Key = (mid, sender)
                recent = parts.recent
                young, old, opened = recent.young, recent.old, parts.open
                if not (key in young or (old and key in old) or (opened and key in opened)):
                    if mid:
                        young[key] = hash(text)
                        if len(young) >= recent.limit:
                            recent.start_generation()
                    if sender not in self.marks_end:
                        self.marks_end += (sender,)
                    return [ChatDelta(text, mid, sender), Chat(text, mid, sender)]
        else:
            latest = parts.latest
            if idx == latest.next and mid == latest.mid and sender == latest.sender:
                held = parts.held + len(text) * CHARACTER_COST + PART_COST
                if held <= parts.max_held and idx < parts.max_parts and text:
                    parts.held = held
                    latest.touched = now
                    latest.texts.append(text)
                    latest.next = idx + 1
                    return [ChatDelta(text, mid, sender, idx)]
        if (wire.fin is not None or pld.fin is not None) and sender not in self.marks_end:
            self.marks_end += (sender,)
        return parts.add(mid, sender, idx, bool(fin), text, now)

    def _decode_other(self, packet: bytes, now: float) -> list[Received]:
        try:
            message = wire_v2.read(packet)
        except NotOursError as error:
            return [UnknownMessage(_raw(packet), str(error))]
        if isinstance(message, wire_v2.Part):
            return self._parts.add(*message, now, surrogates=has_surrogates(message.text))
        return [message]

    def _decode_frame(self, packet: bytes, now: float) -> list[Received]:
        out = self._frames.expire(now)
        try:
            frame = wire_v3.read(packet)
        except NotOursError as error:
            out.append(UnknownMessage(_raw(packet), str(error)))
        else:
            self._frames.add(frame, now, out)
        return out

    def expire(self, now: float) -> list[Received]:
        """Ends what had nothing new for too long: to be called when `deadline` has come.

        Version 2 gives up with `PartialChat`; version 3 completes with `ended="quiet"`.
        """
        return self._pending.expire(now)

    def deadline(self) -> float | None:
        """When `expire` has something to do, on the clock of `now`; `None`: nothing waits."""
        return self._pending.deadline()

    def finish(
        self, mid: str, sender: Sender | None, *, ended: Ended, now: float
    ) -> list[Received]:
        """Ends a message without `fin` that is over by other signs (`audio_end`, quiet).

        Returns its `Chat`, or a `PartialChat` with the reason "finished" where parts are known to
        be missing, or nothing where no such message is open.
        """
        del now
        return self._pending.finish(mid, sender, ended=ended)


def _raw(packet: bytes | str) -> bytes:
    return packet.encode("utf-8", "surrogatepass") if isinstance(packet, str) else bytes(packet)
