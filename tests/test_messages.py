"""What a newcomer's mistakes say: what happened, why, and what to do.

Each row is a mistake, and the whole text that it leads to.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

import akool_async
from akool_async import AkoolClient, ConversationOptions, events
from akool_async.simulator import Simulator
from akool_async.testing.waiting import until

AVATAR = "dvp_Tristan_cloth2_1080P"
OPEN = (
    "write `async with akool.open_session(…) as avatar:`, or "
    "`avatar = await akool.open_session(…)` and at the end `await avatar.aclose()`"
)
QUOTA = "(GET /api/open/v3/faceswap/quota/info)"
CREATE = "(POST /api/open/v4/liveAvatar/session/create)"
CREDENTIALS = (
    "The key or token is wrong, expired or of another account: copy it again from the account's "
    "API page. With client_id= and client_secret= the client gets new tokens by itself."
)
REFUSED = f"invalid authorization {QUOTA}. {CREDENTIALS}"
SLOTS = (
    "Close what is open (akool sessions close-all), or wait for it: "
    "open_session(…, wait_for_slot=60)."
)
BUSY_OPTIONS: dict[str, Any] = {"max_retries": 0}


@dataclass
class Try:
    """What a mistake is made with."""

    akool: AkoolClient
    simulator: Simulator
    warnings: list[warnings.WarningMessage]

    def open(self, avatar_id: str = AVATAR, **options: Any) -> Any:
        return self.akool.open_session(avatar_id, **{"stream_type": "trtc"} | options)

    async def raise_warning(self) -> None:
        """The warning that is given becomes what is raised."""
        await until(lambda: self.warnings)
        raise RuntimeWarning("; ".join(str(one.message) for one in self.warnings))


Mistake = Callable[[Try], Awaitable[object]]
ROWS: list[Any] = []


def row(kind: type[BaseException], text: str, **simulator: Any) -> Callable[[Mistake], Mistake]:
    """Adds a mistake. In the text `#` stands for any number, `HOST` for a server."""

    def add(mistake: Mistake) -> Mistake:
        ROWS.append(pytest.param(mistake, kind, text, simulator, id=mistake.__name__))
        return mistake

    return add


# -- the client


@row(
    akool_async.AuthenticationError,
    f"1101: invalid authorization {QUOTA}. {CREDENTIALS}",
    api_key="k",
)
async def wrong_key(t: Try) -> None:
    async with AkoolClient("wrong", base_url=t.simulator.url) as akool:
        await akool.account.credits()


@row(
    akool_async.AuthenticationError,
    f"1101: invalid authorization {QUOTA}. {CREDENTIALS}",
    api_key="k",
)
async def token_expired(t: Try) -> None:
    async with AkoolClient(token="of last year", base_url=t.simulator.url) as akool:
        await akool.account.credits()


@row(
    akool_async.ConfigurationError,
    "No credentials: set AKOOL_API_KEY, or AKOOL_CLIENT_ID and AKOOL_CLIENT_SECRET, or give "
    "api_key=, token=, or client_id= and client_secret=",
)
async def no_credentials(t: Try) -> None:
    AkoolClient()


@row(
    akool_async.ConfigurationError,
    "client_secret is missing: give it, or set AKOOL_CLIENT_SECRET",
)
async def half_of_a_pair(t: Try) -> None:
    AkoolClient(client_id="a")


@row(akool_async.ConfigurationError, "Give one of api_key / token, not several")
async def key_and_token(t: Try) -> None:
    AkoolClient("a", token="b")


@row(
    akool_async.InvalidParameterError,
    "api_key: holds a character that an HTTP header can't (printable ASCII only)",
)
async def a_key_of_two_lines(t: Try) -> None:
    AkoolClient("a\nb")


@row(
    akool_async.ConfigurationError,
    "base_url is http://example.com, which would send the key in clear: use https (http is "
    "accepted for loopback addresses only)",
)
async def a_url_without_tls(t: Try) -> None:
    AkoolClient("a", base_url="http://example.com")


@row(
    RuntimeWarning,
    "an AkoolClient wasn't closed, so its connections stay open. Use `async with AkoolClient() as "
    "akool`, or `await akool.aclose()`",
)
async def client_without_async_with(t: Try) -> None:
    akool = AkoolClient("a", base_url=t.simulator.url)
    await akool.account.credits()
    session = akool._executor.pool._session
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del akool
        gc.collect()
    await session.close()
    raise next(one.message for one in caught if issubclass(one.category, RuntimeWarning))


@row(TypeError, "a client is closed asynchronously: write `async with AkoolClient()`")
async def with_a_client_in_place_of_async_with(t: Try) -> None:
    with AkoolClient("a", base_url=t.simulator.url):
        pass


@row(akool_async.ConfigurationError, "The client is closed")
async def a_closed_client(t: Try) -> None:
    await t.akool.aclose()
    await t.akool.account.credits()


@row(
    akool_async.ConfigurationError,
    "The client is used in another event loop than before: make one for each",
)
async def a_client_in_another_loop(t: Try) -> None:
    await t.akool.account.credits()
    await asyncio.to_thread(asyncio.run, _credits(t.akool))


async def _credits(akool: AkoolClient) -> object:
    return await akool.account.credits()


@row(
    RuntimeError,
    "an event loop is running already, as in a notebook: write `await main()` in place of "
    "`akool_async.run(main())`",
)
async def run_in_a_notebook(t: Try) -> None:
    akool_async.run(_credits(t.akool))


# -- reaching the service


@row(
    akool_async.APIConnectionError,
    f"no connection to 127.0.0.1:9: Connection refused {QUOTA}. Start what listens there: akool "
    "simulator.",
)
async def simulator_down(t: Try) -> None:
    async with AkoolClient("a", base_url="http://127.0.0.1:9", max_retries=0) as akool:
        await akool.account.credits()


@row(
    akool_async.APIConnectionError,
    f"no connection to nothing.invalid:443: * {QUOTA}. Check the network and the base URL.",
)
async def a_wrong_host(t: Try) -> None:
    async with AkoolClient("a", base_url="https://nothing.invalid", max_retries=0) as akool:
        await akool.account.credits()


@row(
    akool_async.APIConnectionError,
    f"no trusted connection to HOST: * {QUOTA}. Check the base URL, and this machine's "
    "certificates and clock.",
)
async def https_for_http(t: Try) -> None:
    url = t.simulator.url.replace("http:", "https:")
    async with AkoolClient("a", base_url=url, max_retries=0) as akool:
        await akool.account.credits()


@row(
    akool_async.APIConnectionError,
    f"the proxy refused with HTTP 407 {QUOTA}. Check HTTPS_PROXY and its login, or leave the "
    "service out of it by NO_PROXY.",
)
async def proxy_refused(t: Try) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        await _through_proxy(server.sockets[0].getsockname()[1])


@row(
    akool_async.APIConnectionError,
    f"no connection to the proxy 127.0.0.1:9: Connection refused {QUOTA}. Check HTTPS_PROXY.",
)
async def proxy_down(t: Try) -> None:
    await _through_proxy(9)


async def _through_proxy(port: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        patch.delenv("NO_PROXY", raising=False)
        patch.delenv("no_proxy", raising=False)
        async with AkoolClient("a", base_url="https://api.invalid", max_retries=0) as akool:
            await akool.account.credits()


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


# -- REST


@row(
    TypeError,
    "a list call is asynchronous: write `async for item in …list()` for every item, or "
    "`for item in await …list()` for one page",
)
async def for_over_a_list_call(t: Try) -> None:
    for _ in t.akool.avatars.list():
        pass


@row(TypeError, "a list call isn't made yet: write `(await …list())[0]`")
async def the_first_of_a_list_call(t: Try) -> None:
    t.akool.avatars.list()[0]


@row(
    TypeError,
    "this is one page already: write `for item in await …list()`, or without `await` "
    "`async for item in …list()` for the items of every page",
)
async def async_for_over_a_page(t: Try) -> None:
    async for _ in await t.akool.avatars.list():
        pass


@row(
    akool_async.NotFoundError,
    "1216: the live session does not exist (GET /api/open/v4/liveAvatar/session/detail). List the "
    "sessions that there are: akool sessions list.",
)
async def an_unknown_session(t: Try) -> None:
    await t.akool.sessions.get("nonsense")


@row(akool_async.InvalidParameterError, "session_id: None isn't a string")
async def no_session_id(t: Try) -> None:
    await t.akool.sessions.close(None)


@row(
    TypeError,
    "ConversationOptions.__init__() got an unexpected keyword argument 'reply_time'",
)
async def an_unknown_option(t: Try) -> None:
    ConversationOptions(reply_time=3)


@pytest.mark.parametrize(("mistake", "kind", "text", "options"), ROWS)
async def test_what_a_mistake_says(
    mistake: Mistake,
    kind: type[BaseException],
    text: str,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API_KEY", "CLIENT_ID", "CLIENT_SECRET", "API_URL"):
        monkeypatch.delenv(f"AKOOL_{name}", raising=False)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default")  # as Python has it where nothing is set
        async with (
            Simulator(queue_time=0.0, **options) as simulator,
            AkoolClient("k", base_url=simulator.url) as akool,
        ):
            with pytest.raises(kind) as raised:
                await mistake(Try(akool, simulator, given))
    said = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    pattern = re.escape(text).replace(r"\#", r"[\d.]+").replace("HOST", r"127\.0\.0\.1:\d+")
    assert re.fullmatch(pattern.replace(r"\*", ".+"), said), said
    assert len(said.splitlines()) <= 3


async def test_a_service_that_is_down_takes_few_lines_of_a_traceback(unused_tcp_port: int) -> None:
    async with AkoolClient(
        "a", base_url=f"http://127.0.0.1:{unused_tcp_port}", max_retries=0
    ) as akool:
        with pytest.raises(akool_async.APIConnectionError) as raised:
            await akool.open_session(AVATAR)
    text = "".join(traceback.format_exception(raised.value))
    assert text.startswith("ConnectionRefusedError: ")
    assert "ssl:default" not in text
    # The system's error, and ours from the user's line on.
    assert len(traceback.extract_tb(raised.value.__traceback__)) <= 4, text


def test_there_are_forty_of_them() -> None:
    assert len(ROWS) >= 40
