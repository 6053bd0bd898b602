from __future__ import annotations

import pytest

from akool_async.conversation.boundaries import boundary, sentence_end


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Hello. And", "Hello. "),
        ("Hello.", ""),
        ("3.14 is pi", ""),
        ("Really?! Yes", "Really?! "),
        ('He said "no." Then', 'He said "no." '),
        ("你好。再见", "你好。"),
        ("一行\n二行", "一行\n"),
        ("Wait… what", "Wait… "),
        ("", ""),
    ],
)
def test_where_the_first_sentence_ends(text, first):
    assert text[: sentence_end(text)] == first


@pytest.mark.parametrize(
    ("text", "sentences", "clauses"),
    [
        ("One. Two. Three", "One. Two. ", "One. Two. "),
        ("One. Two, three", "One. ", "One. Two, "),
        ("Well, yes", "", "Well, "),
        ("1,000 things", "", ""),
        ("好，走", "", "好，"),
    ],
)
def test_where_a_text_may_be_cut(text, sentences, clauses):
    assert text[: boundary(text, clauses=False)] == sentences
    assert text[: boundary(text, clauses=True)] == clauses
