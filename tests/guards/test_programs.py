"""Forked programs end as those of a fresh interpreter do, which the tests start as well."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from running_command import TIMEOUT, Command

ENDS = """
import atexit, gc, os, sys, threading

gc.disable()  # else what is dropped at the end may be dropped before, by chance

class Owner:
    def __del__(self):
        print("dropped")

def work():
    threading.main_thread().join()
    print("worked")

class Cyclic(Owner):
    def __init__(self):
        self.me = self

atexit.register(print, "at exit")
Cyclic()
threading.Thread(target=work).start()
print("buffered", end=" ")
{end}
"""


@pytest.mark.parametrize(
    ("end", "status", "errors"),
    [
        ("", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit(-1)", 255, ""),
        ("sys.exit('a reason')", 1, "a reason\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("raise KeyboardInterrupt", -2, "KeyboardInterrupt\n"),
        ("os.close(1)", 120, "OSError: [Errno 9] Bad file descriptor\n"),
    ],
)
async def test_the_end_of_a_program(
    python: Any, tmp_path: Path, end: str, status: int, errors: str
) -> None:
    file = tmp_path / "program.py"
    file.write_text(ENDS.format(end=end), encoding="utf-8")
    forked = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for env in (forked, forked | {"PYTHONPATH": str(tmp_path)}):
        program = Command(await python(str(file), env=env))
        try:
            async with asyncio.timeout(TIMEOUT):
                assert await program.process.wait() == status
        finally:
            await program.stop()
        assert program.errors.endswith(errors)
        written = "" if end == "os.close(1)" else "buffered worked\nat exit\ndropped\n"
        assert program.output == written
