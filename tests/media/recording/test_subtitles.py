"""Subtitles of what was said."""

from __future__ import annotations

from akool_async.media.recording.subtitles import Cue, Speech, cues, webvtt


def test_each_sentence_is_a_cue_for_its_share_of_the_time() -> None:
    made = cues([Speech("avatar", "One two. Three four five six.", 1.0, 5.0)], length=10)
    assert [cue.text for cue in made] == ["One two.", "Three four five six."]
    assert made[0].start == 1.0
    assert made[0].end == made[1].start
    assert made[1].end == 5.0
    assert made[0].end - made[0].start < made[1].end - made[1].start


def test_a_long_sentence_is_cut_at_spaces() -> None:
    text = " ".join(f"word{i}" for i in range(60))
    made = cues([Speech("avatar", text, 0.0, 20.0)], length=20)
    assert " ".join(cue.text for cue in made) == text
    assert max(len(cue.text) for cue in made) <= 84


def test_a_text_without_spaces_is_cut_too() -> None:
    made = cues([Speech("avatar", "字" * 200, 0.0, 20.0)], length=20)
    assert "".join(cue.text for cue in made) == "字" * 200
    assert len(made) == 3


def test_sentences_of_chinese_end_without_a_space() -> None:
    made = cues([Speech("avatar", "你好。再见。", 0.0, 2.0)], length=2)
    assert [cue.text for cue in made] == ["你好。", "再见。"]


def test_what_is_outside_the_film_is_left_out() -> None:
    made = cues(
        [
            Speech("avatar", "Before.", -5.0, -1.0),
            Speech("avatar", "Begins before.", -1.0, 2.0),
            Speech("avatar", "Goes on.", 8.0, 99.0),
            Speech("avatar", "After.", 11.0, 12.0),
            Speech("avatar", "  ", 3.0, 4.0),
        ],
        length=10,
    )
    assert [(cue.text, cue.start, cue.end) for cue in made] == [
        ("Begins before.", 0.0, 2.0),
        ("Goes on.", 8.0, 10),
    ]


def test_a_cue_can_be_read() -> None:
    assert cues([Speech("user", "Yes.", 1.0, 1.0)], length=10)[0].end == 1.7


def test_cues_of_two_speakers_are_in_the_order_of_their_beginning() -> None:
    made = cues(
        [Speech("avatar", "First. Second.", 1.0, 5.0), Speech("user", "Stop.", 2.0, 2.5)], length=9
    )
    assert [cue.text for cue in made] == ["First.", "Stop.", "Second."]


def test_webvtt() -> None:
    text = webvtt([Cue("avatar", "1 < 2 & 3 > 2", 0.5, 61.25), Cue("user", "Yes", 3661.0, 3662.0)])
    assert text == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:01:01.250\n<v avatar>1 &lt; 2 &amp; 3 &gt; 2\n\n"
        "01:01:01.000 --> 01:01:02.000\n<v user>Yes\n"
    )


def test_no_repr_has_the_text() -> None:
    assert "secret" not in repr(Speech("a", "secret", 0, 1)) + repr(Cue("a", "secret", 0, 1))
