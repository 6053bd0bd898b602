"""What one browser is shown and may ask for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from renewing import renew_early
from watched_page import AVATAR, session

from akool_async import AkoolClient, AvatarSession, OwnLiveKitRoom
from akool_async.simulator import Simulator
from akool_async.simulator.rooms.livekit.tokens import API_KEY, API_SECRET
from akool_async.testing.waiting import until
from akool_async.watch import browser
from akool_async.watch.browser import Browser
from akool_async.watch.spending import Spending


class Screen:
    """A browser's end of the channel."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.typed: asyncio.Queue[str | None] = asyncio.Queue()
        self.closed = False
        self.takes = True

    async def receive(self) -> str | None:
        return await self.typed.get()

    async def send(self, text: str) -> None:
        if not self.takes:
            raise ConnectionResetError
        self.shown.append(json.loads(text))

    async def close(self, code: int, reason: str = "") -> None:
        self.closed = True

    def type(self, **message: Any) -> None:
        self.typed.put_nowait(json.dumps(message))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.shown if message["type"] == kind]

    async def shows(self, kind: str, count: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.of(kind)) >= count, f"{kind} in {self.shown}")
        return self.of(kind)[-1]


@asynccontextmanager
async def opened(
    avatar: AvatarSession,
    *,
    microphone: bool = True,
    spent: Callable[[], Awaitable[float | None]] | None = None,
) -> AsyncIterator[Screen]:
    """A browser that has the page open; it leaves with the block."""
    screen = Screen()
    link = avatar.visitor_link if microphone else avatar.viewer_link
    serving = asyncio.create_task(Browser(avatar, screen, link, Spending(spent)).run())
    try:
        yield screen
        screen.typed.put_nowait(None)
        async with asyncio.timeout(20):
            await serving
        assert screen.closed
    finally:
        serving.cancel()


async def test_what_it_is_shown_first_and_what_it_may_ask_for() -> None:
    async with session() as avatar:
        await avatar.ask("before")
        async with opened(avatar) as screen:
            room = await screen.shows("room")
            assert room["avatar"] == avatar.participants[0].identity
            assert room["token"].count(".") == 2
            assert room["microphone"] is True
            assert [entry["text"] for entry in screen.of("hello")[0]["transcript"]] == [
                "before",
                "You said: before",
            ]
            screen.type(ask="one")
            assert (await screen.shows("done"))["text"] == "You said: one"
            assert screen.of("line") == [{"type": "line", "who": "user", "text": "one"}]
            for wrong in ("no JSON", "[1]", '{"ask": "  "}', '{"ask": 5}', '{"end": 1}'):
                count = len(screen.of("problem"))
                screen.typed.put_nowait(wrong)
                assert "understood" in (await screen.shows("problem", count + 1))["text"]
            screen.type(ping=5)
            assert (await screen.shows("pong"))["sent"] == 5
            screen.type(join=True)
            assert (await screen.shows("room", 2))["token"] != room["token"]
            screen.type(interrupt=True)
            screen.type(end=True)
            assert (await screen.shows("over"))["reason"] == "closed"
            await until(lambda: screen.closed)
        assert avatar.closed
        async with opened(avatar) as late:
            assert await late.shows("over") == {"type": "over", "reason": "closed"}


async def test_without_a_microphone_it_is_hidden() -> None:
    async with session() as avatar, opened(avatar, microphone=False) as screen:
        assert (await screen.shows("room"))["microphone"] is False


async def test_credits_are_shown_and_asked_for_once_more_at_the_end() -> None:
    answers = [30.0, 2.5]

    async def spent() -> float:
        return answers.pop(0)

    async with session() as avatar, opened(avatar, spent=spent) as screen:
        assert (await screen.shows("credits"))["text"] == "30.0"
        screen.type(end=True)
        assert (await screen.shows("credits", 2))["text"] == "2.5"
        assert avatar.closed


async def test_a_browser_that_takes_nothing_is_let_go() -> None:
    async with session() as avatar, opened(avatar) as screen:
        await screen.shows("room")
        screen.takes = False
        await avatar.ask("anything")
        await until(lambda: screen.closed)
    assert avatar.closed


async def test_a_browser_that_is_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_SILENCE", 0.2)
    async with session() as avatar, opened(avatar) as screen:
        await until(lambda: screen.closed)


@pytest.mark.real_clock
@pytest.mark.parametrize("own", [False, True], ids=["simulator's room", "own room"])
async def test_it_follows_the_session_to_the_next_avatar(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew_early(monkeypatch, 1)
    async with Simulator() as sim, AkoolClient("any", base_url=sim.url) as akool:
        options: dict[str, Any] = {}
        if own:
            url = sim.url.replace("http", "ws")
            options["room"] = OwnLiveKitRoom(url=url, api_key=API_KEY, api_secret=API_SECRET)
        async with (
            akool.open_session(AVATAR, duration=600, renew="quiet", **options) as avatar,
            opened(avatar) as screen,
        ):
            first = await screen.shows("room")
            then = await screen.shows("room", 2)
            assert (then["name"] == first["name"]) is own
            assert then["avatar"] not in ("", first["avatar"])
            assert then["avatar"] in [one.identity for one in avatar.participants]
            screen.type(ask="still there?")
            assert (await screen.shows("done"))["text"] == "You said: still there?"
