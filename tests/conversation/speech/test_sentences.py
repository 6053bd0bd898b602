from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akool_async.conversation.speech.sentences import SentenceFinder
from akool_async.errors import InvalidParameterError

#: Characters looked at for each character of the text, at the most.
EFFORT = 8


def sentences(text: str, **options) -> list[str]:
    finder = SentenceFinder(longest=500, **options)
    finder.feed(text)
    finder.finish()
    return list(iter(finder.sentence, None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello. And", ["Hello. ", "And"]),
        ("3.14 is pi. So", ["3.14 is pi. ", "So"]),
        ("Really?! Yes", ["Really?! ", "Yes"]),
        ('He said "no." Then', ['He said "no." ', "Then"]),
        ("Wait… what", ["Wait… ", "what"]),
        (
            "Dr. Smith met Mr. J. R. Jones. They left.",
            ["Dr. Smith met Mr. J. R. Jones. ", "They left."],
        ),
        ("Take fruit, e.g. apples. Good.", ["Take fruit, e.g. apples. ", "Good."]),
        ("Das ist z. B. gut. Ja.", ["Das ist z. B. gut. ", "Ja."]),
        ("1. First. 2. Second.", ["1. First. ", "2. Second."]),
        ("The answer is 42. Next.", ["The answer is 42. ", "Next."]),
        ("So do I. Then go.", ["So do I. ", "Then go."]),
        ("네. 좋아요. 가요.", ["네. ", "좋아요. ", "가요."]),
        ("你好。再见！好「走。」吗", ["你好。", "再见！", "好「走。」", "吗"]),
        ("one line\n\nnext line", ["one line\n\n", "next line"]),
        ("नमस्ते। आप कैसे हैं। मैं ठीक हूँ।", ["नमस्ते। ", "आप कैसे हैं। ", "मैं ठीक हूँ।"]),
        ("كيف حالك؟ هل أنت بخير؟ نعم.", ["كيف حالك؟ ", "هل أنت بخير؟ ", "نعم."]),
        ("میں ٹھیک ہوں۔ آپ کیسے ہیں؟ شکریہ۔", ["میں ٹھیک ہوں۔ ", "آپ کیسے ہیں؟ ", "شکریہ۔"]),
        ("Բարեւ։ Ինչպես եք։", ["Բարեւ։ ", "Ինչպես եք։"]),
        ("ሰላም። እንዴት ነህ፧ ደህና።", ["ሰላም። ", "እንዴት ነህ፧ ", "ደህና።"]),
        ("សួស្តី។ សុខសប្បាយ។", ["សួស្តី។ ", "សុខសប្បាយ។"]),
        ("မင်္ဂလာပါ။ နေကောင်းလား။", ["မင်္ဂလာပါ။ ", "နေကောင်းလား။"]),
        ("ᠮᠣᠩᠭᠣᠯ᠃ ᠪᠢ᠃", ["ᠮᠣᠩᠭᠣᠯ᠃ ", "ᠪᠢ᠃"]),
        ("ᱥᱟᱱᱛᱟᱲᱤ᱾ ᱚᱞ᱿", ["ᱥᱟᱱᱛᱟᱲᱤ᱾ ", "ᱚᱞ᱿"]),
        ("ꯁꯨ꯫ ꯃꯤ꯫", ["ꯁꯨ꯫ ", "ꯃꯤ꯫"]),
        ("Really‽ Yes‼ No.", ["Really‽ ", "Yes‼ ", "No."]),
        ("... ! Hello. ?", ["... ! Hello. ", "?"]),
        ("", []),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "whole", "clauses"),
    [
        ("One. Two. Three", "One. Two. ", "One. Two. "),
        ("One. Two, three", "One. ", "One. Two, "),
        ("Well, yes", None, "Well, "),
        ("1,000 things", None, None),
        ("好，走", None, "好，"),
        ("نعم، هكذا", None, "نعم،"),
        ("Hello.", None, None),
        ("Hello", None, None),
    ],
)
def test_pieces_of_a_text_that_goes_on(text, whole, clauses):
    for wanted, expected in ((False, whole), (True, clauses)):
        finder = SentenceFinder(longest=500)
        finder.feed(text)
        assert finder.piece(clauses=wanted) == expected


def test_a_mark_at_the_end_waits_for_what_follows():
    finder = SentenceFinder(longest=500)
    for text, expected in (("It is 3", None), (".", None), ("14", None), (". ", "It is 3.14. ")):
        finder.feed(text)
        assert finder.sentence() == expected


def test_a_long_text_without_an_end_is_cut_between_words():
    finder = SentenceFinder(longest=20)
    finder.feed("alpha beta gamma delta epsilon")
    assert finder.sentence() == "alpha beta gamma "
    assert finder.sentence() is None
    finder.finish()
    assert finder.sentence() == "delta epsilon"


def test_without_words_a_cut_keeps_together_what_is_drawn_as_one():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    finder = SentenceFinder(longest=6)
    finder.feed("abcd" + family + "efghij")
    assert finder.sentence() == "abcd"
    finder = SentenceFinder(longest=4)
    finder.feed("xyze\u0301abcdefg")
    assert finder.sentence() == "xyz"


def test_words_and_rest():
    finder = SentenceFinder(longest=500)
    assert finder.words() is None
    assert finder.rest() is None
    finder.feed("one two thr")
    assert finder.words() == "one two "
    assert finder.rest() == "thr"
    finder.feed("three")
    assert finder.words() == "three"


def test_a_splitter_of_the_users_own():
    def at_bars(text: str) -> list[str]:
        return [part.strip() for part in re.split(r"(?<=\|)", text)]

    assert sentences("a. b| c| d", splitter=at_bars) == ["a. b| ", "c| ", "d"]
    finder = SentenceFinder(at_bars, longest=500)
    finder.feed("one| tw")
    assert finder.sentence() == "one| "
    assert finder.sentence() is None
    finder.feed("o| three")
    assert finder.piece(clauses=True) == "two| "


@pytest.mark.parametrize(
    ("splitter", "problem"),
    [
        (lambda text: ["something", "else"], "aren't the text"),
        (lambda text: ["c", "a"], "aren't the text"),
        (lambda text: [1], "gave int"),
        (lambda text: None, "gave NoneType, give a list"),
        (len, "gave int, give a list"),
        (str, "gave str, give a list"),
    ],
)
def test_a_splitter_that_changes_the_text_is_refused(splitter, problem):
    with pytest.raises(InvalidParameterError, match=problem) as caught:
        sentences("a b c", splitter=splitter)
    assert caught.value.field == "splitter"


FEWER = settings(max_examples=50)
MARKS = st.text(alphabet="aB. ,!?…。।؟\n\"')1z", max_size=120)


@FEWER
@given(st.lists(MARKS, max_size=20), st.integers(1, 40), st.data())
def test_what_is_given_out_is_what_was_taken_in(pieces, longest, data):
    finder = SentenceFinder(longest=longest)
    out = []
    takers = (finder.sentence, finder.rest, finder.words, lambda: finder.piece(clauses=True))
    for piece in pieces:
        finder.feed(piece)
        taken = data.draw(st.lists(st.sampled_from(takers), max_size=3))
        out += [take() or "" for take in taken]
    finder.finish()
    out += iter(finder.sentence, None)
    assert "".join(out) == "".join(pieces)
    assert finder.waiting == 0


@FEWER
@given(MARKS)
def test_tokens_give_the_sentences_of_the_whole_text(text):
    """Except that marks which need nothing behind them end a sentence at once."""
    text = re.sub(r"[。।؟\n]", " ", text)
    finder = SentenceFinder(longest=500)
    out = []
    for char in text:
        finder.feed(char)
        if (sentence := finder.sentence()) is not None:
            out.append(sentence)
    finder.finish()
    out += iter(finder.sentence, None)
    assert [s.strip() for s in out if s.strip()] == [
        s.strip() for s in sentences(text) if s.strip()
    ]


LONG = {
    "marks": ["!"] * 20_000,
    "dots": ["Thinking " + "." * 30_000],
    "dots and spaces": [". "] * 20_000,
    "words": ["word "] * 20_000,
    "abbreviations": ["Dr. "] * 10_000,
    "closers": ["\"')"] * 10_000,
    "clauses": [", "] * 20_000,
    "commas": [","] * 20_000,
    "sentences": ["This is one. "] * 5_000,
    "one piece": ["This is one. " * 5_000],
    "line breaks": ["\n"] * 20_000,
    "letters": ["a"] * 20_000,
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("how", ["sentence", "piece"])
def test_the_effort_is_linear(name, how):
    """Each character is looked at a bounded number of times, whatever the text is."""
    finder = SentenceFinder(longest=500)
    take = finder.sentence if how == "sentence" else lambda: finder.piece(clauses=True)
    out = []
    for piece in LONG[name]:
        finder.feed(piece)
        out.append(take() or "")
    finder.finish()
    out += iter(take, None)
    size = sum(map(len, LONG[name]))
    assert "".join(out) == "".join(LONG[name])
    assert finder.examined <= EFFORT * size
