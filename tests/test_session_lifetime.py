"""That no paid session stays open, whatever happens to the program, the service or the network."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from session_service import QUICK, EmptyRoom, SessionService, answer, refusal

from akool_async import AkoolClient, ConversationOptions, Disconnected, http
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidParameterError,
    InvalidResponseError,
    SessionLeftOpenError,
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


class TestClosing:
    async def test_it_is_tried_until_the_service_can_be_reached(self) -> None:
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
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        answers = [refusal(1217), refusal(1101), web.Response(status=502), refusal(1010)]

        async def close(body: Mapping[str, Any]) -> web.StreamResponse | None:
            return answers.pop(0) if answers else None

        sessions.hooks["close"] = close
        async with opening(akool):
            pass
        assert (sessions.open, sessions.calls.count("close")) == (set(), 5)

    async def test_a_longer_wait_that_the_service_asks_for_is_waited(
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        answers = [refusal(1005, status=429, retry_after=2)]

        async def close(body: Mapping[str, Any]) -> web.StreamResponse | None:
            return answers.pop(0) if answers else None

        sessions.hooks["close"] = close
        began = asyncio.get_running_loop().time()
        async with opening(
            akool, options=ConversationOptions(opening_timeout=0.01, close_timeout=0.1)
        ):
            pass
        assert asyncio.get_running_loop().time() - began >= 2
        assert sessions.open == set()

    async def test_more_than_there_are_connections_at_a_slow_service(
        self, sessions: SessionService, akool: AkoolClient
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

    async def test_a_rate_limit_leaves_none_open(
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
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

    async def test_other_calls_do_not_keep_it_waiting(self, sessions: SessionService) -> None:
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
        self, sessions: SessionService, monkeypatch: pytest.MonkeyPatch
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
        self, sessions: SessionService, monkeypatch: pytest.MonkeyPatch
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

    async def test_a_handler_may_close_the_client(self, sessions: SessionService) -> None:
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
        self, sessions: SessionService, akool: AkoolClient, caplog: pytest.LogCaptureFixture
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
        self, sessions: SessionService, akool: AkoolClient
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
        self, sessions: SessionService, akool: AkoolClient
    ) -> None:
        with pytest.raises(SystemExit):
            async with opening(akool) as avatar:

                @avatar.on(Disconnected)
                def leave(event: Disconnected) -> None:
                    sys.exit(3)

        assert sessions.open == set()

    async def test_a_handler_of_the_end_may_close_the_session(
        self, sessions: SessionService, akool: AkoolClient
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
