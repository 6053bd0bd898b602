"""A chat over the simulator, with lines from a list in place of a terminal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

from akool_async import AkoolClient, AvatarSession
from akool_async.cli.chat_commands import HELP
from akool_async.cli.talk import Talk
from akool_async.cli.terminal import Printer
from akool_async.errors import AkoolError
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until


class Chat:
    """A chat, what it printed, and the lines that it is given as they are typed."""

    def __init__(self, sim: Simulator, avatar: AvatarSession) -> None:
        self.sim = sim
        self.avatar = avatar
        self._output = io.StringIO()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()

    @property
    def printed(self) -> str:
        return self._output.getvalue()

    def type(self, *lines: str | None) -> None:
        """`None` is the end of the input."""
        for line in lines:
            self._lines.put_nowait(line)

    async def run(self, *lines: str | None, interactive: bool = False, editor: bool = False) -> int:
        out = Printer(Console(file=self._output, width=200))
        talk = Talk(self.avatar, out, interactive=interactive, editor=editor)
        self.type(*lines)
        async with asyncio.timeout(60):
            return await talk.run(self._typed())

    async def _typed(self) -> AsyncIterator[str]:
        while (line := await self._lines.get()) is not None:
            yield line


@asynccontextmanager
async def chat() -> AsyncIterator[Chat]:
    async with (
        Simulator(queue_time=0.0) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session("dvp_Tristan_cloth2_1080P", stream_type="trtc") as avatar,
    ):
        yield Chat(sim, avatar)


async def test_lines_of_a_pipe_take_effect_in_their_order() -> None:
    async with chat() as c:
        assert await c.run("one", "/mode 1", "two", "/mode 2", "three", None) == 0
        assert c.printed == (
            "you> one\navatar> You said: one\n"
            "you> /mode 1\n(done)\n"
            "you> two\navatar> two\n"
            "you> /mode 2\n(done)\n"
            "you> three\navatar> You said: three\n"
        )


async def test_what_follows_quit_is_not_asked() -> None:
    async with chat() as c:
        assert await c.run("one", "/quit", "two", None) == 0
        assert "You said: one" in c.printed
        assert "two" not in c.printed


@pytest.mark.parametrize("line", ["/help", "/mode 3", "/language", "/nothing of the kind"])
async def test_what_is_no_command_lists_them(line: str) -> None:
    async with chat() as c:
        assert await c.run(line, None) == 0
        assert HELP in c.printed


async def test_gestures_voices_and_languages_are_set() -> None:
    async with chat() as c:
        lines = ["/action nod", "/action happiness", "/voice v2", "/language fr", "/lang de"]
        assert await c.run(*lines, None) == 0
        assert c.printed.count("(done)") == len(lines)


async def test_a_refused_command_does_not_end_the_chat() -> None:
    async with chat() as c:
        assert await c.run("/action somersault", "still here?", None) == 0
        assert "(action: " in c.printed
        assert "You said: still here?" in c.printed


async def test_on_a_terminal_each_question_has_its_prompt_and_empty_lines_none() -> None:
    async with chat() as c:
        running = asyncio.create_task(c.run("one", interactive=True))
        await until(lambda: c.printed.endswith("You said: one\nyou> "))
        c.type("  ", "/quit")
        assert await running == 0
        assert c.printed == "you> avatar> You said: one\nyou> you> "


async def test_with_an_editor_several_lines_are_one_question() -> None:
    async with chat() as c:
        running = asyncio.create_task(c.run("one\ntwo", interactive=True, editor=True))
        await until(lambda: c.printed.endswith("You said: one\ntwo\n"))
        c.type("/quit")
        assert await running == 0
        assert c.printed.startswith("you> one\n     two\navatar> ")


async def test_what_a_person_says_and_its_reply_are_printed() -> None:
    async with chat() as c:
        running = asyncio.create_task(c.run(interactive=True))
        await until(lambda: bool(c.printed))
        (session,) = c.sim.open_sessions
        await c.sim.user_says(session, "Hello!")
        await until(lambda: "assist you today?\n" in c.printed)
        assert "heard> Hello!\navatar> " in c.printed
        c.type("/quit")
        assert await running == 0


async def test_a_reply_to_a_question_that_was_not_typed_here_is_printed_once() -> None:
    async with chat() as c:
        running = asyncio.create_task(c.run("typed", interactive=True))
        await until(lambda: "You said: typed\n" in c.printed)
        await c.avatar.ask("from a page")
        await until(lambda: "You said: from a page\n" in c.printed)
        c.type("/quit")
        assert await running == 0
        assert c.printed.count("You said: typed") == c.printed.count("from a page") == 1


async def test_the_end_of_the_room_ends_it_with_status_1() -> None:
    async with chat() as c:
        running = asyncio.create_task(c.run(interactive=True))
        await until(lambda: bool(c.printed))
        (session,) = c.sim.open_sessions
        await c.sim.fail_session(session)
        assert await running == 1
        assert "(the session is over: " in c.printed


async def test_input_that_fails_ends_it_by_that_error() -> None:
    async def failing() -> AsyncIterator[str]:
        yield "one"
        raise AkoolError("the input can't be read")

    async with chat() as c:
        talk = Talk(c.avatar, Printer(Console(file=io.StringIO())), interactive=False)
        with pytest.raises(AkoolError, match="can't be read"):
            await talk.run(failing())
