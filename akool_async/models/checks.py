"""Checks of what a caller gives, before anything is sent.

Each returns the value as it goes over the wire, or raises `InvalidParameterError` with the field's
name, what is wrong with the value and what would be right. Values are quoted shortened; a text that
people wrote is never quoted, only measured.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from akool_async.errors import InvalidParameterError

__all__ = ["choice", "flag", "known_keys", "number", "text", "text_list", "url", "whole"]

_QUOTED = 60
T = TypeVar("T")


def quoted(value: object) -> str:
    """A value for an error's text, shortened."""
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[: _QUOTED - 1]}…"


def text(
    field: str,
    value: object,
    *,
    max_length: int | None = None,
    empty: bool = False,
    secret: bool = False,
) -> str:
    """A string of at most `max_length` characters; "" only where `empty` allows it."""
    if not isinstance(value, str):
        shown = type(value).__name__ if secret else quoted(value)
        raise InvalidParameterError(field, f"{shown} isn't a string")
    if not value.strip() and not (empty and not value):
        raise InvalidParameterError(field, "is empty, give at least one character")
    if max_length is not None and len(value) > max_length:
        raise InvalidParameterError(
            field, f"has {len(value)} characters, at most {max_length} are allowed"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        # From None: the cause would carry the whole value.
        raise InvalidParameterError(
            field, f"has half of a surrogate pair at {error.start}, which UTF-8 can't hold"
        ) from None
    return value


def whole(field: str, value: object, low: int, high: int | None = None, *, unit: str = "") -> int:
    """A whole number from `low` to `high` (both allowed), `high` `None`: no upper limit."""
    allowed = f"{low}..{high}" if high is not None else f"{low} or more"
    allowed += f" {unit}" if unit else ""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidParameterError(
            field, f"{quoted(value)} isn't a whole number, allowed: {allowed}"
        )
    if value < low or (high is not None and value > high):
        raise InvalidParameterError(field, f"{value} is out of range, allowed: {allowed}")
    return value


def number(field: str, value: object, low: float, high: float) -> float:
    """A number from `low` to `high`, both allowed."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidParameterError(
            field, f"{quoted(value)} isn't a number, allowed: {low}..{high}"
        )
    if not (math.isfinite(value) and low <= value <= high):
        raise InvalidParameterError(field, f"{value} is out of range, allowed: {low}..{high}")
    return value


def choice(field: str, value: T, allowed: Collection[T]) -> T:
    """One of the allowed values, of the very type: `True` isn't 1."""
    for one in allowed:
        if type(one) is type(value) and one == value:
            return value
    raise InvalidParameterError(
        field, f"{quoted(value)} isn't allowed, use one of: {', '.join(map(str, allowed))}"
    )


def flag(field: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise InvalidParameterError(field, f"{quoted(value)} isn't True or False")
    return value


def url(field: str, value: object, schemes: Collection[str] = ("https", "http")) -> str:
    """An absolute URL with one of the schemes. Its text isn't quoted: it may hold a signature."""
    address = text(field, value, secret=True)
    allowed = " or ".join(f"{scheme}://" for scheme in schemes)
    if any(character.isspace() for character in address):
        raise InvalidParameterError(field, f"has white space in it, use a URL ({allowed}…)")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidParameterError(field, f"isn't a URL, use {allowed}…") from None
    if parts.scheme.lower() not in schemes:
        scheme = f"has the scheme {quoted(parts.scheme)}" if parts.scheme else "has no scheme"
        raise InvalidParameterError(field, f"{scheme}, use {allowed}…")
    if not host:
        raise InvalidParameterError(field, f"names no host, use {allowed}HOST…")
    return address


def text_list(field: str, value: str | Iterable[str]) -> str:
    """A comma list, from a string or several; none may hold a comma or be empty."""
    if isinstance(value, str):
        return text(field, value)
    if not isinstance(value, Iterable):
        raise InvalidParameterError(field, f"{quoted(value)} isn't a string or a list of them")
    items = [text(field, item) for item in value]
    if not items:
        raise InvalidParameterError(field, "is empty, give at least one")
    if any("," in item for item in items):
        raise InvalidParameterError(field, "has a comma in an item, which separates items")
    return ",".join(items)


def known_keys(field: str, value: object, known: Collection[str]) -> dict[str, Any]:
    """A mapping with documented keys only, as a dict."""
    if not isinstance(value, Mapping):
        raise InvalidParameterError(field, f"{type(value).__name__} isn't a mapping")
    for key in value:
        if key not in known:
            raise InvalidParameterError(
                f"{field}.{key}" if field else str(key),
                f"isn't a documented field, known: {', '.join(known)}",
            )
    return dict(value)
