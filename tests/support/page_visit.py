"""What a person does with the page, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

from chromium import client_path, tab

from akool_async import AvatarSession, watch
from akool_async.testing.waiting import until

__all__ = ["answer", "see_hear_and_talk"]


def answer(text: str) -> str:
    """What the avatar answers: long enough to be heard."""
    return f"You said: {text}. " + "This is said for a while, so that it is heard. " * 4


async def see_hear_and_talk(avatar: AvatarSession, profile: Path) -> int:
    """Opens the page, looks, listens, types, interrupts, speaks and ends the session.

    Returns the milliseconds from the page's start to its first picture.
    """
    async with (
        watch.serve(avatar, livekit_client=client_path()) as link,
        tab(link, profile) as page,
    ):
        await page.until("document.getElementById('state')?.textContent === 'connected'")
        assert "ticket" not in await page.value("location.href")
        # A livekit-server announces who publishes nothing up to 3 s late.
        await until(lambda: any(one.identity.startswith("visitor") for one in avatar.participants))
        await page.until("document.body.dataset.firstPicture !== undefined")
        first_picture = int(await page.value("document.body.dataset.firstPicture"))
        assert await page.value("document.getElementById('video').videoWidth") > 0

        await page.type("<b>one</b>")
        await page.shows("You said: <b>one</b>")
        assert await page.loudness() > 0.01
        assert await page.value("document.querySelectorAll('#lines li').length") == 2
        await page.click("interrupt")

        await page.click("microphone")
        await page.until(
            "document.getElementById('microphone').getAttribute('aria-pressed') === 'true'"
        )
        await page.click("end")
        await page.until("document.getElementById('state').textContent.includes('over')")
        await until(lambda: avatar.closed)
    return first_picture
