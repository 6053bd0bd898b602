"""Awaited one page, iterated every item; against answers as odd as the service may give."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from scripted import Scripted, envelope

from akool_async.client import AkoolClient
from akool_async.errors import InvalidParameterError, NotFoundError


def avatars(first: int, number: int) -> list[dict[str, Any]]:
    return [{"_id": f"r{n}", "avatar_id": f"a{n}"} for n in range(first, first + number)]


class Library:
    """A list of any length behind the scripted service."""

    def __init__(
        self, service: Scripted, length: int, *, cap: int | None = None, counts: bool = True
    ) -> None:
        self.items = avatars(0, length)
        self.cap = cap
        self.counts = counts
        self.pages: list[int] = []
        service.otherwise = self.handle

    async def handle(self, request: web.Request) -> web.StreamResponse:
        page, size = int(request.query["page"]), int(request.query["size"])
        size = min(size, self.cap or size)
        self.pages.append(page)
        result = self.items[(page - 1) * size : page * size]
        data = {"count": len(self.items), "result": result} if self.counts else result
        return web.json_response(envelope(data))


async def ids(listing: AsyncIterator[Any]) -> list[str]:
    return [item.avatar_id or item.id async for item in listing]


def expected(first: int, end: int) -> list[str]:
    return [f"a{n}" for n in range(first, end)]


async def test_awaited_it_is_one_page(service: Scripted, client: AkoolClient) -> None:
    library = Library(service, 250)
    page = await client.avatars.list(page=2, size=100)
    assert (page.page, page.size, page.count, len(page), page.has_more) == (2, 100, 250, 100, True)
    assert [avatar.avatar_id for avatar in page] == expected(100, 200)
    assert (page[0].avatar_id, page[-1].avatar_id) == ("a100", "a199")
    assert [avatar.avatar_id for avatar in page[:2]] == ["a100", "a101"]
    assert not (await client.avatars.list(page=3)).has_more
    assert library.pages == [2, 3]


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 200, 250])
async def test_iterated_it_is_every_item_and_no_page_too_many(
    service: Scripted, client: AkoolClient, length: int
) -> None:
    library = Library(service, length)
    assert await ids(client.avatars.list()) == expected(0, length)
    assert library.pages == list(range(1, max(1, -(-length // 100)) + 1))


@pytest.mark.parametrize("length", [0, 9, 10, 25])
async def test_without_a_count_a_short_page_is_the_last(
    service: Scripted, client: AkoolClient, length: int
) -> None:
    library = Library(service, length, counts=False)
    found = [item.id async for item in client.knowledge.list()]
    assert found == [f"r{n}" for n in range(length)]
    assert library.pages == list(range(1, length // 10 + 2))


async def test_it_begins_where_it_is_asked_to(service: Scripted, client: AkoolClient) -> None:
    library = Library(service, 250)
    assert await ids(client.avatars.list(page=2)) == expected(100, 250)
    assert library.pages == [2, 3]


async def test_a_service_that_gives_smaller_pages_loses_nothing(
    service: Scripted, client: AkoolClient
) -> None:
    library = Library(service, 130, cap=50)
    assert await ids(client.avatars.list()) == expected(0, 130)
    assert library.pages == [1, 2, 3]


@pytest.mark.parametrize("counts", [True, False])
async def test_a_repeated_page_ends_it(
    service: Scripted, client: AkoolClient, caplog: pytest.LogCaptureFixture, counts: bool
) -> None:
    result = avatars(0, 10)
    service.otherwise = envelope({"count": 1000, "result": result} if counts else result)
    with caplog.at_level(logging.WARNING, logger="akool_async"):
        assert await ids(client.avatars.list(size=10)) == expected(0, 10)
    assert len(service.asked) == 2
    assert "repeats" in caplog.text


async def test_pages_that_alternate_end_it(service: Scripted, client: AkoolClient) -> None:
    async def alternate(request: web.Request) -> web.StreamResponse:
        page = int(request.query["page"])
        return web.json_response(envelope({"count": 9999, "result": avatars(page % 2 * 10, 10)}))

    service.otherwise = alternate
    assert sorted(await ids(client.avatars.list(size=10))) == sorted(expected(0, 20))
    assert len(service.asked) == 3


async def test_items_without_identity_that_repeat_end_it(
    service: Scripted, client: AkoolClient
) -> None:
    service.otherwise = envelope({"count": 1000, "result": [{"name": "a"}, {"name": "b"}]})
    found = [avatar.name async for avatar in client.avatars.list(size=2)]
    assert found == ["a", "b"]
    assert len(service.asked) == 2


async def test_an_item_that_shifts_to_the_next_page_comes_once(
    service: Scripted, client: AkoolClient
) -> None:
    service.answer(
        envelope({"count": 4, "result": avatars(0, 2)}),
        # One was added in front meanwhile.
        envelope({"count": 5, "result": avatars(1, 2)}),
        envelope({"count": 5, "result": avatars(3, 1)}),
    )
    assert await ids(client.avatars.list(size=2)) == expected(0, 4)


async def test_a_count_that_promises_too_much_ends_at_an_empty_page(
    service: Scripted, client: AkoolClient
) -> None:
    service.answer(envelope({"count": "99", "result": avatars(0, 10)}))
    service.otherwise = envelope({"count": 99, "result": None})
    assert await ids(client.avatars.list(size=10)) == expected(0, 10)
    assert len(service.asked) == 2


async def test_pages_can_be_walked(service: Scripted, client: AkoolClient) -> None:
    Library(service, 25)
    sizes = [len(page) async for page in client.avatars.list(size=10).pages()]
    assert sizes == [10, 10, 5]


async def test_an_error_in_the_middle_is_raised_there(
    service: Scripted, client: AkoolClient
) -> None:
    service.answer(envelope({"count": 20, "result": avatars(0, 10)}), envelope(code=1008))
    items = client.avatars.list(size=10).__aiter__()
    assert [(await anext(items)).avatar_id for _ in range(10)] == expected(0, 10)
    with pytest.raises(NotFoundError):
        await anext(items)


async def test_a_listing_can_be_used_again(service: Scripted, client: AkoolClient) -> None:
    Library(service, 3)
    listing = client.avatars.list()
    assert len(await listing) == 3
    assert await ids(listing) == await ids(listing) == expected(0, 3)


@pytest.mark.parametrize(("page", "size"), [(0, 10), (1, 0), (1, 101), (True, 10), (1, "5")])
async def test_wrong_pages_are_refused_when_the_list_is_made(
    service: Scripted, client: AkoolClient, page: Any, size: Any
) -> None:
    with pytest.raises(InvalidParameterError):
        client.avatars.list(page=page, size=size)
    assert service.asked == []
