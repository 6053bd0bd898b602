from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from scripted import Scripted

from akool_async.client import AkoolClient
from akool_async.errors import APITimeoutError, InvalidParameterError, InvalidResponseError
from akool_async.models import Avatar
from akool_async.models.session import LegacySession, Session
from akool_async.resources.reading import one_with_id, page
from akool_async.rest.pages import LARGE, MAX_ITEMS, MAX_VALUES, page_decoder

ITEM = {"_id": "r", "avatar_id": "a", "name": "n" * 300}
Call = Callable[[AkoolClient], Any]

#: Every list call, and the name its list has in an older or other form of the answer.
LISTS: list[tuple[Call, str]] = [
    (lambda client: client.avatars.list(), "result"),
    (lambda client: client.avatars.catalogue(), "result"),
    (lambda client: client.sessions.list(), "result"),
    (lambda client: client.legacy_sessions.list(), "result"),
    (lambda client: client.voices.list(), "result"),
    (lambda client: client.languages.list(), "lang_list"),
    (lambda client: client.knowledge.list(), "knowledge_list"),
]


def answer(items: bytes, wrapped: str = "result") -> bytes:
    return b'{"code":1000,"msg":"OK","data":{"count":7,"%b":%b}}' % (wrapped.encode(), items)


def repeated(item: bytes, times: int) -> bytes:
    return b"[" + b",".join([item] * times) + b"]"


#: An item and how often it comes; made into megabytes by the test that sends them.
TOO_MANY: dict[str, tuple[bytes, int]] = {
    "objects": (b"{}", 2_700_000),
    "fewer objects": (b"{}", 150_000),
    "arrays": (b"[]", 2_000_000),
    "numbers": (b"1", 4_000_000),
    "items": (b'{"_id":"x"}', 60_000),
    "one too many": (b'{"_id":"x"}', MAX_ITEMS + 1),
    "inside": (b'{"_id":"x","crop_arr":%b}', 1),
}


async def refused(
    name: str, call: Call, wrapped: str, service: Scripted, client: AkoolClient
) -> None:
    item, times = TOO_MANY[name]
    if b"%b" in item:
        item %= repeated(b"[]", 2_000_000)
    service.answer(answer(repeated(item, times), wrapped))
    with pytest.raises(InvalidResponseError):
        await call(client)


@pytest.mark.parametrize("name", TOO_MANY)
async def test_too_many_are_refused(name: str, service: Scripted, client: AkoolClient) -> None:
    await refused(name, *LISTS[0], service, client)


@pytest.mark.parametrize(("call", "wrapped"), LISTS)
async def test_so_they_are_in_every_list(
    call: Call, wrapped: str, service: Scripted, client: AkoolClient
) -> None:
    await refused("one too many", call, wrapped, service, client)


@pytest.mark.parametrize(("call", "wrapped"), LISTS)
async def test_a_large_page_is_read_and_leaves_the_loop_free(
    call: Call, wrapped: str, service: Scripted, client: AkoolClient
) -> None:
    items = repeated(json.dumps(ITEM).encode(), 5_000)
    assert len(items) > LARGE
    service.answer(answer(items, wrapped))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    data = page_decoder(Avatar, wrapped)(answer(items, wrapped))["data"]
    running = asyncio.create_task(other())
    read = await page(Avatar, data, wrapped)
    running.cancel()
    assert turns >= 9
    assert (len(read.items), read.count) == (5_000, 7)
    assert read.items[4_999] == Avatar.read(ITEM)
    assert len(await call(client)) == 5_000


async def test_a_bare_array_and_an_odd_item_of_a_large_page() -> None:
    odd = {"_id": "odd", "status": "soon"}
    items = [ITEM] * 3_000 + [odd]
    body = json.dumps({"code": 1000, "data": items}).encode()
    cut = body.replace(b'"odd"', rb'"cut \ud83d"')
    for text, name in ((body, "odd"), (cut, "cut �")):
        read = await page(Avatar, page_decoder(Avatar)(text)["data"])
        assert len(read.items) == 3_001
        assert (read.items[-1].id, read.items[-1].status) == (name, None)


@pytest.mark.real_clock
async def test_reading_counts_against_the_time_limit(
    service: Scripted, client: AkoolClient
) -> None:
    items = repeated(json.dumps(ITEM).encode(), 9_000)

    async def late(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return web.Response(body=answer(items))

    service.otherwise = late
    with pytest.raises(APITimeoutError):
        await client.with_options(timeout=0.12, max_retries=0).avatars.list()


def test_an_honest_answer_is_far_from_the_bound() -> None:
    largest = answer(repeated(json.dumps(ITEM | {"crop_arr": []}).encode(), MAX_ITEMS))
    assert sum(largest.count(mark) for mark in (b",", b"{", b"[")) < MAX_VALUES / 10


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


class Word(enum.StrEnum):
    OPEN = "open"


@pytest.mark.parametrize(
    ("call", "query"),
    [
        (lambda client: client.avatars.list(page=Number.TWO, platform=Word.OPEN), "page=2"),
        (lambda client: client.avatars.catalogue(source=Number.TWO, type=Number.ONE), "from=2"),
        (lambda client: client.sessions.list(status=Number.ONE, size=Number.TWO), "status=1"),
        (lambda client: client.legacy_sessions.list(status=Number.TWO), "status=2"),
        (lambda client: client.voices.list(Number.ONE, style=[Word.OPEN]), "style=open"),
        (lambda client: client.knowledge.list(source=Number.ONE, name=Word.OPEN), "from=1"),
    ],
)
async def test_values_of_other_types_are_sent_as_plain_ones(
    call: Call, query: str, service: Scripted, client: AkoolClient
) -> None:
    service.answer(answer(b"[]"))
    await call(client)
    assert query in service.last.raw_path
    assert "Number" not in service.last.raw_path
    assert "Word" not in service.last.raw_path


@pytest.mark.parametrize(
    "wrong", [0, -1, 2**31, pytest.param(10**5000, id="huge"), 1.5, "1", True, None]
)
def test_a_page_that_cant_be(wrong: Any, client: AkoolClient) -> None:
    for listing in (client.avatars.list, client.sessions.list, client.knowledge.list):
        with pytest.raises(InvalidParameterError, match="page"):
            listing(page=wrong)


@pytest.mark.parametrize("kind", [Session, LegacySession])
@pytest.mark.parametrize("nothing", ["", None])
def test_an_id_that_is_empty_gives_way_to_its_other_name(kind: Any, nothing: Any) -> None:
    assert one_with_id(kind, [{"_id": nothing, "session_id": "s1"}]).id == "s1"
    with pytest.raises(ValueError, match="no _id"):
        one_with_id(kind, {"_id": nothing})
