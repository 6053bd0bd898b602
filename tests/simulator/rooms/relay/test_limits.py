import pytest
from hypothesis import given
from hypothesis import strategies as st

from akool_async.simulator.rooms.relay.agora import AgoraRoom
from akool_async.simulator.rooms.relay.limits import ALLOWANCE, RateWindow, SendRules
from akool_async.simulator.rooms.relay.trtc import TRTCRoom

RULES = SendRules(1000, 3000, 5, 1, 2, 3, 4)


def test_bytes_within_a_second() -> None:
    window = RateWindow(RULES)
    for at in (0.0, 0.3, 0.6):
        assert window.over(1000, at) is None
        window.add(1000, at)
    assert window.over(1, 0.9) == "bytes"
    assert window.over(1000, 1.0) is None
    assert window.over(1001, 1.0) == "bytes"


def test_packets_within_a_second() -> None:
    window = RateWindow(RULES)
    for _ in range(5):
        assert window.over(1, 0.0) is None
        window.add(1, 0.0)
    assert window.over(1, 1 - ALLOWANCE - 0.01) == "packets"
    assert window.over(1, 1 - ALLOWANCE + 0.01) is None


@given(st.lists(st.tuples(st.integers(1, 1000), st.floats(0, 0.5)), max_size=30))
def test_waiting_as_long_as_it_says_is_enough_and_never_over(
    packets: list[tuple[int, float]],
) -> None:
    window = RateWindow(RULES)
    now = 0.0
    sent: list[tuple[float, int]] = []
    for size, pause in packets:
        now += pause
        now += window.wait(size, now) + 1e-9
        assert window.over(size, now) is None
        window.add(size, now)
        sent.append((now, size))
        last = [(t, s) for t, s in sent if t > now - 1 + ALLOWANCE]
        assert len(last) <= 5
        assert sum(s for _, s in last) <= 3000


@pytest.mark.parametrize(
    ("room", "limits"),
    [(AgoraRoom, (1024, 6144, 60)), (TRTCRoom, (1000, 8192, 30))],
)
def test_the_vendors_limits(
    room: type[AgoraRoom] | type[TRTCRoom], limits: tuple[int, int, int]
) -> None:
    rules = room.rules
    assert (rules.max_bytes, rules.bytes_per_second, rules.packets_per_second) == limits
