"""The shared codec: messages to packets and back, synchronous, without I/O or a clock.

It serves a transport of your own, without the rest of this package:

    >>> from akool_async.stream import LIVEKIT, Chat, Interrupt, SendQueue, StreamCodec, new_mid
    >>> codec, queue = StreamCodec(LIVEKIT), SendQueue(LIVEKIT)
    >>> queue.push("hello", codec.encode(Chat("Hello", mid=new_mid())))
    >>> queue.push("stop", codec.encode(Interrupt(mid="msg-2")), urgent=True)
    >>> queue.next(now=0.0).data  # or the time when to ask again, or None: nothing waits
    b'{"v":2,"type":"command","mid":"msg-2","pld":{"cmd":"interrupt"}}'
    >>> [packet] = codec.encode(Chat("Hi!", mid="msg-7", sender="bot"))  # as the avatar would
    >>> for message in codec.decode(packet, now=0.0):
    ...     print(message)
    piece 0 of msg-7 from bot: 'Hi!'
    chat msg-7 from bot: 'Hi!'

Call `codec.expire(now)` when `codec.deadline()` has come: it gives up what never became complete.
"""

from __future__ import annotations

from akool_async.stream.bounds import ReassemblyBounds
from akool_async.stream.chat_writer import ChatWriter
from akool_async.stream.codec import StreamCodec, new_mid
from akool_async.stream.dialects import Capabilities, Dialect
from akool_async.stream.limits import AGORA, CHATROOM, LIVEKIT, TRTC, PacketLimits
from akool_async.stream.messages import (
    ACTIONS,
    EXPRESSIONS,
    Chat,
    ChatDelta,
    Command,
    CommandAnswer,
    Interrupt,
    LatePart,
    Message,
    PartialChat,
    Prompt,
    QuestionOptions,
    RawPayload,
    Received,
    Sender,
    Sent,
    SetAction,
    SetParams,
    SpeechEvent,
    UnknownMessage,
    VoiceParams,
)
from akool_async.stream.queued_packet import QueuedPacket
from akool_async.stream.send_queue import Cancelled, SendQueue

__all__ = [
    "ACTIONS",
    "AGORA",
    "CHATROOM",
    "EXPRESSIONS",
    "LIVEKIT",
    "TRTC",
    "Cancelled",
    "Capabilities",
    "Chat",
    "ChatDelta",
    "ChatWriter",
    "Command",
    "CommandAnswer",
    "Dialect",
    "Interrupt",
    "LatePart",
    "Message",
    "PacketLimits",
    "PartialChat",
    "Prompt",
    "QuestionOptions",
    "QueuedPacket",
    "RawPayload",
    "ReassemblyBounds",
    "Received",
    "SendQueue",
    "Sender",
    "Sent",
    "SetAction",
    "SetParams",
    "SpeechEvent",
    "StreamCodec",
    "UnknownMessage",
    "VoiceParams",
    "new_mid",
]
