"""Knowledge bases (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any, Final, Literal

from akool_async.errors import InvalidParameterError
from akool_async.models.knowledge import Knowledge, KnowledgeDoc, knowledge_body
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.reading import check_page, nothing, one, one_with_id
from akool_async.rest.request import Idempotency, get, post
from akool_async.validation import choice, text

__all__ = ["KnowledgeBases"]

_AT: Final = "/api/open/v4/knowledge"


class KnowledgeBases:
    """`client.knowledge`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    async def create(
        self,
        *,
        name: str | None = None,
        prologue: str | None = None,
        prompt: str | None = None,
        docs: Iterable[KnowledgeDoc | Mapping[str, Any]] | None = None,
        urls: Iterable[str] | None = None,
    ) -> Knowledge:
        """Creates a knowledge base, which a session takes as `knowledge_id`.

        Args:
            name: at most 100 characters, unique in the account.
            prologue: what the avatar opens with, at most 2,000 characters.
            prompt: instructions about its role, at most 10,000 characters.
            docs: documents to read, each at most 104,857,600 bytes, 524,288,000 together.
            urls: pages to read.

        Raises:
            InvalidParameterError: a wrong value, before anything is sent.
            ConflictError: the name is taken.
        """
        body = knowledge_body(name=name, prologue=prologue, prompt=prompt, docs=docs, urls=urls)
        request = post(f"{_AT}/create", body, idempotency=Idempotency.UNLESS_DONE)
        return await self._executor.call(request, partial(one_with_id, Knowledge))

    async def get(self, knowledge_id: str) -> Knowledge:
        """A whole knowledge base.

        Raises:
            NotFoundError: there is none of that id.
        """
        request = get(f"{_AT}/detail", id=text("knowledge_id", knowledge_id))
        return await self._executor.call(request, partial(one, Knowledge))

    def list(
        self,
        *,
        page: int = 1,
        size: int = 10,
        name: str | None = None,
        source: Literal[1, 2] | None = None,
    ) -> AsyncPaginator[Knowledge]:
        """The knowledge bases, newest first; each with some of its fields only.

        Args:
            page: from 1; where iterating begins.
            size: items on a page, 1..100.
            name: only those of this name.
            source: 1 the system's, 2 (the service's default) the user's.

        Raises:
            InvalidParameterError: at once, for a value out of range.
        """
        page, size = check_page(page, size)
        if name is not None:
            name = text("name", name)
        if source is not None:
            source = choice("source", source, (1, 2))

        async def fetch(number: int) -> PageData[Knowledge]:
            query = {"page": number, "size": size, "name": name, "from": source}
            return await self._executor.page(
                get(f"{_AT}/list", **query), Knowledge, "knowledge_list"
            )

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)

    async def update(
        self,
        knowledge_id: str,
        *,
        name: str | None = None,
        prologue: str | None = None,
        prompt: str | None = None,
        docs: Iterable[KnowledgeDoc | Mapping[str, Any]] | None = None,
        urls: Iterable[str] | None = None,
    ) -> Knowledge | None:
        """Changes what is given; `prologue=""` clears it. Limits as `create`.

        Returns:
            The knowledge base as it is now, where the answer holds it.

        Raises:
            InvalidParameterError: a wrong value, or nothing to change, before anything is sent.
            NotFoundError: there is none of that id.
        """
        body = knowledge_body(name=name, prologue=prologue, prompt=prompt, docs=docs, urls=urls)
        if not body:
            raise InvalidParameterError(
                "knowledge_id", "is given without a change: name, prologue, prompt, docs or urls"
            )
        body["id"] = text("knowledge_id", knowledge_id)
        request = post(f"{_AT}/update", body, idempotency=Idempotency.UNLESS_DONE)
        return await self._executor.call(
            request, lambda data: one(Knowledge, data) if data else None
        )

    async def delete(self, knowledge_id: str) -> None:
        """Deletes a knowledge base; its id goes in a JSON body.

        Raises:
            NotFoundError: there is none of that id.
        """
        # A second try would find it gone, and report a success as an error.
        request = post(
            f"{_AT}/delete",
            {"id": text("knowledge_id", knowledge_id)},
            idempotency=Idempotency.UNLESS_DONE,
            method="DELETE",
        )
        await self._executor.call(request, nothing)
