"""That no session that was created is forgotten, whatever becomes of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
import session_service
from aiohttp import web
from session_service import SessionService, answer, refusal

from akool_async import AkoolClient
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    UnknownCodeError,
)
from akool_async.resources import creating
from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


#: So that no avatar is read first.
opening = partial(session_service.opening, voice="account")


async def test_one_that_is_answered_late_is_closed(sessions: SessionService) -> None:
    answers = asyncio.Event()

    async def create(body: Mapping[str, Any]) -> web.StreamResponse:
        data = sessions.create()
        await answers.wait()
        return answer(data)

    sessions.hooks["create"] = create
    async with AkoolClient("any-key-1234", base_url=sessions.url, timeout=0.1) as akool:
        with pytest.raises(APITimeoutError, match="closed at once; else find and close it"):
            await opening(akool)
        with pytest.raises(APITimeoutError):
            await akool.sessions.create("a")
        assert len(sessions.open) == 2
        answers.set()
        await until(lambda: not sessions.open)


async def test_a_cancelled_caller_leaves_none(sessions: SessionService, akool: AkoolClient) -> None:
    async def create(body: Mapping[str, Any]) -> None:
        await asyncio.sleep(0.2)

    sessions.hooks["create"] = create
    for call in (opening(akool), akool.sessions.create("a"), akool.legacy_sessions.create("a")):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await call
    assert (sessions.made, sessions.open) == (3, set())


async def test_a_cancelled_caller_does_not_wait_for_ever(
    sessions: SessionService, akool: AkoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "CANCELLED_WAIT", 0.05)
    goes_on = asyncio.Event()

    async def create(body: Mapping[str, Any]) -> None:
        await goes_on.wait()

    sessions.hooks["create"] = create
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await opening(akool)
    goes_on.set()
    await until(lambda: sessions.made == 1 and not sessions.open)


async def test_cancelling_between_two_tries_ends_at_once(
    sessions: SessionService, akool: AkoolClient
) -> None:
    async def create(body: Mapping[str, Any]) -> web.StreamResponse:
        return refusal(1215, retry_after=30)

    sessions.hooks["create"] = create
    task = asyncio.ensure_future(opening(akool).__aenter__())
    await until(lambda: sessions.calls)
    await asyncio.sleep(1)  # it pauses for 30 s
    task.cancel()
    began = asyncio.get_running_loop().time()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - began < 1
    assert sessions.calls == ["create"]


async def test_where_the_id_is_unknown_the_error_says_how_to_find_it(
    sessions: SessionService, akool: AkoolClient
) -> None:
    async def cut(body: Mapping[str, Any]) -> web.StreamResponse:
        sessions.create()
        return web.Response(body=b'{"code": 1000, "da', content_type="application/json")

    async def unreadable(body: Mapping[str, Any]) -> web.StreamResponse:
        return answer({"credentials": {}})

    async def gateway(body: Mapping[str, Any]) -> web.StreamResponse:
        return web.Response(status=502)

    for hook in (cut, unreadable, gateway):
        sessions.hooks["create"] = hook
        with pytest.raises(InvalidResponseError, match=r"close_all\(avatar_id='a', newer"):
            await opening(akool)

    async def odd(body: Mapping[str, Any]) -> web.StreamResponse:
        return refusal(200)

    sessions.hooks["create"] = odd
    with pytest.raises(UnknownCodeError, match=r"close_all\(avatar_id='a', newer"):
        await opening(akool)

    async def refused(body: Mapping[str, Any]) -> web.StreamResponse:
        return web.Response(status=404)

    sessions.hooks["create"] = refused
    with pytest.raises(InvalidResponseError) as caught:
        await opening(akool)
    assert "close_all" not in str(caught.value)
    nowhere = "http://127.0.0.1:9"
    async with AkoolClient("any-key-1234", base_url=nowhere, max_retries=0) as unreachable:
        with pytest.raises(APIConnectionError) as offline:
            await opening(unreachable)
    assert "close_all" not in str(offline.value)


async def test_the_duration_counts_from_the_try_that_succeeded(
    sessions: SessionService, akool: AkoolClient
) -> None:
    refusals = [refusal(1215, retry_after=1)]

    async def create(body: Mapping[str, Any]) -> web.StreamResponse | None:
        return refusals.pop() if refusals else None

    sessions.hooks["create"] = create
    began = asyncio.get_running_loop().time()
    async with opening(akool, duration=60) as avatar:
        assert avatar.info.created >= began + 1
