"""The text of one utterance, between who writes it and who sends it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from akool_async.conversation.speech.sentences import SentenceFinder, Splitter
from akool_async.errors import InvalidParameterError, TextTimeoutError
from akool_async.stream.surrogates import SurrogateJoiner
from akool_async.validation import plain

__all__ = ["TextSource"]

#: Characters of a sentence that never ends, after which it is said all the same.
_LONGEST_SENTENCE: Final = 500
#: Characters of a message without any place to cut, after which they are sent all the same.
_LONGEST_PIECE: Final = 4_000
#: From this many characters on a clause is long enough for a packet of its own.
_CLAUSE_FROM: Final = 60
#: Characters that may be written ahead of what is sent.
_AHEAD: Final = 20_000
#: After so many pieces without a pause a writer lets the event loop do other things.
_PIECES_AT_ONCE: Final = 50


class TextSource:
    """A writer calls `add`, `ready` and `finish`; the sender takes pieces or sentences.

    Args:
        splitter: finds the ends of sentences; the built-in rules by default.
        by_sentence: whether `sentence` is used; else `piece`.
        timeout: the longest that the sender waits for more text, in seconds.
        most_bytes: of text without a place to cut, after which it is cut between words.
    """

    def __init__(
        self,
        splitter: Splitter | None,
        *,
        by_sentence: bool,
        timeout: float,
        most_bytes: int | None = None,
    ) -> None:
        longest = _LONGEST_SENTENCE if by_sentence else _LONGEST_PIECE
        self._finder = SentenceFinder(splitter, longest=longest)
        self._by_sentence = by_sentence
        self._most_bytes = most_bytes
        #: Pieces that may be sent as they are.
        self._cut: deque[str] = deque()
        self._cut_any = False
        self._timeout = timeout
        self._error: BaseException | None = None
        self._joiner = SurrogateJoiner()
        self._blank: list[str] | None = []
        self._finished = False
        self._pieces_at_once = 0
        self._since = 0.0
        #: When the latest of text that comes in pieces was given.
        self.given_at: float | None = None
        self._changed = asyncio.Event()
        self._space = asyncio.Event()
        self._space.set()

    # For the writer.

    def add(self, piece: object) -> None:
        """More of the text; `None` and "" are skipped, as models send them.

        Raises:
            InvalidParameterError: neither a str nor `None`, or half of a surrogate pair whose
                other half isn't next to it.
        """
        if piece is None:
            return
        if not isinstance(piece, str):
            raise InvalidParameterError(
                "text", f"the iterator gave {type(piece).__name__}, give str or None"
            )
        if text := self._joiner.add(plain(piece)):
            self.given_at = asyncio.get_running_loop().time()
            self._give(text)

    def add_whole(self, text: str) -> None:
        """All of the text at once.

        Raises:
            InvalidParameterError: as for `add`.
        """
        text = self._joiner.add(plain(text))
        if not text.isspace():
            self._finder.feed(text)
        self.finish()

    async def ready(self) -> None:
        """Returns when more may be added; lets other tasks run now and then."""
        self._pieces_at_once += 1
        if self._ahead > _AHEAD:
            self._space.clear()
            await self._space.wait()
        elif self._pieces_at_once >= _PIECES_AT_ONCE:
            self._pieces_at_once = 0
            await asyncio.sleep(0)

    def finish(self) -> None:
        """The text is whole.

        Raises:
            InvalidParameterError: it ends with half of a surrogate pair.
        """
        self._joiner.finish()
        self._finished = True
        self._finder.finish()
        if not self._by_sentence and (text := self._finder.rest()):
            self._cut.append(text)
        self._changed.set()

    def fail(self, error: BaseException) -> None:
        """No more comes, because of `error`: raised when what was given before is taken."""
        self._error = error
        self._changed.set()

    def _give(self, text: str) -> None:
        if self._blank is not None:
            # White space before the first word may be all there is: then nothing is to be said.
            self._blank.append(text)
            if text.isspace():
                return
            text, self._blank = "".join(self._blank), None
        if not self._finder.waiting:
            self._since = asyncio.get_running_loop().time()
        self._finder.feed(text)
        if not self._by_sentence:
            self._cut_piece()
        self._changed.set()

    def _cut_piece(self) -> None:
        # The first words are sent at the first pause for breath; later ones in fuller packets.
        finder = self._finder
        text = finder.piece(clauses=not self._cut_any or finder.waiting >= _CLAUSE_FROM)
        most = self._most_bytes
        if text is None and most is not None and finder.waiting_bytes >= most:
            text = finder.words()
        if text is not None:
            self._cut.append(text)
            self._cut_any = True
            self._since = asyncio.get_running_loop().time()

    # For the sender.

    @property
    def exhausted(self) -> bool:
        """Whether all of it was taken, and no more comes."""
        return self._finished and not self._finder.waiting and not self._cut

    async def sentence(self) -> str | None:
        """The next sentence that isn't blank, once it is whole; `None`: there are no more.

        Raises:
            TextTimeoutError: no more text came in time.
            Exception: as given to `fail`.
        """
        blank = ""
        while True:
            text = self._finder.sentence()
            self._taken()
            if text is not None:
                if text.strip():
                    return blank + text
                blank += text
            elif self._error is not None:
                raise self._error
            elif self._finished:
                return None
            else:
                await self._more(self._timeout)

    async def piece(self, *, delay: float) -> str | None:
        """More of the text, up to a good place to cut; `None`: that was all.

        Text that waited for `delay` seconds is given wherever it ends.

        Raises:
            TextTimeoutError: no more text came in time.
            Exception: as given to `fail`.
        """
        loop = asyncio.get_running_loop()
        while not self._cut:
            if self._error is not None:
                raise self._error
            if self._finished:
                return None
            if not self._finder.waiting:
                await self._more(self._timeout)
            elif (left := self._since + delay - loop.time()) > 0:
                await self._more(left, fail=False)
            elif text := self._finder.rest():
                self._cut.append(text)
                self._cut_any = True
        text = self._cut.popleft()
        self._taken()
        return text

    def _taken(self) -> None:
        if self._ahead <= _AHEAD:
            self._space.set()

    @property
    def _ahead(self) -> int:
        """Characters that wait, as far as they are counted."""
        return self._finder.waiting + len(self._cut) * _CLAUSE_FROM

    async def _more(self, timeout: float, *, fail: bool = True) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(max(0.0, timeout)):
                await self._changed.wait()
        except TimeoutError:
            if fail:
                raise TextTimeoutError(
                    f"the text being said got no further for {timeout:g} s "
                    "(ConversationOptions.text_timeout); what was sent of it was cut off"
                ) from None
