"""Threads for what takes time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from akool_async.simulator.media.threads import MediaThreads


async def test_a_plain_function_runs_in_a_thread_and_an_async_one_here() -> None:
    threads = MediaThreads()
    here = threading.get_ident()

    async def async_one(text: str) -> tuple[str, int]:
        await asyncio.sleep(0)
        return text, threading.get_ident()

    assert (await threads.call(lambda text: (text, threading.get_ident()), "a"))[1] != here
    assert await threads.call(async_one, "b") == ("b", here)
    # Not seen from outside to be async.
    hidden = [lambda text, add: async_one(text + add)]
    assert await threads.call(lambda text: hidden[0](text, "d"), "c") == ("cd", here)
    await threads.close()


async def test_close_joins_the_threads_and_twice_is_fine() -> None:
    threads = MediaThreads()
    found = threads.submit(threading.current_thread)
    thread = await asyncio.wrap_future(found)
    await threads.close()
    assert not thread.is_alive()
    await threads.close()
    with pytest.raises(RuntimeError, match="has stopped"):
        threads.submit(int)


async def test_without_work_there_is_no_thread() -> None:
    before = threading.active_count()
    threads = MediaThreads()
    await threads.close()
    assert threading.active_count() == before
