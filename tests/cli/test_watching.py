"""The page of a chat."""

from __future__ import annotations

import signal
import webbrowser
from pathlib import Path
from typing import Any

import pytest
from running_command import until
from watched_page import http_client, page_socket, session

from akool_async import ConfigurationError, InvalidParameterError, OwnLiveKitRoom
from akool_async.cli.options import WatchOptions
from akool_async.cli.watching import ChatPage

SERVICE = "https://openapi.akool.com"
LOCAL = "http://127.0.0.1:8787"


class Out:
    """What was printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("AKOOL_LIVEKIT_CLIENT", "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"),
        *("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "transport", "wrong"),
    [
        ({"no_browser": True}, "livekit", "--no-browser"),
        ({"livekit_client": "x.js"}, "agora", "--livekit-client"),
        ({"watch": True}, "agora", "--watch"),
    ],
)
def test_options_that_cannot_work(given: dict[str, Any], transport: str, wrong: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        ChatPage(WatchOptions(**given), transport=transport)
    assert caught.value.field == wrong


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no file"):
        missing = str(tmp_path / "missing.js")
        ChatPage(WatchOptions(watch=True, livekit_client=missing), transport="livekit")


def test_the_room_is_one_that_browsers_can_join(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ChatPage(WatchOptions(watch=True), transport="livekit")
    assert page.room(LOCAL) == {}
    with pytest.raises(ConfigurationError, match="LIVEKIT_API_SECRET"):
        page.room(SERVICE)
    monkeypatch.setenv("LIVEKIT_URL", "wss://live.example")
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-secret-of-at-least-32-characters-0123")
    assert isinstance(page.room(SERVICE)["room"], OwnLiveKitRoom)
    assert ChatPage(WatchOptions(), transport="agora").room(SERVICE) == {}


async def nothing() -> None:
    return None


def link_in(text: str) -> str:
    return next(part for part in text.split() if part.startswith("http"))


async def watched_chat(akool: Any, akool_simulator: Any) -> tuple[Any, str]:
    """A chat with a page, and the link to it."""
    chat = await akool("chat", "--watch", "--no-browser", url=akool_simulator.url)
    await chat.printed("for one browser")
    return chat, link_in(chat.output)


async def test_the_link_is_printed_and_opened_where_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    async with session() as avatar:
        for no_browser, screen, opens in (
            (False, ":0", True),
            (True, ":0", False),
            (False, "", False),
        ):
            monkeypatch.setenv("DISPLAY", screen)
            opened.clear()
            out: Any = Out()
            page = ChatPage(WatchOptions(watch=True, no_browser=no_browser), transport="livekit")
            async with page.running(avatar, out, nothing):
                (line,) = out.lines
                if opens:
                    await until(lambda: opened)
                link = link_in(line)
                assert opened == ([link] if opens else [])
                async with http_client() as client, client.get(link) as answer:
                    assert answer.status == 200


async def test_without_the_option_there_is_no_page() -> None:
    out: Any = Out()
    page = ChatPage(WatchOptions(), transport="livekit")
    async with session() as avatar, page.running(avatar, out, nothing):
        assert out.lines == []


@pytest.mark.real_clock
async def test_a_chat_ends_by_its_page(akool: Any, akool_simulator: Any) -> None:
    chat, link = await watched_chat(akool, akool_simulator)
    async with page_socket(link) as socket:
        await socket.send_json({"ask": "from the page"})
        missing = {"done", "credits"}
        while missing:
            message = await socket.receive_json(timeout=60)
            missing.discard(message["type"])
            assert message.get("text") != ""
        await socket.send_json({"end": True})
        while (message := await socket.receive_json(timeout=60))["type"] != "over":
            pass
    assert await chat.ended() == 1
    assert "the session is over: closed" in chat.output
    assert akool_simulator.open_sessions == []


@pytest.mark.real_clock
async def test_a_signal_ends_a_watched_chat(akool: Any, akool_simulator: Any) -> None:
    chat, link = await watched_chat(akool, akool_simulator)
    async with page_socket(link) as socket:
        await socket.receive_json(timeout=60)
        chat.signal(signal.SIGTERM)
        assert await chat.ended() == 143
    assert akool_simulator.open_sessions == []
