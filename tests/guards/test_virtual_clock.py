"""Waiting on the virtual clock costs nothing, and what is outside the loop takes its real time."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

import pytest
from virtual_clock import DeadlockError, VirtualClockLoop

pytestmark = pytest.mark.virtual_clock


async def test_the_mark_chooses_the_loop():
    assert isinstance(asyncio.get_running_loop(), VirtualClockLoop)


@pytest.mark.real_clock
async def test_the_other_mark_takes_it_away():
    assert not isinstance(asyncio.get_running_loop(), VirtualClockLoop)


async def test_an_hour_passes_at_once_and_in_order():
    loop, real, order = asyncio.get_running_loop(), time.monotonic(), []

    async def note(seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append((seconds, loop.time() - start))

    start = loop.time()
    await asyncio.gather(note(3600), note(0.001), note(60))
    assert [seconds for seconds, _ in order] == [0.001, 60, 3600]
    assert all(passed == pytest.approx(seconds, abs=1e-3) for seconds, passed in order)
    assert time.monotonic() - real < 60
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1800):
            await asyncio.Event().wait()


async def test_equal_delays_keep_their_order():
    loop, order = asyncio.get_running_loop(), []
    for number in range(100):
        loop.call_later(0.005, order.append, number)
    await asyncio.sleep(0.01)
    assert order == list(range(100))


async def test_no_time_passes_while_a_callback_runs():
    loop = asyncio.get_running_loop()
    start = loop.time()
    time.sleep(0.05)  # noqa: ASYNC251 - blocks the loop on purpose
    await asyncio.sleep(0)
    assert loop.time() - start < 0.001


async def test_a_limit_does_not_run_out_while_a_thread_works():
    released = threading.Event()
    waiting = asyncio.create_task(asyncio.to_thread(released.wait, 30))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asyncio.shield(waiting)
    started = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - started >= 0.04
    released.set()
    async with asyncio.timeout(20):
        assert await waiting


async def test_a_thread_of_its_own_is_waited_for():
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        time.sleep(0.05)
        loop.call_soon_threadsafe(woken.set)

    thread = threading.Thread(target=work)
    thread.start()
    async with asyncio.timeout(20):
        await woken.wait()
    thread.join()


async def test_both_ends_of_a_connection_here_cost_no_time():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            await asyncio.sleep(60)
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    loop, real = asyncio.get_running_loop(), time.monotonic()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = loop.time()
    for _ in range(100):
        async with asyncio.timeout(61):
            writer.write(b"x")
            assert await reader.read(100) == b"x"
    assert 6000 <= loop.time() - start < 6100
    assert time.monotonic() - real < 600
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_what_comes_from_another_process_is_waited_for():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(b"ask")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    program = f"import socket; print(socket.create_connection(('127.0.0.1', {port})).recv(9))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert out.strip() == b"b'ask'"
    server.close()
    await server.wait_closed()


async def test_a_process_is_waited_for():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(0.1); print('done')",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert out.strip() == b"done"


async def test_a_loop_that_never_waits_reaches_its_limit():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            while True:
                await asyncio.sleep(0)


def test_what_does_not_come_within_a_day_is_an_error():
    async def wait_beside_a_timer() -> None:
        ticking = asyncio.create_task(tick())
        await asyncio.Event().wait()
        await ticking

    async def tick() -> None:
        while True:
            await asyncio.sleep(60)

    with (
        asyncio.Runner(loop_factory=VirtualClockLoop) as runner,
        pytest.raises(DeadlockError, match="a day of this loop's time"),
    ):
        runner.run(wait_beside_a_timer())


def test_what_nothing_can_wake_is_an_error():
    with (
        asyncio.Runner(loop_factory=VirtualClockLoop) as runner,
        pytest.raises(DeadlockError, match="nothing is left that could wake"),
    ):
        runner.run(asyncio.Event().wait())
