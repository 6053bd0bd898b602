"""`akool knowledge`: bases that a session's dialogue draws on."""

from __future__ import annotations

import json
import sys

from akool_async.cli.catalogue import first, plain
from akool_async.cli.terminal import printer, show
from akool_async.client import AkoolClient

__all__ = ["create", "delete", "show_all", "show_one"]


async def show_all(url: str | None, *, limit: int, as_json: bool) -> int:
    """A line per knowledge base."""
    async with AkoolClient(base_url=url) as akool:
        found = await first(akool.knowledge.list(), limit)
    show(map(plain, found), ("_id", "name", "prologue"), as_json=as_json, title="knowledge bases")
    return 0


async def show_one(url: str | None, knowledge_id: str) -> int:
    """Everything of one."""
    async with AkoolClient(base_url=url) as akool:
        base = await akool.knowledge.get(knowledge_id)
    sys.stdout.write(json.dumps(plain(base), ensure_ascii=False, indent=2) + "\n")
    return 0


async def create(
    url: str | None,
    *,
    name: str,
    prompt: str | None,
    prologue: str | None,
    urls: list[str] | None,
) -> int:
    """Prints the new one's id."""
    async with AkoolClient(base_url=url) as akool:
        base = await akool.knowledge.create(
            name=name, prompt=prompt, prologue=prologue, urls=urls or None
        )
    printer().line(str(base.id))
    return 0


async def delete(url: str | None, knowledge_id: str) -> int:
    """Deletes one."""
    async with AkoolClient(base_url=url) as akool:
        await akool.knowledge.delete(knowledge_id)
    printer().line(f"{knowledge_id} deleted")
    return 0
