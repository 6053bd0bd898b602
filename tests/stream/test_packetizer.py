"""Where texts are cut."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from akool_async.stream import AGORA, LIVEKIT, TRTC, Chat, PacketLimits, StreamCodec
from akool_async.stream.json_output import escape, escape_twice


def parts_of(text: str, limits: PacketLimits = AGORA) -> list[str]:
    """The text of each part, read without the codec."""
    packets = StreamCodec(limits).encode(Chat(text, "msg-1"))
    assert all(len(packet) <= limits.max_bytes for packet in packets)
    read = [json.loads(packet) for packet in packets]
    assert [packet["idx"] for packet in read] == list(range(len(read)))
    assert [packet["fin"] for packet in read] == [False] * (len(read) - 1) + [True]
    return [packet["pld"]["text"] for packet in read]


def fill_of(text: str, limits: PacketLimits) -> list[float]:
    """How full each packet but the last is."""
    packets = StreamCodec(limits).encode(Chat(text, "msg-1"))
    return [len(packet) / limits.max_bytes for packet in packets[:-1]]


def test_a_short_text_is_one_packet() -> None:
    assert parts_of("Hello") == ["Hello"]
    assert parts_of("") == [""]


@pytest.mark.parametrize("limits", [AGORA, TRTC, LIVEKIT, PacketLimits(200)])
@pytest.mark.parametrize(
    "unit", ["x", "é", "中", "\N{GRINNING FACE}", '"', "\\", "\n", "\0", "\ud83d", "\u2028"]
)
def test_packets_are_filled_and_never_cut_inside_a_character(
    unit: str, limits: PacketLimits
) -> None:
    count = 3 * limits.max_bytes
    parts = parts_of(unit * count, limits)
    assert "".join(parts) == unit * count
    longest = len(escape(unit)) - 1
    for fill in fill_of(unit * count, limits):
        assert limits.max_bytes - round(fill * limits.max_bytes) <= longest


@pytest.mark.parametrize("start", range(12))
def test_a_cut_never_falls_inside_an_escape(start: int) -> None:
    text = "x" * start + '\\n\n\\"\u0001\\\\\N{GRINNING FACE}\ud800中"' * 100
    for limits in (PacketLimits(200), PacketLimits(203), AGORA):
        assert "".join(parts_of(text, limits)) == text


@pytest.mark.parametrize("space", [" ", "\n", "\t"])
@pytest.mark.parametrize("letters", [1, 4, 9, 30])
def test_a_cut_falls_between_words_where_one_is_near(space: str, letters: int) -> None:
    text = space.join(["w" * letters] * 2000)
    parts = parts_of(text)
    assert "".join(parts) == text
    for part, following in itertools.pairwise(parts):
        assert part.endswith(space) or following.startswith(space)
    assert min(fill_of(text, AGORA)) > 0.95 - 0.001 * letters


ROOM = 1000 - len('{"v":2,"type":"chat","mid":"msg-1","idx":0,"fin":false,"pld":{"text":""}}')


@pytest.mark.parametrize(("back", "used"), [(1, True), (49, True), (52, False), (90, False)])
def test_near_is_the_last_twentieth_of_the_packet(back: int, used: bool) -> None:
    text = "x" * (ROOM - back) + " " + "x" * 3000
    first = parts_of(text)[0]
    assert len(first) == (ROOM - back + 1 if used else ROOM)


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_word_that_ends_with_the_packet_fills_it(space: str) -> None:
    text = "x" * (ROOM - 10) + " " + "y" * 9 + space + "z" * 3000
    assert parts_of(text)[0] == "x" * (ROOM - 10) + " " + "y" * 9


def test_a_backslash_and_an_n_are_no_newline() -> None:
    text = "x" * (ROOM - 20) + "\\n" + "x" * 3000
    assert parts_of(text)[0] == "x" * (ROOM - 20) + "\\n" + "x" * 17


def test_the_number_of_packets_is_the_least_possible() -> None:
    for text in ("x" * 10_240, "中" * 3413, "\N{GRINNING FACE}a" * 2048):
        envelope = len('{"v":2,"type":"chat","mid":"msg-1","idx":10,"fin":false,"pld":{"text":""}}')
        assert len(parts_of(text)) == -(-len(text.encode()) // (1000 - envelope))


def test_a_last_part_may_use_the_byte_that_its_shorter_envelope_leaves() -> None:
    envelope = len('{"v":2,"type":"chat","mid":"msg-1","idx":0,"fin":true,"pld":{"text":""}}')
    assert parts_of("x" * (1000 - envelope)) == ["x" * (1000 - envelope)]
    assert len(parts_of("x" * (1001 - envelope))) == 2


@pytest.mark.parametrize("text", ["", "plain", 'a"b\\c\n\t\0\x1f\x7f\u2028\N{GRINNING FACE}'])
def test_escaping_is_json(text: str) -> None:
    assert json.loads(b'"' + escape(text) + b'"') == text
    assert json.loads(json.loads(b'"\\"' + escape_twice(text) + b'\\""')) == text


def test_no_packet_holds_a_nul_or_a_raw_control_character() -> None:
    packets = StreamCodec(AGORA).encode(Chat("".join(map(chr, range(32))) * 50, "msg-1"))
    assert not any(re.search(rb"[\x00-\x1f]", packet) for packet in packets)
