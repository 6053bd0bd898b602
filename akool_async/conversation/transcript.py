"""Who said what, when: typed and spoken by the user, said by the avatar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, overload

__all__ = ["TextBuffer", "Transcript", "TranscriptEntry"]

Role = Literal["user", "avatar"]

#: typed: by `ask`; speech: recognised in the room; reply: the avatar's text; said: text we gave
#: it to say, where it reported none of its own.
Source = Literal["typed", "speech", "reply", "said"]


class _Growing:
    """Text that grows piece by piece; joined when it is read."""

    __slots__ = ("_more", "_text")

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._more: list[str] | None = None  # most texts are whole at once

    def append(self, piece: str) -> None:
        """Adds a piece."""
        if self._more is not None:
            self._more.append(piece)
        elif self._text:
            self._more = [piece]
        else:
            self._text = piece

    def _joined(self) -> str:
        if self._more is not None:
            self._text += "".join(self._more)
            self._more = None
        return self._text


class TextBuffer(_Growing):
    """Text that grows piece by piece."""

    __slots__ = ()

    def __str__(self) -> str:
        return self._joined()


class TranscriptEntry(_Growing):
    """One turn. The conversation completes it while it is going on.

    Attributes:
        role: "user" or "avatar".
        started_at: when it began, UTC.
        source: typed, speech, reply or said.
        mid: the message's mid, "" where it had none.
        complete: whether it ended by itself: not while it goes on, not when parts were lost.
        interrupted: whether it was cut off.
        ended: when it ended, UTC; `None` while it goes on.
    """

    __slots__ = ("complete", "ended", "interrupted", "mid", "role", "source", "started_at")

    def __init__(
        self, role: Role, text: str, started_at: datetime, source: Source, mid: str = ""
    ) -> None:
        super().__init__(text)
        self.role: Role = role
        self.started_at = started_at
        self.source: Source = source
        self.mid = mid
        self.complete = False
        self.interrupted = False
        self.ended: datetime | None = None

    @property
    def text(self) -> str:
        """What was said; of a turn in progress, so far."""
        return self._joined()

    @text.setter
    def text(self, text: str) -> None:
        self._text, self._more = text, None

    def __repr__(self) -> str:
        state = "interrupted" if self.interrupted else "complete" if self.complete else "open"
        return f"<TranscriptEntry {self.role} {self.source}, {len(self.text)} characters, {state}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; times in ISO 8601."""
        return {
            "role": self.role,
            "text": self.text,
            "started_at": self.started_at.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
            "source": self.source,
            "mid": self.mid,
            "complete": self.complete,
            "interrupted": self.interrupted,
        }


def _now() -> datetime:
    return datetime.now(UTC)


class Transcript(Sequence[TranscriptEntry]):
    """The entries, oldest first; the newest `limit` are kept and `forgotten` counts the others."""

    def __init__(self, *, limit: int = 10_000) -> None:
        self._limit = limit
        self._entries: list[TranscriptEntry] = []
        self.forgotten = 0

    @overload
    def __getitem__(self, index: int) -> TranscriptEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[TranscriptEntry]: ...
    def __getitem__(self, index: int | slice) -> TranscriptEntry | list[TranscriptEntry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[TranscriptEntry]:
        return iter(tuple(self._entries))

    def __repr__(self) -> str:
        return f"<Transcript of {len(self)} entries>"

    def begin(
        self, role: Role, source: Source, *, mid: str = "", text: str = ""
    ) -> TranscriptEntry:
        """A turn that has begun; used by the conversation."""
        entry = TranscriptEntry(role, text, _now(), source, mid)
        self._entries.append(entry)
        if len(self._entries) > self._limit:
            del self._entries[0]
            self.forgotten += 1
        return entry

    def add(self, role: Role, source: Source, text: str, *, mid: str = "") -> TranscriptEntry:
        """A turn that was whole at once; used by the conversation."""
        entry = self.begin(role, source, mid=mid, text=text)
        self.end(entry)
        return entry

    def end(
        self, entry: TranscriptEntry, *, complete: bool = True, interrupted: bool = False
    ) -> None:
        """The turn is over; used by the conversation."""
        entry.complete = complete and not interrupted
        entry.interrupted = interrupted
        entry.ended = _now()

    def discard(self, entry: TranscriptEntry) -> None:
        """The turn never took place; used by the conversation."""
        if entry in self._entries:
            self._entries.remove(entry)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Plain values of every entry."""
        return [entry.to_dict() for entry in self]

    def to_json(self, *, indent: int | None = 2) -> str:
        """The entries as a JSON array."""
        return json.dumps(self.to_dicts(), ensure_ascii=False, indent=indent)

    def as_chat(self, *, system: str | None = None) -> list[dict[str, str]]:
        """The turns in the roles of chat APIs, "user" and "assistant", empty ones left out.

        `system` becomes a first message of that role.
        """
        chat = [{"role": "system", "content": system}] if system is not None else []
        chat += [
            {"role": "user" if entry.role == "user" else "assistant", "content": entry.text}
            for entry in self
            if entry.text
        ]
        return chat
