"""`akool knowledge`: bases that a session's dialogue draws on."""

from __future__ import annotations

from collections.abc import Sequence

from akool_async.cli.records import Found, one_page, plain, show, show_json, show_one
from akool_async.cli.terminal import printer
from akool_async.client import AkoolClient

__all__ = ["create", "delete", "show_base", "show_bases", "update"]


async def show_bases(url: str | None, *, page: int, limit: int, as_json: bool) -> int:
    """A line per knowledge base."""
    async with AkoolClient(base_url=url) as akool:
        found = await one_page(
            lambda number, size: akool.knowledge.list(page=number, size=size),
            page=page,
            limit=limit,
        )
    records = Found([plain(one) for one in found.items], found.count, found.next_page)
    show(records, ("_id", "name", "prologue"), as_json=as_json, title="knowledge bases")
    return 0


async def show_base(url: str | None, knowledge_id: str, *, as_json: bool) -> int:
    """Everything of one."""
    async with AkoolClient(base_url=url) as akool:
        base = await akool.knowledge.get(knowledge_id)
    show_one(plain(base), as_json=as_json)
    return 0


async def create(
    url: str | None,
    *,
    name: str,
    prompt: str | None,
    prologue: str | None,
    links: Sequence[str],
    as_json: bool,
) -> int:
    """Prints the new one's id."""
    async with AkoolClient(base_url=url) as akool:
        base = await akool.knowledge.create(
            name=name, prompt=prompt, prologue=prologue, urls=links or None
        )
    if as_json:
        show_json([plain(base)])
    else:
        printer().line(str(base.id))
    return 0


async def update(
    url: str | None,
    knowledge_id: str,
    *,
    name: str | None,
    prompt: str | None,
    prologue: str | None,
    links: Sequence[str],
    as_json: bool,
) -> int:
    """Changes what is given."""
    async with AkoolClient(base_url=url) as akool:
        base = await akool.knowledge.update(
            knowledge_id, name=name, prompt=prompt, prologue=prologue, urls=links or None
        )
    if as_json:
        show_json([plain(base) if base is not None else {"_id": knowledge_id}])
    else:
        printer().line(f"{knowledge_id} changed")
    return 0


async def delete(url: str | None, knowledge_id: str, *, as_json: bool) -> int:
    """Deletes one."""
    async with AkoolClient(base_url=url) as akool:
        await akool.knowledge.delete(knowledge_id)
    if as_json:
        show_json([{"_id": knowledge_id, "deleted": True}])
    else:
        printer().line(f"{knowledge_id} deleted")
    return 0
