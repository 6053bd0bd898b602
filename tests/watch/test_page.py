"""The page's server, with a simulator's avatar behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from akool_async import AkoolClient, AvatarSession, ConfigurationError, NotSupportedError, watch
from akool_async.simulator import Simulator
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.testing.waiting import until
from akool_async.watch.page import LIVEKIT_CLIENT_URL

AVATAR = "dvp_Tristan_cloth2_1080P"


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[AvatarSession, str]]:
    """A session's page, and the link to it."""
    async with (
        Simulator() as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR) as avatar,
        watch.serve(avatar, **options) as link,
    ):
        yield avatar, link


@pytest.fixture(autouse=True)
def no_client_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKOOL_LIVEKIT_CLIENT", raising=False)


def browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def test_a_link_is_good_for_one_browser_and_a_conversation(tmp_path: Path) -> None:
    client = tmp_path / "livekit-client.umd.js"
    client.write_text("// the client")
    async with served(livekit_client=client) as (avatar, link), browser() as first:
        base = link.partition("?")[0]
        async with first.get(link) as answer:
            page = await answer.text()
            assert (answer.status, str(answer.url)) == (200, base)
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "default-src 'none'" in policy
            assert answer.headers["Cache-Control"] == "no-store"
        assert "token" not in page
        for name in ("livekit-client.js", "watch.js", "watch.css"):
            async with first.get(base + name) as answer:
                assert answer.status == 200
        async with browser() as second:
            for url in (link, base, base + "watch.js", base + "?ticket=guess"):
                async with second.get(url) as answer:
                    assert answer.status == 403

        origin = {"Origin": base.rstrip("/")}
        async with first.ws_connect(base + "events", headers=origin) as socket:
            hello = await socket.receive_json(timeout=20)
            assert hello["type"] == "hello"
            assert hello["avatar"] == avatar.participants[0].identity
            assert hello["token"].count(".") == 2

            async def until_type(kind: str) -> Any:
                while (message := await socket.receive_json(timeout=20))["type"] != kind:
                    pass
                return message

            await socket.send_json({"ask": "one"})
            assert await until_type("line") == {"type": "line", "who": "user", "text": "one"}
            assert (await until_type("done"))["text"] == "You said: one"
            await socket.send_str("no JSON")
            assert "understood" in (await until_type("problem"))["text"]
            await socket.send_json({"ping": 5})
            assert (await until_type("pong"))["sent"] == 5
            await socket.send_json({"end": True})
            assert (await until_type("over"))["reason"] == "closed"
        await until(lambda: avatar.closed)


async def test_other_origins_and_other_hosts_are_refused() -> None:
    async with served() as (_, link), browser() as client:
        base = link.partition("?")[0]
        host = {"Host": f"evil.example:{urlsplit(base).port}"}
        async with client.get(link, headers=host) as answer:
            assert answer.status == 403
        async with client.get(link) as answer:  # which didn't use the ticket up
            assert answer.status == 200
        for headers in ({"Origin": "http://evil.example"}, {}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(base + "events", headers=headers)
            assert refused.value.status == 403


async def test_without_a_file_the_client_comes_from_one_fixed_place() -> None:
    async with served(microphone=False) as (_, link), browser() as client:
        async with client.get(link) as answer:
            page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert f'src="{LIVEKIT_CLIENT_URL}" integrity="sha384-' in page
        assert f"script-src 'self' {LIVEKIT_CLIENT_URL};" in policy
        origin = {"Origin": link.partition("/?")[0]}
        events = link.partition("?")[0] + "events"
        async with client.ws_connect(events, headers=origin) as socket:
            assert (await socket.receive_json(timeout=20))["microphone"] is False


async def test_what_cannot_work_is_refused_before_it_is_served(tmp_path: Path) -> None:
    async with AvatarSession(InMemoryRoom().transport) as avatar:
        with pytest.raises(NotSupportedError, match="no token for people"):
            watch.WatchPage(avatar)
        with pytest.raises(ConfigurationError, match="livekit-client"):
            watch.WatchPage(avatar, livekit_client=tmp_path / "missing.js")
