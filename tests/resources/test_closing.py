"""That a paid session is closed: tried until the service says so or time is up."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

import aiohttp
import pytest
import session_service
from aiohttp import web
from fake_avatar import FakeAvatar
from session_service import QUICK, SessionService, refusal

from akool_async import AkoolClient, ConversationOptions, Disconnected, UserSpoke, http
from akool_async.errors import (
    APITimeoutError,
    ConfigurationError,
    SessionLeftOpenError,
)
from akool_async.testing.in_memory_room import InMemoryRoom, InMemoryTransport
from akool_async.testing.waiting import until
from akool_async.transport import JoinTarget

pytestmark = pytest.mark.virtual_clock


#: So that no avatar is read first.
opening = partial(session_service.opening, voice="account")


async def test_it_is_tried_until_the_service_can_be_reached() -> None:
    service = SessionService()
    async with service.running():
        client = AkoolClient("any-key-1234", base_url=service.url, max_retries=0)
        avatar = await opening(client)
    port = int(service.url.rsplit(":", 1)[1])
    closing = asyncio.create_task(avatar.aclose())
    dropped: list[asyncio.StreamWriter] = []

    def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dropped.append(writer)
        writer.close()

    async with await asyncio.start_server(drop, "127.0.0.1", port):
        await until(lambda: len(dropped) >= 2, "two tries to close the session")
    assert not closing.done()
    async with service.running(port):
        await closing
        assert service.open == set()
        await client.aclose()


async def test_every_failure_that_may_pass_is_tried_again(
    sessions: SessionService, akool: AkoolClient
) -> None:
    answers = [
        refusal(1217),
        refusal(1101),
        web.Response(status=502),
        refusal(1010),
        web.Response(status=403),
    ]

    async def close(body: Mapping[str, Any]) -> web.StreamResponse | None:
        return answers.pop(0) if answers else None

    sessions.hooks["close"] = close
    async with opening(akool):
        pass
    assert (sessions.open, sessions.calls.count("close")) == (set(), 6)


@pytest.mark.parametrize(
    "error",
    [
        LookupError(),
        ZeroDivisionError(),
        EOFError(),
        asyncio.CancelledError(),
        type("My", (Exception,), {})(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_the_users_http_session_raises_it_is_tried_again(
    sessions: SessionService, error: BaseException
) -> None:
    async def spoil(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.name == "close" and "close" not in seen:
            seen.append(request.url.name)
            raise error
        return await handler(request)

    seen: list[str] = []
    async with (
        aiohttp.ClientSession(middlewares=(spoil,)) as mine,
        AkoolClient("any-key-1234", base_url=sessions.url, session=mine) as akool,
        opening(akool),
    ):
        pass
    assert seen == ["close"]
    assert sessions.open == set()


async def test_the_end_of_the_program_does_not_take_the_token_that_it_needs(
    sessions: SessionService,
) -> None:
    """The token is refused, and another one is being fetched for closing when all is cancelled."""
    fetching, go = asyncio.Event(), asyncio.Event()
    issued = iter(range(1, 9))

    async def token(body: Mapping[str, Any]) -> web.StreamResponse:
        number = next(issued)
        if number > 1:
            fetching.set()
            await go.wait()
        return session_service.answer({"token": f"token-{number}"})

    async def refuse(body: Mapping[str, Any]) -> web.StreamResponse | None:
        return None if fetching.is_set() else refusal(1101)

    sessions.hooks |= {"getToken": token, "close": refuse}
    async with AkoolClient(client_id="i", client_secret="s", base_url=sessions.url) as akool:
        avatar = await opening(akool)
        before = asyncio.all_tasks()
        closing = asyncio.create_task(avatar.aclose())
        await fetching.wait()
        for task in asyncio.all_tasks() - before:
            if closing is task or task.get_name().startswith("akool"):
                task.cancel()
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await closing
    assert sessions.open == set()


async def test_a_longer_wait_that_the_service_asks_for_is_waited(
    sessions: SessionService, akool: AkoolClient
) -> None:
    answers = [refusal(1005, status=429, retry_after=2)]

    async def close(body: Mapping[str, Any]) -> web.StreamResponse | None:
        return answers.pop(0) if answers else None

    sessions.hooks["close"] = close
    began = asyncio.get_running_loop().time()
    async with opening(akool, options=ConversationOptions(opening_timeout=0.01, close_timeout=0.1)):
        pass
    assert asyncio.get_running_loop().time() - began >= 2
    assert sessions.open == set()


async def test_more_than_there_are_connections_at_a_slow_service(
    sessions: SessionService, akool: AkoolClient
) -> None:
    async def close(body: Mapping[str, Any]) -> None:
        await asyncio.sleep(0.3)

    sessions.hooks["close"] = close
    slow = AkoolClient("any-key-1234", base_url=sessions.url)
    avatars = await asyncio.gather(*(opening(slow, options=QUICK) for _ in range(130)))
    assert len(sessions.open) == 130
    await asyncio.gather(*(avatar.aclose() for avatar in avatars))
    assert sessions.open == set()
    await slow.aclose()


async def test_a_rate_limit_leaves_none_open(sessions: SessionService, akool: AkoolClient) -> None:
    allowed = asyncio.Semaphore(4)

    async def close(body: Mapping[str, Any]) -> web.StreamResponse | None:
        if allowed.locked():
            return refusal(1005)
        await allowed.acquire()
        asyncio.get_running_loop().call_later(0.4, allowed.release)
        return None

    sessions.hooks["close"] = close
    avatars = await asyncio.gather(*(opening(akool) for _ in range(20)))
    await asyncio.gather(*(avatar.aclose() for avatar in avatars))
    assert sessions.open == set()


async def test_other_calls_do_not_keep_it_waiting(sessions: SessionService) -> None:
    sessions.hooks["detail"] = sessions.never
    async with AkoolClient("any-key-1234", base_url=sessions.url) as client:
        avatar = await opening(client)
        others = [asyncio.create_task(client.sessions.get("x")) for _ in range(120)]
        await until(lambda: sessions.calls.count("detail") == 100)
        await avatar.aclose()
        assert sessions.open == set()
        assert not any(other.done() for other in others)
        for other in others:
            other.cancel()
        await asyncio.wait(others)


async def test_creating_keeps_to_the_connections_and_waits_without_sending(
    sessions: SessionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 3)
    answers = asyncio.Event()
    under_way = most = 0

    async def create(body: Mapping[str, Any]) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await answers.wait()
        under_way -= 1

    sessions.hooks["create"] = create
    async with AkoolClient("any-key-1234", base_url=sessions.url) as client:
        first = [asyncio.create_task(client.sessions.create("a")) for _ in range(3)]
        await until(lambda: under_way == 3)
        waiting = asyncio.create_task(client.sessions.create("a"))
        with pytest.raises(APITimeoutError, match="3 other calls") as caught:
            await client.with_options(timeout=0.05, max_retries=0).sessions.create("a")
        assert not caught.value.sent
        assert "may be open" not in str(caught.value)
        waiting.cancel()
        await asyncio.wait([waiting], timeout=1.0)
        assert waiting.cancelled()
        assert sessions.calls == ["create"] * 3
        more = [asyncio.create_task(client.sessions.create("a")) for _ in range(20)]
        answers.set()
        await asyncio.gather(*first, *more)
        assert most == 3


async def test_a_closed_client_sends_nothing_that_waits_to_be_created(
    sessions: SessionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 1)
    sessions.hooks["detail"] = sessions.never
    async with AkoolClient("any-key-1234", base_url=sessions.url) as client:
        other = asyncio.create_task(client.sessions.get("x"))
        await until(lambda: sessions.calls == ["detail"])
        waiting = asyncio.create_task(client.sessions.create("a"))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await waiting
        assert "create" not in sessions.calls
        other.cancel()
        await asyncio.wait([other])


async def test_a_handler_may_close_the_client(sessions: SessionService) -> None:
    async with AkoolClient("any-key-1234", base_url=sessions.url) as client:
        avatar = await opening(client, options=ConversationOptions(opening_timeout=0.01))
        ended = asyncio.Event()

        @avatar.on(Disconnected)
        async def gone(event: Disconnected) -> None:
            await client.aclose()
            await client.aclose()
            ended.set()

        closing = asyncio.create_task(avatar.aclose())
        async with asyncio.timeout(5):
            await ended.wait()
            await closing
            await client.aclose()
        assert client.closed
        assert sessions.open == set()


async def test_what_stays_open_is_raised_and_logged_with_its_command(
    sessions: SessionService, akool: AkoolClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def close(body: Mapping[str, Any]) -> web.StreamResponse:
        return refusal(1217)

    sessions.hooks["close"] = close
    options = ConversationOptions(opening_timeout=0.01, session_close_timeout=0.3)
    with pytest.raises(SessionLeftOpenError, match="akool sessions close s1") as caught:
        async with opening(akool, options=options):
            pass
    assert caught.value.session_ids == ("s1",)
    assert sessions.calls.count("close") >= 2
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert ["akool sessions close s1" in one.getMessage() for one in errors] == [True]


async def test_during_another_exception_it_is_a_note(
    sessions: SessionService, akool: AkoolClient
) -> None:
    async def close(body: Mapping[str, Any]) -> web.StreamResponse:
        return refusal(1009)

    sessions.hooks["close"] = close
    with pytest.raises(ZeroDivisionError) as caught:
        async with opening(akool):
            1 / 0  # noqa: B018
    assert "akool sessions close s1" in caught.value.__notes__[0]
    with pytest.raises(TimeoutError) as late:
        async with asyncio.timeout(0.1), opening(akool):
            await asyncio.sleep(60)
    # Its context, because the first versions of Python 3.11 set no cause.
    assert "akool sessions close s2" in str(late.value.__context__.__notes__)


async def test_an_exit_in_a_handler_comes_after_it(
    sessions: SessionService, akool: AkoolClient
) -> None:
    with pytest.raises(SystemExit):
        async with opening(akool) as avatar:

            @avatar.on(Disconnected)
            def leave(event: Disconnected) -> None:
                sys.exit(3)

    assert sessions.open == set()


async def test_a_handler_of_the_end_may_close_the_session(
    sessions: SessionService, akool: AkoolClient
) -> None:
    ended: list[bool] = []
    began = asyncio.get_running_loop().time()
    async with opening(akool) as avatar:

        @avatar.on(Disconnected)
        async def again(event: Disconnected) -> None:
            await avatar.aclose()
            ended.append(True)

    assert ended == [True]
    assert asyncio.get_running_loop().time() - began < 1.0


@pytest.mark.parametrize("what", ["avatar", "client"])
@pytest.mark.parametrize("where", ["handler", "responder", "iterable"])
async def test_the_users_code_may_close_it_in_a_task_of_its_own(
    sessions: SessionService, where: str, what: str
) -> None:
    """Closing waits for such code, so no task that the code waits for waits for closing."""
    began = asyncio.get_running_loop().time()
    client = AkoolClient("any-key-1234", base_url=sessions.url)
    room = InMemoryRoom()
    robot = FakeAvatar(room)

    class Joined(InMemoryTransport):
        def __init__(self, target: JoinTarget, options: Mapping[str, Any]) -> None:
            super().__init__(target, {"room": room})
            room.transport = self

    avatar = await client.open_session("a", transport=Joined, voice="account")

    async def close() -> None:
        closing = (avatar if what == "avatar" else client).aclose
        await asyncio.wait_for(closing(), 30)
        ended.append(where)

    async def say() -> AsyncIterator[str]:
        await close()
        yield "bye"

    ended: list[str] = []
    if where == "handler":
        avatar.on(UserSpoke)(lambda event: close())
    elif where == "responder":
        await avatar.respond_with(lambda turn: close())
    if where == "iterable":
        avatar.say(say())
    else:
        robot.reply("u1", "goodbye", sender="user")
    await avatar.wait_closed()
    await avatar.aclose()
    await client.aclose()
    assert sessions.open == set()
    assert ended == [where]
    assert asyncio.get_running_loop().time() - began < 3
