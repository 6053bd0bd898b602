"""A chat message whose text is still being generated."""

from __future__ import annotations

from akool_async.stream.packetizer import Packetizer

__all__ = ["ChatWriter"]


class ChatWriter:
    """A chat message whose text isn't all known yet; made by `StreamCodec.open_chat`.

    Packets are made as full as the limit allows; `flush` sends on what there is.
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

    def add(self, text: str) -> list[bytes]:
        """Adds text. Returns the packets that it filled: none, as a rule.

        Raises:
            InvalidParameterError: not a `str`.
            RuntimeError: after `finish`.
        """
        self._check_open()
        self._packetizer.feed(text)
        return self._packetizer.cut()

    def flush(self) -> list[bytes]:
        """Returns what was added and isn't in a packet yet, in packets that need not be full.

        Half a surrogate pair at the very end waits for its other half.
        """
        self._check_open()
        return self._packetizer.cut(flush=True)

    def finish(self, text: str = "") -> list[bytes]:
        """Adds the last of the text. Returns the last packets; the very last may hold no text.

        Version 3 has no end mark: there may be nothing left to send.
        """
        self._check_open()
        self._packetizer.feed(text)
        self._finished = True
        return self._packetizer.cut(last=True)

    def _check_open(self) -> None:
        if self._finished:
            raise RuntimeError(f"the chat message {self.mid} is finished")
