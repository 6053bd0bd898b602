from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import (
    APIError,
    APITimeoutError,
    AvatarFailedError,
    InvalidParameterError,
    NotFoundError,
    WaitTimeoutError,
)
from akool_async.models import Avatar
from akool_async.simulator import Simulator

UPLOAD: dict[str, Any] = {"avatar_id": "Mine01", "name": "Mine"}
LINK = "https://host/v.mp4"


async def test_what_each_call_asks(service: Scripted, client: AkoolClient) -> None:
    service.otherwise = envelope({"_id": "r", "avatar_id": "a"})
    await client.avatars.get("a&b")
    assert service.last.path == "/api/open/v4/liveAvatar/avatar/detail"
    assert service.last.query == {"avatar_id": "a&b"}
    await client.avatars.get_record("r1")
    assert service.last.path == "/api/open/v3/avatar/detail"
    assert service.last.query == {"id": "r1"}
    service.otherwise = envelope({"count": 0, "result": []})
    await client.avatars.list(platform="aigc", size=5)
    assert service.last.path == "/api/open/v4/liveAvatar/avatar/list"
    assert service.last.query == {"page": "1", "size": "5", "platform": "aigc"}
    service.otherwise = envelope([{"avatar_id": "x"}])
    page = await client.avatars.catalogue(source=3, type=2)
    assert service.last.path == "/api/open/v3/avatar/list"
    assert service.last.query == {"from": "3", "type": "2", "page": "1", "size": "100"}
    assert [avatar.avatar_id for avatar in page] == ["x"]
    assert {one.method for one in service.asked} == {"GET"}


async def test_an_upload_as_documented(service: Scripted, client: AkoolClient) -> None:
    service.answer(envelope({"_id": "r", "status": 1}))
    avatar = await client.avatars.upload(LINK, **UPLOAD, url_from=2)
    assert (service.last.method, service.last.path) == ("POST", "/api/open/v3/avatar/create")
    assert service.last.json == {
        "url": LINK,
        "avatar_id": "Mine01",
        "name": "Mine",
        "type": 2,
        "url_from": 2,
    }
    assert avatar.id == "r"


@pytest.mark.parametrize("data", [[{"_id": "r", "status": 3}], {"_id": "r", "status": 3}])
async def test_an_array_or_an_object(service: Scripted, client: AkoolClient, data: object) -> None:
    service.otherwise = envelope(data)
    assert (await client.avatars.upload(LINK, **UPLOAD)).ready
    assert (await client.avatars.get_record("r")).ready


async def test_an_empty_array_is_an_error(service: Scripted, client: AkoolClient) -> None:
    service.answer(envelope([]))
    with pytest.raises(Exception, match="can't be read") as caught:
        await client.avatars.get_record("r")
    assert "empty array" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"avatar_id": "with-dash"}, "avatar_id"),
        ({"avatar_id": "with_underscore"}, "avatar_id"),
        ({"avatar_id": "é"}, "avatar_id"),
        ({"avatar_id": "line\n"}, "avatar_id"),
        ({"avatar_id": ""}, "avatar_id"),
        ({"name": ""}, "name"),
        ({"url_from": 3}, "url_from"),
        ({"url_from": "1"}, "url_from"),
    ],
)
async def test_a_wrong_upload_is_refused_before_any_request(
    service: Scripted, client: AkoolClient, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        await client.avatars.upload(LINK, **(UPLOAD | given))
    assert caught.value.field == field
    with pytest.raises(InvalidParameterError, match=r"^url: "):
        await client.avatars.upload("v.mp4", **UPLOAD)
    assert service.asked == []


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("list", {"platform": "x"}),
        ("catalogue", {"source": 4}),
        ("catalogue", {"type": 3}),
        ("catalogue", {"size": 101}),
    ],
)
async def test_wrong_lists_are_refused(
    client: AkoolClient, call: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidParameterError):
        getattr(client.avatars, call)(**given)


class TestWaiting:
    async def test_until_it_is_ready(self, service: Scripted, client: AkoolClient) -> None:
        # An answer without status says nothing.
        service.answer(*(envelope([{"_id": "r", "status": s}]) for s in (1, None, 2, 3)))
        seen: list[int | None] = []
        avatar = await client.avatars.wait_until_ready(
            "r", interval=0.01, on_progress=lambda found: seen.append(found.status)
        )
        assert avatar.ready
        assert seen == [1, None, 2, 3]
        assert service.paths == ["/api/open/v3/avatar/detail"] * 4

    async def test_progress_may_be_async(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(envelope([{"_id": "r", "status": 3}]))
        seen: list[Avatar] = []

        async def note(found: Avatar) -> None:
            await asyncio.sleep(0)
            seen.append(found)

        await client.avatars.wait_until_ready(Avatar.read({"_id": "r"}), on_progress=note)
        assert len(seen) == 1

    async def test_a_failed_one_is_reported(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(envelope([{"_id": "r", "status": 4}]))
        with pytest.raises(AvatarFailedError) as caught:
            await client.avatars.wait_until_ready("r")
        assert caught.value.record_id == "r"
        assert not caught.value.retryable

    async def test_it_is_bounded(self, service: Scripted, client: AkoolClient) -> None:
        service.otherwise = envelope([{"_id": "r", "status": 2}])
        with pytest.raises(WaitTimeoutError, match="last status: 2") as caught:
            await client.avatars.wait_until_ready("r", timeout=0.3, interval=0.05)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.status == 2

    async def test_other_errors_end_it(self, service: Scripted, client: AkoolClient) -> None:
        service.answer(envelope(code=1008))
        with pytest.raises(NotFoundError):
            await client.avatars.wait_until_ready("r")

    async def test_a_question_without_answer_is_distinguished_from_waiting_too_long(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        async def silent(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(60)
            return web.Response()

        service.answer(silent)
        hasty = client.with_options(timeout=0.1, max_retries=0)
        with pytest.raises(APITimeoutError):
            await hasty.avatars.wait_until_ready("r", timeout=30)

    async def test_an_error_of_the_callback_is_the_callers(
        self, service: Scripted, client: AkoolClient
    ) -> None:
        service.answer(envelope([{"_id": "r", "status": 1}]))

        def fail(found: Avatar) -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await client.avatars.wait_until_ready("r", on_progress=fail)

    @pytest.mark.parametrize("wrong", [{"timeout": 0}, {"interval": 0}, {"timeout": "1"}])
    async def test_wrong_times_are_refused(
        self, service: Scripted, client: AkoolClient, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidParameterError):
            await client.avatars.wait_until_ready("r", **wrong)
        with pytest.raises(InvalidParameterError, match="record id"):
            await client.avatars.wait_until_ready(Avatar.read({"avatar_id": "a"}))
        assert service.asked == []


class TestAgainstTheSimulator:
    @pytest_asyncio.fixture
    async def sim(self) -> AsyncIterator[Simulator]:
        async with Simulator(upload_time=0.2) as sim:
            yield sim

    async def test_from_upload_to_ready(self, sim: Simulator) -> None:
        async with AkoolClient("key-0123456789", base_url=sim.url) as client:
            uploaded = await client.avatars.upload(LINK, **UPLOAD)
            assert not uploaded.ready
            ready = await client.avatars.wait_until_ready(uploaded, interval=0.05, timeout=20)
            assert ready.avatar_id == "Mine01"
            with pytest.raises(APIError):
                await client.avatars.upload(LINK, **UPLOAD)
            assert (await client.avatars.get("Mine01")).avatar_id == "Mine01"

    async def test_every_list(self, sim: Simulator) -> None:
        async with AkoolClient("key-0123456789", base_url=sim.url) as client:
            every = [one.avatar_id async for one in client.avatars.list(size=2)]
            page = await client.avatars.list()
            assert every == [one.avatar_id for one in page]
            assert len(set(every)) == len(every) == page.count
            catalogue = [one.avatar_id async for one in client.avatars.catalogue(size=2)]
            assert catalogue
            with pytest.raises(NotFoundError):
                await client.avatars.get("nobody")
