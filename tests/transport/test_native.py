"""Native work is seen to its end; a process ends only when native threads have left Python."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from akool_async.testing.conformance import TIMEOUT
from akool_async.transport.native import call_in_thread, finish

#: A thread that Python didn't begin calls it as the process ends.
PROGRAM = """
import ctypes, os, signal, sys, threading, time
from akool_async.transport.native import settle_at_exit

if sys.argv[1] != "not settled":
    settle_at_exit()
    settle_at_exit()
inside = threading.Event()

@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def call(argument):
    threading.current_thread()  # as logging does: from now on `threading` knows of the thread
    inside.set()
    time.sleep(float(sys.argv[2]))
    sys.stdout.write("the call came to its end")
    sys.stdout.flush()

def python_thread():
    while sys.argv[1] != "interrupted":
        time.sleep(60)
    looks = 0
    while looks < 2:  # the program is done, and waits for the call
        time.sleep(0.05)
        looks += sys._current_frames()[threading.main_thread().ident].f_code.co_name == "_settle"
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=python_thread, daemon=True).start()
libc = ctypes.CDLL(None)
libc.pthread_create.argtypes = [ctypes.c_void_p] * 4
thread = ctypes.c_ulong()
entry = ctypes.cast(call, ctypes.c_void_p)
assert libc.pthread_create(ctypes.byref(thread), None, entry, None) == 0
assert inside.wait(10)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="threads are begun by pthread")


def run(how: str, seconds: float) -> str:
    command = [sys.executable, "-c", PROGRAM, how, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_call_that_is_under_way_comes_to_its_end() -> None:
    assert run("settled", 0.5) == "the call came to its end"
    assert run("not settled", 0.5) == "", "there is nothing to be settled"


def test_a_call_that_never_ends_keeps_no_process() -> None:
    start = time.monotonic()
    assert run("settled", 50) == ""
    assert time.monotonic() - start < 30


def test_an_interrupt_has_the_process_end_at_once_and_in_silence() -> None:
    assert run("interrupted", 50) == ""


def test_work_that_is_finished_survives_the_end_of_its_loop() -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append(True)

    async def main() -> None:
        assert not finish(work(), "work").cancel()

    asyncio.run(main())
    assert done == [True]


async def test_work_that_no_one_waits_for_is_kept_until_it_is_done() -> None:
    done = asyncio.Event()
    gates = []

    async def work() -> None:
        gate = asyncio.get_running_loop().create_future()
        gates.append(weakref.ref(gate))
        # The task holds this future and the future the task: by themselves, a cycle to collect.
        await gate
        done.set()

    finish(work(), "work")
    await asyncio.sleep(0)
    gc.collect()
    gate = gates[0]()
    assert gate is not None, "the work was collected"
    gate.set_result(None)
    async with asyncio.timeout(TIMEOUT):
        await done.wait()


async def test_a_call_in_a_thread_returns_and_raises() -> None:
    assert await call_in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await call_in_thread(divmod, 7, 0)


async def test_many_calls_that_block_leave_the_default_pool_free() -> None:
    release = threading.Event()
    calls = [call_in_thread(release.wait, 30) for _ in range(50)]
    async with asyncio.timeout(20):
        await asyncio.to_thread(lambda: None)
    assert not any(call.done() for call in calls)
    release.set()
    assert all(await asyncio.gather(*calls))


async def test_a_cancelled_call_goes_on_and_its_result_is_dropped() -> None:
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(30)
        ended.set()

    call = call_in_thread(work)
    await asyncio.to_thread(started.wait, 30)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    release.set()
    assert await asyncio.to_thread(ended.wait, 30)


def test_a_call_that_outlives_its_loop_is_borne() -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(30)
        ended.set()

    async def main() -> None:
        call_in_thread(work)

    asyncio.run(main())
    release.set()
    assert ended.wait(30)
