"""Cutting text into packets: as full as the limit allows, in one pass over the escaped UTF-8.

docs/protocol.md §2 "Limits". A cut never falls inside a code point or a JSON escape; it falls
between words where a boundary lies within the last 5 % of the packet.
"""

from __future__ import annotations

from typing import Final, Protocol

from akool_async.errors import InvalidParameterError, MessageTooLargeError
from akool_async.stream.json_output import escape, escape_twice
from akool_async.stream.surrogates import ends_with_high_surrogate

__all__ = ["Envelope", "Packetizer"]

#: The longest escape of one code point: `\\u0000` twice escaped.
LONGEST_UNIT: Final = 7
#: How far back from the limit a boundary between words is looked for, as a part of the packet.
NEAR: Final = 20


class Envelope(Protocol):
    """The JSON before and after the text of one message's parts."""

    #: 1 where text is escaped once, 2 where it is JSON inside JSON.
    depth: int
    #: Whether the last part says that it is the last.
    has_end: bool

    def wrap(self, idx: int, *, last: bool) -> tuple[bytes, bytes]:
        """What comes before and after the text of part `idx`."""
        ...


class Packetizer:
    """The parts of one message, from its text as it becomes known.

    `feed` takes text, `cut` gives the packets that are full, `cut(flush=True)` the rest as well.
    """

    def __init__(self, envelope: Envelope, max_bytes: int) -> None:
        self._envelope = envelope
        self.depth = envelope.depth
        self._escape = escape if envelope.depth == 1 else escape_twice
        self._max_bytes = max_bytes
        self._near = max_bytes // NEAR
        slash = b"\\" * envelope.depth
        #: After and before these a word ends.
        self._spaces = (b" ", slash + b"n", slash + b"t")
        #: Escaped text that no packet holds yet.
        self._rest = b""
        #: A high surrogate at the end of what was fed: its other half may come next.
        self._high = ""
        self.idx = 0
        # The number grows with the parts: ten digits must leave room, too.
        before, after = envelope.wrap(10**9, last=False)
        size = len(before) + len(after)
        if size + LONGEST_UNIT > max_bytes:
            raise MessageTooLargeError(
                "mid",
                f"with it the envelope takes {size} bytes, which leaves no room for text "
                f"in a packet of {max_bytes} bytes",
                size=size,
                limit=max_bytes,
            )

    @property
    def waiting(self) -> int:
        """How many bytes of escaped text no packet holds yet."""
        return len(self._rest)

    def feed(self, text: str) -> None:
        """Adds text to what is to be cut."""
        if not isinstance(text, str):
            raise InvalidParameterError("text", f"is of type {type(text).__name__}, give a str")
        text = str.__str__(text)  # of a subclass, too: it may say something else by `str()`
        if self._high:
            text, self._high = self._high + text, ""
        if ends_with_high_surrogate(text):
            text, self._high = text[:-1], text[-1]
        self._rest = self._rest + self._escape(text) if self._rest else self._escape(text)

    def cut(self, *, flush: bool = False, last: bool = False) -> list[tuple[bytes, bytes]]:
        """The packets that can be filled, each with the escaped text that it holds.

        `flush`: all of the text, `last`: all of it and the end.
        """
        packets: list[tuple[bytes, bytes]] = []
        if last and self._high:
            self._rest += self._escape(self._high)
            self._high = ""
        before, after = self._envelope.wrap(self.idx, last=False)
        if not (flush or last) and len(before) + len(self._rest) + len(after) <= self._max_bytes:
            return packets
        text = self._rest
        start, end = 0, len(text)
        while True:
            final = self._envelope.wrap(self.idx, last=last)
            if end - start <= self._max_bytes - len(final[0]) - len(final[1]):
                break
            before, after = self._envelope.wrap(self.idx, last=False)
            stop = start + self._max_bytes - len(before) - len(after)
            # The last part's envelope is never the longer one: less than all of it is left.
            stop = self._boundary(text, start, stop)
            held = text[start:stop]
            packets.append((b"".join((before, held, after)), held))
            start = stop
            self.idx += 1
        if (flush and start < end) or (
            last and (start < end or self._envelope.has_end or not self.idx)
        ):
            held = text[start:]
            packets.append((b"".join((final[0], held, final[1])), held))
            self.idx += 1
            start = end
        self._rest = text[start:]
        return packets

    def _boundary(self, text: bytes, start: int, stop: int) -> int:
        """The best place to cut at or before `stop`; `start < stop < len(text)`."""
        stop = _whole_units(text, start, stop, 2 * self._envelope.depth)
        if text.startswith(self._spaces, stop):
            return stop
        low = max(stop - self._near, (start + stop) // 2)
        best = -1
        for space in self._spaces:
            place = text.rfind(space, low, stop)
            # The text `\\n` holds no newline: only an escape that begins at `place` counts.
            if place > best and _whole_units(text, start, place, 2 * self._envelope.depth) == place:
                best = place + len(space)
        return best if best > 0 else stop


def _whole_units(text: bytes, start: int, stop: int, backslash: int) -> int:
    """Moves `stop` back out of a code point or an escape; `start` lies between two of them.

    `backslash` is how many backslashes stand for one: 2, or 4 in JSON inside JSON. Counted from
    the start of their run, backslashes come in full groups; what is left over opens an escape.
    """
    while stop < len(text) and 0x80 <= text[stop] < 0xC0:
        stop -= 1
    slash = text.rfind(b"\\", max(start, stop - LONGEST_UNIT), stop)
    if slash < 0:
        return stop
    run = start + len(text[start : slash + 1].rstrip(b"\\"))
    opened = run + (slash + 1 - run) // backslash * backslash
    if slash + 1 == stop:  # the run may go on beyond the cut
        return opened
    if opened > slash:
        return stop
    return stop if opened + _unit(text, opened, backslash) <= stop else opened


def _unit(text: bytes, opened: int, backslash: int) -> int:
    """How long the escape is that begins at `opened` and isn't a backslash's."""
    letter = opened + backslash // 2
    if text[letter] == 0x5C:  # JSON inside JSON: a quote is three backslashes and itself
        return backslash
    length = letter + 1 - opened
    return length + 4 if text[letter] == 0x75 else length
