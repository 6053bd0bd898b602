"""Decoding an answer that holds a long list, within bounds.

An ordinary page is read in one pass, JSON to models: making dictionaries first and models of them
afterwards costs half as much again. A large one is only cut into its items here, so that whoever
reads them can do so in slices and leave the event loop free in between.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from pydantic import BaseModel, Field, ValidationError, create_model

from akool_async.models.base import Answer
from akool_async.rest.tolerant_json import decode_json

__all__ = ["MAX_ITEMS", "RawItems", "TooManyError", "page_decoder"]

#: Items on one page at most; the service's own pages have 100.
MAX_ITEMS: Final = 10_000
#: Answers larger than this, in bytes, are cut into items first. A page of 1,000 avatars is smaller.
LARGE: Final = 2**19
#: Values that an answer may hold. The largest honest answer, 8 MiB of avatars, has 420,000.
MAX_VALUES: Final = 1_000_000


class TooManyError(msgspec.DecodeError):
    """An answer holds more items or values than any page of the service; nothing of it is read."""


@dataclass(frozen=True, slots=True)
class RawItems:
    """The items of a large page, each as its JSON text."""

    items: list[msgspec.Raw]


class _Page(BaseModel, defer_build=True):
    """`{count, result: […]}`; the type of an item is put in for each kind."""

    count: Any = None
    result: Any = None


class _Envelope(BaseModel, defer_build=True):
    code: Any = None
    msg: Any = None
    message: Any = None
    data: Any = None


class _LargeEnvelope(msgspec.Struct):
    code: int
    data: msgspec.Raw
    msg: Any = None


_large_envelope = msgspec.json.Decoder(_LargeEnvelope)
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


@functools.cache
def page_decoder(kind: type[Answer], wrapped: str = "result") -> Callable[[bytes], Any]:
    """A decoder of envelopes whose `data` is `{count, result: […]}` of one kind.

    It gives what decoding JSON gives, but that `result` holds models already, or `RawItems` where
    the answer is large. Where an answer is any other, it gives plain JSON.

    Args:
        kind: of the items.
        wrapped: another name than `result` that the list may have.

    The decoder raises `msgspec.DecodeError` for what isn't JSON, and `TooManyError`.
    """
    items: Any = Annotated[list[kind], Field(max_length=MAX_ITEMS)]  # type: ignore[valid-type]
    page = create_model(f"{kind.__name__}Page", __base__=_Page, result=(items, ...))
    envelope = create_model(f"{kind.__name__}Envelope", __base__=_Envelope, data=(page, ...))

    def decode(body: bytes) -> Any:
        if len(body) > LARGE:
            return _large(body, wrapped)
        try:
            read = envelope.model_validate_json(body)
        except (ValidationError, RecursionError):
            # An error's envelope, another shape, or an item with an odd field.
            return decode_json(body)
        return {**read.__dict__, "data": read.__dict__["data"].__dict__}

    return decode


def _large(body: bytes, wrapped: str) -> Any:
    values = body.count(b",") + body.count(b"{") + body.count(b"[")
    if values > MAX_VALUES:
        raise TooManyError(f"the answer holds more than {MAX_VALUES} values")
    try:
        envelope = _large_envelope.decode(body)
        if bytes(memoryview(envelope.data)[:1]) == b"[":
            return {"code": envelope.code, "msg": envelope.msg, "data": _cut(envelope.data)}
        data: dict[str, Any] = dict(_raw_object.decode(envelope.data))
        name = wrapped if wrapped in data else "result"
        data[name] = _cut(data[name])
        if "count" in data:
            data["count"] = msgspec.json.decode(data["count"])
    except TooManyError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, RecursionError):
        return decode_json(body)
    return {"code": envelope.code, "msg": envelope.msg, "data": data}


def _cut(raw: msgspec.Raw) -> RawItems:
    items = _raw_list.decode(raw)
    if len(items) > MAX_ITEMS:
        raise TooManyError(f"the page holds {len(items)} items, more than {MAX_ITEMS}")
    return RawItems(items)
