from __future__ import annotations

from typing import Any

import pytest

from akool_async.errors import InvalidParameterError
from akool_async.stream.limits import (
    AGORA,
    CHATROOM,
    LIVEKIT,
    SMALLEST_PACKET,
    TRTC,
    PacketLimits,
)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"max_bytes": SMALLEST_PACKET - 1}, "max_bytes"),
        ({"max_bytes": 1000, "bytes_per_second": 999}, "bytes_per_second"),
        ({"max_bytes": 1000, "packets_per_second": 0}, "packets_per_second"),
    ],
)
def test_limits_that_let_nothing_through_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        PacketLimits(**given)
    assert caught.value.field == field


def test_the_smallest_that_work() -> None:
    limits = PacketLimits(SMALLEST_PACKET, SMALLEST_PACKET, 1)
    assert (limits.max_bytes, limits.bytes_per_second, limits.packets_per_second) == (200, 200, 1)
    assert (limits.ordered, limits.reliable) == (True, True)


def test_the_rooms_limits_are_those_of_the_protocol() -> None:
    assert PacketLimits(1000, 6000, 60, ordered=False, reliable=False) == AGORA
    assert PacketLimits(1000, 8000, 30) == TRTC
    assert (LIVEKIT.max_bytes, CHATROOM.max_bytes) == (15_000, 65_536)
    assert LIVEKIT.bytes_per_second is CHATROOM.bytes_per_second is None
