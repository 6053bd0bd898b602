from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from scripted import Scripted, drop, envelope

from akool_async.auth import Key, Token, choose_auth
from akool_async.client import AkoolClient
from akool_async.errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    BadParameterError,
    ConfigurationError,
    InvalidParameterError,
    InvalidResponseError,
)

pytestmark = pytest.mark.virtual_clock

TOKEN_PATH = "/api/open/v3/getToken"
EMPTY = {"count": 0, "result": []}


class Issuer:
    """Answers getToken with numbered tokens and refuses all but the latest, as the service does."""

    def __init__(self, service: Scripted) -> None:
        self.issued = 0
        self.valid = ""
        self.gate = asyncio.Event()
        self.gate.set()
        self.refuse_all = False
        service.otherwise = self.handle

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == TOKEN_PATH:
            await self.gate.wait()
            self.issued += 1
            self.valid = f"issued-token-{self.issued:04}"
            # At the top level, not under data.
            return web.json_response({"code": 1000, "token": self.valid})
        given = request.headers.get("Authorization")
        if self.refuse_all or given != f"Bearer {self.valid}":
            return web.json_response(envelope(code=1101, msg="Invalid authorization"))
        return web.json_response(envelope(EMPTY))


@pytest_asyncio.fixture
async def issuer(service: Scripted) -> Issuer:
    return Issuer(service)


@pytest_asyncio.fixture
async def caller(service: Scripted, secret: Callable[[str], str]) -> AsyncIterator[AkoolClient]:
    async with AkoolClient(
        client_id="the-id", client_secret=secret("client-secret-0123456"), base_url=service.url
    ) as client:
        yield client


class TestChoosing:
    def test_nothing_names_the_variables(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            AkoolClient()
        for name in ("AKOOL_API_KEY", "AKOOL_CLIENT_ID", "AKOOL_CLIENT_SECRET", "api_key="):
            assert name in str(caught.value)

    async def test_a_key_of_the_environment(
        self, service: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AKOOL_API_KEY", " key-of-the-environment\n")
        monkeypatch.setenv("AKOOL_API_URL", f"{service.url}/api/open/v3")
        service.answer(envelope(EMPTY))
        async with AkoolClient() as client:
            await client.avatars.list()
        assert service.last.path == "/api/open/v4/liveAvatar/avatar/list"
        assert service.last.headers["x-api-key"] == "key-of-the-environment"
        assert "Authorization" not in service.last.headers

    async def test_a_token(self, service: Scripted) -> None:
        service.answer(envelope(EMPTY))
        async with AkoolClient(token="token-0123456789", base_url=service.url) as client:
            await client.avatars.list()
        assert service.last.headers["Authorization"] == "Bearer token-0123456789"
        assert "x-api-key" not in service.last.headers

    def test_what_is_given_goes_before_the_environment(self) -> None:
        env = {"AKOOL_API_KEY": "key-of-env", "AKOOL_CLIENT_ID": "i", "AKOOL_CLIENT_SECRET": "s"}
        assert isinstance(choose_auth(token="t", environ=env), Token)
        assert choose_auth(api_key="mine", environ=env).secrets() == ("mine",)
        assert choose_auth(client_id="x", client_secret="mine", environ=env).secrets() == ("mine",)
        assert choose_auth(environ=env).secrets() == ("key-of-env",)
        del env["AKOOL_API_KEY"]
        assert choose_auth(environ=env).secrets() == ("s",)
        assert choose_auth(client_id="x", environ=env).secrets() == ("s",)

    def test_half_a_pair_says_which_half_is_missing(self) -> None:
        with pytest.raises(ConfigurationError, match=r"client_secret .*AKOOL_CLIENT_SECRET"):
            choose_auth(client_id="x", environ={})
        with pytest.raises(ConfigurationError, match=r"client_id .*AKOOL_CLIENT_ID"):
            choose_auth(environ={"AKOOL_CLIENT_SECRET": "s", "AKOOL_API_KEY": " "})

    def test_two_ways_at_once_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="api_key / token"):
            choose_auth(api_key="a", token="b", environ={})

    @pytest.mark.parametrize("wrong", ["", " ", "a-private-key\nx-header: 1", "ключ-private", 5])
    def test_what_no_header_can_hold_is_refused_unquoted(self, wrong: str) -> None:
        with pytest.raises(InvalidParameterError) as caught:
            choose_auth(api_key=wrong, environ={})
        assert caught.value.field == "api_key"
        assert "private" not in str(caught.value)

    def test_nothing_shows_in_a_repr(self) -> None:
        assert "a-private-key" not in repr(AkoolClient("a-private-key"))
        assert "a-private-key" not in repr(Key("a-private-key"))


class TestClientCredentials:
    async def test_the_token_is_fetched_once_and_kept(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        await caller.avatars.list()
        await caller.with_options(timeout=5).avatars.list()
        assert issuer.issued == 1
        assert service.asked[0].json == {
            "clientId": "the-id",
            "clientSecret": "client-secret-0123456",
        }
        assert "Authorization" not in service.asked[0].headers

    async def test_many_waiting_calls_share_one_fetch(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        issuer.gate.clear()
        calls = [asyncio.ensure_future(one_page(caller)) for _ in range(50)]
        while not service.asked:
            await asyncio.sleep(0)
        issuer.gate.set()
        await asyncio.gather(*calls)
        assert issuer.issued == 1

    async def test_a_stale_token_is_replaced_once_for_all(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        await caller.avatars.list()
        issuer.valid = "revoked"
        await asyncio.gather(*(one_page(caller) for _ in range(20)))
        assert issuer.issued == 2

    async def test_a_call_refused_late_finds_the_new_token(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        await caller.avatars.list()
        arrived, go = asyncio.Event(), asyncio.Event()

        async def refuse_late(request: web.Request) -> web.StreamResponse:
            arrived.set()
            await go.wait()
            return web.json_response(envelope(code=1101))

        service.answer(refuse_late)
        slow = asyncio.ensure_future(one_page(caller))
        await arrived.wait()
        issuer.valid = "revoked"
        await caller.avatars.list()
        assert issuer.issued == 2
        go.set()
        await slow
        assert issuer.issued == 2

    async def test_only_a_stale_token_is_replaced(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        await caller.avatars.list()
        service.answer(envelope(code=1102, msg="token missing"))
        with pytest.raises(AuthenticationError):
            await caller.avatars.list()
        assert issuer.issued == 1

    async def test_a_call_that_creates_is_made_again_with_the_new_token(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        await caller.avatars.list()
        issuer.valid = "revoked"
        with pytest.raises(InvalidResponseError):  # the issuer answers no session
            await caller.sessions.create("a")
        assert service.paths[-3:] == [
            "/api/open/v4/liveAvatar/session/create",
            TOKEN_PATH,
            "/api/open/v4/liveAvatar/session/create",
        ]

    async def test_refused_again_it_is_an_error(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        issuer.refuse_all = True
        with pytest.raises(AuthenticationError) as caught:
            await caller.avatars.list()
        assert caught.value.code == 1101
        assert issuer.issued == 2
        assert len(service.asked) == 4

    async def test_a_wrong_secret_is_reported_to_all_who_wait(
        self, service: Scripted, caller: AkoolClient
    ) -> None:
        service.otherwise = envelope(code=1101, msg="wrong client-secret-0123456 given")
        results = await asyncio.gather(
            *(one_page(caller) for _ in range(5)), return_exceptions=True
        )
        assert all(isinstance(one, AuthenticationError) for one in results)
        assert service.paths == [TOKEN_PATH]
        # The service repeated the secret in its words: ours don't.
        assert "client-secret" not in str(results[0])
        assert "wrong *** given" in str(results[0])

    async def test_a_failed_fetch_is_tried_again_by_the_next_call(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        service.answer(*[drop] * 3)
        with pytest.raises(APIConnectionError):
            await caller.with_options(backoff=0).avatars.list()
        # Fetching has its own tries; the call doesn't multiply them.
        assert service.paths == [TOKEN_PATH] * 3
        await caller.avatars.list()
        assert issuer.issued == 1

    @pytest.mark.parametrize("answer", [{}, {"token": ""}, {"token": 5}, {"token": "a\nb"}])
    async def test_an_answer_without_a_token_is_reported(
        self, service: Scripted, caller: AkoolClient, answer: dict[str, object]
    ) -> None:
        service.answer({"code": 1000, **answer})
        with pytest.raises(InvalidResponseError, match="no usable token"):
            await caller.avatars.list()

    async def test_a_waiter_that_gives_up_leaves_the_token_to_the_others(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        issuer.gate.clear()
        first = asyncio.ensure_future(one_page(caller))
        second = asyncio.ensure_future(one_page(caller))
        while not service.asked:
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        issuer.gate.set()
        await second
        assert issuer.issued == 1

    async def test_closing_ends_a_fetch_for_all_who_wait(
        self, service: Scripted, issuer: Issuer
    ) -> None:
        issuer.gate.clear()
        client = AkoolClient(client_id="i", client_secret="s" * 20, base_url=service.url)
        call = asyncio.ensure_future(one_page(client))
        while not service.asked:
            await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await call
        issuer.gate.set()

    async def test_a_failed_fetch_that_no_one_waits_for_is_not_reported(
        self, service: Scripted, caller: AkoolClient
    ) -> None:
        reported: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: reported.append(what))
        started = asyncio.Event()
        go = asyncio.Event()

        async def refuse(request: web.Request) -> web.StreamResponse:
            started.set()
            await go.wait()
            return web.json_response(envelope(code=1101))

        service.answer(refuse)
        call = asyncio.ensure_future(one_page(caller))
        await started.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        fetches = [task for task in asyncio.all_tasks() if task.get_name() == "akool token"]
        assert len(fetches) == 1
        go.set()
        await asyncio.wait(fetches)
        del fetches
        gc.collect()
        assert reported == []


async def one_page(client: AkoolClient) -> None:
    await client.avatars.list()


class TestLimitsOfCopies:
    async def test_an_impatient_copy_doesnt_fail_the_others(
        self, issuer: Issuer, caller: AkoolClient
    ) -> None:
        issuer.gate.clear()
        quick = caller.with_options(timeout=0.1, max_retries=0)
        first = asyncio.ensure_future(one_page(quick))
        await asyncio.sleep(0)
        others = [asyncio.ensure_future(one_page(caller)) for _ in range(20)]
        with pytest.raises(APITimeoutError):
            await first
        issuer.gate.set()
        await asyncio.gather(*others)
        # One more fetch for all of them, beside the one that was given up.
        assert issuer.issued <= 2

    async def test_an_impatient_copy_doesnt_wait_for_a_patient_one(
        self, issuer: Issuer, caller: AkoolClient
    ) -> None:
        issuer.gate.clear()
        patient = asyncio.ensure_future(one_page(caller))
        await asyncio.sleep(0)
        quick = caller.with_options(timeout=0.1, max_retries=0)
        with pytest.raises(APITimeoutError, match="another call") as caught:
            await one_page(quick)
        assert not caught.value.sent
        issuer.gate.set()
        await patient

    async def test_a_replaced_token_stays_out_of_texts(
        self, service: Scripted, issuer: Issuer, caller: AkoolClient
    ) -> None:
        await caller.avatars.list()
        old = issuer.valid
        issuer.valid = "another"
        await caller.avatars.list()
        assert issuer.valid != old
        service.answer(
            envelope(code=1003, msg=f"seen: {old}, {issuer.valid}, client-secret-0123456")
        )
        with pytest.raises(BadParameterError, match=r"seen: \*\*\*, \*\*\*, \*\*\*"):
            await caller.avatars.list()
