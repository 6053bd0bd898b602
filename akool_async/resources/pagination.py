"""Lists: awaited they are one page, iterated they are every item.

    page = await client.avatars.list(page=2, size=50)
    async for avatar in client.avatars.list():
        ...

Iterating fetches no page too many where the answers hold a count, yields each item once although
the list may shift meanwhile, and ends when the service repeats a page.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

from akool_async.misuse import refused

__all__ = ["AsyncPaginator", "Page", "PageData"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_NO_KEY: Final = (None, "")


@dataclass(frozen=True, slots=True)
class PageData(Generic[T]):
    """What one answer held: the items, and how many there are in all where it said so."""

    items: list[T]
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; can be iterated, indexed and measured like its items.

    Attributes:
        items: in the service's order.
        page: its number, from 1.
        size: how many items were asked for.
        count: how many there are on all pages, `None` where the service doesn't say.
        has_more: whether there may be another page.
    """

    items: tuple[T, ...]
    page: int
    size: int
    count: int | None
    has_more: bool

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    if not TYPE_CHECKING:
        __aiter__ = refused(
            "this is one page already: write `for item in await …list()`, or without `await` "
            "`async for item in …list()` for the items of every page"
        )

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.items[index]


class AsyncPaginator(Generic[T]):
    """A list call that isn't made yet: `await` it for one page, or iterate it with `async for`."""

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[PageData[T]]],
        *,
        key: Callable[[T], object],
        page: int = 1,
        size: int,
        single: bool = False,
    ) -> None:
        """Makes the call that `fetch` describes.

        Args:
            fetch: gets the page of a number.
            key: what identifies an item; `None` or "": nothing does.
            page: the first page.
            size: how many items a page is asked to hold.
            single: there is one page only.
        """
        self._fetch = fetch
        self._key = key
        self._page = page
        self._size = size
        self._single = single

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._one_page().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for _, fresh in self._walk():
            for item in fresh:
                yield item

    if not TYPE_CHECKING:
        __iter__ = refused(
            "a list call is asynchronous: write `async for item in …list()` for every item, or "
            "`for item in await …list()` for one page"
        )
        __getitem__ = refused("a list call isn't made yet: write `(await …list())[0]`")

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Every page, from the first one asked for on."""
        async for page, _ in self._walk():
            yield page

    async def _one_page(self) -> Page[T]:
        data = await self._fetch(self._page)
        return self._as_page(self._page, self._size, data)

    async def _walk(self) -> AsyncIterator[tuple[Page[T], list[T]]]:
        """Pages, each with those of its items that weren't on an earlier one."""
        number, size = self._page, self._size
        seen: set[object] = set()
        before: list[T] = []
        while True:
            data = await self._fetch(number)
            items = data.items
            if number == self._page and data.count is not None:
                reached = (number - 1) * size + len(items)
                if 0 < len(items) < size and reached < data.count:
                    # The service gives smaller pages than it was asked for.
                    size = len(items)
            keys = [self._key(item) for item in items]
            fresh = items
            if not seen.isdisjoint(keys):
                fresh = [
                    item
                    for item, key in zip(items, keys, strict=True)
                    if key in _NO_KEY or key not in seen
                ]
            if items and (not fresh or items == before):
                logger.warning(
                    "page %d repeats earlier ones: the list ends after %d items", number, len(seen)
                )
                return
            seen.update(keys)
            seen.difference_update(_NO_KEY)
            before = items
            page = self._as_page(number, size, data)
            yield page, fresh
            if not page.has_more:
                return
            number += 1

    def _as_page(self, number: int, size: int, data: PageData[T]) -> Page[T]:
        found = len(data.items)
        if self._single or not found:
            more = False
        elif data.count is not None:
            more = (number - 1) * size + found < data.count
        else:
            more = found >= size
        return Page(tuple(data.items), number, size, data.count, more)
