"""One conversation in a terminal: lines in, commands, the reply streaming out, Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable
from typing import Any

from akool_async import events
from akool_async.cli.lines import Lines
from akool_async.cli.running import signals
from akool_async.cli.terminal import Printer
from akool_async.conversation import AvatarSession
from akool_async.errors import AkoolError, DisconnectedError
from akool_async.stream import ACTIONS, EXPRESSIONS

__all__ = ["Talk"]

HELP = f"""\
/interrupt             the avatar stops speaking (Ctrl-C does the same, twice leaves)
/lang CODE             the language, for example /lang en
/voice ID              the voice
/mode 1|2              1: it says what you type, 2: it answers
/action NAME           {" ".join((*ACTIONS, *EXPRESSIONS))}
/quit                  closes the session and leaves (so does the end of input)"""

#: Two Ctrl-C within this many seconds leave.
TWICE = 2.0


class Talk:
    """Lives as long as the conversation; `run` returns the exit status."""

    def __init__(self, avatar: AvatarSession, out: Printer) -> None:
        self._avatar = avatar
        self._out = out
        self._questions: asyncio.Queue[str] = asyncio.Queue()
        self._speaking = False
        self._in_line = False
        self._leave = asyncio.Event()
        self._interrupted_at = float("-inf")
        self._urgent: set[asyncio.Task[None]] = set()
        self._status = 0

    async def run(self) -> int:
        """Until /quit, Ctrl-C twice, the room's end, or the end of input and the replies to it."""
        with Lines() as lines, signals(self._ctrl_c, signal.SIGINT):
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(self._read(lines), name="akool-chat-read"),
                asyncio.create_task(self._ask(), name="akool-chat-ask"),
                asyncio.create_task(self._listen(), name="akool-chat-listen"),
                asyncio.create_task(self._leave.wait(), name="akool-chat-leave"),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                tasks += self._urgent
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome
        return self._status

    async def _read(self, lines: Lines) -> None:
        self._prompt()
        async for line in lines:
            text = line.strip()
            if not sys.stdin.isatty():
                self._say(f"you> {text}")
            if text == "/quit":
                return
            if text.startswith("/"):
                await self._tell(self._command(text))
                self._prompt()
            elif text:
                self._questions.put_nowait(text)
            else:
                self._prompt()
        await self._questions.join()

    def _command(self, text: str) -> Awaitable[object] | None:
        word, _, rest = text.partition(" ")
        avatar, value = self._avatar, rest.strip()
        match word, value:
            case "/interrupt", "":
                return avatar.interrupt()
            case "/lang", str() if value:
                return avatar.set_params(language=value)
            case "/voice", str() if value:
                return avatar.set_params(voice_id=value)
            case "/mode", "1" | "2":
                return avatar.set_params(mode=1 if value == "1" else 2)
            case "/action", str() if value in EXPRESSIONS:
                return avatar.act(expression=value)
            case "/action", str() if value:
                return avatar.act(action=value)
        self._say(HELP)
        return None

    async def _tell(self, command: Awaitable[object] | None) -> None:
        """Says how a command went; one that failed doesn't end the conversation."""
        if command is None:
            return
        try:
            await command
        except DisconnectedError:
            raise
        except AkoolError as error:
            self._say(f"({error})")
        else:
            self._say("(done)")

    async def _ask(self) -> None:
        """Asks what was typed, one question after the other, and prints each reply as it comes."""
        while True:
            text = await self._questions.get()
            self._speaking = True
            self._interrupted_at = float("-inf")  # twice means: with nothing asked in between
            try:
                async for piece in self._avatar.stream(text):
                    self._piece(piece)
            except DisconnectedError:
                raise
            except AkoolError as error:
                self._say(f"({error})")
            finally:
                self._speaking = False
                self._questions.task_done()
            self._end_line()
            self._prompt()

    async def _listen(self) -> None:
        """Prints what happens in the room besides the replies to what was typed."""
        async for event in self._avatar.events():
            match event:
                case events.UserSpoke(text=text):
                    self._say(f"heard> {text}")
                case events.ReplyDelta(text=text, question=None):
                    self._piece(text)
                case events.ReplyDone(question=None):
                    self._end_line()
                case events.Reconnecting() | events.AvatarLeft():
                    self._say("(the connection is interrupted)")
                case events.Reconnected() | events.AvatarReturned():
                    self._say("(the connection stands again)")
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
        task = asyncio.create_task(self._tell(self._avatar.interrupt()), name="akool-chat-stop")
        self._urgent.add(task)
        task.add_done_callback(self._urgent.discard)

    def _prompt(self) -> None:
        if sys.stdin.isatty() and not self._speaking:
            self._out.piece("you> ")

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
