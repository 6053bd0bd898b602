"""Ctrl-C while a session is created or closed, in this process and its own event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from akool_async.interrupts import Interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals to itself")


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    after = signal.signal(signal.SIGINT, before)
    assert after is signal.default_int_handler, "the handler wasn't given back"


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_it_is_held_back_until_the_work_is_over(caplog: pytest.LogCaptureFixture) -> None:
    interrupts, steps = Interrupts(), []

    async def work() -> None:
        assert interrupts.enter(asyncio.get_running_loop())
        try:
            ctrl_c()
            await asyncio.sleep(0.01)
            steps.append("done")
        finally:
            interrupts.leave()
        await asyncio.sleep(1)
        steps.append("not reached")

    loop = asyncio.new_event_loop()
    task = loop.create_task(work())
    try:
        with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(task)
        assert steps == ["done"]
        assert "closing open sessions first" in caplog.text
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


def test_once_more_is_raised_at_once() -> None:
    interrupts, steps = Interrupts(), []

    async def work() -> None:
        interrupts.enter(asyncio.get_running_loop())
        ctrl_c()
        await asyncio.sleep(0.01)
        steps.append("held back")
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()
        steps.append("raised")
        interrupts.leave()
        await asyncio.sleep(1)  # the first one is raised now

    loop = asyncio.new_event_loop()
    task = loop.create_task(work())
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(task)
        assert steps == ["held back", "raised"]
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


def test_a_handler_that_cancels_does_so_meanwhile() -> None:
    """As asyncio's own does: the work goes on, and nothing is raised at its end."""
    interrupts, called = Interrupts(), []
    signal.signal(signal.SIGINT, lambda *_: called.append("handler"))

    async def work() -> None:
        interrupts.enter(asyncio.get_running_loop())
        ctrl_c()
        await asyncio.sleep(0.01)
        interrupts.leave()

    asyncio.run(work())
    assert called == ["handler"]
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_the_handler_is_given_back_when_the_last_work_is_over() -> None:
    interrupts = Interrupts()
    loop = asyncio.new_event_loop()
    try:
        before = signal.getsignal(signal.SIGINT)
        assert interrupts.enter(loop)
        assert interrupts.enter(loop)
        assert signal.getsignal(signal.SIGINT) != before
        interrupts.leave()
        assert signal.getsignal(signal.SIGINT) != before
        interrupts.leave()
        assert signal.getsignal(signal.SIGINT) == before
    finally:
        loop.close()


def test_a_closed_loop_holds_nothing_back() -> None:
    interrupts = Interrupts()
    loop = asyncio.new_event_loop()
    interrupts.enter(loop)
    loop.close()
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()


def test_a_handler_set_meanwhile_is_kept() -> None:
    interrupts = Interrupts()
    loop = asyncio.new_event_loop()
    try:
        interrupts.enter(loop)
        newer = signal.SIG_IGN
        signal.signal(signal.SIGINT, newer)
        interrupts.leave()
        assert signal.getsignal(signal.SIGINT) == newer
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.close()


def test_in_another_thread_there_is_nothing_to_hold_back() -> None:
    interrupts, answers = Interrupts(), []
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: answers.append(interrupts.enter(loop)))
    thread.start()
    thread.join(10)
    loop.close()
    assert answers == [False]
