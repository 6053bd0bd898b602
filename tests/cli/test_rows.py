import pytest
from prompt_toolkit.utils import get_cwidth

from akool_async.cli.rows import trimmed, wrapped


def text(row):
    return "".join(part for _, part in row)


@pytest.mark.parametrize(
    ("given", "columns", "rows"),
    [
        ("", 5, [""]),
        ("short", 5, ["short"]),
        ("one two three", 7, ["one two", "three"]),
        ("one two  three", 7, ["one two", "three"]),
        ("wonderful", 4, ["wond", "erfu", "l"]),
        ("a wonderful", 4, ["a", "wond", "erfu", "l"]),
        ("你好世界", 5, ["你好", "世界"]),
        ("ab 你好", 5, ["ab", "你好"]),
        ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
        ("می\u200cخواهم", 4, ["می\u200cخو", "اهم"]),
        ("x👩\u200d💻", 3, ["x👩\u200d💻"]),
    ],
)
def test_rows_fit_and_are_cut_at_spaces(given, columns, rows):
    found = wrapped([("", given)], columns)
    assert [text(trimmed(row)) for row in found] == rows
    assert "".join(map(text, found)) == given


def test_styles_stay_with_their_text():
    assert wrapped([("bold", "ab c"), ("", "d ef")], 5) == [
        [("bold", "ab c"), ("", "d ")],
        [("", "ef")],
    ]


def test_no_row_is_wider_than_the_screen():
    words = " ".join("你好" * (n % 5) + "word" * (n % 3) for n in range(60))
    for columns in (2, 3, 9, 20):
        for row in wrapped([("", words)], columns):
            assert sum(map(get_cwidth, text(trimmed(row)))) <= columns
