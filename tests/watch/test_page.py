"""Who may have the page, and what it is answered with, however it is mounted."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from watched_page import MOUNTS, http_client, page_socket, session, watched

from akool_async import AvatarSession, ConfigurationError, NotSupportedError, watch
from akool_async.testing.in_memory_room import InMemoryRoom
from akool_async.watch.files import LIVEKIT_CLIENT_URL


@pytest.fixture(autouse=True)
def no_client_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKOOL_LIVEKIT_CLIENT", raising=False)


async def test_a_link_is_good_for_one_browser(tmp_path: Path) -> None:
    file = tmp_path / "livekit-client.umd.js"
    file.write_text("// the client")
    async with session() as avatar:
        for mount in MOUNTS:
            async with watched(avatar, mount, livekit_client=file) as link, http_client() as first:
                base = link.partition("?")[0]
                async with first.get(link) as answer:
                    page = await answer.text()
                    assert (answer.status, str(answer.url)) == (200, base), mount
                    assert answer.content_type == "text/html"
                    policy = answer.headers["Content-Security-Policy"]
                    assert "script-src 'self';" in policy
                    assert "default-src 'none'" in policy
                    assert answer.headers["Cache-Control"] == "no-store"
                assert "token" not in page
                for name in ("livekit-client.js", "watch.js", "watch.css"):
                    async with first.get(base + name) as answer:
                        assert answer.status == 200
                async with first.get(base + "access.py") as answer:
                    assert answer.status == 404
                async with first.post(base) as answer:
                    assert answer.status == 405
                async with first.head(base) as answer:
                    assert answer.status == 200
                async with http_client() as second:
                    used = (link, base, base + "watch.js", base + "?ticket=guess")
                    for url in used:
                        async with second.get(url) as answer:
                            assert answer.status == 403
                    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                        await second.ws_connect(base + "events")
                    assert refused.value.status == 403


async def test_other_origins_and_other_hosts_are_refused() -> None:
    async with session() as avatar:
        for mount in MOUNTS:
            async with watched(avatar, mount) as link, http_client() as client:
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


async def test_a_conversation_goes_by_the_page_however_it_is_mounted() -> None:
    async with session() as avatar:
        for mount in MOUNTS:
            async with watched(avatar, mount) as link, page_socket(link) as socket:
                await socket.send_json({"ask": mount})
                while (message := await socket.receive_json(timeout=20))["type"] != "done":
                    pass
                assert message["text"] == f"You said: {mount}"


async def test_without_a_file_the_client_comes_from_one_fixed_place() -> None:
    async with (
        session() as avatar,
        watched(avatar, microphone=False) as link,
        http_client() as client,
    ):
        async with client.get(link) as answer:
            page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert f'src="{LIVEKIT_CLIENT_URL}" integrity="sha384-' in page
        assert f"script-src 'self' {LIVEKIT_CLIENT_URL};" in policy


async def test_of_a_session_that_is_over_there_is_no_page() -> None:
    async with session() as avatar, watched(avatar) as link, http_client() as client:
        await avatar.aclose()
        async with client.get(link) as answer:
            assert (answer.status, await answer.text()) == (410, "the session is over")


async def test_what_cannot_work_is_refused_before_it_is_served(tmp_path: Path) -> None:
    async with AvatarSession(InMemoryRoom().transport) as avatar:
        with pytest.raises(NotSupportedError, match="no token for people"):
            watch.app(avatar)
        with pytest.raises(ConfigurationError, match="livekit-client"):
            watch.app(avatar, livekit_client=tmp_path / "missing.js")
