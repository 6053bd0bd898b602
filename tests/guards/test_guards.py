"""The guards fail what they are there for, and nothing else: each runs in a pytest of its own."""

from __future__ import annotations

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


def test_what_cleans_up_passes(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AKOOL_API_KEY", "somebodys")
    run(CLEAN).assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            """
import asyncio
kept = []
async def test():
    kept.append(asyncio.create_task(asyncio.sleep(3600), name="forgotten"))
""",
            "*left running:*forgotten*",
        ),
        (
            """
import threading
gate = threading.Event()
def test():
    threading.Thread(target=gate.wait, name="forgotten", daemon=True).start()
""",
            "*left running:*forgotten*",
        ),
        (
            """
import socket
kept = []
def test():
    kept.append(socket.socket())
""",
            "*left open:*socket*",
        ),
        (
            """
import socket, pytest
def test():
    with socket.socket() as s:
        with pytest.raises(ConnectionError):
            s.connect(("192.0.2.1", 80))
""",
            "*reached beyond loopback: connect to 192.0.2.1*",
        ),
        (
            """
import asyncio, pytest
async def test():
    with pytest.raises(OSError):
        await asyncio.open_connection("example.com", 80)
""",
            "*reached beyond loopback: look up example.com*",
        ),
        (
            """
import socket, pytest
def test():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        with pytest.raises(ConnectionError):
            s.sendto(b"x", ("192.0.2.1", 53))
""",
            "*reached beyond loopback: send to 192.0.2.1*",
        ),
        (
            """
import logging
def test(secret):
    key = secret("a-secret-0123456789")
    logging.getLogger("akool_async.x").debug("using %s", key)
""",
            "*a secret was logged: akool_async.x: using <the secret>*",
        ),
        (
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
        (
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
    ],
)
def test_what_leaves_something_fails(run, code: str, told: str) -> None:  # type: ignore[no-untyped-def]
    result = run(code)
    result.stdout.fnmatch_lines([told])
    outcomes = result.parseoutcomes()
    assert outcomes.get("errors", 0) + outcomes.get("error", 0) == 1


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
