"""Voices (docs/protocol.md §1)."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

from akool_async.models.voice import Voice
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.resources.reading import check_page
from akool_async.rest.pages import MAX_ITEMS
from akool_async.rest.request import get
from akool_async.validation import choice, flag, text, text_list

__all__ = ["Voices"]


class Voices:
    """`client.voices`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    def list(
        self,
        type: Literal[1, 2] = 2,  # noqa: A002 - the service's name
        *,
        page: int = 1,
        size: int = 10,
        style: str | Sequence[str] | None = None,
        gender: str | Sequence[str] | None = None,
        age: str | Sequence[str] | None = None,
        scenario: str | Sequence[str] | None = None,
        name: str | None = None,
        support_stream: bool | None = None,
    ) -> AsyncPaginator[Voice]:
        """The voices that fit.

        Args:
            type: 1 cloned ones, 2 Akool's.
            page: from 1; where iterating begins.
            size: items on a page.
            style: one or several, also as a comma list; so are the next three.
            gender: "male", "female".
            age: "young", "middle" …
            scenario: "advertisement" …
            name: a part of it.
            support_stream: only those that a session can use, or only the others.

        Raises:
            InvalidParameterError: at once, for a wrong value.
        """
        page, size = check_page(page, size, MAX_ITEMS)
        lists = {"style": style, "gender": gender, "age": age, "scenario": scenario}
        query: dict[str, object] = {"type": choice("type", type, (1, 2)), "size": size}
        query |= {key: text_list(key, value) for key, value in lists.items() if value is not None}
        if name is not None:
            query["name"] = text("name", name)
        if support_stream is not None:
            # Numbers in the question, a boolean in the answer.
            query["support_stream"] = 1 if flag("support_stream", support_stream) else 2

        async def fetch(number: int) -> PageData[Voice]:
            request = get("/api/open/v4/voice/list", **query, page=number)
            return await self._executor.page(request, Voice)

        return AsyncPaginator(fetch, key=attrgetter("id"), page=page, size=size)
