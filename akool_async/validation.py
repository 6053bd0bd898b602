"""Checks of the values that users pass in, the same for REST calls, commands and the codec.

Each check returns the value as it goes over the wire, or raises `InvalidParameterError` with the
field's name, what is wrong with the value and what would be right. What is returned is of a
built-in type: a `str` subclass, a `StrEnum` or a NumPy string becomes a `str`, an `IntEnum` or a
NumPy integer an `int`, a NumPy float a `float`. Values are quoted shortened; texts that people
wrote and secrets are never quoted.

The allowed values are those of docs/protocol.md §1 (session/create) and §2 (set-params).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from akool_async.errors import InvalidParameterError

__all__ = [
    "SERVER_VAD_FIELDS",
    "SPEED_RANGE",
    "choice",
    "flag",
    "is_left_out",
    "known_keys",
    "mode",
    "number",
    "plain",
    "pronunciations",
    "quoted",
    "seconds",
    "speech",
    "speed",
    "stt_type",
    "text",
    "text_list",
    "turn_detection",
    "url",
    "whole",
]

#: The slowest and the fastest speech, as a factor.
SPEED_RANGE: Final = (0.8, 1.2)
#: The fields of `turn_detection` that go with the type `server_vad` only.
SERVER_VAD_FIELDS: Final = ("threshold", "prefix_padding_ms", "silence_duration_ms")
_TURN_DETECTION_TYPES: Final = ("server_vad", "semantic_vad")
_LONGEST_TIMEOUT: Final = 366 * 24 * 3600
_QUOTED: Final = 60
T = TypeVar("T")


def quoted(value: object) -> str:
    """A value for an error's text, shortened."""
    if isinstance(value, (str, bytes)):
        value = value[:_QUOTED]
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - of an int of 5,000 digits, or a user's own __repr__
        return _kind(value)
    return shown if len(shown) <= _QUOTED else f"{shown[: _QUOTED - 1]}…"


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"


def is_left_out(value: object) -> bool:
    """Whether an optional field counts as left out: `None`, or "", as forms have it."""
    return value is None or (isinstance(value, str) and not str.__len__(value))


def plain(value: Any) -> Any:
    """A string or number as the built-in type that it stands for; anything else as it is."""
    if isinstance(value, str):
        # Not `str(value)`, which a subclass may override: an enum's would give its name.
        return str.__str__(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    return value


def text(
    field: str,
    value: object,
    *,
    max_length: int | None = None,
    empty: bool = False,
    secret: bool = False,
) -> str:
    """A string of at most `max_length` characters; "" only where `empty` allows it.

    Two halves of a surrogate pair that follow each other become the character that they stand for.
    """
    if not isinstance(value, str):
        shown = _kind(value) if secret else quoted(value)
        raise InvalidParameterError(field, f"{shown} isn't a string")
    value = str.__str__(value)
    if not value.strip() and not (empty and not value):
        raise InvalidParameterError(field, "is empty, give at least one character")
    if max_length is not None and len(value) > max_length:
        raise InvalidParameterError(
            field, f"has {len(value)} characters, at most {max_length} are allowed"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        return _joined_surrogates(field, value)
    return value


def _joined_surrogates(field: str, value: str) -> str:
    joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    try:
        joined.encode()
    except UnicodeEncodeError as error:
        # From None: the cause would carry the whole value.
        raise InvalidParameterError(
            field,
            f"has half of a surrogate pair at {error.start}, which UTF-8 can't hold; "
            "the text was cut inside a character: remove or complete it",
        ) from None
    return joined


def speech(field: str, value: object) -> str:
    """A text for the avatar: not blank, and never quoted in an error."""
    return text(field, value, secret=True)


def whole(field: str, value: object, low: int, high: int | None = None, *, unit: str = "") -> int:
    """A whole number from `low` to `high` (both allowed), `high` `None`: no upper limit."""
    allowed = f"{low}..{high}" if high is not None else f"{low} or more"
    allowed += f" {unit}" if unit else ""
    given = plain(value)
    if isinstance(given, bool) or not isinstance(given, int):
        raise InvalidParameterError(
            field, f"{quoted(value)} isn't a whole number, allowed: {allowed}"
        )
    if given < low or (high is not None and given > high):
        raise InvalidParameterError(field, f"{quoted(given)} is out of range, allowed: {allowed}")
    return given


def number(field: str, value: object, low: float, high: float) -> float:
    """A number from `low` to `high`, both allowed."""
    given = plain(value)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise InvalidParameterError(
            field, f"{quoted(value)} isn't a number, allowed: {low}..{high}"
        )
    if not low <= given <= high or (isinstance(given, float) and not math.isfinite(given)):
        raise InvalidParameterError(
            field, f"{quoted(given)} is out of range, allowed: {low}..{high}"
        )
    return given


def seconds(field: str, value: object) -> float:
    """A time limit in seconds: above 0 and at most a year."""
    given = plain(value)
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise InvalidParameterError(field, f"{quoted(value)} isn't a number of seconds above 0")
    if not 0 < given <= _LONGEST_TIMEOUT:
        raise InvalidParameterError(
            field,
            f"{quoted(given)} isn't a number of seconds above 0, at most {_LONGEST_TIMEOUT} "
            "(a year)",
        )
    return given


def choice(field: str, value: T, allowed: Collection[T]) -> T:
    """One of the allowed values, of the very type: `True` and `1.0` aren't 1."""
    given = plain(value)
    for one in allowed:
        if type(one) is type(given) and one == given:
            return one
    raise InvalidParameterError(
        field, f"{quoted(given)} isn't allowed, use one of: {', '.join(map(str, allowed))}"
    )


def methods(field: str, value: object, *names: str) -> None:
    """Raises for an object that a method is missing of."""
    for name in names:
        if not callable(getattr(value, name, None)):
            raise InvalidParameterError(field, f"{_kind(value)} has no method {name}()")


def flag(field: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise InvalidParameterError(field, f"{_kind(value)}, {quoted(value)}, isn't True or False")
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
        raise InvalidParameterError(field, f"{_kind(value)} isn't a mapping")
    given: dict[str, Any] = {}
    for key, item in value.items():
        name = plain(key)
        if not isinstance(name, str) or name not in known:
            shown = name if isinstance(name, str) and name.isidentifier() else quoted(key)
            raise InvalidParameterError(
                f"{field}.{shown}" if field else shown,
                f"isn't a documented field, known: {', '.join(known)}",
            )
        given[name] = item
    return given


# What a session's settings may be, whether session/create or set-params carries them.


def mode(field: str, value: object) -> Literal[1, 2]:
    """1 (retelling: the avatar says the text it is given) or 2 (dialogue: it answers it)."""
    given = plain(value)
    if type(given) is int:
        if given == 1:
            return 1
        if given == 2:
            return 2
    raise InvalidParameterError(
        field, f"{quoted(given)} isn't allowed, use 1 (retelling) or 2 (dialogue)"
    )


def speed(field: str, value: object) -> float:
    """How fast the avatar speaks, 0.8 to 1.2."""
    return number(field, value, *SPEED_RANGE)


def stt_type(field: str, value: object) -> Literal["openai_realtime"]:
    """The kind of speech recognition."""
    choice(field, value, ("openai_realtime",))
    return "openai_realtime"


def pronunciations(field: str, value: object) -> dict[str, str]:
    """`pron_map`: each word -> how it sounds, neither of them blank."""
    if not isinstance(value, Mapping):
        raise InvalidParameterError(
            field, f"{_kind(value)} isn't a mapping of words to how they sound"
        )
    sounds: dict[str, str] = {}
    for word, sound in value.items():
        name = text(field, word)
        sounds[name] = text(f"{field}.{name[:_QUOTED]}", sound)
    return sounds


def turn_detection(field: str, value: object) -> dict[str, Any]:
    """`turn_detection`, without the fields that are `None`.

    `type` server_vad (the service's default) or semantic_vad; with server_vad `threshold` 0..1,
    and `prefix_padding_ms` and `silence_duration_ms` in whole milliseconds.
    """
    given = known_keys(field, value, ("type", *SERVER_VAD_FIELDS))
    given = {name: item for name, item in given.items() if item is not None}
    if "type" in given:
        given["type"] = choice(f"{field}.type", given["type"], _TURN_DETECTION_TYPES)
    for name in SERVER_VAD_FIELDS:
        if name not in given:
            continue
        at = f"{field}.{name}"
        if given.get("type") == "semantic_vad":
            raise InvalidParameterError(
                at, "is for server_vad only, leave it out with semantic_vad"
            )
        if name == "threshold":
            given[name] = number(at, given[name], 0.0, 1.0)
        else:
            given[name] = whole(at, given[name], 0, unit="ms")
    return given
