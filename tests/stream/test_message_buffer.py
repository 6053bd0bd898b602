from __future__ import annotations

import pytest

from akool_async.stream.message_buffer import (
    CHARACTER_COST,
    MESSAGE_COST,
    MOST_MISSING,
    PART_COST,
    MessageBuffer,
)
from akool_async.stream.recent_messages import hashes


def buffer(*texts: str, **ahead: str) -> MessageBuffer:
    """With parts 0, 1, 2 …, and those beyond a gap as `p5="text"`."""
    found = MessageBuffer(("m1", "bot"))
    found.texts.extend(texts)
    found.ahead.update({int(name[1:]): text for name, text in ahead.items()})
    return found


def test_its_key_names_message_and_sender() -> None:
    assert (buffer().mid, buffer().sender) == ("m1", "bot")


def test_parts_are_found_on_both_sides_of_a_gap() -> None:
    held = buffer("a", "b", p4="e")
    assert [held.part(idx) for idx in range(6)] == ["a", "b", None, None, "e", None]


def test_parts_that_follow_are_appended_up_to_the_next_gap() -> None:
    held = buffer("a", p1="b", p2="c", p4="e")
    held.close_up()
    assert (held.texts, held.ahead) == (["a", "b", "c"], {4: "e"})


def test_its_size_counts_every_part_and_itself() -> None:
    assert buffer().size() == MESSAGE_COST
    held = buffer("ab", p3="cde")
    assert held.size() == MESSAGE_COST + 2 * PART_COST + 5 * CHARACTER_COST


def test_each_text_is_handed_on_once() -> None:
    held = buffer("a")
    assert held.hand_on(whole=False) == "a"
    held.texts += ["b", "c"]
    assert held.hand_on(whole=False) == "bc"
    held.texts.append("d")
    assert held.hand_on(whole=True) == "d"


def test_what_came_the_short_way_is_not_handed_on_again() -> None:
    held = buffer("a", "b")
    held.next = 2
    held.catch_up()
    held.texts.append("c")
    assert held.hand_on(whole=False) == "c"


def test_half_a_surrogate_pair_waits_for_its_other_half() -> None:
    held = buffer("x\ud83d")
    held.surrogates = True
    assert held.hand_on(whole=False) == "x"
    held.texts.append("\ude00y")
    assert held.hand_on(whole=False) == "\U0001f600y"
    assert held.text() == "x\U0001f600y"


def test_at_the_end_half_a_pair_is_replaced() -> None:
    held = buffer("x\ud83d")
    held.surrogates = True
    assert held.hand_on(whole=True) == "x\ufffd"
    assert held.text() == "x\ufffd"


def test_the_text_leaves_gaps_out_and_keeps_the_order() -> None:
    assert buffer("a", p5="f", p3="d").text() == "adf"


@pytest.mark.parametrize(
    ("last", "missing"),
    [(None, (1, 2, 4, 6)), (5, (1, 2, 4)), (7, (1, 2, 4, 6, 7))],
)
def test_missing_parts_are_named(last: int | None, missing: tuple[int, ...]) -> None:
    held = buffer("a", p3="d", p5="f")
    held.last = last
    assert held.missing() == missing


def test_without_an_end_the_next_part_is_missing() -> None:
    assert buffer("a", "b").missing() == (2,)
    assert buffer().missing() == (0,)


def test_no_more_than_a_few_missing_parts_are_named() -> None:
    assert len(buffer("a", p1000="z").missing()) == MOST_MISSING
    held = buffer("a", p1000="z")
    held.last = 1_000_000
    assert held.missing()[:2] == (1, 2)
    assert len(held.missing()) == MOST_MISSING - 1


def test_parts_are_remembered_by_their_hashes() -> None:
    assert buffer("a", "b").hashes() == hashes(["a", "b"])
    assert buffer("a", p2="c").hashes() == {0: hash("a"), 2: hash("c")}
