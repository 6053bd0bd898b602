"""The chat's line editor, at a terminal that pyte draws, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import TextIO, cast

import pytest
from drawn_terminal import DrawnTerminal
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from rich.console import Console

from akool_async.cli.prompt import Prompt
from akool_async.cli.running import signals
from akool_async.cli.terminal import OutputError, Printer
from akool_async.testing.waiting import until

UP, LEFT, BACKSPACE, ENTER, ALT_ENTER, CTRL_C, CTRL_D = (
    "\x1b[A", "\x1b[D", "\x7f", "\r", "\x1b\r", "\x03", "\x04",
)  # fmt: skip


class TerminalFile:
    """What the editor writes to; `full` makes it fail."""

    encoding = "utf-8"

    def __init__(self, drawn: DrawnTerminal) -> None:
        self.drawn = drawn
        self.full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.drawn.feed(text.encode())
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise io.UnsupportedOperation  # 80 columns and 24 rows


class Editor:
    """The prompt under test, its keys and its screen."""

    def __init__(self, keys: PipeInput, file: TerminalFile, prompt: Prompt) -> None:
        self.keys = keys
        self.file = file
        self.prompt = prompt

    @property
    def lines(self) -> list[str]:
        return self.file.drawn.lines

    async def shows(self, *lines: str) -> None:
        """Waits until the screen ends with these lines."""
        try:
            await until(lambda: self.lines[-len(lines) :] == list(lines))
        except TimeoutError:
            assert self.lines[-len(lines) :] == list(lines)

    def asking(self) -> asyncio.Task[str]:
        return asyncio.ensure_future(anext(self.prompt))

    async def question(self, *keys: str) -> str:
        """The question that these keys give."""
        asking = self.asking()
        for one in keys:
            self.keys.send_text(one)
        async with asyncio.timeout(30):
            return await asking


@contextlib.contextmanager
def editing() -> Iterator[Editor]:
    """A prompt at a terminal of its own."""
    with create_pipe_input() as keys:
        file = TerminalFile(DrawnTerminal(keys.send_text))
        with (
            create_app_session(input=keys),
            Prompt(Printer(Console()), cast("TextIO", file)) as prompt,
        ):
            yield Editor(keys, file, prompt)


@pytest.fixture
async def editor() -> AsyncIterator[Editor]:
    with editing() as one:
        yield one


async def test_a_reply_comes_above_while_one_types(editor: Editor) -> None:
    asking = editor.asking()
    editor.keys.send_text("half a qu")
    await editor.shows("you> half a qu")
    editor.prompt.piece("avatar> ", style="bold")
    editor.prompt.piece("The first")
    await editor.shows("avatar> The first", "you> half a qu")
    editor.keys.send_text("est")
    editor.prompt.piece(" line\nand the sec")
    await editor.shows("avatar> The first line", "and the sec", "you> half a quest")
    editor.prompt.line("ond.")
    editor.keys.send_text("ion")
    await editor.shows("avatar> The first line", "and the second.", "you> half a question")
    editor.keys.send_text(ENTER)
    assert await asking == "half a question"
    await editor.shows("avatar> The first line", "and the second.")


async def test_a_reply_longer_than_the_screen_is_whole(editor: Editor) -> None:
    words = [f"word{number}" for number in range(300)]
    asking = editor.asking()
    editor.keys.send_text("typed")
    await editor.shows("you> typed")
    for word in words:
        editor.prompt.piece(f"{word} ")
    editor.prompt.line()
    await until(lambda: " ".join(editor.lines[:-1]).split() == words)
    assert editor.lines[-1] == "you> typed"
    assert sum("word0 " in line for line in editor.lines) == 1
    editor.keys.send_text(ENTER)
    assert await asking == "typed"


async def test_between_two_prompts_lines_keep_their_order(editor: Editor) -> None:
    editor.prompt.line("before")
    assert await editor.question("one" + ENTER) == "one"
    editor.prompt.line("")
    editor.prompt.line("between")
    editor.prompt.piece("unfin")
    asking = editor.asking()
    await editor.shows("before", "between", "unfin", "you>")
    editor.prompt.line("ished")
    editor.keys.send_text(CTRL_D)
    with pytest.raises(StopAsyncIteration):
        await asking
    assert editor.lines == ["before", "between", "unfinished"]


@pytest.mark.parametrize(
    ("keys", "question"),
    [
        (("helo" + LEFT + "l" + ENTER,), "hello"),
        (("two" + ALT_ENTER + "lines" + ENTER,), "two\nlines"),
        (("\x1b[200~one\r\nof\nlines\n\x1b[201~", " more" + ENTER), "one\nof\nlines\n more"),
        (("\x1b[200~/quit\x1b[201~" + ENTER,), "/quit"),
        (("你好世" + BACKSPACE + "界" + LEFT + "，" + ENTER,), "你好，界"),
        (("می\u200cخواهم" + BACKSPACE + "م" + ENTER,), "می\u200cخواهم"),
        (("👍🏽 👩\u200d💻 ok" + ENTER,), "👍🏽 👩\u200d💻 ok"),
    ],
)  # fmt: skip
async def test_keys_make_a_question(editor: Editor, keys: tuple[str, ...], question: str) -> None:
    assert await editor.question(*keys) == question


async def test_wide_characters_keep_their_cells_when_the_reply_comes(editor: Editor) -> None:
    asking = editor.asking()
    editor.keys.send_text("你好，世界" + LEFT + LEFT)
    editor.prompt.line("avatar> 我很好 😀 سلام")
    await editor.shows("avatar> 我很好 😀 سلام", "you> 你好，世界")
    editor.keys.send_text("新" + ENTER)
    assert await asking == "你好，新世界"


async def test_history_stays_in_memory(editor: Editor) -> None:
    assert await editor.question("first" + ENTER) == "first"
    assert await editor.question("second" + ENTER) == "second"
    assert await editor.question(UP + UP + "!" + ENTER) == "first!"


async def test_commands_are_offered_while_one_types(editor: Editor) -> None:
    asking = editor.asking()
    editor.keys.send_text("/i")
    await until(lambda: any("the avatar stops speaking" in line for line in editor.lines))
    editor.keys.send_text(BACKSPACE + "act")
    await until(lambda: any("hand_wave" in line for line in editor.lines))
    editor.keys.send_text("\t")
    await until(lambda: "you> /action" in editor.lines)
    editor.keys.send_text("no")
    await until(lambda: "nod" in (line.strip() for line in editor.lines))
    editor.keys.send_text("\t")
    await until(lambda: "you> /action nod" in editor.lines)
    editor.keys.send_text(ENTER)
    assert await asking == "/action nod"


async def test_ctrl_c_is_the_signal(editor: Editor) -> None:
    came: list[signal.Signals] = []
    with signals(came.append, signal.SIGINT):
        asking = editor.asking()
        editor.keys.send_text("kept" + CTRL_C)
        await until(lambda: came)
        editor.keys.send_text(ENTER)
        assert await asking == "kept"
    assert came == [signal.SIGINT]


async def test_what_is_written_to_standard_error_comes_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with editing() as editor:
        asking = editor.asking()
        editor.keys.send_text("typed")
        await editor.shows("you> typed")
        sys.stderr.write("a warn")
        sys.stderr.write("ing\n")
        await editor.shows("a warning", "you> typed")
        thread = threading.Thread(target=sys.stderr.write, args=("from a thread\n",))
        thread.start()
        thread.join()
        await editor.shows("a warning", "from a thread", "you> typed")
        sys.stderr.write("no end")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert editor.lines == ["a warning", "from a thread", "no end"]


async def test_a_redirected_standard_error_stays_where_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with editing() as editor:
        sys.stderr.write("a warning\n")
    assert (capsys.readouterr().err, editor.lines) == ("a warning\n", [])


async def test_a_line_without_its_end_is_printed_when_the_chat_ends(editor: Editor) -> None:
    editor.prompt.piece("said so far")
    editor.prompt.__exit__()
    assert editor.lines == ["said so far"]


async def test_a_terminal_that_cannot_be_written_ends_it(editor: Editor) -> None:
    asking = editor.asking()
    await editor.shows("you>")
    editor.prompt.piece("more\n")
    editor.file.full = True
    with pytest.raises(OutputError, match="No space left"):
        await asking
    with pytest.raises(OutputError):
        editor.prompt.line("again")
    editor.file.full = False
