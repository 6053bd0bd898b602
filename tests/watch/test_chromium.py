"""The page in a real Chromium, over the simulator's room."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from chromium import CLIENTS, NEEDS_A_BROWSER, client_path, tab
from page_visit import answer, see_hear_and_talk

from akool_async import AkoolClient, AvatarSession, watch
from akool_async.simulator import Media, Simulator
from akool_async.testing.waiting import until
from akool_async.watch.files import LIVEKIT_CLIENT_URL, PageFiles

AVATAR = "dvp_Tristan_cloth2_1080P"
pytestmark = [*NEEDS_A_BROWSER, pytest.mark.real_clock]


@pytest_asyncio.fixture
async def avatar() -> AsyncIterator[AvatarSession]:
    """A session in the simulator's room, with a face and a voice."""
    client_path()
    async with (
        Simulator(reply=answer, pace=0.2, media=Media()) as sim,
        AkoolClient("any", base_url=sim.url) as akool,
        akool.open_session(AVATAR) as opened,
    ):
        yield opened


async def test_a_person_sees_hears_and_talks_with_the_avatar(
    avatar: AvatarSession, tmp_path: Path, record_property: Any
) -> None:
    first_picture = await see_hear_and_talk(avatar, tmp_path)
    record_property("first picture, ms", first_picture)
    print(f"first picture after {first_picture} ms")


async def test_a_link_that_was_used_opens_nothing(avatar: AvatarSession, tmp_path: Path) -> None:
    async with (
        watch.serve(avatar, livekit_client=client_path()) as link,
        tab(link, tmp_path / "first") as page,
    ):
        await page.until("document.getElementById('state')?.textContent === 'connected'")
        # The page's websocket breaks: it comes back by itself.
        await page.value("socket.close()")
        await page.until("socket.readyState !== WebSocket.OPEN")
        await page.until("document.getElementById('state').textContent === 'connected'")
        await page.type("two")
        await page.shows("You said: two")
        async with tab(link, tmp_path / "second") as stranger:
            await stranger.until("document.body?.innerText.includes('this link was used')")


async def test_the_page_is_usable_by_keyboard_and_on_a_phone(
    avatar: AvatarSession, tmp_path: Path
) -> None:
    async with (
        watch.serve(avatar, livekit_client=client_path()) as link,
        tab(link, tmp_path) as page,
    ):
        await page.until("document.getElementById('state')?.textContent === 'connected'")
        assert await page.value("document.activeElement.id") == "text"
        await page.value("document.activeElement.blur()")
        reached = []
        for _ in range(7):  # once it is the browser's own window that has it
            await page.press("Tab")
            reached.append(await page.value("document.activeElement.id"))
        # The order starts behind what had the focus last, and goes round.
        order = ["microphone", "interrupt", "end", "lines", "text", "send"]
        assert [one for one in reached if one] in [order[n:] + order[:n] for n in range(6)]

        tree = (await page.command("Accessibility.getFullAXTree"))["nodes"]
        named = {
            (node["role"]["value"], node.get("name", {}).get("value"))
            for node in tree
            if not node["ignored"]
        }
        buttons = {("button", name) for name in ("Microphone", "Interrupt", "End session", "Send")}
        assert buttons | {("textbox", "Your message"), ("log", "Transcript")} <= named
        live = {
            node["role"]["value"]
            for node in tree
            for one in node.get("properties", [])
            if (one["name"], one["value"].get("value")) == ("live", "polite")
        }
        assert {"status", "log"} <= live

        sent = avatar.stats.packets_sent
        await page.press("Escape")
        await until(lambda: avatar.stats.packets_sent > sent, "the interrupt")

        await page.command(
            "Emulation.setDeviceMetricsOverride",
            width=390,
            height=844,
            deviceScaleFactor=1,
            mobile=True,
        )
        await page.value("for (let n = 0; n < 40; n++) line('user', 'a line of the transcript')")
        assert await page.value("document.documentElement.scrollWidth") == 390
        send = await page.value("by('send').getBoundingClientRect().toJSON()")
        assert send["bottom"] <= 844
        assert send["right"] <= 390


def test_the_client_is_the_one_whose_hash_the_page_checks() -> None:
    if CLIENTS[0] is not None:
        pytest.skip("AKOOL_LIVEKIT_CLIENT names another")
    digest = base64.b64encode(hashlib.sha384(client_path().read_bytes()).digest()).decode()
    assert f"sha384-{digest}" in PageFiles(None)._script()
    assert LIVEKIT_CLIENT_URL in PageFiles(None)._script()
