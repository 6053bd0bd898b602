"""Budgets of bytes and packets per second, and whose packet goes next.

See docs/protocol.md §2 "Limits".
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from akool_async.errors import MessageTooLargeError
from akool_async.stream.limits import PacketLimits
from akool_async.stream.queued_packet import QueuedPacket

__all__ = ["Cancelled", "SendQueue"]

#: Seconds that a sent packet counts against the budgets: one, and what a send may be delayed
#: after its time was taken, so that the receiver's window sees no more than ours.
WINDOW: Final = 1.01
#: Packets that the reserve for commands holds.
_RESERVED_PACKETS: Final = 2
#: Keys whose packets all went and whose count is still known.
_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a message: packets that had been sent, and those that never will be."""

    packets_sent: int
    packets_dropped: int


@dataclass(slots=True)
class _Lane:
    """The packets of one key, in order."""

    urgent: bool
    sent: int = 0
    more: bool = False
    packets: deque[QueuedPacket] = field(default_factory=deque)


class SendQueue:
    """What waits to be sent: says which packet goes next, and when.

    Ask `next(now)`: it gives a packet to be sent now, which counts as sent; or the time when to
    ask again; or `None` while nothing waits. After each `push` ask at once. `now` is in seconds of
    a clock that doesn't go backwards.

    - Never over either budget in any window of one second.
    - Urgent packets (commands) go before all others, in the order of their pushing.
    - The others' keys take turns, a packet each; a key's packets stay in order.
    - A reserve of one packet's bytes and two packets is kept for urgent ones. The others may use
      it only where it is free again within one packet's interval (its size over the budget), so
      that the reserve costs no throughput and an urgent packet waits one interval at most.
    """

    def __init__(self, limits: PacketLimits) -> None:
        self.limits = limits
        self._bytes = limits.bytes_per_second
        self._packets = limits.packets_per_second
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()
        self._urgent: list[str] = []
        #: Keys that are not urgent and have packets waiting; the first is next.
        self._turns: list[str] = []
        #: Counts of keys that are done, bounded.
        self._done: OrderedDict[str, int] = OrderedDict()
        #: When each packet stops counting, and its size.
        self._window: list[tuple[float, int]] = []
        self._window_bytes = 0
        self._waiting = 0
        #: Bytes that wait to be sent.
        self.waiting_bytes = 0
        self._reserve = min(limits.max_bytes, (self._bytes or 0) // 2)
        self._reserved = min(_RESERVED_PACKETS, (self._packets or 0) // 2)
        self._interval = max(
            limits.max_bytes / self._bytes if self._bytes else 0.0,
            1 / self._packets if self._packets else 0.0,
        )

    def __len__(self) -> int:
        """How many packets wait."""
        return self._waiting

    def push(
        self,
        key: str,
        packets: Iterable[bytes | QueuedPacket],
        *,
        urgent: bool = False,
        more: bool = False,
    ) -> None:
        """Adds packets of the message `key`, behind those of it that wait.

        Args:
            key: names the message; its `mid` serves.
            packets: to be sent in this order; may be empty.
            urgent: before all that aren't; kept from the first push of a key that still waits.
            more: more of this key will follow: it stays known when all of it is sent.

        Raises:
            MessageTooLargeError: a packet is larger than the limits allow; nothing was added.
        """
        queued = [_under(key, packet) for packet in packets]
        for packet in queued:
            if len(packet.data) > self.limits.max_bytes:
                raise MessageTooLargeError(
                    "packets",
                    f"one takes {len(packet.data)} bytes, more than {self.limits.max_bytes}",
                    size=len(packet.data),
                    limit=self.limits.max_bytes,
                )
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(urgent, self._done.pop(key, 0))
        lane.more = more
        if queued:
            if not lane.packets:
                (self._urgent if lane.urgent else self._turns).append(key)
            lane.packets.extend(queued)
            self._waiting += len(queued)
            self.waiting_bytes += _size(queued)
        elif not lane.packets and not more:
            self._close(key, lane)

    def next(self, now: float) -> QueuedPacket | float | None:
        """The packet to send now, or the time when to ask again, or `None`: nothing waits."""
        turns = self._urgent or self._turns
        if not turns:
            return None
        key = turns[0]
        lane = self._lanes[key]
        packet = lane.packets[0]
        size = len(packet.data)
        self._leave_window(now)
        when = self._free_at(size, 1)
        if not lane.urgent:
            reserved = self._free_at(size + self._reserve, 1 + self._reserved)
            when = max(when, reserved - self._interval)
        if when > now:
            return when
        del lane.packets[0]
        del turns[0]
        lane.sent += 1
        self._waiting -= 1
        self.waiting_bytes -= size
        if self._bytes or self._packets:
            self._window.append((now + WINDOW, size))
            self._window_bytes += size
        if lane.packets:
            if lane.urgent:
                turns.insert(0, key)
            else:
                turns.append(key)
        elif not lane.more:
            self._close(key, lane)
        return packet

    def cancel(self, key: str) -> Cancelled:
        """Drops what waits of a message; says what was sent of it. The key is forgotten."""
        lane = self._lanes.pop(key, None)
        if lane is None:
            return Cancelled(self._done.pop(key, 0), 0)
        if lane.packets:
            (self._urgent if lane.urgent else self._turns).remove(key)
            self._waiting -= len(lane.packets)
            self.waiting_bytes -= _size(lane.packets)
        return Cancelled(lane.sent, len(lane.packets))

    def sent(self, key: str) -> int:
        """How many packets of a message were given out; known for the last 1024 that are done."""
        lane = self._lanes.get(key)
        return lane.sent if lane is not None else self._done.get(key, 0)

    def waiting(self, key: str) -> int:
        """How many packets of a message wait."""
        lane = self._lanes.get(key)
        return len(lane.packets) if lane is not None else 0

    def _close(self, key: str, lane: _Lane) -> None:
        del self._lanes[key]
        self._done[key] = lane.sent
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)

    def _leave_window(self, now: float) -> None:
        window = self._window
        while window and window[0][0] <= now:
            self._window_bytes -= window.pop(0)[1]

    def _free_at(self, size: int, count: int) -> float:
        """When `count` packets of `size` bytes together fit both budgets; the past for now."""
        over_bytes = self._window_bytes + size - self._bytes if self._bytes else 0
        over_count = len(self._window) + count - self._packets if self._packets else 0
        when = float("-inf")
        for end, held in self._window:
            if over_bytes <= 0 and over_count <= 0:
                break
            when = end
            over_bytes -= held
            over_count -= 1
        return when


def _under(key: str, packet: bytes | QueuedPacket) -> QueuedPacket:
    if isinstance(packet, QueuedPacket):
        return packet if packet.key == key else replace(packet, key=key)
    return QueuedPacket(key, packet)


def _size(packets: Iterable[QueuedPacket]) -> int:
    return sum(len(packet.data) for packet in packets)
