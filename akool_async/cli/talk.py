"""One conversation in a terminal: lines in, commands, the reply streaming out, Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

from akool_async import events
from akool_async.cli.chat_commands import HELP
from akool_async.cli.lines import typed
from akool_async.cli.running import signals
from akool_async.cli.terminal import Printer
from akool_async.cli.timing import TurnTimings
from akool_async.conversation import AvatarSession
from akool_async.errors import AkoolError
from akool_async.stream import EXPRESSIONS

__all__ = ["Talk"]

#: Two Ctrl-C within this many seconds end the chat.
TWICE: Final = 2.0

#: These may come while the avatar replies, also in input that isn't typed.
_DURING_REPLIES: Final = ("/interrupt", "/action", "/help")


class Talk:
    """One chat; `run` returns the exit status.

    Lines take effect in their order. From a pipe or a file a command waits until the questions
    before it are answered; one that concerns the reply under way, as /interrupt, until they are
    sent. On a terminal commands take effect at once, except that they don't overtake a question
    that isn't sent yet; /interrupt and /quit do.

    Args:
        avatar: with whom.
        out: where it is printed.
        interactive: whether a person types.
        editor: whether an editor shows the prompt, and takes away what was typed; else the
            terminal shows it.
        timings: a line of which is printed after each reply.
    """

    def __init__(
        self,
        avatar: AvatarSession,
        out: Printer,
        *,
        interactive: bool,
        editor: bool = False,
        timings: TurnTimings | None = None,
    ) -> None:
        self._avatar = avatar
        self._out = out
        self._interactive = interactive
        self._editor = editor
        self._timings = timings
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._answering: asyncio.Task[None] | None = None
        self._speaking = False
        self._in_line = False
        self._own: set[str | None] = set()
        self._leave = asyncio.Event()
        self._interrupted_at = float("-inf")
        self._others: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._status = 0

    async def run(self, lines: AsyncIterator[str]) -> int:
        """Until /quit, Ctrl-C twice, the room's end, or the end of input and the replies to it."""
        with signals(self._ctrl_c, signal.SIGINT):
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(self._read(lines), name="akool-chat-read"),
                asyncio.create_task(self._work(), name="akool-chat-work"),
                asyncio.create_task(self._listen(), name="akool-chat-listen"),
                asyncio.create_task(self._leave.wait(), name="akool-chat-leave"),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                tasks += self._others
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in (self._failure, *ended):
            if isinstance(outcome, Exception):
                raise outcome
        return self._status

    async def _read(self, lines: AsyncIterator[str]) -> None:
        """Ends when the chat shall end."""
        self._prompt()
        async for line in lines:
            text = "\n".join(map(typed, line.split("\n")))
            if not text.strip():
                self._prompt()
                continue
            command = text.split()[0] if text.startswith("/") else None
            if self._editor:
                self._repeat(text)
            if self._interactive and command == "/quit":
                return
            if self._interactive and command == "/interrupt":
                self._start(self._do(text), "akool-chat-interrupt")
            else:
                self._lines.put_nowait(text)
        if not self._editor:
            await self._lines.join()

    async def _work(self) -> None:
        """Asks and does what was typed, in order; ends at /quit."""
        while True:
            text = await self._lines.get()
            is_command = text.startswith("/")
            command = text.split()[0] if is_command else None
            at_once = is_command and (self._interactive or command in _DURING_REPLIES)
            if self._answering is not None and not at_once:
                await asyncio.wait([self._answering])
            if not self._interactive:
                self._repeat(text)
            if command == "/quit":
                return
            if is_command:
                await self._do(text)
                self._prompt()
                self._lines.task_done()
            else:
                await self._ask(text)

    async def _ask(self, text: str) -> None:
        """Returns when the question is sent. The reply is printed meanwhile, and afterwards."""
        sent = asyncio.Event()
        if self._timings is not None:
            self._timings.begin_turn()
        self._speaking = True
        self._interrupted_at = float("-inf")  # twice means: with nothing asked in between

        async def answer() -> None:
            try:
                async with self._avatar.stream(text) as pieces:
                    self._own.add(pieces.question)
                    sent.set()
                    async for piece in pieces:
                        self._piece(piece)
                if self._timings is not None:
                    self._say(f"({await self._timings.line()})")
            except AkoolError as error:
                self._say(f"({error})")
            finally:
                self._speaking = False
                sent.set()
                self._lines.task_done()
            self._end_line()
            self._prompt()

        self._answering = self._start(answer(), "akool-chat-answer")
        await sent.wait()

    async def _do(self, text: str) -> None:
        """Does a command and says how it went; one that fails doesn't end the chat."""
        word, _, rest = text.partition(" ")
        avatar, value = self._avatar, rest.strip()
        try:
            match word, value:
                case "/interrupt", "":
                    await avatar.interrupt()
                case "/language" | "/lang", str() if value:
                    await avatar.set_params(language=value)
                case "/voice", str() if value:
                    await avatar.set_params(voice_id=value)
                case "/mode", "1" | "2":
                    await avatar.set_params(mode=1 if value == "1" else 2)
                case "/action", str() if value in EXPRESSIONS:
                    await avatar.act(expression=value)
                case "/action", str() if value:
                    await avatar.act(action=value)
                case _:
                    self._say(HELP)
                    return
        except AkoolError as error:
            self._say(f"({error})")
        else:
            self._say("(done)")

    async def _listen(self) -> None:
        """Prints what happens in the room besides the replies to what was typed here: a page that
        is open in a browser (--watch) asks, too.
        """
        async for event in self._avatar.events():
            match event:
                case events.UserSpoke(text=text):
                    self._say(f"heard> {text}")
                case events.ReplyDelta(text=text) if event.question not in self._own:
                    self._piece(text)
                case events.ReplyDone() if event.question not in self._own:
                    self._end_line()
                case events.Reconnecting():
                    self._say("(the connection is interrupted; connecting again)")
                case events.Reconnected():
                    self._say("(connected again)")
                case events.AvatarLeft():
                    self._say("(the avatar left the room; waiting for it to return)")
                case events.AvatarReturned():
                    self._say("(the avatar returned)")
                case events.SessionEnding(seconds_left=seconds):
                    self._say(f"(the session ends in {seconds:.0f} s)")
                case events.Disconnected(reason=reason):
                    self._say(f"(the session is over: {reason})")
                    self._status = 1
                    return

    def _ctrl_c(self, number: signal.Signals) -> None:
        del number
        now = time.monotonic()
        if now - self._interrupted_at < TWICE:
            self._leave.set()
            return
        self._interrupted_at = now
        if not self._speaking:
            self._say("(Ctrl-C again leaves)")
            return
        self._say("(interrupting; Ctrl-C again leaves)")
        self._start(self._do("/interrupt"), "akool-chat-interrupt")

    def _start(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """A task that `run` ends; one that fails ends the chat."""

        def done(task: asyncio.Task[None]) -> None:
            self._others.discard(task)
            if not task.cancelled() and task.exception() is not None:
                self._failure = self._failure or task.exception()
                self._leave.set()

        task = asyncio.create_task(coroutine, name=name)
        self._others.add(task)
        task.add_done_callback(done)
        return task

    def _prompt(self) -> None:
        if self._interactive and not self._editor and not self._speaking:
            self._out.piece("you> ")

    def _repeat(self, text: str) -> None:
        self._say("you> " + text.replace("\n", "\n     "))

    def _piece(self, text: str) -> None:
        """The avatar's words; what was printed between them is followed by another such line."""
        if text and not self._in_line:
            self._out.piece("avatar> ", style="bold")
            self._in_line = True
        self._out.piece(text)

    def _end_line(self) -> None:
        if self._in_line:
            self._out.line()
            self._in_line = False

    def _say(self, text: str) -> None:
        self._end_line()
        self._out.line(text)
