"""How the `data` of an answer becomes objects, in the shapes that the service really sends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from pydantic import ValidationError

from akool_async.models.base import Answer, read_many
from akool_async.resources.pagination import PageData
from akool_async.rest.pages import MAX_ITEMS, RawItems
from akool_async.rest.tolerant_json import decode_json
from akool_async.validation import whole

__all__ = ["check_page", "nothing", "one", "one_with_id", "page", "problem"]

A = TypeVar("A", bound=Answer)

#: The names that an id has in answers, and what isn't one.
_IDS: Final = ("_id", "session_id", "id")
_EMPTY: Final = (None, "")
#: The number of a page at most: with more digits it is a mistake.
_LAST_PAGE: Final = 2**31 - 1
#: Items that are read at once, without a pause for other tasks.
_SLICE: Final = 500


def nothing(data: object) -> None:
    """For calls whose answer says no more than its code."""
    del data


def one(kind: type[A], data: object) -> A:
    """One object, or the first of an array of them; raises `ValueError` for anything else."""
    if isinstance(data, list):
        if not data:
            raise ValueError("an empty array where an object was expected")
        data = data[0]
    return kind.read(data)


def one_with_id(kind: type[A], data: object) -> A:
    """As `one`, of a kind that nothing can be done with when its id is missing. The id may have
    another of its names; one that is empty doesn't count.
    """
    if isinstance(data, list) and data:
        data = data[0]
    if isinstance(data, Mapping):
        data = {
            name: value for name, value in data.items() if name not in _IDS or value not in _EMPTY
        }
    found = one(kind, data)
    if not getattr(found, "id", None):
        raise ValueError("the object has no _id")
    return found


async def page(kind: type[A], data: object, wrapped: str = "result") -> PageData[A]:
    """The items of `{count, result: […]}` or of a bare array.

    A long list is read in slices, and other tasks run in between.

    Args:
        kind: of the items.
        data: as `page_decoder` gives it.
        wrapped: another name than `result` that the list may have.

    Raises:
        ValueError: it isn't a list, an item isn't an object, or there are more than `MAX_ITEMS`.
    """
    count = None
    if isinstance(data, Mapping):
        count = _count(data.get("count"))
        data = data[wrapped] if wrapped in data else data.get("result")
    if isinstance(data, RawItems):
        return PageData(await _raw(kind, data.items), count)
    if not isinstance(data, list) or len(data) <= _SLICE or isinstance(data[0], kind):
        return PageData(read_many(kind, data), count)
    if len(data) > MAX_ITEMS:
        raise ValueError(f"the page holds {len(data)} items, more than {MAX_ITEMS}")
    read: list[A] = []
    for start in range(0, len(data), _SLICE):
        read += read_many(kind, data[start : start + _SLICE])
        await asyncio.sleep(0)
    return PageData(read, count)


async def _raw(kind: type[A], items: list[msgspec.Raw]) -> list[A]:
    read: list[A] = []
    for start in range(0, len(items), _SLICE):
        text = b"[%b]" % b",".join(items[start : start + _SLICE])
        read += read_many(kind, decode_json(text))
        await asyncio.sleep(0)
    return read


def problem(error: ValueError) -> str:
    """What can't be read, without quoting it."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'data'}: {first['msg']}"


def check_page(page: int, size: int, largest: int = 100) -> tuple[int, int]:
    """Refuses a page below 1 and a size out of range with `InvalidParameterError`."""
    return whole("page", page, 1, _LAST_PAGE), whole("size", size, 1, largest)


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return None
