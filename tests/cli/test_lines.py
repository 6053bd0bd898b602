import asyncio
import os
import pty

import pytest

from akool_async.cli.lines import LONGEST, Lines, typed
from akool_async.errors import ConfigurationError


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


async def gather(lines):
    return [line async for line in lines]


async def test_lines_of_a_pipe(pipe):
    read, write = pipe
    os.write(write, "eins\nzwei\r\n\nüber".encode())
    os.close(write)
    with Lines(read) as lines:
        assert await gather(lines) == ["eins", "zwei", "", "über"]


async def test_a_character_that_comes_in_two_halves(pipe):
    read, write = pipe
    first, second = "ü".encode()[:1], "ü\n".encode()[1:]
    with Lines(read) as lines:
        waiting = asyncio.create_task(anext(lines))
        os.write(write, first)
        while not lines._decoder.getstate()[0]:
            await asyncio.sleep(0)
        os.write(write, second)
        assert await waiting == "ü"


async def test_bytes_that_are_not_utf8_are_replaced(pipe):
    read, write = pipe
    os.write(write, b"a\xffb\n")
    with Lines(read) as lines:
        assert await anext(lines) == "a\ufffdb"


async def test_waiting_can_be_cancelled_and_loses_nothing(pipe):
    read, write = pipe
    with Lines(read) as lines:
        waiting = asyncio.create_task(anext(lines))
        os.write(write, b"half")
        while not lines._text:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        os.write(write, b" a line\n")
        assert await anext(lines) == "half a line"


async def test_a_regular_file_is_read_too(tmp_path):
    file = tmp_path / "lines"
    file.write_text("one\ntwo\n")
    with file.open() as opened, Lines(opened.fileno()) as lines:
        assert await gather(lines) == ["one", "two"]


async def test_the_end_without_any_line(pipe):
    read, write = pipe
    os.close(write)
    with Lines(read) as lines:
        assert await gather(lines) == []


async def test_an_endless_line_is_cut(pipe):
    read, write = pipe
    with Lines(read) as lines:
        waiting = asyncio.create_task(anext(lines))
        sent = 0
        while sent < LONGEST:
            sent += os.write(write, b"x" * 30_000)
            while len(lines._text) < sent and not waiting.done():
                await asyncio.sleep(0)
        assert len(await waiting) >= LONGEST


async def test_leaving_stops_watching(pipe):
    read, _write = pipe
    with Lines(read) as lines:
        waiting = asyncio.create_task(anext(lines))
        await asyncio.sleep(0)
        waiting.cancel()
    assert not asyncio.get_running_loop().remove_reader(read)


async def test_the_loop_goes_on_while_no_line_comes(pipe):
    read, write = pipe
    with Lines(read) as lines:
        os.write(write, b"one\n")
        assert await anext(lines) == "one"
        waiting = asyncio.create_task(anext(lines))
        for _ in range(20):  # would block here for ever if it read without being ready
            await asyncio.sleep(0)
        os.write(write, b"two\n")
        assert await waiting == "two"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("plain text", "plain text"),
        ("ab\x1b[D\x1b[DX\x1b[1;5C", "abX"),  # arrow keys, one with Ctrl held
        ("up\x1bOA\x1bOB", "up"),  # arrow keys of a keypad in application mode
        ("\x1b[200~pasted\x1b[201~", "pasted"),
        ("title\x1b]0;name\x07 and \x1b]8;;x\x1b\\end", "title and end"),
        ("delete\x1b[3~, home\x1b[H, f5\x1b[15~", "delete, home, f5"),
        ("alone\x1b", "alone"),
        ("bell\x07 \x7f\x9b\x00tab\tkept", "bell tab\tkept"),
        ("1\u00a0000\u00a0€", "1\u00a0000\u00a0€"),
        ("\u3000日本語\u3000", "\u3000日本語\u3000"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (
            "👩\u200d💻 👍🏽 🏴\U000e0067\U000e0062\U000e007f",
            "👩\u200d💻 👍🏽 🏴\U000e0067\U000e0062\U000e007f",
        ),
        ("e\u0301 ☎\ufe0f \u200fعربي", "e\u0301 ☎\ufe0f \u200fعربي"),
    ],
)
def test_keys_are_taken_out_of_what_was_typed_and_text_is_kept(line, text):
    assert typed(line) == text


async def test_lines_in_the_encoding_of_standard_input(pipe):
    read, write = pipe
    os.write(write, "Grüße\n€\n".encode("cp1252"))
    os.close(write)
    with Lines(read, encoding="cp1252") as lines:
        assert await gather(lines) == ["Grüße", "€"]


async def test_a_byte_order_mark_is_no_text(pipe):
    read, write = pipe
    os.write(write, "\ufeffHello\n".encode())
    os.close(write)
    with Lines(read) as lines:
        assert await gather(lines) == ["Hello"]


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigurationError, match="standard input is closed"):
        Lines()


async def test_a_loop_that_cannot_watch_files_is_refused_on_entry(pipe, monkeypatch):
    def refuse(*arguments):
        raise NotImplementedError  # as on Windows

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
    with pytest.raises(ConfigurationError, match="WSL"), Lines(pipe[0]):
        pytest.fail("entered")


async def test_a_terminal_that_was_hung_up_is_the_end():
    ours, theirs = pty.openpty()
    try:
        with Lines(theirs) as lines:
            waiting = asyncio.create_task(gather(lines))
            await asyncio.sleep(0)
            os.close(ours)
            assert await waiting == []
    finally:
        os.close(theirs)
