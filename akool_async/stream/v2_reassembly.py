"""Putting messages together again, whatever the network did to their parts (docs/protocol.md §2).

Parts may come in any order, twice, or never. What is called complete is what was sent; everything
else ends as `PartialChat`. Bounded in messages, parts, bytes and age.
"""

from __future__ import annotations

from typing import Final

from akool_async.stream.bounds import ReassemblyBounds
from akool_async.stream.message_buffer import NOT_NEXT, MessageBuffer, part_size
from akool_async.stream.messages import (
    Chat,
    ChatDelta,
    Ended,
    GaveUp,
    LatePart,
    PartialChat,
    Received,
    Sender,
)
from akool_async.stream.recent_messages import (
    UNNUMBERED,
    Key,
    Parts,
    RecentMessages,
    count_of,
    is_duplicate,
    size_of,
)
from akool_async.stream.surrogates import replace_surrogates

__all__ = ["PartReassembler"]

_NO_MESSAGE: Final[Key] = ("", None)


class PartReassembler:
    """Version 2: parts with a number each, the last of them with `fin`."""

    __slots__ = (
        "_bounds",
        "duplicates",
        "held",
        "latest",
        "max_held",
        "max_parts",
        "open",
        "recent",
    )

    def __init__(self, bounds: ReassemblyBounds) -> None:
        self._bounds = bounds
        self.open: dict[Key, MessageBuffer] = {}
        self.recent: RecentMessages[Parts] = RecentMessages(bounds.remembered)
        #: Parts that came twice.
        self.duplicates = 0
        # For the short way that `StreamCodec.decode` takes with the next part in order, which
        # nearly every part is; `add` would do the same, at twice the cost:
        #: The message that a part was added to last.
        self.latest = MessageBuffer(_NO_MESSAGE)
        #: What is held of messages that aren't complete, in bytes, and its bounds.
        self.held = 0
        self.max_held = bounds.bytes
        self.max_parts = bounds.parts

    def __len__(self) -> int:
        return len(self.open)

    def deadline(self) -> float | None:
        """When the first message is to be given up."""
        if not self.open:
            return None
        return min(message.touched for message in self.open.values()) + self._bounds.age

    def expire(self, now: float) -> list[Received]:
        """Gives up what had no new part for `bounds.age` seconds."""
        out: list[Received] = []
        for message in list(self.open.values()):
            if message.touched + self._bounds.age <= now:
                self._give_up(message, "age", out)
        return out

    def finish(self, mid: str, sender: Sender | None, *, ended: Ended) -> list[Received]:
        """Ends a message that has no `fin`: complete if no part is known to be missing."""
        message = self.open.get((mid, sender))
        out: list[Received] = []
        if message is not None:
            if message.ahead or message.last is not None:
                self._give_up(message, "finished", out)
            else:
                self._complete(message, ended, out)
        return out

    def add(
        self,
        mid: str,
        sender: Sender | None,
        idx: int,
        fin: bool,
        text: str,
        now: float,
        *,
        surrogates: bool = False,
    ) -> list[Received]:
        """Takes any part; `idx` is `UNNUMBERED` where the peer left it out.

        `surrogates`: the text has half a surrogate pair in it.
        """
        key = (mid, sender)
        message = self.open.get(key)
        if message is not None:
            return self._add_to(message, idx, fin, text, now, surrogates)
        if key in self.recent:
            return self._late(key, idx, text)
        if fin and idx <= 0:
            if mid:
                self.recent.add(key, hash(text))
            text = replace_surrogates(text) if surrogates else text
            chat = Chat(text, mid, sender)
            return [ChatDelta(text, mid, sender), chat] if text else [chat]
        message = self.open[key] = MessageBuffer(key)
        message.began = now
        self.held += message.size()
        return self._add_to(message, idx, fin, text, now, surrogates)

    def _late(self, key: Key, idx: int, text: str) -> list[Received]:
        """A part of a message that ended: a duplicate, or a `LatePart`."""
        parts = self.recent[key]
        if is_duplicate(parts, idx, text):
            self.duplicates += 1
            return []
        number = count_of(parts) if idx == UNNUMBERED else idx
        return [LatePart(replace_surrogates(text), *key, number)]

    def _add_to(
        self,
        message: MessageBuffer,
        idx: int,
        fin: bool,
        text: str,
        now: float,
        surrogates: bool,
    ) -> list[Received]:
        out: list[Received] = []
        if idx == UNNUMBERED:
            idx = len(message.texts)
        elif idx == 0 and not message.mid and message.part(0) not in (None, text):
            # This peer's messages have no names: here another one begins.
            self._give_up(message, "conflict", out)
            return out + self.add(*message.key, idx, fin, text, now, surrogates=surrogates)
        message.surrogates = message.surrogates or surrogates
        message.catch_up()
        if self._take(message, idx, fin, text, now, out):
            self.latest = message
            if idx <= len(message.texts) or fin:
                self._advance(message, out)
            else:
                message.next = NOT_NEXT
            if self.held > self.max_held or len(self.open) > self._bounds.messages:
                self._keep_bounds(out)
        return out

    def _take(
        self,
        message: MessageBuffer,
        idx: int,
        fin: bool,
        text: str,
        now: float,
        out: list[Received],
    ) -> bool:
        """Puts a part into its place; gives the message up where it contradicts itself (False)."""
        known = message.part(idx)
        late = message.last is not None and idx > message.last
        reason: GaveUp | None = None
        if (known is not None and known != text) or (late and fin):
            reason = "conflict"
        elif idx >= self.max_parts:
            reason = "parts"
        if reason or late:
            if reason:
                self._give_up(message, reason, out)
            out.append(LatePart(replace_surrogates(text), *message.key, idx))
            return reason is None
        if known is None:
            message.ahead[idx] = text
            message.touched = now
            self.held += part_size(text)
        else:
            self.duplicates += 1
        if fin and message.last is None:
            message.last = idx
            if len(message.texts) > idx + 1:
                # What follows was handed on already as a part of it.
                self._give_up(message, "conflict", out)
                return False
            for number in sorted(number for number in message.ahead if number > idx):
                late_text = message.ahead.pop(number)
                self.held -= part_size(late_text)
                out.append(LatePart(replace_surrogates(late_text), *message.key, number))
        return True

    def _advance(self, message: MessageBuffer, out: list[Received]) -> None:
        """Hands on what follows in order; completes the message where that was the last of it."""
        message.close_up()
        count = len(message.texts)
        whole = message.last is not None and count > message.last
        if count > message.delivered:
            waited = not message.delivered and message.began < message.touched
            fresh = message.hand_on(whole=whole)
            if fresh:
                began = message.began if waited else None
                out.append(ChatDelta(fresh, *message.key, count - 1, began))
        if whole:
            self._complete(message, "fin", out)
        else:
            plain = not (message.ahead or message.surrogates) and message.last is None
            message.next = count if plain else NOT_NEXT

    def _complete(self, message: MessageBuffer, ended: Ended, out: list[Received]) -> None:
        if message.held_back:
            out.append(
                ChatDelta(
                    replace_surrogates(message.held_back), *message.key, len(message.texts) - 1
                )
            )
        out.append(Chat(message.text(), *message.key, ended))
        self._forget(message)

    def _give_up(self, message: MessageBuffer, reason: GaveUp, out: list[Received]) -> None:
        began = None if message.texts else message.began
        out.append(PartialChat(message.text(), *message.key, message.missing(), reason, began))
        self._forget(message)

    def _forget(self, message: MessageBuffer) -> None:
        del self.open[message.key]
        self.held -= message.size()
        if self.latest is message:
            self.latest = MessageBuffer(_NO_MESSAGE)
        if message.mid:
            parts = message.hashes()
            self.recent.add(message.key, parts, size_of(parts))

    def _keep_bounds(self, out: list[Received]) -> None:
        """Gives up those that waited longest until the rest is within the bounds."""
        bounds = self._bounds
        while len(self.open) > bounds.messages or self.held > bounds.bytes:
            reason: GaveUp = "messages" if len(self.open) > bounds.messages else "bytes"
            oldest = min(self.open.values(), key=lambda message: message.touched)
            self._give_up(oldest, reason, out)
