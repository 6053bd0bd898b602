"""Languages (docs/protocol.md §1)."""

from __future__ import annotations

from operator import attrgetter

from akool_async.models.voice import Language
from akool_async.resources.executor import APIExecutor
from akool_async.resources.pagination import AsyncPaginator, PageData
from akool_async.rest.request import get

__all__ = ["Languages"]


class Languages:
    """`client.languages`."""

    def __init__(self, executor: APIExecutor) -> None:
        self._executor = executor

    def list(self) -> AsyncPaginator[Language]:
        """All languages; there is one page. Sessions take codes as "en", these are regional."""

        async def fetch(number: int) -> PageData[Language]:
            del number
            return await self._executor.page(
                get("/api/open/v3/language/list"), Language, "lang_list"
            )

        return AsyncPaginator(fetch, key=attrgetter("code"), size=1, single=True)
