"""How the `data` of an answer becomes objects, in the shapes that the service really sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from akool_async.models.base import Answer, read_many
from akool_async.resources.pagination import PageData
from akool_async.validation import whole

__all__ = ["check_page", "counted", "nothing", "one", "one_with_id", "uncounted"]

A = TypeVar("A", bound=Answer)


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
    """As `one`, of a kind that nothing can be done with when its id is missing."""
    found = one(kind, data)
    if not getattr(found, "id", None):
        raise ValueError("the object has no _id")
    return found


def counted(kind: type[A], data: object) -> PageData[A]:
    """`{count, result: […]}`; a bare array is read as well."""
    if isinstance(data, Mapping):
        return PageData(read_many(kind, data.get("result")), _count(data.get("count")))
    return PageData(read_many(kind, data))


def uncounted(kind: type[A], data: object, wrapped: str) -> PageData[A]:
    """An array without a count, or one under `wrapped` in an object (an older form)."""
    if isinstance(data, Mapping):
        inner = data.get(wrapped, data.get("result"))
        return PageData(read_many(kind, inner), _count(data.get("count")))
    return PageData(read_many(kind, data))


def check_page(page: int, size: int, largest: int | None = 100) -> None:
    """Refuses a page below 1 and a size out of range with `InvalidParameterError`."""
    whole("page", page, 1)
    whole("size", size, 1, largest)


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return max(0, int(value))
    except (TypeError, ValueError, OverflowError):
        return None
