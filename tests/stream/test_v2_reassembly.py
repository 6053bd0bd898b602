"""Putting messages together: order, duplicates, gaps, contradictions, bounds, ends."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from akool_async.stream import (
    AGORA,
    Chat,
    ChatDelta,
    LatePart,
    PartialChat,
    ReassemblyBounds,
    Received,
    StreamCodec,
)


def part(
    idx: int | None, text: str, *, fin: bool = False, mid: str = "m", sender: str = "bot"
) -> bytes:
    packet: dict[str, Any] = {"v": 2, "type": "chat", "mid": mid}
    if idx is not None:
        packet["idx"] = idx
    return json.dumps({**packet, "fin": fin, "pld": {"from": sender, "text": text}}).encode()


class Reader:
    """A codec that is fed parts; `got` is all it gave."""

    def __init__(self, **bounds: Any) -> None:
        self.codec = StreamCodec(AGORA, bounds=ReassemblyBounds(**bounds))
        self.got: list[Received] = []

    def __call__(self, *packets: bytes, now: float = 0.0) -> list[Received]:
        out = [message for packet in packets for message in self.codec.decode(packet, now=now)]
        self.got += out
        return out


@pytest.fixture
def read() -> Reader:
    return Reader()


def test_text_in_order_is_handed_on_at_once(read: Reader) -> None:
    assert read(part(0, "a")) == [ChatDelta("a", "m", "bot", 0)]
    assert read(part(1, "b")) == [ChatDelta("b", "m", "bot", 1)]
    assert read(part(2, "c")) == [ChatDelta("c", "m", "bot", 2)]
    assert read(part(3, "d", fin=True)) == [ChatDelta("d", "m", "bot", 3), Chat("abcd", "m", "bot")]
    assert read.codec.held_bytes == 0


def test_text_out_of_order_waits_for_its_turn(read: Reader) -> None:
    assert read(part(2, "c"), part(1, "b")) == []
    assert read(part(0, "a")) == [ChatDelta("abc", "m", "bot", 2)]
    assert read(part(4, "e", fin=True)) == []
    assert read(part(3, "d")) == [ChatDelta("de", "m", "bot", 4), Chat("abcde", "m", "bot")]


def test_an_empty_part_in_the_middle_is_no_piece(read: Reader) -> None:
    assert read(part(0, "a"), part(1, "")) == [ChatDelta("a", "m", "bot", 0)]
    assert read(part(2, "", fin=True)) == [Chat("a", "m", "bot")]


def test_doubles_are_dropped_and_counted(read: Reader) -> None:
    read(part(0, "a"), part(2, "c", fin=True))
    assert read(part(0, "a"), part(2, "c", fin=True), part(2, "c")) == []
    assert read(part(1, "b"))[-1] == Chat("abc", "m", "bot")
    assert read(part(0, "a"), part(1, "b"), part(2, "c", fin=True)) == []
    assert read.codec.duplicates == 6


def test_a_double_may_bring_the_end(read: Reader) -> None:
    read(part(0, "a"), part(1, "b"))
    assert read(part(1, "b", fin=True)) == [Chat("ab", "m", "bot")]


def test_messages_of_one_mid_and_two_senders_are_two(read: Reader) -> None:
    read(part(0, "a", sender="bot"), part(0, "x", sender="user"))
    assert read(part(1, "b")) == [ChatDelta("b", "m", "bot", 1)]
    assert read(part(1, "y", sender="user", fin=True))[-1] == Chat("xy", "m", "user")
    assert read(part(2, "c", fin=True))[-1] == Chat("abc", "m", "bot")


@pytest.mark.parametrize("fin", [True, False])
def test_a_double_of_the_last_part_opens_nothing(read: Reader, fin: bool) -> None:
    assert read(part(0, "a"), part(1, "b"), part(2, "c", fin=True))[-1] == Chat("abc", "m", "bot")
    assert read(part(2, "c", fin=fin)) == []
    assert read(part(3, "d", fin=fin)) == [LatePart("d", "m", "bot", 3)]
    assert read.codec.held_bytes == 0
    assert read.codec.deadline() is None


@pytest.mark.parametrize("known_first", [True, False])
def test_the_same_number_with_another_text_is_a_conflict(known_first: bool) -> None:
    read = Reader()
    read(part(0 if known_first else 1, "a"))
    missing, began = ((1,), None) if known_first else ((0, 2), 0.0)
    assert read(part(0 if known_first else 1, "b")) == [
        PartialChat("a", "m", "bot", missing, "conflict", began),
        LatePart("b", "m", "bot", 0 if known_first else 1),
    ]
    assert read(part(1 if known_first else 0, "z", fin=True)) == [
        LatePart("z", "m", "bot", 1 if known_first else 0)
    ]


def test_parts_after_the_end_are_reported_as_late(read: Reader) -> None:
    read(part(0, "a", fin=True))
    assert read(part(1, "b")) == [LatePart("b", "m", "bot", 1)]
    assert read(part(0, "other", fin=True)) == [LatePart("other", "m", "bot", 0)]
    assert read(part(None, "x"), part(None, "a")) == [LatePart("x", "m", "bot", 1)]


def test_parts_beyond_the_end_are_late_before_the_message_is_whole(
    read: Reader,
) -> None:
    read(part(0, "a"), part(4, "e"), part(3, "d"))
    assert read(part(2, "c", fin=True)) == [
        LatePart("d", "m", "bot", 3),
        LatePart("e", "m", "bot", 4),
    ]
    assert read(part(5, "f")) == [LatePart("f", "m", "bot", 5)]
    assert read(part(1, "b"))[-1] == Chat("abc", "m", "bot")


def test_two_ends_are_a_conflict(read: Reader) -> None:
    read(part(0, "a"), part(2, "c", fin=True))
    assert read(part(3, "d", fin=True)) == [
        PartialChat("ac", "m", "bot", (1,), "conflict"),
        LatePart("d", "m", "bot", 3),
    ]


def test_an_end_before_text_that_was_handed_on_is_a_conflict(read: Reader) -> None:
    read(part(0, "a"), part(1, "b"))
    assert read(part(0, "a", fin=True)) == [PartialChat("ab", "m", "bot", (), "conflict")]


def test_parts_without_numbers_are_taken_as_they_come(read: Reader) -> None:
    assert read(part(None, "a"), part(None, "b")) == [
        ChatDelta("a", "m", "bot", 0),
        ChatDelta("b", "m", "bot", 1),
    ]
    assert read(part(None, "c", fin=True))[-1] == Chat("abc", "m", "bot")


def test_what_had_to_wait_says_when_it_began(read: Reader) -> None:
    assert read(part(1, "b"), now=1.0) == []
    assert read(part(0, "a"), now=2.0) == [ChatDelta("ab", "m", "bot", 1, 1.0)]
    assert read(part(2, "c"), now=3.0) == [ChatDelta("c", "m", "bot", 2)]
    read(part(2, "z", mid="n"), now=4.0)
    read(part(3, "z", mid="n"), now=5.0)
    assert read.codec.finish("n", "bot", ended="quiet", now=6.0) == [
        PartialChat("zz", "n", "bot", (0, 1, 4), "finished", 4.0)
    ]


def test_messages_without_mid_follow_each_other(read: Reader) -> None:
    assert read(part(0, "a", mid="", fin=True))[-1] == Chat("a", "", "bot")
    assert read(part(0, "a", mid="", fin=True))[-1] == Chat("a", "", "bot")
    read(part(0, "x", mid=""), part(1, "y", mid=""))
    assert read(part(0, "n", mid="")) == [
        PartialChat("xy", "", "bot", (2,), "conflict"),
        ChatDelta("n", "", "bot", 0),
    ]
    assert read(part(1, "o", mid="", fin=True))[-1] == Chat("no", "", "bot")


def test_a_message_without_an_end_can_be_ended(read: Reader) -> None:
    read(part(0, "a"), part(1, "b"))
    assert read.codec.finish("other", "bot", ended="quiet", now=1.0) == []
    assert read.codec.finish("m", "user", ended="quiet", now=1.0) == []
    assert read.codec.finish("m", "bot", ended="audio_end", now=1.0) == [
        Chat("ab", "m", "bot", "audio_end")
    ]
    assert read.codec.finish("m", "bot", ended="audio_end", now=1.0) == []
    assert read(part(2, "c")) == [LatePart("c", "m", "bot", 2)]


@pytest.mark.parametrize(
    ("parts", "missing"),
    [([part(0, "a"), part(2, "c")], (1, 3)), ([part(0, "a"), part(2, "c", fin=True)], (1,))],
)
def test_ended_with_a_gap_it_is_partial(
    read: Reader, parts: list[bytes], missing: tuple[int, ...]
) -> None:
    read(*parts)
    assert read.codec.finish("m", "bot", ended="quiet", now=1.0) == [
        PartialChat("ac", "m", "bot", missing, "finished")
    ]


def test_ended_where_only_the_last_part_is_known_it_is_partial(read: Reader) -> None:
    read(part(1, "b", fin=True))
    assert read.codec.finish("m", "bot", ended="quiet", now=1.0) == [
        PartialChat("b", "m", "bot", (0,), "finished", 0.0)
    ]


def test_given_up_after_a_time_without_a_new_part() -> None:
    read = Reader(age=10.0)
    assert read.codec.deadline() is None
    read(part(0, "a"), now=100.0)
    read(part(0, "x", mid="other"), now=102.0)
    assert read.codec.deadline() == 110.0
    read(part(1, "b"), now=105.0)
    assert read.codec.deadline() == 112.0
    assert read.codec.expire(111.9) == []
    assert read.codec.expire(112.0) == [PartialChat("x", "other", "bot", (1,), "age")]
    assert read.codec.expire(115.0) == [PartialChat("ab", "m", "bot", (2,), "age")]
    assert read.codec.deadline() is None
    assert read(part(1, "b")) == [], "a double of what had come"
    assert read(part(2, "c", fin=True)) == [LatePart("c", "m", "bot", 2)]
    assert read.codec.held_bytes == 0


def test_a_double_does_not_keep_a_message_alive() -> None:
    read = Reader(age=10.0)
    read(part(0, "a"), now=0.0)
    read(part(0, "a"), now=9.0)
    assert read.codec.deadline() == 10.0


def test_more_messages_than_the_bound_give_up_the_one_that_waited_longest() -> None:
    read = Reader(messages=2)
    read(part(0, "a", mid="1"), now=1.0)
    read(part(0, "b", mid="2"), now=2.0)
    read(part(1, "a", mid="1"), now=3.0)
    assert read(part(0, "c", mid="3"), now=4.0) == [
        ChatDelta("c", "3", "bot", 0),
        PartialChat("b", "2", "bot", (1,), "messages"),
    ]


def test_a_message_of_too_many_parts_is_given_up() -> None:
    read = Reader(parts=3)
    read(part(0, "a"), part(1, "b"), part(2, "c"))
    assert read(part(3, "d")) == [
        PartialChat("abc", "m", "bot", (3,), "parts"),
        LatePart("d", "m", "bot", 3),
    ]
    assert read(part(10**9, "z", mid="n")) == [
        PartialChat("", "n", "bot", (0,), "parts", 0.0),
        LatePart("z", "n", "bot", 10**9),
    ]


def test_as_many_parts_as_the_bound_are_fine() -> None:
    read = Reader(parts=3)
    assert read(part(0, "a"), part(1, "b"), part(2, "c", fin=True))[-1] == Chat("abc", "m", "bot")


def test_more_bytes_than_the_bound_give_up_the_one_that_waited_longest() -> None:
    read = Reader(bytes=20_000)
    read(part(0, "a" * 1000, mid="old"), now=1.0)
    out = read(part(0, "b" * 1000, mid="new"), now=2.0)
    assert isinstance(out[-1], ChatDelta)
    out = read(part(1, "b" * 1000, mid="new"), now=3.0)
    assert out == [
        ChatDelta("b" * 1000, "new", "bot", 1),
        PartialChat("a" * 1000, "old", "bot", (1,), "bytes"),
    ]
    out = read(part(2, "b" * 5000, mid="new"), now=4.0)
    assert out[-1] == PartialChat("b" * 7000, "new", "bot", (3,), "bytes")
    assert read.codec.held_bytes == 0


def test_what_is_missing_is_reported_in_bounds(read: Reader) -> None:
    read(part(19_999, "z", fin=True))
    [partial] = read.codec.finish("m", "bot", ended="quiet", now=0.0)
    assert isinstance(partial, PartialChat)
    assert partial.missing == tuple(range(255))


def test_ended_messages_are_remembered_in_bounds() -> None:
    def make(number: int) -> bytes:
        return part(0, "x", mid=str(number), fin=True)

    read = Reader(remembered=100)
    for number in range(1000):
        assert len(read(make(number))) == 2
    assert read(make(950)) == [], "one of the last hundred"
    assert len(read(make(700))) == 2, "long forgotten"
    assert len(read.codec._parts.recent) <= 200


def reply(number: int, parts: int) -> Iterator[bytes]:
    for idx in range(parts):
        yield part(idx, f"word {number} {idx} ", mid=f"reply-{number:030}", fin=idx == parts - 1)


def test_a_long_conversation_takes_no_more_memory_than_its_first_minutes() -> None:
    codec = StreamCodec(AGORA)
    held: list[int] = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        # What is remembered is renewed every 128 replies: the most of each such time is compared.
        for start in range(0, 4 * 256, 256):
            tracemalloc.reset_peak()
            for number in range(start, start + 256):
                for packet in reply(number, 20):
                    codec.decode(packet, now=0.0)
            held.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert max(held) < 150_000
    assert held[-1] - held[1] < 10_000, held


def test_replies_of_many_parts_are_remembered_as_long_as_short_ones(read: Reader) -> None:
    for number in range(400):
        for packet in reply(number, 64):
            read(packet)
    for number in range(400 - ReassemblyBounds().remembered, 400):
        for packet in reply(number, 64):
            assert read(packet) == [], number


def long_name(number: int) -> str:
    return f"{number:>512}"


@pytest.mark.parametrize(
    "make",
    [
        lambda n: part(0, "x" * 900, mid=long_name(n)),
        lambda n: part(n % 100, "\N{GRINNING FACE}" * 200, mid=long_name(n // 100)),
        lambda n: part(1 + n, "x" * 900),
        lambda n: part(n, "x" * 900),
        lambda n: part(0, "x", mid=long_name(n), fin=True),
        lambda n: part(19_999, "", mid=long_name(n)),
    ],
    ids=["beginnings", "crowds", "gaps", "endless", "ended", "far ends"],
)
def test_memory_is_bounded_whatever_a_peer_sends(make: Callable[[int], bytes]) -> None:
    codec = StreamCodec(AGORA, bounds=ReassemblyBounds(bytes=2**20, remembered=256))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(3000):
            codec.decode(make(number), now=0.0)
            assert codec.held_bytes <= 2**20
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held <= 2**20 + 2 * 256 * (512 + 1100)
