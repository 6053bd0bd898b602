"""The messages that a program and an avatar exchange, whatever carries them.

Both dialects read into and are written from these. They are immutable and cheap, compare by
value, and print as something a person can read. docs/protocol.md §2 (version 2) and §3 (version 3).

Sent: `Chat`, `SetParams`, `Interrupt`, `SetAction`, and (v3) `RawPayload`. Received: `ChatDelta` at
once as text comes in order, `Chat` when a message is complete, `PartialChat` when one was given up,
`LatePart`, `CommandAnswer`, `SpeechEvent`, and `UnknownMessage` for whatever wasn't understood.
Whoever plays the avatar receives the commands, too, and chat without a sender.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

__all__ = [
    "ACTIONS",
    "EXPRESSIONS",
    "Chat",
    "ChatDelta",
    "Command",
    "CommandAnswer",
    "Ended",
    "GaveUp",
    "Interrupt",
    "LatePart",
    "Message",
    "PartialChat",
    "Prompt",
    "QuestionOptions",
    "RawPayload",
    "Received",
    "Sender",
    "Sent",
    "SetAction",
    "SetParams",
    "SpeechEvent",
    "UnknownMessage",
    "VoiceParams",
]

#: Who a text is from: the avatar, or what its speech recognition heard a person say.
Sender = Literal["bot", "user"]

#: How the end of a chat message was known: the part with `fin`; (v3) another `message_id` began;
#: nothing came for the quiet time; the avatar's `audio_end`.
Ended = Literal["fin", "next", "quiet", "audio_end"]

#: Why a chat message was given up.
GaveUp = Literal["age", "messages", "parts", "bytes", "finished", "conflict"]

ACTIONS = (
    "hand_wave",
    "cheer",
    "thumbs_up",
    "pump_fists",
    "nod",
    "shake",
    "waft_left",
    "waft_right",
)
EXPRESSIONS = ("angry", "disgust", "fear", "happiness", "sadness", "surprise", "contempt")


def _short(value: str | bytes) -> str:
    return repr(value if len(value) <= 60 else value[:57]) + ("" if len(value) <= 60 else "…")


def _named(mid: str, sender: str | None) -> str:
    return (mid or "without mid") + (f" from {sender}" if sender else "")


class Message(msgspec.Struct, frozen=True):
    """Base of every message; `str()` of one is a line for a person to read."""


class Prompt(msgspec.Struct, frozen=True, rename={"source": "from"}):
    """The avatar's role in version 3: its text, or the https link of a PDF of at most 50 MB."""

    source: Literal["text", "url"] = "text"
    content: str = ""


class QuestionOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What version 3 sends with every question; version 2 sets it once, by `SetParams`."""

    voice_id: str | None = None
    voice_url: str | None = None
    language: str | None = None
    mode_type: Literal[1, 2] | None = None
    prompt: Prompt | None = None


class Chat(Message, frozen=True, gc=False):
    """A whole chat message.

    Attributes:
        text: all of it.
        mid: names the message; a reply may carry its question's. "" where a peer left it out.
        sender: "bot" or "user" for what was received, `None` for what we send, or where a peer
            left it out.
        ended: how its end was known; "fin" for what we send.
        options: (v3) what goes with a question, or came with an answer.
    """

    text: str
    mid: str = ""
    sender: Sender | None = None
    ended: Ended = "fin"
    options: QuestionOptions | None = None

    def __str__(self) -> str:
        how = "" if self.ended == "fin" else f" (ended by {self.ended})"
        return f"chat {_named(self.mid, self.sender)}{how}: {_short(self.text)}"


class VoiceParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """`vparams` of set-params; every field may be left out."""

    vid: str | None = None
    vurl: str | None = None
    speed: float | None = None
    stt_language: str | None = None
    stt_type: str | None = None
    pron_map: Mapping[str, str] | None = None
    turn_detection: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        given = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return "(" + ", ".join(f"{name}={value!r}" for name, value in given if value) + ")"


class SetParams(Message, frozen=True):
    """Command `set-params`; empty fields are left out on the wire."""

    mid: str
    lang: str | None = None
    mode: Literal[1, 2] | None = None
    bgurl: str | None = None
    vparams: VoiceParams | None = None

    def __str__(self) -> str:
        given = [
            f"{name}={value!r}" if name != "vparams" else f"vparams={value}"
            for name in ("lang", "mode", "bgurl", "vparams")
            if (value := getattr(self, name))
        ]
        return " ".join(("set-params", self.mid, *given))


class Interrupt(Message, frozen=True):
    """Command `interrupt`: the avatar stops speaking."""

    mid: str

    def __str__(self) -> str:
        return f"interrupt {self.mid}"


class SetAction(Message, frozen=True):
    """Command `set-action`: a gesture and/or a facial expression (`ACTIONS`, `EXPRESSIONS`)."""

    mid: str
    action: str | None = None
    expression: str | None = None

    def __str__(self) -> str:
        given = (self.action, self.expression)
        return " ".join(("set-action", self.mid, *filter(None, given)))


class ChatDelta(Message, frozen=True, gc=False):
    """The next piece of a chat message's text, in order, as it came.

    `idx` is the number of the part it ends with. Joined, the deltas of a `mid` and `sender` are the
    text of the `Chat` or a prefix of the text of the `PartialChat` that follows. `began` is when a
    message's first part came (the codec's `now`), where its first piece had to wait for another.
    """

    text: str
    mid: str
    sender: Sender | None
    idx: int = 0
    began: float | None = None

    def __str__(self) -> str:
        return f"piece {self.idx} of {_named(self.mid, self.sender)}: {_short(self.text)}"


class PartialChat(Message, frozen=True):
    """A chat message that was given up: never complete, never called so.

    Attributes:
        text: what did arrive, in order of the parts, with the gaps left out.
        missing: numbers of the parts known to be missing; where the end never came, the number
            after the last part that did is the last entry.
        reason: why it was given up.
        began: when its first part came (the codec's `now`), where no `ChatDelta` came before.
    """

    text: str
    mid: str
    sender: Sender | None
    missing: tuple[int, ...]
    reason: GaveUp
    began: float | None = None

    def __str__(self) -> str:
        missing = ", ".join(map(str, self.missing[:8])) + (" …" if len(self.missing) > 8 else "")
        why = f"given up ({self.reason}), parts missing: {missing or 'none'}"
        return f"chat {_named(self.mid, self.sender)} {why}: {_short(self.text)}"


class LatePart(Message, frozen=True):
    """A part that came after its message had ended: reported, and not taken for a new message."""

    text: str
    mid: str
    sender: Sender | None
    idx: int

    def __str__(self) -> str:
        return f"late part {self.idx} of {_named(self.mid, self.sender)}: {_short(self.text)}"


class CommandAnswer(Message, frozen=True):
    """The answer to a command; `code` 1000 is success. `mid` is "" where it was left out."""

    cmd: str
    code: int
    msg: str = ""
    mid: str = ""

    def __str__(self) -> str:
        return f"{self.cmd} {self.mid or 'without mid'} answered: {self.code} {self.msg}".rstrip()

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.code == 1000


class SpeechEvent(Message, frozen=True):
    """`audio_start` and `audio_end`: the avatar began or stopped speaking; or another event."""

    event: str
    mid: str = ""

    def __str__(self) -> str:
        return f"event {self.event}" + (f" of {self.mid}" if self.mid else "")


class UnknownMessage(Message, frozen=True):
    """A packet that wasn't understood, with its raw bytes and why."""

    raw: bytes
    reason: str

    def __str__(self) -> str:
        return f"not understood ({self.reason}): {_short(self.raw)}"


class RawPayload(Message, frozen=True):
    """(v3) Something that isn't JSON, sent to the avatar as base64."""

    data: bytes

    def __str__(self) -> str:
        return f"payload of {len(self.data)} bytes: {_short(self.data)}"


#: What can be sent.
Command: TypeAlias = SetParams | Interrupt | SetAction
Sent: TypeAlias = Chat | Command | RawPayload
#: What can be received; a `Command` only by whoever plays the avatar.
Received: TypeAlias = (
    ChatDelta
    | Chat
    | PartialChat
    | LatePart
    | CommandAnswer
    | SpeechEvent
    | UnknownMessage
    | Command
)
