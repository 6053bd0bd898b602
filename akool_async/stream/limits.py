"""What one transport lets through: the size of a packet and the pace.

See docs/protocol.md §2 "Limits".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from akool_async.errors import InvalidParameterError
from akool_async.stream.dialects import Dialect

__all__ = ["AGORA", "CHATROOM", "LIVEKIT", "SMALLEST_PACKET", "TRTC", "Dialect", "PacketLimits"]

#: Below this the envelope of a message leaves no useful room for text.
SMALLEST_PACKET: Final = 200


@dataclass(frozen=True, slots=True)
class PacketLimits:
    """The limits that a transport declares and the sender above it keeps.

    Attributes:
        max_bytes: the largest packet, in bytes; 200 at least.
        bytes_per_second: the most bytes in any window of one second; `None`: no limit.
        packets_per_second: the most packets in any window of one second; `None`: no limit.
        ordered: packets arrive in the order they were sent.
        reliable: packets neither get lost nor arrive twice as long as the connection lasts.
    """

    max_bytes: int
    bytes_per_second: int | None = None
    packets_per_second: int | None = None
    ordered: bool = True
    reliable: bool = True

    def __post_init__(self) -> None:
        if self.max_bytes < SMALLEST_PACKET:
            raise InvalidParameterError(
                "max_bytes", f"{self.max_bytes} is too small, use {SMALLEST_PACKET} or more"
            )
        if self.bytes_per_second is not None and self.bytes_per_second < self.max_bytes:
            raise InvalidParameterError(
                "bytes_per_second",
                f"{self.bytes_per_second} is less than one packet of {self.max_bytes} bytes",
            )
        if self.packets_per_second is not None and self.packets_per_second < 1:
            raise InvalidParameterError(
                "packets_per_second", f"{self.packets_per_second} is less than 1"
            )


AGORA: Final = PacketLimits(1000, 6000, 60, ordered=False, reliable=False)
TRTC: Final = PacketLimits(1000, 8000, 30)
LIVEKIT: Final = PacketLimits(15000)
CHATROOM: Final = PacketLimits(65536)
