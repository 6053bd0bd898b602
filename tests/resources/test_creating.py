"""That no session that was created is forgotten, whatever becomes of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from session_service import QUICK, EmptyRoom, SessionService, answer, refusal

from akool_async import AkoolClient, ConversationOptions
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidParameterError,
    InvalidResponseError,
)
from akool_async.models.session import LegacySession, Session
from akool_async.resources import creating
from akool_async.stream.limits import AGORA
from akool_async.testing.waiting import until

pytestmark = pytest.mark.virtual_clock


@pytest_asyncio.fixture
async def sessions() -> AsyncIterator[SessionService]:
    async with SessionService().running() as service:
        yield service


@pytest_asyncio.fixture
async def akool(sessions: SessionService) -> AsyncIterator[AkoolClient]:
    async with AkoolClient("any-key-1234", base_url=sessions.url) as client:
        yield client


def opening(akool: AkoolClient, **more: Any) -> Any:
    return akool.open_session("a", transport=EmptyRoom, **{"options": QUICK, **more})


class TestCreating:
    async def test_one_that_is_answered_late_is_closed(self, sessions: SessionService) -> None:
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

    async def test_a_cancelled_caller_leaves_none(
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        async def create(body: Mapping[str, Any]) -> None:
            await asyncio.sleep(0.2)

        sessions.hooks["create"] = create
        for call in (opening(akool), akool.sessions.create("a"), akool.legacy_sessions.create("a")):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await call
        assert (sessions.made, sessions.open) == (3, set())

    async def test_a_cancelled_caller_does_not_wait_for_ever(
        self, sessions: SessionService, akool: AkoolClient, monkeypatch: pytest.MonkeyPatch
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
        self, sessions: SessionService, akool: AkoolClient
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
        self, sessions: SessionService, akool: AkoolClient
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
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        refusals = [refusal(1215, retry_after=1)]

        async def create(body: Mapping[str, Any]) -> web.StreamResponse | None:
            return refusals.pop() if refusals else None

        sessions.hooks["create"] = create
        began = asyncio.get_running_loop().time()
        async with opening(akool, duration=60) as avatar:
            assert avatar.info.created >= began + 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"legacy": True, "mode": 3},
            {"legacy": True, "language": 7},
            {"legacy": True, "voice_url": "no link"},
            {"legacy": True, "voice_id": 5},
            {"legacy": True, "running_timeout": 0},
            {"legacy": True, "on_progress": 5},
            {"legacy": True, "duration": 60},
            {"options": {"reply_timeout": 5}},
            {"transport_options": [1]},
            {"renew_credentials": "yes"},
            {"on_created": 5},
            {"mode": 3},
            {"extra": {"language": "en"}},
            {"extra": {"mode_type": 1}},
            {"extra": "llm"},
        ],
    )
    async def test_wrong_values_are_refused_before_anything_is_paid(
        self, sessions: SessionService, akool: AkoolClient, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidParameterError):
            async with opening(akool, **wrong):
                pytest.fail("opened")
        assert sessions.calls == []

    async def test_what_no_document_names_is_sent_on_purpose(
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        async with opening(akool, extra={"llm_provider": "x"}, mode=1, language="en"):
            pass
        assert sessions.bodies[0] == {
            "avatar_id": "a",
            "stream_type": "livekit",
            "mode_type": 1,
            "language": "en",
            "llm_provider": "x",
        }

    async def test_a_link_too_long_for_the_opening_command_is_left_out_of_it(
        self, sessions: SessionService, akool: AkoolClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Narrow(EmptyRoom):
            room_limits = AGORA

        link = "https://bucket.example/office.png?token=" + "x" * 1100
        options = ConversationOptions(opening_timeout=0.01)
        async with akool.open_session("a", transport=Narrow, background_url=link, options=options):
            pass
        assert sessions.bodies[0]["background_url"] == link
        assert "background_url" in caplog.text

    async def test_its_id_is_given_to_the_caller_first(
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        seen: list[tuple[str, set[str]]] = []

        async def journal(session: Session | LegacySession) -> None:
            seen.append((session.id, set(sessions.open)))

        async with opening(akool, on_created=journal):
            assert seen == [("s1", {"s1"})]

        def fails(session: Session | LegacySession) -> None:
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            await opening(akool, on_created=fails)
        assert sessions.open == set()
