"""The send queue: never over a budget, commands first, turns, withdrawal. The clock is a number."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akool_async.errors import MessageTooLargeError
from akool_async.stream import (
    AGORA,
    LIVEKIT,
    TRTC,
    Cancelled,
    Chat,
    Interrupt,
    PacketLimits,
    QueuedPacket,
    SendQueue,
    StreamCodec,
)

Sent = list[tuple[float, bytes]]


def drain(queue: SendQueue, now: float = 0.0, *, until: float = float("inf")) -> Sent:
    """Sends what may be sent, from `now` on, as an outbox does."""
    sent: Sent = []
    while (answer := queue.next(now)) is not None:
        if isinstance(answer, QueuedPacket):
            sent.append((now, answer.data))
        else:
            assert answer > now, "asked again at a time that has passed"
            if answer > until:
                break
            now = answer
    return sent


def assert_within(limits: PacketLimits, sent: Sent) -> None:
    """No window of one second, both its ends included, holds more than the budgets."""
    first = 0
    for last, (time, _) in enumerate(sent):
        while sent[first][0] < time - 1.0:
            first += 1
        window = sent[first : last + 1]
        if limits.bytes_per_second is not None:
            assert sum(len(packet) for _, packet in window) <= limits.bytes_per_second
        if limits.packets_per_second is not None:
            assert len(window) <= limits.packets_per_second


LIMITS = st.one_of(
    st.sampled_from([AGORA, TRTC, LIVEKIT]),
    st.builds(
        PacketLimits,
        st.integers(200, 1000),
        st.one_of(st.none(), st.integers(1000, 9000)),
        st.one_of(st.none(), st.integers(1, 70)),
    ),
)


@settings(deadline=None)
@given(
    limits=LIMITS,
    pushes=st.lists(
        st.tuples(
            st.floats(0, 0.7),
            st.sampled_from("abc"),
            st.booleans(),
            st.lists(st.integers(1, 200), max_size=12),
        ),
        max_size=25,
    ),
)
def test_no_window_of_a_second_is_over_a_budget(
    limits: PacketLimits, pushes: list[tuple[float, str, bool, list[int]]]
) -> None:
    queue = SendQueue(limits)
    sent: Sent = []
    now = 0.0
    for wait, key, urgent, sizes in pushes:
        until = now + wait
        sent += drain(queue, now, until=until)
        now = until
        queue.push(f"{key}{urgent}", [bytes(size) for size in sizes], urgent=urgent)
    sent += drain(queue, now)
    assert_within(limits, sent)
    assert len(sent) == sum(len(sizes) for *_, sizes in pushes)
    assert len(queue) == 0
    assert queue.waiting_bytes == 0


def test_nothing_waiting() -> None:
    assert SendQueue(AGORA).next(0.0) is None


def test_without_budgets_everything_goes_at_once() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("a", [b"1", b"2"])
    assert drain(queue) == [(0.0, b"1"), (0.0, b"2")]


@pytest.mark.parametrize("limits", [AGORA, TRTC])
def test_the_pace_costs_at_most_a_twentieth_of_the_rate(limits: PacketLimits) -> None:
    queue = SendQueue(limits)
    packets = StreamCodec(limits).encode(Chat("word " * 20_000, "msg-1"))
    queue.push("msg-1", packets)
    sent = drain(queue)
    assert_within(limits, sent)
    assert limits.bytes_per_second is not None
    assert sent[-1][0] <= 1.05 * sum(map(len, packets)) / limits.bytes_per_second


@pytest.mark.parametrize("limits", [AGORA, TRTC])
def test_an_interrupt_leaves_within_two_intervals_behind_100_kb(limits: PacketLimits) -> None:
    codec = StreamCodec(limits)
    packets = codec.encode(Chat("word " * 20_000, "msg-1"))
    [interrupt] = codec.encode(Interrupt("msg-2"))
    assert limits.bytes_per_second is not None
    interval = limits.max_bytes / limits.bytes_per_second
    for tenths in range(60):
        queue = SendQueue(limits)
        queue.push("msg-1", packets)
        start = tenths / 10
        before = drain(queue, until=start)
        queue.push("msg-2", [interrupt], urgent=True)
        after = drain(queue, start, until=start + 3)
        assert after[0][1] == interrupt
        assert after[0][0] <= start + 2 * interval
        assert_within(limits, before + after)


def test_an_interrupt_leaves_at_once_after_a_burst() -> None:
    queue = SendQueue(AGORA)
    queue.push("chat", [bytes(1000)] * 100)
    burst = drain(queue, until=0.1)
    assert len(burst) == 5
    queue.push("stop", [b"interrupt"], urgent=True)
    assert queue.next(0.1) == QueuedPacket("stop", b"interrupt")


def test_a_small_packet_budget_keeps_a_reserve_too() -> None:
    limits = PacketLimits(1000, None, 10)
    queue = SendQueue(limits)
    queue.push("chat", [b"x"] * 30)
    assert len(drain(queue, until=0.5)) == 8
    queue.push("stop", [b"interrupt"], urgent=True)
    assert queue.next(0.5) == QueuedPacket("stop", b"interrupt")


def test_urgent_packets_go_first_in_their_order() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("chat", [b"c0", b"c1"])
    queue.push("first", [b"u0", b"u1"], urgent=True)
    queue.push("second", [b"v0"], urgent=True)
    assert [packet for _, packet in drain(queue)] == [b"u0", b"u1", b"v0", b"c0", b"c1"]


def test_messages_take_turns_and_keep_their_order() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("a", [b"a0", b"a1", b"a2"])
    queue.push("b", [b"b0"])
    queue.push("a", [b"a3"])
    queue.push("b", [b"b1"])
    assert [packet for _, packet in drain(queue)] == [b"a0", b"b0", b"a1", b"b1", b"a2", b"a3"]


def test_a_packet_comes_with_its_text_under_the_key_it_was_pushed_with() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("a", [QueuedPacket("a", b"a0", "Hello")])
    queue.push("a end", [QueuedPacket("a", b"a1", "!")], urgent=True)
    assert queue.next(0.0) == QueuedPacket("a end", b"a1", "!")
    assert queue.next(0.0) == QueuedPacket("a", b"a0", "Hello")


def test_what_waits_can_be_cancelled_and_what_was_sent_is_known() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("a", [b"a0", b"a1", b"a2"])
    queue.push("b", [b"b0"])
    assert (len(queue), queue.waiting_bytes) == (4, 8)
    assert queue.next(0.0) == QueuedPacket("a", b"a0")
    assert (queue.sent("a"), queue.waiting("a")) == (1, 2)
    assert queue.cancel("a") == Cancelled(packets_sent=1, packets_dropped=2)
    assert (len(queue), queue.waiting_bytes) == (1, 2)
    assert drain(queue) == [(0.0, b"b0")]
    assert queue.cancel("a") == Cancelled(0, 0), "cancelling forgets the key"


def test_cancelling_an_urgent_packet() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("a", [b"a0"], urgent=True)
    assert queue.cancel("a") == Cancelled(0, 1)
    assert queue.next(0.0) is None


def test_what_was_sent_is_known_after_the_last_packet() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("a", [b"a0", b"a1"])
    drain(queue)
    assert queue.sent("a") == 2
    assert queue.waiting("a") == 0
    assert queue.cancel("a") == Cancelled(2, 0)
    assert queue.sent("a") == 0


def test_counts_of_done_messages_are_bounded() -> None:
    queue = SendQueue(LIVEKIT)
    for number in range(3000):
        queue.push(str(number), [b"x"])
    drain(queue)
    assert [queue.sent(key) for key in ("0", "1975", "1976", "2999")] == [0, 0, 1, 1]


def test_a_key_with_more_to_come_stays_known_however_many_others_pass() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("stream", [b"s0"], more=True)
    for number in range(2000):
        queue.push(str(number), [b"x"])
    drain(queue)
    queue.push("stream", [b"s1"])
    drain(queue)
    assert queue.sent("stream") == 2
    queue.push("other", [], more=True)
    queue.push("other", [])
    assert queue.cancel("other") == Cancelled(0, 0)


def test_withdrawn_between_pieces() -> None:
    queue = SendQueue(LIVEKIT)
    queue.push("stream", [b"s0"], more=True)
    drain(queue)
    assert queue.cancel("stream") == Cancelled(1, 0)


def test_a_packet_over_the_limit_is_refused_whole() -> None:
    queue = SendQueue(AGORA)
    with pytest.raises(MessageTooLargeError, match="1001 bytes, more than 1000") as refused:
        queue.push("a", [b"fine", bytes(1001)])
    assert (refused.value.size, refused.value.limit) == (1001, 1000)
    assert len(queue) == 0
    assert queue.next(0.0) is None


def test_a_budget_of_one_packet_still_moves() -> None:
    limits = PacketLimits(1000, 1000, 1)
    queue = SendQueue(limits)
    queue.push("a", [bytes(1000)] * 3)
    queue.push("stop", [b"interrupt"], urgent=True)
    sent = drain(queue)
    assert len(sent) == 4
    assert_within(limits, sent)
