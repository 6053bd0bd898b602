"""Where the plugin's fixtures run, and controls that are awaited in another loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import unittest
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from akool_async.simulator import Simulator
from akool_async.testing.hosting import home_of, run_fixture, usable_from_any_loop

CONTROLS = (
    "advance",
    "fail_session",
    "fault",
    "inject",
    "prepare",
    "send_webhook",
    "until_ready",
    "user_says",
)


async def test_a_coroutine_is_run_by_pytest_asyncio(request: pytest.FixtureRequest) -> None:
    assert home_of(request) == "asyncio"


def test_a_plain_test_has_a_thread(request: pytest.FixtureRequest) -> None:
    assert home_of(request) == "thread"


class UnitTest(unittest.TestCase):
    home: str

    @pytest.fixture(autouse=True)
    def look(self, request: pytest.FixtureRequest) -> None:
        self.home = home_of(request)

    def test_a_test_case_has_a_thread(self) -> None:
        self.assertEqual(self.home, "thread")  # noqa: PT009 - it is a TestCase


class Steps:
    """A fixture that writes down in which thread and loop each of its steps ran."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str, asyncio.AbstractEventLoop]] = []

    def note(self, step: str) -> None:
        self.steps.append((step, threading.current_thread().name, asyncio.get_running_loop()))

    async def fixture(self) -> AsyncGenerator[str, None]:
        self.note("made")
        try:
            yield "value"
        finally:
            self.note("ended")


def test_in_a_thread_both_steps_run_in_one_loop_and_the_thread_ends(
    request: pytest.FixtureRequest,
) -> None:
    fixture = Steps()
    running = run_fixture(request, fixture.fixture)
    assert next(running) == "value"
    assert [step for step, _, _ in fixture.steps] == ["made"]
    with pytest.raises(StopIteration):
        next(running)
    (_, thread, loop), (step, same_thread, same_loop) = fixture.steps
    assert (thread, step) == ("akool-fixtures", "ended") == (same_thread, "ended")
    assert loop is same_loop
    assert loop.is_closed()
    assert thread not in {one.name for one in threading.enumerate()}


def test_what_a_fixture_raises_is_raised_and_the_thread_ends(
    request: pytest.FixtureRequest,
) -> None:
    async def fixture() -> AsyncGenerator[str, None]:
        raise ValueError("no room")
        yield ""

    with pytest.raises(ValueError, match="no room"):
        next(run_fixture(request, fixture))
    assert "akool-fixtures" not in {one.name for one in threading.enumerate()}


async def test_a_control_runs_in_the_simulator_s_loop_whoever_awaits_it() -> None:
    ran: list[asyncio.AbstractEventLoop] = []

    async def control(*args: Any, **options: Any) -> tuple[Any, Any]:
        ran.append(asyncio.get_running_loop())
        return args, options

    stand_in = SimpleNamespace(**dict.fromkeys(CONTROLS, control))
    usable_from_any_loop(cast("Simulator", stand_in))
    for name in CONTROLS:
        call = getattr(stand_in, name)
        assert await call(1, a=2) == ((1,), {"a": 2})
        elsewhere = await asyncio.to_thread(lambda call=call: asyncio.run(call(1, a=2)))
        assert elsewhere == ((1,), {"a": 2})
    assert ran == [asyncio.get_running_loop()] * 2 * len(CONTROLS)


def test_these_are_the_simulator_s_controls() -> None:
    """A control that is added has to be routed, too, or a test in a thread hangs in it."""
    controls = {
        name
        for name, member in inspect.getmembers(Simulator, inspect.iscoroutinefunction)
        if not name.startswith("_") and name not in ("start", "stop")
    }
    assert controls == set(CONTROLS)
