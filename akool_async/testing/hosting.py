"""Where a test's asynchronous fixtures run: in the loop of the test, whoever runs it.

A fixture in another loop than its test hangs: nothing runs that loop while the test does. So the
plugin's fixtures ask here, once for each test:

- a test that anyio's plugin runs: by anyio's runner;
- one that pytest-asyncio runs, in strict or auto mode: in its loop;
- every other, as `unittest.TestCase` and tests without `async`: in a thread with a loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import unittest
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from akool_async.simulator import Simulator

__all__ = ["home_of", "run_fixture", "usable_from_any_loop"]

T = TypeVar("T")
AsyncFixture = Callable[[], AsyncGenerator[T, None]]

#: Seconds for one step of a fixture in a thread.
_TIMEOUT: Final = 60.0
_ROUTED: Final = (
    "advance",
    "fail_session",
    "fault",
    "inject",
    "prepare",
    "send_webhook",
    "until_ready",
    "user_says",
)


def home_of(request: pytest.FixtureRequest) -> Literal["anyio", "asyncio", "thread"]:
    """Who runs the test that requests a fixture."""
    kind = request.cls
    if isinstance(kind, type) and issubclass(kind, unittest.TestCase):
        return "thread"
    # In auto mode it gives every test its mark, and runs also those that are marked for anyio.
    if _asyncio_marker(request) is not None:
        return "asyncio"
    return "anyio" if "anyio_backend" in request.fixturenames else "thread"


def run_fixture(request: pytest.FixtureRequest, fixture: AsyncFixture[T]) -> Iterator[T]:
    """Runs an asynchronous generator as a fixture, where the test runs: `yield from` it."""
    home = home_of(request)
    if home == "anyio":
        yield from _by_anyio(request, fixture)
    elif home == "asyncio":
        yield from _steps(_loop_of(request).run_until_complete, fixture)
    else:
        with _loop_in_a_thread() as run:
            yield from _steps(run, fixture)


def _asyncio_marker(request: pytest.FixtureRequest) -> pytest.Mark | None:
    if not request.config.pluginmanager.hasplugin("asyncio"):
        return None
    marker: pytest.Mark | None = request.node.get_closest_marker("asyncio")
    return marker


def _loop_of(request: pytest.FixtureRequest) -> Any:
    scope = _loop_scope(request)
    if "anyio_backend" not in request.fixturenames:
        return request.getfixturevalue(f"_akool_{scope}_loop")
    # pytest-asyncio runs the test, but anyio's plugin would run an asynchronous fixture of it.
    try:
        return request.getfixturevalue(f"_{scope}_scoped_runner").get_loop()
    except pytest.FixtureLookupError:
        pytest.fail(
            "pytest-asyncio's auto mode and anyio's plugin both take this test. Use "
            "asyncio_mode=strict, or pytest-asyncio 1.1 or newer.",
            pytrace=False,
        )


def _loop_scope(request: pytest.FixtureRequest) -> str:
    """Which of pytest-asyncio's loops runs the test."""
    marker = _asyncio_marker(request)
    assert marker is not None
    chosen = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
    try:
        return str(chosen or request.config.getini("asyncio_default_test_loop_scope"))
    except ValueError:  # pytest-asyncio before 0.26 has no such setting
        return "function"


def _by_anyio(request: pytest.FixtureRequest, fixture: AsyncFixture[T]) -> Iterator[T]:
    from anyio.pytest_plugin import extract_backend_and_options, get_runner

    name, options = extract_backend_and_options(request.getfixturevalue("anyio_backend"))
    if name != "asyncio":
        pytest.skip(
            f"akool_async needs asyncio, and this test runs on {name}. Choose it: a fixture "
            '`anyio_backend` that returns "asyncio"'
        )
    with get_runner(name, options) as runner:
        yield from cast("Iterator[T]", runner.run_asyncgen_fixture(fixture, {}))


def _steps(
    run: Callable[[Coroutine[Any, Any, T | None]], T | None], fixture: AsyncFixture[T]
) -> Iterator[T]:
    generator = fixture()

    async def step() -> T | None:
        return await anext(generator, None)

    yield cast("T", run(step()))
    run(step())


@contextlib.contextmanager
def _loop_in_a_thread() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ended = asyncio.Event()
        thread = threading.Thread(
            target=runner.run, args=(ended.wait(),), name="akool-fixtures", daemon=True
        )
        thread.start()

        def run(work: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(work, loop).result(_TIMEOUT)

        try:
            yield run
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(_TIMEOUT)


def usable_from_any_loop(simulator: Simulator) -> None:
    """Makes the simulator's controls run in the loop that runs now, whoever awaits them."""
    loop = asyncio.get_running_loop()
    for name in _ROUTED:
        setattr(simulator, name, _routed(getattr(simulator, name), loop))


def _routed(
    control: Callable[..., Coroutine[Any, Any, Any]], loop: asyncio.AbstractEventLoop
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(control)
    async def call(*args: Any, **options: Any) -> Any:
        if asyncio.get_running_loop() is loop:
            return await control(*args, **options)
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(control(*args, **options), loop)
        )

    return call
