"""The guards fail what they are there for, and nothing else: they run in a pytest of their own."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parents[1] / "support"

pytestmark = pytest.mark.slow

SETTINGS = f"""
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
pythonpath = {SUPPORT}
addopts = --import-mode=importlib
filterwarnings = error
"""
CONFTEST = """
pytest_plugins = ["guards.environment", "guards.leaks", "guards.loopback", "guards.secrets"]

def pytest_configure(config):
    from guards import leaks
    leaks.SETTLE = 0.5   # seconds; what is left here stays left
"""


@pytest.fixture
def run(pytester: pytest.Pytester):  # type: ignore[no-untyped-def]
    pytester.makeini(SETTINGS)
    pytester.makeconftest(CONFTEST)

    def run(code: str) -> pytest.RunResult:
        pytester.makepyfile(code)
        return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")

    return run


CLEAN = """
import asyncio, logging, os, socket, threading

async def test_tasks():
    await asyncio.create_task(asyncio.sleep(0.01))
    asyncio.get_running_loop().call_later(0.01, lambda: None)
    task = asyncio.create_task(asyncio.sleep(0.05))   # settles by itself

async def test_sockets_and_threads():
    await asyncio.to_thread(lambda: None)
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port)
    await reader.read()
    writer.close()
    server.close()
    await server.wait_closed()

def test_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    a, b = socket.socketpair()
    a.close(), b.close()

def test_names(secret):
    secret("a-secret-0123456789")
    logging.getLogger("akool_async.x").info("nothing about it")
    try:
        socket.getaddrinfo("nobody.invalid", 80)
    except socket.gaierror:
        pass
    assert "AKOOL_API_KEY" not in os.environ
"""


#: What leaves something behind, by the name of its module -> the code, and what is said about it.
LEAVING = {
    "task": (
        """
import asyncio
kept = []
async def test():
    kept.append(asyncio.create_task(asyncio.sleep(3600), name="forgotten"))
""",
        "*left running:*forgotten*",
    ),
    "thread": (
        """
import threading
gate = threading.Event()
def test():
    threading.Thread(target=gate.wait, name="forgotten", daemon=True).start()
""",
        "*left running:*forgotten*",
    ),
    "open_socket": (
        """
import socket
kept = []
def test():
    kept.append(socket.socket())
""",
        "*left open:*socket*",
    ),
    "connection": (
        """
import socket, pytest
def test():
    with socket.socket() as s:
        with pytest.raises(ConnectionError):
            s.connect(("192.0.2.1", 80))
""",
        "*reached beyond loopback: connect to 192.0.2.1*",
    ),
    "lookup": (
        """
import asyncio, pytest
async def test():
    with pytest.raises(OSError):
        await asyncio.open_connection("example.com", 80)
""",
        "*reached beyond loopback: look up example.com*",
    ),
    "datagram": (
        """
import socket, pytest
def test():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        with pytest.raises(ConnectionError):
            s.sendto(b"x", ("192.0.2.1", 53))
""",
        "*reached beyond loopback: send to 192.0.2.1*",
    ),
    "logged_secret": (
        """
import logging
def test(secret):
    key = secret("a-secret-0123456789")
    logging.getLogger("akool_async.x").debug("using %s", key)
""",
        "*a secret was logged: akool_async.x: using <the secret>*",
    ),
    "secret_of_a_model": (
        """
import logging
from pydantic import SecretStr
def test():
    token = SecretStr("a-token-of-an-answer")
    try:
        raise ValueError(token.get_secret_value())
    except ValueError:
        logging.getLogger("elsewhere").exception("failed")
""",
        "*a secret was logged: elsewhere: failed*",
    ),
    "session": (
        """
from akool_async.client import AkoolClient
from akool_async.simulator import Simulator
async def test():
    async with Simulator() as sim, AkoolClient("key-0123456789", base_url=sim.url) as akool:
        avatar = (await akool.avatars.list(size=1))[0]
        await akool.sessions.create(avatar.avatar_id, stream_type="agora", duration=60)
""",
        "*sessions left open: *",
    ),
}


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One run of all of them and of what cleans up; a name -> what that run says about its test.

    What has no section has passed, and left nothing.
    """
    folder = tmp_path_factory.mktemp("leaving")
    (folder / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    for name, (code, _) in LEAVING.items():
        (folder / f"test_{name}.py").write_text(
            code.replace("def test(", f"def test_{name}("), encoding="utf-8"
        )
    (folder / "test_clean.py").write_text(CLEAN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
        env=os.environ | {"AKOOL_API_KEY": "of-the-caller"},
    )  # fmt: skip
    passed = re.search(r"(\d+) passed, (\d+) errors", done.stdout)
    # The tests pass; what is wrong is found when each is over.
    assert passed is not None, done.stdout
    clean = CLEAN.count("def test_")
    assert passed.groups() == (str(len(LEAVING) + clean), str(len(LEAVING))), done.stdout
    parts = re.split(r"^_+ ERROR at teardown of test_(\w+) _+$", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_what_cleans_up_passes(sections: dict[str, str]) -> None:
    assert sections.keys() == LEAVING.keys()


@pytest.mark.parametrize("name", LEAVING)
def test_what_leaves_something_fails(sections: dict[str, str], name: str) -> None:
    said = sections[name].partition("short test summary")[0]
    assert fnmatch.fnmatchcase(said, LEAVING[name][1])


def test_a_secret_that_becomes_known_later_fails_the_run(run) -> None:  # type: ignore[no-untyped-def]
    result = run(
        """
import logging
def test_first():
    logging.getLogger("akool_async.x").info("a-secret-0123456789")
def test_second(secret):
    secret("a-secret-0123456789")
"""
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*a secret was logged: akool_async.x: <the secret>*"])
