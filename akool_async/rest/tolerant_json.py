"""Reading the JSON of an answer: strictly first, and leniently where that fails.

One text that the service cut inside a character must not make a whole list unreadable. Read
leniently, these are accepted: a byte order mark, UTF-16 and UTF-32, bytes that aren't UTF-8 (taken
for Latin-1), half of a surrogate pair (becomes U+FFFD), control characters inside of strings, NaN.
So every text that is handed out can be encoded.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

__all__ = ["decode_json"]

#: An escape of a JSON string: a surrogate pair, half of one, or any other.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
#: What `surrogateescape` makes of a byte that isn't UTF-8.
_ESCAPED_BYTE: Final = re.compile("[\udc80-\udcff]")


def decode_json(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        msgspec.DecodeError: it isn't JSON, or is nested too deeply. The error doesn't hold the
            text.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        problem = str(error)
    except UnicodeDecodeError:
        problem = "JSON isn't UTF-8"
    except RecursionError:
        problem = "JSON is nested too deeply"
    try:
        return json.loads(_ESCAPE.sub(_without_half, _text(body)), strict=False)
    except RecursionError:
        problem = "JSON is nested too deeply"
    except ValueError:
        pass  # what the strict reading found says it
    # Not chained: the errors of `json` and of codecs hold the whole text.
    raise msgspec.DecodeError(problem)


def _text(body: bytes) -> str:
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        pass
    try:
        # Halves of pairs as UTF-8 doesn't allow them; two that follow each other are a character.
        halves = body.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
        return halves.decode("utf-16-le", "replace").removeprefix("\ufeff")
    except UnicodeDecodeError:
        text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        return _ESCAPED_BYTE.sub(lambda found: chr(ord(found[0]) - 0xDC00), text)


def _without_half(found: re.Match[str]) -> str:
    return r"\ufffd" if found["half"] else found[0]
