"""Reading JSON that isn't quite what the documents say (docs/protocol.md §2 "Received").

Used for odd packets only: numbers as strings, halves of a surrogate pair, a byte order mark.
What can't be read either way is refused with `NotOursError`, whose text says why.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import msgspec

from akool_async.stream.surrogates import replace_surrogates

__all__ = [
    "LARGEST",
    "MAX_MID",
    "NotOursError",
    "read_bool",
    "read_id",
    "read_int",
    "read_object",
    "read_sender",
    "read_texts",
]

#: The longest `mid` that is remembered, in characters; a longer one isn't understood.
MAX_MID: Final = 512
#: Numbers beyond this are no part number and no code.
LARGEST: Final = 2**53


class NotOursError(ValueError):
    """A packet that isn't ours, or isn't understood; caught by the codec."""


def read_object(packet: bytes | str) -> dict[str, Any]:
    """The packet as a JSON object."""
    value = _read_strictly(packet)
    if isinstance(value, dict):
        return value
    try:
        text = packet if isinstance(packet, str) else bytes(packet).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotOursError(f"not UTF-8 (byte {error.start})") from None
    try:
        value = json.loads(text)
    except RecursionError:
        raise NotOursError("JSON nested too deeply") from None
    except ValueError:
        raise NotOursError("not JSON") from None
    if not isinstance(value, dict):
        raise NotOursError(f"JSON, but not an object: {type(value).__name__}")
    return value


def _read_strictly(packet: bytes | str) -> Any:
    """What nearly every packet is; `None` for what may be read leniently. Five times as fast."""
    try:
        return msgspec.json.decode(packet)
    except (ValueError, RecursionError):
        return None


def read_int(value: object) -> int | None:
    """A whole number, also as a string or a float; `None` for anything else."""
    if isinstance(value, str):
        digits = value.strip()
        if len(digits) > 16 or not digits.removeprefix("-").isdecimal():
            return None
        value = int(digits)
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if isinstance(value, int) and -LARGEST <= value <= LARGEST:
        return value
    return None


def read_bool(value: object) -> bool | None:
    """True or false, also as a number or a string; `None` for anything else."""
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    return None


def read_id(value: object, name: str) -> str:
    """A `mid`: a string or a number; "" where it is missing."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if abs(value) <= LARGEST else None
    if not isinstance(value, str):
        raise NotOursError(f"{name} is no string")
    if len(value) > MAX_MID:
        raise NotOursError(f"{name} has {len(value)} characters, more than {MAX_MID}")
    return replace_surrogates(value)


def read_texts(value: Any) -> Any:
    """The same with `replace_surrogates` applied to every string in it.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, dict):
        return {replace_surrogates(key): read_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [read_texts(item) for item in value]
    return value


def read_sender(value: object) -> Literal["bot", "user"] | None:
    """`from`; `None` where it is missing."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        lower = value.strip().lower()
        if lower == "bot":
            return "bot"
        if lower == "user":
            return "user"
    raise NotOursError("pld.from is neither bot nor user")
