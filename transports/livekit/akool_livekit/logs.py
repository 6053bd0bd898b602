"""Keeps tokens out of the client's own log.

A LiveKit server answers a refused token with that token in its text, and the client logs the
answer as a warning.
"""

from __future__ import annotations

import logging
import re
from typing import Final

__all__ = ["hide_tokens", "without_tokens"]

#: A JSON Web Token: its first part is the JSON of a header, which begins with `{"`.
_TOKEN: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+")
_HIDDEN: Final = "<token>"


def without_tokens(text: str) -> str:
    """The text with every token in it replaced."""
    return _TOKEN.sub(_HIDDEN, text)


class _Hiding(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = without_tokens(text)
        if hidden != text:
            record.msg, record.args = hidden, None
        return True


_hiding = _Hiding()


def hide_tokens() -> None:
    """Has the client's logger write no tokens; calling it again changes nothing."""
    logging.getLogger("livekit").addFilter(_hiding)
