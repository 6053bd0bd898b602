"""Decoding an answer that holds a long list: JSON to models in one pass.

Making dictionaries first and models of them afterwards costs half as much again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError, create_model

from akool_async.models.base import Answer

__all__ = ["page_decoder"]


class _Page(BaseModel, defer_build=True):
    """`{count, result: […]}`; the type of an item is put in for each kind."""

    count: Any = None
    result: Any = None


class _Envelope(BaseModel, defer_build=True):
    code: Any = None
    msg: Any = None
    message: Any = None
    data: Any = None


@functools.cache
def page_decoder(kind: type[Answer]) -> Callable[[bytes], Any]:
    """A decoder of envelopes whose `data` is `{count, result: […]}` of one kind.

    It gives what decoding JSON gives, but that `result` holds models already. Where an answer is
    any other, it gives plain JSON, and raises `msgspec.DecodeError` for what is none.
    """
    page = create_model(f"{kind.__name__}Page", __base__=_Page, result=(list[kind], ...))  # type: ignore[valid-type]
    envelope = create_model(f"{kind.__name__}Envelope", __base__=_Envelope, data=(page, ...))

    def decode(body: bytes) -> Any:
        try:
            read = envelope.model_validate_json(body)
        except ValidationError:
            # An error's envelope, another shape, or an item with an odd field.
            return msgspec.json.decode(body)
        return {**read.__dict__, "data": read.__dict__["data"].__dict__}

    return decode
