"""Mistakes in opening a session, talking, and with events."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from typing import Any

from mistakes import AVATAR, CREATE, OPEN, Rows, Try

import akool_async
from akool_async import events

SLOTS = (
    "Close what is open (akool sessions close-all), or wait for it: "
    "open_session(…, wait_for_slot=60)."
)
BUSY_OPTIONS: dict[str, Any] = {"max_retries": 0}

ROWS = Rows()
row = ROWS.row


# -- opening a session


@row(
    akool_async.NotFoundError,
    f"1008: avatar_id does not exist {CREATE}\n"
    "There is no avatar 'dvp_Tristan_cloth2'. Close to it: dvp_Tristan_cloth2_1080P.",
)
async def wrong_avatar(t: Try) -> None:
    async with t.open("dvp_Tristan_cloth2"):
        pass


@row(
    akool_async.NotFoundError,
    f"1008: avatar_id does not exist {CREATE}\n"
    "There is no avatar 'x'. To list those that there are: akool avatars list, or async for avatar "
    "in client.avatars.list().",
)
async def an_avatar_like_no_other(t: Try) -> None:
    async with t.open("x"):
        pass


@row(
    akool_async.BusyError,
    f"1214: the avatar is still processing {CREATE}. Wait until it is ready: "
    "await client.avatars.wait_until_ready(avatar), or akool avatars wait ID.",
    upload_time=1000,
)
async def avatar_not_ready(t: Try) -> None:
    await t.akool.avatars.upload("https://a.example/b.mp4", avatar_id="mine", name="n")
    await t.akool.with_options(**BUSY_OPTIONS).open_session("mine", stream_type="trtc")


@row(
    akool_async.BusyError,
    f"1215: the live avatar is busy, all slots are taken {CREATE}. {SLOTS}",
    slots=1,
)
async def every_slot_taken(t: Try) -> None:
    async with t.open():
        await t.akool.with_options(**BUSY_OPTIONS).open_session(AVATAR, stream_type="trtc")


@row(
    akool_async.QuotaError,
    f"1104: insufficient credit {CREATE}. Add credits to the account, or give a shorter duration=: "
    "all of it is taken when a session begins.",
    credits=5,
)
async def credits_used_up(t: Try) -> None:
    await t.open(duration=60)


@row(AttributeError, f"the session isn't open yet, so it has no 'ask': {OPEN}")
async def open_session_without_async_with(t: Try) -> None:
    avatar = t.open()
    await avatar.ask("Hello")


@row(TypeError, f"a session is opened asynchronously: {OPEN}")
async def with_in_place_of_async_with(t: Try) -> None:
    with t.open():
        pass


@row(RuntimeWarning, f"a session was never opened: {OPEN}")
async def open_session_alone(t: Try) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        t.open()
        gc.collect()
    raise next(one.message for one in caught if issubclass(one.category, RuntimeWarning))


@row(akool_async.ConfigurationError, "used already: each open_session() and join() opens once")
async def opened_twice(t: Try) -> None:
    opening = t.open()
    async with opening:
        pass
    await opening


@row(akool_async.InvalidParameterError, "options: dict isn't a ConversationOptions(…)")
async def options_of_a_wrong_type(t: Try) -> None:
    await t.open(options={"reply_timeout": 3})


@row(
    akool_async.InvalidParameterError,
    "duration: 7200 is out of range, allowed: 1..3600 seconds",
)
async def a_long_duration(t: Try) -> None:
    await t.open(duration=7200)


@row(akool_async.InvalidParameterError, "mode: 3 isn't allowed, use one of: 1, 2")
async def a_third_mode(t: Try) -> None:
    await t.open(mode=3)


@row(
    akool_async.InvalidParameterError,
    "respond_with: str is neither a function nor a RespondWith(…)",
)
async def a_responder_that_is_a_text(t: Try) -> None:
    await t.open(respond_with="Hello")


@row(
    akool_async.InvalidParameterError,
    "trtc_user_sig: is missing; only session/create returns it, so keep those credentials",
)
async def joining_what_get_answered(t: Try) -> None:
    session = await t.akool.sessions.create(AVATAR, stream_type="trtc")
    try:
        await akool_async.join(await t.akool.sessions.get(session.id))
    finally:
        await t.akool.sessions.close(session.id)


# -- talking


@row(
    RuntimeWarning,
    "the session's block was left while 1 text(s) given to say() weren't spoken yet; they are "
    "cancelled. To wait: await avatar.say(…)",
)
async def say_without_await(t: Try) -> None:
    async with t.open() as avatar:
        avatar.say("Hello")
    await t.raise_warning()


@row(akool_async.InvalidParameterError, "text: is empty, give at least one character")
async def an_empty_question(t: Try) -> None:
    async with t.open() as avatar:
        await avatar.ask("")


@row(akool_async.InvalidParameterError, "text: a value of type bytes isn't a string")
async def a_question_of_bytes(t: Try) -> None:
    async with t.open() as avatar:
        await avatar.ask(b"Hello")


@row(
    akool_async.InvalidParameterError,
    "text: list is neither a str nor an async iterable of str",
)
async def a_list_to_say(t: Try) -> None:
    async with t.open() as avatar:
        await avatar.say(["Hello"])


@row(
    TypeError,
    "a reply comes asynchronously: write `async for piece in avatar.stream(…)`",
)
async def for_over_a_stream(t: Try) -> None:
    async with t.open() as avatar:
        for _ in avatar.stream("Hello"):
            pass


@row(
    TypeError,
    "a stream is iterated: write `async for piece in avatar.stream(…)`, or `await avatar.ask(…)` "
    "for the whole reply",
)
async def await_of_a_stream(t: Try) -> None:
    async with t.open() as avatar:
        await avatar.stream("Hello")


@row(
    akool_async.InvalidParameterError,
    "action: 'moonwalk' isn't allowed, use one of: hand_wave, cheer, thumbs_up, pump_fists, nod, "
    "shake, waft_left, waft_right",
)
async def an_unknown_gesture(t: Try) -> None:
    async with t.open() as avatar:
        await avatar.act(action="moonwalk")


@row(akool_async.ConversationClosedError, "the conversation was closed")
async def a_session_after_its_block(t: Try) -> None:
    async with t.open() as avatar:
        pass
    await avatar.ask("Hello")


THREAD = (
    "this session belongs to an event loop that isn't running here; from another thread use "
    "asyncio.run_coroutine_threadsafe(coroutine, loop), where loop is the session's and the "
    "coroutine calls the session"
)


@row(RuntimeError, THREAD)
async def ask_from_another_thread(t: Try) -> None:
    async with t.open() as avatar:
        await asyncio.to_thread(asyncio.run, avatar.ask("Hello"))


@row(RuntimeError, THREAD)
async def say_from_another_thread(t: Try) -> None:
    async with t.open() as avatar:
        await asyncio.to_thread(avatar.say, "Hello")


# -- events


@row(TypeError, "events are asynchronous: write `async for event in avatar.events()`")
async def for_over_events(t: Try) -> None:
    async with t.open() as avatar:
        for _ in avatar.events():
            pass


@row(
    akool_async.InvalidParameterError,
    "event: on_without_a_type.<locals>.greet is a function: name the kind of event, for example "
    "@avatar.on(events.UserSpoke), or events.Event for all",
)
async def on_without_a_type(t: Try) -> None:
    async with t.open() as avatar:

        @avatar.on
        async def greet(event: object) -> None: ...


@row(
    akool_async.InvalidParameterError,
    "event: 'user_spoke' isn't a kind of event, as events.UserSpoke is",
)
async def on_of_a_name(t: Try) -> None:
    async with t.open() as avatar:
        avatar.on("user_spoke")


BLOCKED = (
    "held the event loop up for # s, and nothing else ran meanwhile. Give what blocks to a thread, "
    "await asyncio.to_thread(…), or use an asynchronous client."
)


@row(RuntimeWarning, f"the handler a_handler_that_blocks.<locals>.look_it_up {BLOCKED}")
async def a_handler_that_blocks(t: Try) -> None:
    async with t.open() as avatar:

        @avatar.on(events.ReplyDone)
        async def look_it_up(event: object) -> None:
            await asyncio.sleep(0)
            time.sleep(0.6)  # noqa: ASYNC251 - the mistake

        await avatar.ask("Hello")
        await t.raise_warning()


@row(RuntimeWarning, f"the responder a_responder_that_blocks.<locals>.model {BLOCKED}")
async def a_responder_that_blocks(t: Try) -> None:
    def model(turn: object) -> str:
        time.sleep(0.6)
        return "Hello"

    async with t.open(respond_with=model):
        session = await t.simulator.until_ready()
        await t.simulator.user_says(session, "Hi")
        await t.raise_warning()
