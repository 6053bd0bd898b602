"""`akool avatars`: those that a session can be opened with, and uploading one's own."""

from __future__ import annotations

from typing import Final, Literal

from akool_async.cli.failures import listed_by
from akool_async.cli.options import Page, Service
from akool_async.cli.records import Found, one_page, plain, show, show_one
from akool_async.cli.terminal import note
from akool_async.client import AkoolClient
from akool_async.models.avatar import Avatar, AvatarStatus

__all__ = ["show_avatar", "show_avatars", "upload", "wait"]

_COLUMNS: Final = ("avatar_id", "name", "gender", "available")


async def show_avatars(service: Service, part: Page) -> int:
    """A line per streaming avatar."""
    async with service.client() as akool:
        found = await one_page(
            lambda number, size: akool.avatars.list(page=number, size=size), part
        )
    records = Found([plain(one) for one in found.items], found.count, found.next_page)
    show(records, _COLUMNS, as_json=service.as_json, title="avatars")
    return 0


async def show_avatar(service: Service, avatar_id: str) -> int:
    """One streaming avatar."""
    async with service.client() as akool:
        with listed_by("akool avatars list"):
            avatar = await akool.avatars.get(avatar_id)
    show_one(plain(avatar), as_json=service.as_json)
    return 0


async def upload(
    service: Service,
    link: str,
    *,
    avatar_id: str,
    name: str,
    url_from: Literal[1, 2],
    timeout: float | None,
) -> int:
    """Makes an avatar from a video; waits until it can be used where `timeout` is given."""
    async with service.client() as akool:
        avatar = await akool.avatars.upload(link, avatar_id=avatar_id, name=name, url_from=url_from)
        if timeout is not None:
            avatar = await _wait(akool, avatar, timeout)
    show_one(plain(avatar), as_json=service.as_json)
    if timeout is None:
        note(f"it is being processed; to wait until it is ready: akool avatars wait {avatar.id}")
    return 0


async def wait(service: Service, record_id: str, *, timeout: float) -> int:
    """Waits until an uploaded avatar can be used."""
    async with service.client() as akool:
        avatar = await _wait(akool, record_id, timeout)
    show_one(plain(avatar), as_json=service.as_json)
    return 0


async def _wait(akool: AkoolClient, avatar: Avatar | str, timeout: float) -> Avatar:
    seen: set[int | None] = set()

    def progress(found: Avatar) -> None:
        if found.status not in seen:
            seen.add(found.status)
            names = {one.value: one.name.lower() for one in AvatarStatus}
            note(f"the avatar is {names.get(found.status or 0, 'in an unknown state')}")

    return await akool.avatars.wait_until_ready(avatar, timeout=timeout, on_progress=progress)
