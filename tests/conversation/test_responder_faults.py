"""A responder's function that fails, stalls, can't be cancelled or gives no text."""

from __future__ import annotations

import asyncio
import json

import pytest
from speaking import hear, says_it

from akool_async import HandlerFailed
from akool_async.errors import (
    InvalidParameterError,
    NotSupportedError,
    TextSourceError,
    TextTimeoutError,
)
from akool_async.testing.in_memory_room import InMemoryRoom


async def plain(turn):
    return f"You said {turn.text}."


async def test_a_failing_function_is_reported_and_the_conversation_goes_on(scene):
    reported = []

    async def broken(turn):
        if turn.text == "break":
            raise ValueError("the model is gone")
        return "Fine."

    async with scene(on_error=reported.append) as s:
        says_it(s.robot)
        failed = s.session.events(HandlerFailed)
        await s.session.respond_with(broken)
        hear(s.robot, "break", "u1")
        assert (await anext(failed)).where == "the responder"
        assert [str(error) for error in reported] == ["the model is gone"]
        hear(s.robot, "go on", "u2")
        await s.robot.until(lambda: s.robot.chats)
        assert s.robot.chats[0][1] == "Fine."


async def test_failing_half_way_interrupts_and_is_reported_once(scene):
    reported = []

    async def broken(turn):
        yield "First sentence. "
        await sent.wait()
        raise ValueError("half-way")

    sent = asyncio.Event()
    async with scene(on_error=reported.append) as s:
        await s.session.respond_with(broken)
        hear(s.robot, "go", "u1")
        said = s.session.transcript
        await s.robot.until(lambda: said and said[-1].text == "First sentence. ")
        sent.set()
        await s.robot.until(lambda: len(s.robot.named("interrupt")) == 2)
        await s.robot.until(lambda: s.session.transcript[-1].interrupted)
        assert [str(error) for error in reported] == ["half-way"]


async def test_what_cannot_be_a_responder_is_refused(scene):
    async with scene() as s:
        with pytest.raises(InvalidParameterError, match="can't be called"):
            s.session.respond_with("hello")
        with pytest.raises(InvalidParameterError, match=r"filler: "):
            s.session.respond_with(plain, filler="")
        s.session.respond_with(plain)
        with pytest.raises(InvalidParameterError, match=r"there is a responder already"):
            s.session.respond_with(plain)
    async with scene(InMemoryRoom(dialect="v3", own_id="client_1", peer_id="server_1")) as s:
        with pytest.raises(NotSupportedError, match="doesn't report what people say"):
            s.session.respond_with(plain)


async def test_something_else_than_text_is_reported(scene):
    async with scene() as s:
        failed = s.session.events(HandlerFailed)
        await s.session.respond_with(lambda turn: 42)
        hear(s.robot, "go", "u1")
        assert "returned int, not text" in str((await anext(failed)).error)


async def test_a_generator_that_does_not_let_itself_be_cancelled_is_not_said(scene):
    async def stubborn(turn):
        for n in range(200):
            try:
                await asyncio.sleep(0.01)
            except BaseException:  # noqa: BLE001 - as wrappers of models do
                yield "Sorry. "
            yield f"{turn.text} {n}. "

    async with scene() as s:
        says_it(s.robot)
        await s.session.respond_with(stubborn)
        hear(s.robot, "one", "u1")
        await s.robot.until(lambda: len(s.session.transcript) == 2)
        hear(s.robot, "two", "u2")
        await s.robot.until(lambda: len(s.session.transcript) == 4)
        packets = list(map(json.loads, s.pair.packets))
        cut = [p["pld"].get("cmd") for p in packets].index("interrupt", len(packets) // 2)
        assert "one" not in "".join(p["pld"].get("text", "") for p in packets[cut:])
        assert "Sorry" not in "".join(p["pld"].get("text", "") for p in packets)


async def test_a_cancelled_error_of_the_function_itself_is_a_failure(scene):
    async def cancels_itself(turn):
        if turn.text == "half":
            yield "Let me think. "
        inner = asyncio.ensure_future(asyncio.sleep(60))
        inner.cancel()
        await inner

    async with scene() as s:
        says_it(s.robot)
        failed = s.session.events(HandlerFailed)
        await s.session.respond_with(cancels_itself)
        for n, text in enumerate(("half", "nothing")):
            hear(s.robot, text, f"u{n}")
            event = await anext(failed)
            assert isinstance(event.error, TextSourceError)
            assert isinstance(event.error.__cause__, asyncio.CancelledError)
        assert await s.session.say("Next.")


class StopEverything(BaseException):
    """As test frameworks have it, so that no `except Exception` takes it."""


async def test_what_is_no_exception_is_a_failure_too(scene):
    async def stops(turn):
        if turn.text == "half":
            yield "Let me think. "
        raise StopEverything

    async def text():
        yield "I was saying. "
        raise StopEverything

    async with scene() as s:
        says_it(s.robot)
        failed = s.session.events(HandlerFailed)
        responder = await s.session.respond_with(stops)
        for n, words in enumerate(("half", "nothing")):
            hear(s.robot, words, f"u{n}")
            assert isinstance((await anext(failed)).error.__cause__, StopEverything)
        await responder.stop()
        async with asyncio.timeout(10):
            with pytest.raises(TextSourceError, match="raised StopEverything"):
                await s.session.say(text())
            assert await s.session.say("Next.")


async def test_a_function_that_stalls_is_a_failure(scene):
    closed = []

    async def stalls(turn):
        try:
            if turn.text == "half":
                yield "Let me think. "
            await asyncio.Event().wait()
        finally:
            closed.append(turn.text)

    async with scene(text_timeout=0.1) as s:
        says_it(s.robot)
        failed = s.session.events(HandlerFailed)
        await s.session.respond_with(stalls)
        hear(s.robot, "nothing", "u1")
        assert isinstance((await anext(failed)).error, TextTimeoutError)
        hear(s.robot, "half", "u2")
        assert isinstance((await anext(failed)).error, TextTimeoutError)
        await s.robot.until(lambda: closed == ["nothing", "half"])
        assert await s.session.say("Next.")


async def test_blank_text_and_none_are_not_said(scene):
    async def deltas(turn):
        pieces = ("\n", None) if turn.text == "blank" else (None, " ", "Hello ", None, "there.", "")
        for piece in pieces:
            yield piece

    async with scene() as s:
        says_it(s.robot)
        await s.session.respond_with(deltas)
        hear(s.robot, "blank", "u1")
        hear(s.robot, "words", "u2")
        await s.robot.until(lambda: s.robot.chats)
        assert [text for _, text in s.robot.chats] == [" Hello there."]
