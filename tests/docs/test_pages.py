"""The programs of the guides and of the transports' pages, run as they are printed.

Those of the README are run by `tests/test_readme.py`.

Every block marked as Python is run against the simulator, unless a comment above it says why not:

    <!-- not run: REASON -->

A block with tests is run by pytest, one that runs an event loop as a program, any other in a
coroutine: `akool` is a client of the simulator there, `avatar` an open session. Other comments
above a block: `output`, it prints exactly the text block that follows; `visitor: TEXT => ANSWER`,
when a visitor says TEXT, the avatar comes to say ANSWER, and then the program is ended by SIGTERM;
`livekit`, its environment has the simulator's LiveKit server.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from running_command import Command, until

import akool_async
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("docs/*.md"), *ROOT.glob("transports/*/README.md")]
AVATAR = "dvp_Tristan_cloth2_1080P"

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>.*?) -->\n)?^```python\n(?P<code>.*?)^```$"
    r"(?:\n\n^```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A Python block of a page."""

    page: str
    number: int
    mark: str
    code: str
    output: str | None

    @property
    def kind(self) -> str:
        """How it is run."""
        if self.mark.startswith("not run:"):
            return "not run"
        if "def test_" in self.code:
            return "pytest"
        loops = ("akool_async.run(", "asyncio.run(", ".run_forever")
        return "program" if any(loop in self.code for loop in loops) else "coroutine"


def blocks_of(text: str, page: str) -> list[Block]:
    return [
        Block(page, number, found["mark"] or "", found["code"], found["output"])
        for number, found in enumerate(BLOCK.finditer(text), 1)
    ]


BLOCKS = [
    block
    for page in sorted(PAGES)
    for block in blocks_of(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)))
]


def pages_with(kind: str) -> list[str]:
    """The pages that have blocks of a kind."""
    return sorted({block.page for block in BLOCKS if block.kind == kind})


PROGRAMS = [
    pytest.param(block, id=f"{block.page}-{block.number}")
    for block in BLOCKS
    if block.kind == "program"
]


@pytest.fixture
def service(akool_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The test's simulator, which the environment names."""
    monkeypatch.setenv("AKOOL_API_URL", akool_simulator.url)
    monkeypatch.setenv("AKOOL_API_KEY", "any")
    monkeypatch.setenv("LIVEKIT_URL", akool_simulator.url.replace("http:", "ws:"))
    monkeypatch.setenv("LIVEKIT_API_KEY", API_KEY)
    monkeypatch.setenv("LIVEKIT_API_SECRET", API_SECRET)
    return akool_simulator


class Coroutines:
    """Runs blocks one after the other, as cells of a notebook: names of one are there in the next.

    `akool` and `avatar` are there from the start, and are closed with what the blocks left in them.
    """

    def __init__(self, service: Simulator) -> None:
        self._service = service
        self._stack = AsyncExitStack()
        self.names: dict[str, Any] = {"asyncio": asyncio, "__name__": "page"}
        self.names |= {name: getattr(akool_async, name) for name in akool_async.__all__}

    async def __aenter__(self) -> Self:
        client = akool_async.AkoolClient("any", base_url=self._service.url)
        self.names["akool"] = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in ("avatar", "akool"):
            if name in self.names:
                await self.names[name].aclose()
        await self._stack.aclose()

    async def run(self, block: Block) -> None:
        tree = ast.parse(block.code)
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        mine = any(node.id == "avatar" and isinstance(node.ctx, ast.Store) for node in used)
        wanted = any(node.id == "avatar" for node in used)
        if wanted and not mine and "avatar" not in self.names:
            self.names["avatar"] = await self.names["akool"].open_session(AVATAR, duration=60)
        code = compile(
            tree, f"{block.page}, block {block.number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )
        result = eval(code, self.names)
        if inspect.isawaitable(result):
            await result


@pytest.mark.parametrize("page", pages_with("coroutine"))
async def test_the_blocks_of_a_page_run(service, page, capsys):
    ran = 0
    for block in (b for b in BLOCKS if b.page == page and b.kind == "coroutine"):
        capsys.readouterr()
        async with asyncio.timeout(60), Coroutines(service) as coroutines:
            await earlier(coroutines, block)
            await coroutines.run(block)
        ran += 1
        if block.output is not None:
            assert capsys.readouterr().out == block.output
    assert ran
    assert not service.open_sessions


async def earlier(coroutines: Coroutines, block: Block) -> None:
    """Runs the cells of a notebook that come before one of them."""
    if block.page == "docs/notebooks.md" and block.number == 2:
        await coroutines.run(next(b for b in BLOCKS if b.page == block.page and b.number == 1))


@pytest.mark.parametrize("block", PROGRAMS)
async def test_a_program_runs(service, python, tmp_path, block):
    file = tmp_path / "program.py"
    file.write_text(block.code, encoding="utf-8")
    environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    command = Command(await python(str(file), env=environment))
    try:
        if block.mark.startswith("visitor: "):
            text, answer = block.mark.removeprefix("visitor: ").split(" => ")
            session = await service.until_ready(timeout=60)
            await service.user_says(session, text)
            await until(lambda: answer in service.said(session))
            command.signal(signal.SIGTERM)
            assert await command.ended() == 143, command.errors
        else:
            assert await command.ended() == 0, command.errors
        if block.output is not None:
            assert command.output == block.output
    finally:
        await command.stop()
    assert not service.open_sessions


@pytest.mark.parametrize("page", pages_with("pytest"))
def test_the_tests_of_a_page_pass(inner_pytest, pytester, page):
    blocks = [b for b in BLOCKS if b.page == page and b.kind == "pytest"]
    pytester.makepyfile(**{f"test_block_{block.number}": block.code for block in blocks})
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    result = inner_pytest("-W", "error")
    result.assert_outcomes(passed=sum(block.code.count("def test_") for block in blocks))


def test_blocks_are_found_and_what_isn_t_run_says_why():
    assert {block.kind for block in BLOCKS} == {"program", "coroutine", "pytest", "not run"}
    known = ("not run: ", "visitor: ", "output", "livekit")
    for block in BLOCKS:
        assert not block.mark or block.mark.startswith(known), block
        assert (block.output is not None) == (block.mark == "output"), block
        ast.parse(block.code)
    total = sum(len(re.findall(r"^ *```python", page.read_text(), re.MULTILINE)) for page in PAGES)
    assert len(BLOCKS) == total


async def test_a_block_that_is_wrong_fails(service):
    (wrong,) = blocks_of("```python\nawait avatar.no_such_method()\n```", "page")
    async with Coroutines(service) as coroutines:
        with pytest.raises(AttributeError, match="no_such_method"):
            await coroutines.run(wrong)
