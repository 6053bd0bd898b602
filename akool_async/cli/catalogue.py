"""`akool avatars`, `voices` and `languages`."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any, TypeVar

from akool_async.cli.terminal import show
from akool_async.client import AkoolClient
from akool_async.models.base import Answer

__all__ = ["avatars", "first", "languages", "voices"]

T = TypeVar("T")


async def first(items: AsyncIterable[T], limit: int) -> list[T]:
    """The first `limit` items, fetching no page more than that takes."""
    found: list[T] = []
    async for item in items:
        found.append(item)
        if len(found) >= limit:
            break
    return found


def plain(record: Answer) -> dict[str, Any]:
    """A record as the service writes it, without its secrets."""
    return record.to_dict()


async def avatars(url: str | None, *, limit: int, as_json: bool) -> int:
    """Streaming avatars."""
    async with AkoolClient(base_url=url) as akool:
        found = await first(akool.avatars.list(size=min(limit, 100)), limit)
    columns = ("avatar_id", "name", "gender", "available")
    show(map(plain, found), columns, as_json=as_json, title="avatars")
    return 0


async def voices(
    url: str | None, *, cloned: bool, filters: Mapping[str, Any], limit: int, as_json: bool
) -> int:
    """Voices of one kind."""
    given = {name: value for name, value in filters.items() if value is not None}
    async with AkoolClient(base_url=url) as akool:
        listing = akool.voices.list(1 if cloned else 2, size=min(limit, 100), **given)
        found = await first(listing, limit)
    columns = ("voice_id", "name", "gender", "language", "support_stream", "style")
    show(map(plain, found), columns, as_json=as_json, title="voices")
    return 0


async def languages(url: str | None, *, as_json: bool) -> int:
    """Languages."""
    async with AkoolClient(base_url=url) as akool:
        found = await akool.languages.list()
    show(map(plain, found), ("lang_code", "lang_name"), as_json=as_json, title="languages")
    return 0
