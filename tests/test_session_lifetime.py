"""That no paid session stays open, whatever happens to the program, the service or the network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from session_service import SessionService, opening

from akool_async import AkoolClient
from akool_async.errors import (
    ConfigurationError,
    SessionLeftOpenError,
)
from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


class TestClient:
    async def test_closing_it_closes_its_sessions_first(self, sessions: SessionService) -> None:
        opened = asyncio.Event()

        async def hold() -> None:
            async with opening(akool):
                opened.set()
                await asyncio.sleep(60)

        async with AkoolClient("any-key-1234", base_url=sessions.url) as akool:
            task = asyncio.create_task(hold())
            await opened.wait()
            other = await akool.sessions.create("a")
        assert sessions.open == {other.id}  # made to be handed on
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    async def test_closing_it_waits_for_a_session_that_is_being_created(
        self, sessions: SessionService
    ) -> None:
        goes_on = asyncio.Event()

        async def create(body: Mapping[str, Any]) -> None:
            await goes_on.wait()

        sessions.hooks["create"] = create
        akool = AkoolClient("any-key-1234", base_url=sessions.url)

        async def use() -> None:
            async with opening(akool):
                pytest.fail("opened")

        task = asyncio.create_task(use())
        await until(lambda: sessions.calls)
        closing = asyncio.create_task(akool.aclose())
        await asyncio.sleep(0.05)
        assert not closing.done()
        goes_on.set()
        await closing
        with pytest.raises(ConfigurationError, match="client is closed"):
            await task
        assert (sessions.made, sessions.open) == (1, set())
        with pytest.raises(ConfigurationError, match="client is closed"):
            await opening(akool)

    async def test_it_says_which_session_it_could_not_close(self, sessions: SessionService) -> None:
        sessions.hooks["close"] = sessions.never
        akool = AkoolClient("any-key-1234", base_url=sessions.url, session_close_timeout=0.2)
        await opening(akool)
        with pytest.raises(SessionLeftOpenError, match="sessions close s1"):
            await akool.aclose()

    async def test_a_copy_of_a_subclass_keeps_its_attributes(
        self, sessions: SessionService
    ) -> None:
        class Tenant(AkoolClient):
            def __init__(self, name: str, **options: Any) -> None:
                super().__init__("any-key-1234", **options)
                self.name = name

        async with Tenant("acme", base_url=sessions.url) as akool:
            first = akool.sessions
            copy = akool.with_options(timeout=5)
            assert (type(copy), copy.name) == (Tenant, "acme")
            assert copy.sessions is not first
            async with opening(copy):
                assert len(sessions.open) == 1

    def test_one_that_was_not_constructed_has_a_repr(self) -> None:
        assert repr(object.__new__(AkoolClient)) == "<AkoolClient, not constructed>"


class TestAwaited:
    async def test_it_is_open_until_it_is_closed(
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        avatar = await opening(akool)
        assert sessions.open == {"s1"}
        await avatar.aclose()
        assert sessions.open == set()
        async with await opening(akool) as entered:
            assert entered.info.session_id == "s2"
        assert sessions.open == set()

    async def test_once_only(self, akool: AkoolClient) -> None:
        once = opening(akool)
        async with once:
            pass
        with pytest.raises(ConfigurationError, match="used already"):
            await once
