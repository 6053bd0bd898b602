"""The page as an ASGI application, by the specification; uvicorn and FastAPI are in test_page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from akool_async.watch.asgi import ASGIApplication
from akool_async.watch.contract import Answer, Ask, Channel


class Page:
    """Keeps what it was asked, and plays an echo on websockets."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.left = 0
        self.refuses = False

    async def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        return Answer(200, b"content", {"X-Ours": "yes"})

    def refused(self, ask: Ask) -> Answer | None:
        self.asked.append(ask)
        return Answer(403) if self.refuses else None

    async def run(self, channel: Channel) -> None:
        while (text := await channel.receive()) is not None:
            await channel.send(text.upper())
        await channel.close(1000)
        await channel.send("nothing after the end")

    async def leave(self) -> None:
        self.left += 1


class Server:
    """What an ASGI server gives to an application, and what it got from it."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.messages = list(messages)

    async def receive(self) -> Any:
        await asyncio.sleep(0)
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def called(page: Page, scope: dict[str, Any], *messages: dict[str, Any]) -> list[Any]:
    server = Server(*messages)
    await ASGIApplication(page)(scope, server.receive, server.send)
    assert not server.messages
    return server.sent


def http(path: str, root: str = "", **more: Any) -> dict[str, Any]:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": root, "headers": []}
    return scope | more


CONNECT = {"type": "websocket.connect"}
GONE = {"type": "websocket.disconnect", "code": 1006}


async def test_a_request_becomes_a_value_and_the_answer_its_messages() -> None:
    page = Page()
    headers = [
        (b"Host", b"localhost:1"),
        (b"host", b"evil.example"),
        (b"origin", b"http://localhost:1"),
        (b"cookie", b"a=1; b=2"),
    ]
    scope = http("/watch.js", headers=headers, query_string=b"x=1&ticket=t", scheme="https")
    start, body = await called(page, scope)
    assert page.asked == [
        Ask("watch.js", "localhost:1", "http://localhost:1", "t", {"a": "1", "b": "2"}, True)
    ]
    assert start["type"] == "http.response.start"
    assert start["status"] == 200
    assert (b"x-ours", b"yes") in start["headers"]
    assert (b"content-length", b"7") in start["headers"]
    assert body == {"type": "http.response.body", "body": b"content"}


async def test_head_has_no_body_but_its_length() -> None:
    start, body = await called(Page(), http("/", method="HEAD"))
    assert (b"content-length", b"7") in start["headers"]
    assert body["body"] == b""


@pytest.mark.parametrize(
    ("path", "root", "name"),
    [
        ("/", "", ""),
        ("/watch.css", "", "watch.css"),
        ("/some/page/watch.css", "/some/page", "watch.css"),
        ("/watch.css", "/some/page", "watch.css"),  # a server that takes the mount's path away
        ("/some/page/", "/some/page", ""),
        ("/some/pages", "/some/page", "some/pages"),
    ],
)
async def test_where_it_is_mounted_makes_no_difference(path: str, root: str, name: str) -> None:
    page = Page()
    await called(page, http(path, root))
    assert page.asked[0].name == name


async def test_cookies_that_are_none_let_no_one_in() -> None:
    page = Page()
    await called(page, http("/", headers=[(b"cookie", b"a[]=\xff; =;")]))
    assert page.asked[0].cookies == {}


async def test_a_websocket_until_the_browser_leaves() -> None:
    scope = http("/events", type="websocket")
    texts = [{"type": "websocket.receive", "text": text} for text in ("one", "two")]
    binary = {"type": "websocket.receive", "bytes": b"three", "text": None}
    sent = await called(Page(), scope, CONNECT, *texts, binary, GONE)
    assert [message["type"] for message in sent] == ["websocket.accept", *3 * ["websocket.send"]]
    assert [message.get("text") for message in sent[1:]] == ["ONE", "TWO", ""]


async def test_a_message_that_is_too_long_ends_it() -> None:
    scope = http("/events", type="websocket")
    for long in ({"text": "x" * 70_000}, {"bytes": b"x" * 70_000}):
        _, closed = await called(Page(), scope, CONNECT, {"type": "websocket.receive", **long})
        assert (closed["type"], closed["code"]) == ("websocket.close", 1009)


async def test_a_websocket_that_may_not_be_is_closed_before_it_is_accepted() -> None:
    page = Page()
    (closed,) = await called(page, http("/other", type="websocket"), CONNECT)
    assert closed["type"] == "websocket.close"
    page.refuses = True
    (closed,) = await called(page, http("/events", type="websocket"), CONNECT)
    assert closed["type"] == "websocket.close"


async def test_a_server_s_end_sends_browsers_away() -> None:
    page = Page()
    begin, end = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}
    sent = await called(page, {"type": "lifespan"}, begin, end)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert page.left == 1


async def test_other_scopes_are_refused() -> None:
    with pytest.raises(ValueError, match="webtransport"):
        await called(Page(), {"type": "webtransport"})
