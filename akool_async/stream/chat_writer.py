"""A chat message whose text is still being written."""

from __future__ import annotations

from akool_async.stream.json_output import unescape
from akool_async.stream.packetizer import Packetizer
from akool_async.stream.queued_packet import QueuedPacket

__all__ = ["ChatWriter"]


class ChatWriter:
    """A chat message whose text isn't all known yet; made by `StreamCodec.open_chat`.

    `add` and `flush` return packets as the text fills them, `finish` the last ones; each packet
    comes with the text that it carries. Send them in this order.
    """

    def __init__(self, mid: str, packetizer: Packetizer) -> None:
        self.mid = mid
        self._packetizer = packetizer
        self._finished = False

    @property
    def parts(self) -> int:
        """How many packets were made."""
        return self._packetizer.idx

    @property
    def waiting(self) -> int:
        """How many bytes of escaped text no packet holds yet."""
        return self._packetizer.waiting

    def add(self, text: str) -> list[QueuedPacket]:
        """Adds text. Returns the packets that it filled: usually none.

        Raises:
            InvalidParameterError: not a `str`.
            RuntimeError: after `finish`.
        """
        self._check_open()
        self._packetizer.feed(text)
        return self._packets(self._packetizer.cut())

    def flush(self) -> list[QueuedPacket]:
        """Returns what was added and isn't in a packet yet, in packets that need not be full.

        The high half of a surrogate pair at the very end waits for its other half.

        Raises:
            RuntimeError: after `finish`.
        """
        self._check_open()
        return self._packets(self._packetizer.cut(flush=True))

    def finish(self, text: str = "") -> list[QueuedPacket]:
        """Adds the last of the text. Returns the last packets; the very last may hold no text.

        Version 3 has no end mark: there may be nothing left to send.

        Raises:
            InvalidParameterError: not a `str`.
            RuntimeError: called twice.
        """
        self._check_open()
        self._packetizer.feed(text)
        self._finished = True
        return self._packets(self._packetizer.cut(last=True))

    def _packets(self, cut: list[tuple[bytes, bytes]]) -> list[QueuedPacket]:
        depth = self._packetizer.depth
        return [QueuedPacket(self.mid, data, unescape(text, depth)) for data, text in cut]

    def _check_open(self) -> None:
        if self._finished:
            raise RuntimeError(f"the chat message {self.mid} is finished")
