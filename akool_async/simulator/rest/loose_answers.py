"""Answers as they are seen in the wild: what a reader has to put up with (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["loosened"]

#: Fields that any answer may leave without a value.
_OPTIONAL: Final = frozenset(
    {"thumbnailUrl", "modify_url", "gender", "sort", "crop_arr", "create_time", "disabled", "url"}
)


def loosened(envelope: dict[str, Any]) -> dict[str, Any]:
    """The same answer with `message` for `msg`, numbers as strings, nulls, and unknown fields."""
    loose = {name: _loose(name, value) for name, value in envelope.items() if name != "msg"}
    return loose | {"message": envelope.get("msg", ""), "request_id": 5150}


def _loose(name: str, value: Any) -> Any:
    if name in _OPTIONAL:
        return None
    if isinstance(value, dict):
        return {key: _loose(key, item) for key, item in value.items()} | {"new": {"field": 1}}
    if isinstance(value, list):
        return [_loose("", item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value
