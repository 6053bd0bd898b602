"""What an avatar hears and says, in the words of neither version of the stream messages.

The simulator reads and writes them by itself, with plain JSON and without the library's codec,
so that a mistake in one isn't repeated in the other.
"""

from __future__ import annotations

import abc
import secrets
from dataclasses import dataclass, field
from typing import Any

from akool_async.simulator.behavior import ServiceBehavior

__all__ = ["Command", "Dialect", "Heard", "Ignored", "PartOfQuestion", "Question", "new_mid"]


def new_mid(prefix: str = "msg") -> str:
    """Names a message of the avatar's own."""
    return f"{prefix}-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Question:
    """A whole chat message. `fields`: (v3) what came with it."""

    mid: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartOfQuestion:
    """Text of a chat message that isn't whole yet, in order; `last`: now it is."""

    mid: str
    text: str
    last: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `code` 1000: carried out; otherwise refused, `message` says why."""

    cmd: str
    mid: str | None
    data: dict[str, Any]
    code: int = 1000
    message: str = "OK"


@dataclass(frozen=True, slots=True)
class Ignored:
    """A packet that the avatar makes nothing of."""

    reason: str


Heard = Question | PartOfQuestion | Command | Ignored


class Dialect(abc.ABC):
    """One version of the stream messages, as the avatar's side reads and writes it."""

    def __init__(self, behavior: ServiceBehavior) -> None:
        self.behavior = behavior

    @abc.abstractmethod
    def read(self, packet: bytes, now: float) -> list[Heard]:
        """What a packet says; `now` in seconds."""

    @abc.abstractmethod
    def chat(self, mid: str, idx: int, text: str, *, last: bool, question: Question) -> bytes:
        """A part of what the avatar says in answer to `question`."""

    @abc.abstractmethod
    def needs_closing_part(self) -> bool:
        """Whether a reply whose end wasn't known beforehand is ended by an empty part."""

    def heard_user(self, mid: str, text: str) -> bytes | None:
        """What speech recognition heard, or an echo; `None`: this version doesn't report it."""
        del mid, text
        return None

    def audio(self, event: str, mid: str) -> bytes | None:
        """The avatar began or stopped speaking; `None`: this version doesn't report it."""
        del event, mid
        return None

    def answer(self, command: Command) -> bytes | None:
        """The answer to a command; `None`: this version has no commands."""
        del command
        return None
