"""Writing JSON: compact, in UTF-8, with half of a surrogate pair as its escape."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from akool_async.stream.surrogates import join_surrogates

__all__ = ["dump", "escape", "escape_twice", "unescape"]

_encode: Final = msgspec.json.Encoder().encode
#: A surrogate as `surrogatepass` writes it, which is not UTF-8.
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def _escape_surrogate(match: re.Match[bytes]) -> bytes:
    return rb"\u%04x" % ord(match[0].decode("utf-8", "surrogatepass"))


def dump(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8; a lone half of a surrogate pair becomes its escape.

    Raises:
        TypeError: something in it has no JSON form.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _SURROGATE.sub(
            _escape_surrogate, join_surrogates(text).encode("utf-8", "surrogatepass")
        )


def escape(text: str) -> bytes:
    """`text` as written between the quotes of a JSON string."""
    return dump(text)[1:-1]


def escape_twice(text: str) -> bytes:
    """`text` as written between the quotes of a JSON string inside a JSON string."""
    return _encode(escape(text).decode())[1:-1]


_decode_text: Final = msgspec.json.Decoder(str).decode


def unescape(escaped: bytes, depth: int) -> str:
    """The text that `escape` (depth 1) or `escape_twice` (depth 2) wrote."""
    for _ in range(depth - 1):
        escaped = _decode_text(b'"%b"' % escaped).encode()
    try:
        return _decode_text(b'"%b"' % escaped)
    except ValueError:  # half of a surrogate pair
        return str(json.loads(b'"%b"' % escaped))
