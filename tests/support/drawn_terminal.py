"""What a person sees of the bytes that a program writes to a terminal, drawn by pyte."""

from __future__ import annotations

from collections.abc import Callable

import pyte

__all__ = ["ROWS", "DrawnTerminal"]

ROWS = 24


class DrawnTerminal:
    """A screen with what was scrolled out of it.

    pyte draws neither joined emoji nor what comes after them in the same write.
    """

    def __init__(self, answer: Callable[[str], object], *, columns: int = 80) -> None:
        """`answer` is given what the terminal answers when it is asked where the cursor is."""
        #: Everything that was ever written to it.
        self.written = ""
        self._screen = pyte.HistoryScreen(columns, ROWS, history=10_000)
        # What pyte has for it to be replaced: its own does nothing.
        self._screen.write_process_input = answer  # type: ignore[method-assign,assignment]
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        """Draws what a program wrote."""
        self.written += data.decode(errors="replace")
        self._stream.feed(data)

    @property
    def lines(self) -> list[str]:
        """The lines that aren't empty, first those scrolled out, without spaces at their ends."""
        above = [
            "".join(line[column].data for column in range(self._screen.columns))
            for line in self._screen.history.top
        ]
        lines = [line.rstrip() for line in (*above, *self._screen.display)]
        return [line for line in lines if line]
