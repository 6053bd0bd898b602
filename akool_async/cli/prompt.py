"""A line editor at the bottom of a terminal; what is printed meanwhile appears above it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self, TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output
from prompt_toolkit.shortcuts import print_formatted_text

from akool_async.cli.chat_commands import completions
from akool_async.cli.rows import Row, trimmed, wrapped
from akool_async.cli.terminal import Printer, printable, writing

__all__ = ["Prompt"]

_PROMPT: Final = "you> "
#: Rows for the menu of completions.
_MENU: Final = 7


class Prompt(Printer):
    """Questions that a person edits, and the `Printer` whose lines appear above them.

    `async for` gives the questions; a pasted text of several lines is one. It ends by Ctrl-D.
    Ctrl-C is the signal SIGINT, as where nothing is edited. Questions are remembered in memory
    only.

    Whole lines are printed above the prompt. The last, unfinished one belongs to the prompt and
    grows in it; of one that would fill the screen the first rows are printed as lines.

    Use as a context manager: what is written to standard error, if that is a terminal, appears
    above, too.
    """

    def __init__(self, printer: Printer, file: TextIO | None = None) -> None:
        """Nothing is shown yet.

        Args:
            printer: of the same terminal.
            file: the terminal; standard output by default.
        """
        super().__init__(printer.console)
        #: Whole rows that aren't printed yet.
        self._rows: list[Row] = []
        self._unfinished: Row = []
        self._printing: asyncio.Task[None] | None = None
        self._failure: OSError | None = None
        self._stack = contextlib.ExitStack()
        self._session: PromptSession[str] = PromptSession(
            self._message,
            history=InMemoryHistory(),
            completer=_Commands(),
            complete_while_typing=Condition(self._is_command),
            key_bindings=_keys(),
            prompt_continuation=" " * len(_PROMPT),
            reserve_space_for_menu=_MENU,
            erase_when_done=True,  # the chat prints what it takes up
            output=create_output(cast("TextIO", _Guarded(file or sys.stdout, self._fail))),
        )

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            stray = _Stray(self, asyncio.get_running_loop())
            self._stack.enter_context(contextlib.redirect_stderr(stray))
            self._stack.callback(stray.finish)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
        if self._unfinished:
            self._end_row()
        self._print()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """The next question.

        Raises:
            StopAsyncIteration: Ctrl-D.
            OutputError: the terminal can't be written to.
        """
        self._check()
        try:
            text = await self._session.prompt_async(
                handle_sigint=False, set_exception_handler=False
            )
        except EOFError:
            raise StopAsyncIteration from None
        finally:
            # It prints between two prompts as well; but who leaves finds everything printed.
            if self._printing is not None:
                await asyncio.wait([self._printing])
        return text.strip("\n")

    # -- printing

    def piece(self, text: str, *, style: str = "") -> None:
        """Adds to the unfinished line; prints the lines that end in the text.

        Raises:
            OutputError: the terminal can't be written to.
        """
        self._check()
        for number, part in enumerate(printable(text).expandtabs().split("\n")):
            if number:
                self._end_row()
            if part:
                self._unfinished.append((style, part))
        size = self._session.output.get_size()
        rows = wrapped(self._unfinished, size.columns)
        kept = max(1, size.rows // 2)
        if len(rows) > kept:
            self._rows += map(trimmed, rows[:-kept])
            self._unfinished = [one for row in rows[-kept:] for one in row]
        app = self._session.app
        if not app.is_running:
            self._print()
            self._check()
            return
        app.invalidate()
        if self._rows and self._printing is None:
            self._printing = asyncio.create_task(self._print_above(), name="akool-chat-print")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _end_row(self) -> None:
        self._rows.append(self._unfinished)
        self._unfinished = []

    async def _print_above(self) -> None:
        try:
            while self._rows:
                await run_in_terminal(self._print)
        finally:
            self._printing = None

    def _print(self) -> None:
        """Writes the whole rows to the terminal, where the prompt isn't."""
        rows, self._rows = self._rows, []
        for row in rows:
            print_formatted_text(FormattedText(row), output=self._session.output, flush=True)

    def _fail(self, error: OSError) -> None:
        """The terminal can't be written to."""
        if self._failure is not None:
            return
        try:
            with writing():
                raise error
        except OSError as failure:
            self._failure = failure
        app = self._session.app
        if app.is_running and not app.is_done:
            app.exit(exception=self._failure)

    def _message(self) -> StyleAndTextTuples:
        """The prompt with the rows that aren't printed, or not yet."""
        columns = self._session.output.get_size().columns
        waiting = [*self._rows, *([self._unfinished] if self._unfinished else [])]
        shown: StyleAndTextTuples = []
        for row in (one for line in waiting for one in wrapped(line, columns)):
            shown += [*trimmed(row), ("", "\n")]
        return [*shown, ("bold", _PROMPT)]

    def _is_command(self) -> bool:
        return self._session.default_buffer.text.startswith("/")


class _Commands(Completer):
    """The chat's commands and their arguments."""

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """As prompt_toolkit calls it."""
        del complete_event
        return _found(document.text_before_cursor)


def _found(text: str) -> Iterator[Completion]:
    if text.startswith("/"):
        for word, does, length in completions(text):
            yield Completion(word, start_position=-length, display_meta=does)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        del event
        signal.raise_signal(signal.SIGINT)

    @keys.add("escape", "enter")  # Alt-Enter
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class _Guarded:
    """The terminal. Its errors are given to `failed`: raised in the editor, they would hang it."""

    def __init__(self, file: TextIO, failed: Callable[[OSError], None]) -> None:
        self._file = file
        self._failed = failed
        self.encoding = file.encoding
        self.isatty = file.isatty
        self.fileno = file.fileno

    def write(self, text: str) -> int:
        """As `TextIO.write`."""
        try:
            return self._file.write(text)
        except OSError as error:
            self._failed(error)
            return len(text)

    def flush(self) -> None:
        """As `TextIO.flush`."""
        try:
            self._file.flush()
        except OSError as error:
            self._failed(error)


class _Stray(io.TextIOBase):
    """Standard error while there is a prompt: its lines appear above, from whatever thread."""

    def __init__(self, prompt: Prompt, loop: asyncio.AbstractEventLoop) -> None:
        self._prompt = prompt
        self._loop = loop
        self._thread = threading.get_ident()
        self._context = contextvars.copy_context()
        self._text = ""
        self._lock = threading.Lock()

    def write(self, text: str, /) -> int:
        """Keeps the text until its line ends."""
        with self._lock:
            *lines, self._text = (self._text + text).split("\n")
        for line in lines:
            if threading.get_ident() == self._thread:
                self._prompt.line(line)
            else:
                self._loop.call_soon_threadsafe(self._prompt.line, line, context=self._context)
        return len(text)

    def finish(self) -> None:
        """Prints a line that has no end."""
        if self._text:
            self.write("\n")
