"""A process ends only when its native threads have left Python."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

#: A thread that Python didn't begin calls it as the process ends.
PROGRAM = """
import ctypes, sys, threading, time
from akool_async.transport.native import settle_at_exit

if sys.argv[1] == "settled":
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
    time.sleep(60)

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
