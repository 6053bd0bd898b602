from __future__ import annotations

import asyncio

import pytest

from akool_async.conversation.speech.utterance import Utterance


def utterance() -> tuple[Utterance, list[Utterance]]:
    cancelled: list[Utterance] = []

    async def cancel(one: Utterance) -> None:
        cancelled.append(one)

    return Utterance(cancel), cancelled


async def test_awaiting_it_is_awaiting_that_it_was_spoken():
    one, _ = utterance()
    waiting = [asyncio.ensure_future(each) for each in (one.spoken(), one)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    one.end("spoken")
    assert await asyncio.gather(*waiting) == [True, True]
    assert (one.state, one.done) == ("spoken", True)


@pytest.mark.parametrize("state", ["cancelled", "dropped"])
async def test_what_is_not_said_is_false(state):
    one, _ = utterance()
    one.end(state)
    assert await one is False
    await one.sent()


async def test_a_failure_is_raised_by_every_wait():
    one, _ = utterance()
    one.end("failed", ValueError("why"))
    for wait in (one.spoken(), one.sent()):
        with pytest.raises(ValueError, match="why"):
            await wait


async def test_a_waiter_that_is_cancelled_cancels_nothing():
    one, _ = utterance()
    waiting = asyncio.ensure_future(one.spoken())
    await asyncio.sleep(0)
    waiting.cancel()
    one.end("spoken")
    assert await one is True


async def test_its_text_is_that_of_all_its_messages():
    one, _ = utterance()
    assert (one.mid, one.text_sent) == (None, "")
    one.message_begun("m1", lambda: "One. ")
    one.message_begun("m2", lambda: "Two.")
    assert (one.mid, one.text_sent) == ("m2", "One. Two.")
    assert repr(one) == "<Utterance waiting, 9 characters sent>"


async def test_cancelling_one_that_is_done_does_nothing():
    one, cancelled = utterance()
    await one.cancel()
    one.end("cancelled")
    await one.cancel()
    assert cancelled == [one]
