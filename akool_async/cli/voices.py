"""`akool voices`: those that a session can speak with, and cloning one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from akool_async.cli.options import Page, Service
from akool_async.cli.records import Found, one_page, plain, show, show_json, show_one
from akool_async.cli.terminal import note, printer
from akool_async.models.voice import Voice, VoiceStatus

__all__ = ["clone", "delete", "show_voices"]

_COLUMNS: Final = ("voice_id", "name", "gender", "language", "support_stream", "style")
#: A cloned voice is deleted by its record's id, and has no `voice_id` until it is ready.
_OWN_COLUMNS: Final = ("_id", *_COLUMNS, "status")


async def show_voices(
    service: Service, part: Page, *, cloned: bool, filters: Mapping[str, Any]
) -> int:
    """A line per voice of one kind."""
    given = {name: value for name, value in filters.items() if value is not None}
    async with service.client() as akool:
        found = await one_page(
            lambda number, size: akool.voices.list(
                1 if cloned else 2, page=number, size=size, **given
            ),
            part,
        )
    records = Found([plain(one) for one in found.items], found.count, found.next_page)
    show(records, _OWN_COLUMNS if cloned else _COLUMNS, as_json=service.as_json, title="voices")
    return 0


async def clone(
    service: Service,
    link: str,
    *,
    name: str,
    gender: str | None,
    timeout: float | None,
) -> int:
    """Makes a voice from a recording; waits until it can be used where `timeout` is given."""
    seen: set[int | None] = set()

    def progress(found: Voice) -> None:
        if found.status not in seen:
            seen.add(found.status)
            names = {one.value: one.name.lower() for one in VoiceStatus}
            note(f"the voice is {names.get(found.status or 0, 'in an unknown state')}")

    async with service.client() as akool:
        voice = await akool.voices.clone(link, name=name, gender=gender)
        if timeout is not None:
            voice = await akool.voices.wait_until_ready(
                voice, timeout=timeout, on_progress=progress
            )
    show_one(plain(voice), as_json=service.as_json)
    return 0


async def delete(service: Service, ids: Sequence[str]) -> int:
    """Deletes cloned voices by their records' ids."""
    async with service.client() as akool:
        await akool.voices.delete(*ids)
    if service.as_json:
        show_json([{"_id": one, "deleted": True} for one in ids])
        return 0
    out = printer()
    for one in ids:
        out.line(f"{one} deleted")
    return 0
