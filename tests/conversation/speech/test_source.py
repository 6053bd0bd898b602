from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.speech.source import TextSource
from akool_async.errors import InvalidParameterError, TextTimeoutError


def source(**options) -> TextSource:
    return TextSource(None, **{"by_sentence": False, "timeout": 5.0, **options})


async def pieces(text: TextSource, **options) -> list[str]:
    found = []
    while (piece := await text.piece(**{"delay": 0.3, **options})) is not None:
        found.append(piece)
    return found


async def test_the_first_piece_ends_at_a_clause_and_later_ones_at_sentences():
    text = source()
    for token in ("Well", ",", " this, you", " know, is 3", ".14", ". And", " so on"):
        text.add(token)
    text.finish()
    assert await pieces(text) == ["Well, this, ", "you know, is 3.14. ", "And so on"]


async def test_a_whole_text_is_one_piece():
    text = source()
    text.add_whole("Well, this. And that.")
    assert await pieces(text) == ["Well, this. And that."]
    assert text.exhausted


async def test_text_leaves_after_the_delay_wherever_it_ends():
    clock = asyncio.get_running_loop().time
    text, began = source(), clock()
    text.add("no boundary")
    assert await text.piece(delay=0.3) == "no boundary"
    assert 0.3 <= clock() - began < 0.5


async def test_text_of_a_size_leaves_between_words():
    text = source(most_bytes=10)
    for token in ("alpha ", "beta", "gamma ", "delta"):
        text.add(token)
    text.finish()
    assert await pieces(text, delay=30) == ["alpha ", "betagamma ", "delta"]


async def test_the_writer_waits_while_much_is_ahead():
    text = source(by_sentence=True)
    text.add("word. " * 5_000)
    waiting = asyncio.create_task(text.ready())
    await asyncio.sleep(1)
    assert not waiting.done()
    while not waiting.done():
        assert await text.sentence() == "word. "
        await asyncio.sleep(0)


async def test_nothing_in_time_is_an_error():
    for wait in (source(timeout=0.5).piece(delay=0.1), source(timeout=0.5).sentence()):
        with pytest.raises(TextTimeoutError, match=r"no further for 0\.5 s"):
            await wait


async def test_a_failure_comes_after_what_was_given_before():
    text = source()
    text.add("One. Two")
    text.fail(ValueError("later"))
    assert await text.piece(delay=30) == "One. "
    with pytest.raises(ValueError, match="later"):
        await text.piece(delay=30)


async def test_blank_text_before_the_first_word_is_kept_with_it():
    text = source(by_sentence=True)
    for token in ("\n", None, " ", "One. ", "\n", "Two."):
        text.add(token)
    text.finish()
    assert [await text.sentence() for _ in range(3)] == ["\n One. \n", "Two.", None]


@pytest.mark.parametrize("given", [7, b"bytes", ["a"]])
async def test_other_things_than_text_are_refused(given):
    with pytest.raises(
        InvalidParameterError, match=r"text: the iterator gave .*, give str or None"
    ):
        source().add(given)


async def test_half_a_character_at_the_very_end_is_refused():
    text = source()
    text.add("cut \ud83d")
    with pytest.raises(InvalidParameterError, match="half of a surrogate pair"):
        text.finish()
