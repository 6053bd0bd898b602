import asyncio
import os

import pytest

from akool_async.cli.lines import LONGEST, Lines


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
