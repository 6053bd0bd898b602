"""Bytes from the loop to a thread."""

from __future__ import annotations

import asyncio
import threading

from akool_async.media.byte_pipe import BytePipe
from akool_async.testing.waiting import until


async def test_what_goes_in_comes_out() -> None:
    pipe = BytePipe()
    await pipe.put(b"abc")
    await pipe.put(b"")
    await pipe.put(b"defg")
    pipe.end()
    await pipe.put(b"late")
    assert [pipe.read(2), pipe.read(2), pipe.read(), pipe.read(9)] == [b"ab", b"c", b"defg", b""]


async def test_the_thread_waits_for_bytes() -> None:
    pipe = BytePipe()
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(pipe.read(10)))
    thread.start()
    await pipe.put(b"abc")
    await until(lambda: got == [b"abc"], "the thread read")
    thread.join()


async def test_the_end_wakes_the_thread() -> None:
    pipe = BytePipe()
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(pipe.read(10)))
    thread.start()
    pipe.end()
    await until(lambda: got == [b""], "the thread saw the end")
    thread.join()


async def test_a_full_pipe_holds_the_sender_back() -> None:
    pipe = BytePipe(limit=10)
    await pipe.put(b"x" * 10)
    waiting = asyncio.create_task(pipe.put(b"y"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(pipe.read, 5)
    await asyncio.wait_for(waiting, 20)


async def test_the_end_lets_a_waiting_sender_go_and_may_drop_what_waits() -> None:
    pipe = BytePipe(limit=1)
    waiting = asyncio.create_task(pipe.put(b"xyz"))
    await asyncio.sleep(0)
    pipe.end(drop=True)
    await asyncio.wait_for(waiting, 20)
    assert pipe.read() == b""
