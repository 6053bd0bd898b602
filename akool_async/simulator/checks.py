"""Checking what a call brings, as strictly as the documents allow to read them.

Every check names the field in its message and refuses with the service's code (1003 unless
another one fits better).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = [
    "BAD_PARAMETER",
    "Refusal",
    "boolean",
    "choice",
    "integer",
    "items",
    "language",
    "link",
    "number",
    "page",
    "query_choice",
    "query_integer",
    "required_text",
    "section",
    "text",
    "without_empty",
]

BAD_PARAMETER: Final = 1003

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


class Refusal(Exception):  # noqa: N818 - it's an answer, not a fault of the simulator's
    """The service says no: a code and its words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def _bad(name: str, problem: str) -> Refusal:
    return Refusal(BAD_PARAMETER, f"{name} {problem}")


def _missing(name: str) -> Refusal:
    return _bad(name, "can not be empty")


def without_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields without those whose value is "", in nested objects too.

    The vendor's web demo always sends its optional fields, "" for those not chosen.
    """
    return {
        name: without_empty(value) if isinstance(value, dict) else value
        for name, value in body.items()
        if value != ""
    }


def _absent(body: Mapping[str, Any], name: str, *, required: bool) -> bool:
    if required and name not in body:
        raise _missing(name)
    return name not in body


def text(
    body: Mapping[str, Any],
    name: str,
    *,
    required: bool = False,
    longest: int | None = None,
    empty: bool = False,
) -> str | None:
    """A string; `empty`: "" is fine."""
    if _absent(body, name, required=required):
        return None
    value = body[name]
    if not isinstance(value, str):
        raise _bad(name, "must be a string")
    if not value.strip() and not empty:
        raise _missing(name)
    if longest is not None and len(value) > longest:
        raise _bad(name, f"must be at most {longest} characters")
    return value


def required_text(body: Mapping[str, Any], name: str) -> str:
    """A string that must be there, and not empty."""
    value = text(body, name, required=True)
    assert value is not None
    return value


def link(
    body: Mapping[str, Any],
    name: str,
    *,
    required: bool = False,
    schemes: tuple[str, ...] = ("http", "https"),
) -> str | None:
    """A URL with a host."""
    value = text(body, name, required=required)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError as error:
        raise _bad(name, "must be a URL") from error
    if parts.scheme not in schemes or not host:
        raise _bad(name, f"must be a URL ({', '.join(schemes)})")
    return value


def number(
    body: Mapping[str, Any], name: str, low: float, high: float, *, required: bool = False
) -> float | None:
    """A number, no string of one, within `low` to `high`."""
    if _absent(body, name, required=required):
        return None
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _bad(name, "must be a number")
    if not low <= value <= high:
        raise _bad(name, f"must be {low:g} to {high:g}")
    return value


def integer(
    body: Mapping[str, Any],
    name: str,
    low: int | None = None,
    high: int | None = None,
    *,
    required: bool = False,
) -> int | None:
    """A whole number, no string of one."""
    if _absent(body, name, required=required):
        return None
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(name, "must be an integer")
    if (low is not None and value < low) or (high is not None and value > high):
        raise _bad(name, f"must be {low} to {high}" if high is not None else f"must be >= {low}")
    return value


def boolean(body: Mapping[str, Any], name: str) -> bool | None:
    """True or false."""
    if name not in body:
        return None
    if not isinstance(body[name], bool):
        raise _bad(name, "must be true or false")
    return bool(body[name])


def choice(
    body: Mapping[str, Any], name: str, known: Iterable[Any], *, required: bool = False
) -> Any:
    """One of a few values, of exactly their type."""
    options = tuple(known)
    if _absent(body, name, required=required):
        return None
    value = body[name]
    if not any(type(value) is type(option) and value == option for option in options):
        raise _bad(name, f"must be one of {', '.join(map(str, options))}")
    return value


def language(body: Mapping[str, Any], name: str) -> str | None:
    """A language code such as en or af-ZA."""
    value = text(body, name)
    if value is not None and not _LANGUAGE.fullmatch(value):
        raise _bad(name, "must be a language code")
    return value


def section(body: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """A nested object."""
    if name not in body:
        return None
    if not isinstance(body[name], dict):
        raise _bad(name, "must be an object")
    return dict(body[name])


def items(body: Mapping[str, Any], name: str, kind: type) -> list[Any] | None:
    """An array whose items are all of a kind."""
    if name not in body:
        return None
    value = body[name]
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise _bad(name, "must be an array")
    return list(value)


def query_integer(
    query: Mapping[str, str],
    name: str,
    default: int | None,
    low: int = 1,
    high: int | None = None,
) -> int | None:
    """A whole number from the query, written in digits."""
    if name not in query:
        return default
    raw = query[name]
    if not _DIGITS.fullmatch(raw):
        raise _bad(name, "must be an integer")
    value = int(raw)
    if value < low or (high is not None and value > high):
        raise _bad(name, f"must be {low} to {high}" if high is not None else f"must be >= {low}")
    return value


def query_choice(
    query: Mapping[str, str], name: str, known: Iterable[str], default: str | None = None
) -> str | None:
    """One of a few values from the query."""
    if name not in query:
        return default
    options = tuple(known)
    if query[name] not in options:
        raise _bad(name, f"must be one of {', '.join(options)}")
    return query[name]


def page(query: Mapping[str, str], *, size: int, largest: int | None = 100) -> slice:
    """The part of a list that `page` (from 1) and `size` ask for."""
    number_ = query_integer(query, "page", 1)
    per_page = query_integer(query, "size", size, 1, largest)
    assert number_ is not None
    assert per_page is not None
    return slice((number_ - 1) * per_page, number_ * per_page)
