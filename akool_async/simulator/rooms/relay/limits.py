"""A vendor's limits on sending, enforced as its library would (docs/protocol.md §2 "Limits")."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["RateWindow", "SendRules"]

#: Seconds. A sender reads its clock when it decides and the library when it is called; a busy
#: machine may stop the process in between, and a window of exactly one second would call that too
#: fast. No vendor says how it measures.
ALLOWANCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class SendRules:
    """What a vendor lets through, and the codes it refuses the rest with.

    Attributes:
        max_bytes: of one packet.
        bytes_per_second, packets_per_second: in any window of one second.
        bad_argument: the code for a packet that is empty or malformed.
        too_large, too_many_bytes, too_many_packets: the codes for the three limits.
    """

    max_bytes: int
    bytes_per_second: int
    packets_per_second: int
    bad_argument: int
    too_large: int
    too_many_bytes: int
    too_many_packets: int


class RateWindow:
    """What one sender sent within the last second. Times are in seconds, of the sender's clock."""

    def __init__(self, rules: SendRules) -> None:
        self._rules = rules
        self._sent: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def over(self, size: int, at: float) -> Literal["bytes", "packets"] | None:
        """Which budget a packet of `size` bytes sent at `at` would break."""
        self._forget(at)
        if len(self._sent) + 1 > self._rules.packets_per_second:
            return "packets"
        if self._bytes + size > self._rules.bytes_per_second:
            return "bytes"
        return None

    def add(self, size: int, at: float) -> None:
        """Counts a packet that was let through."""
        self._sent.append((at, size))
        self._bytes += size

    def wait(self, size: int, at: float) -> float:
        """Seconds from `at` until a packet of `size` bytes is within both budgets."""
        packets, held, wait = len(self._sent), self._bytes, 0.0
        for sent_at, sent_size in self._sent:
            if (
                packets < self._rules.packets_per_second
                and held + size <= self._rules.bytes_per_second
            ):
                break
            wait = sent_at + 1 - at
            packets -= 1
            held -= sent_size
        return max(0.0, wait)

    def _forget(self, at: float) -> None:
        while self._sent and self._sent[0][0] <= at - 1 + ALLOWANCE:
            self._bytes -= self._sent.popleft()[1]
