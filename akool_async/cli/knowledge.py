"""`akool knowledge`: bases that a session's dialogue draws on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from akool_async.cli.failures import listed_by
from akool_async.cli.options import Page, Service
from akool_async.cli.records import Found, one_page, plain, show, show_json, show_one
from akool_async.cli.terminal import printer

__all__ = ["Content", "create", "delete", "show_base", "show_bases", "update"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a knowledge base holds; `None` where it isn't given."""

    prompt: Annotated[
        str | None, typer.Option(help="The avatar's role, at most 10000 characters.")
    ] = None
    prologue: Annotated[
        str | None, typer.Option(help="What it says first, at most 2000 characters.")
    ] = None
    links: Annotated[
        list[str] | None, typer.Option("--link", help="A page to read; repeatable.")
    ] = None

    def fields(self) -> dict[str, Any]:
        """The same for the library."""
        return {"prompt": self.prompt, "prologue": self.prologue, "urls": self.links or None}


async def show_bases(service: Service, part: Page) -> int:
    """A line per knowledge base."""
    async with service.client() as akool:
        found = await one_page(
            lambda number, size: akool.knowledge.list(page=number, size=size),
            part,
        )
    records = Found([plain(one) for one in found.items], found.count, found.next_page)
    show(records, ("_id", "name", "prologue"), as_json=service.as_json, title="knowledge bases")
    return 0


async def show_base(service: Service, knowledge_id: str) -> int:
    """Everything of one."""
    async with service.client() as akool:
        with listed_by("akool knowledge list"):
            base = await akool.knowledge.get(knowledge_id)
    show_one(plain(base), as_json=service.as_json)
    return 0


async def create(service: Service, content: Content, *, name: str) -> int:
    """Prints the new one's id."""
    async with service.client() as akool:
        base = await akool.knowledge.create(name=name, **content.fields())
    if service.as_json:
        show_json([plain(base)])
    else:
        printer().line(str(base.id))
    return 0


async def update(service: Service, knowledge_id: str, content: Content, *, name: str | None) -> int:
    """Changes what is given."""
    async with service.client() as akool:
        with listed_by("akool knowledge list"):
            base = await akool.knowledge.update(knowledge_id, name=name, **content.fields())
    if service.as_json:
        show_json([plain(base) if base is not None else {"_id": knowledge_id}])
    else:
        printer().line(f"{knowledge_id} changed")
    return 0


async def delete(service: Service, knowledge_id: str) -> int:
    """Deletes one."""
    async with service.client() as akool:
        with listed_by("akool knowledge list"):
            await akool.knowledge.delete(knowledge_id)
    if service.as_json:
        show_json([{"_id": knowledge_id, "deleted": True}])
    else:
        printer().line(f"{knowledge_id} deleted")
    return 0
