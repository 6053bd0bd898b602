"""Taking secrets out of the service's texts, which may quote what they were sent.

A long secret is also found where only a part of it is quoted. A short one is replaced only where it
stands by itself: a key "any" must not turn "too many words" into "too m*** words".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["MASK", "Redactor", "secrets_of"]

MASK: Final = "***"
#: Parts of a secret of so many characters are replaced, too.
_PART: Final = 8
#: Texts are cut here before they are searched; what is shown of them is far shorter.
_SEARCHED: Final = 20_000

#: Names of fields whose values are secret, whatever call they belong to.
_SECRET_NAME: Final = re.compile(
    r"(?:token|sig|signature|secret|password|passwd|credential|(?:api|access|private)_?key)$",
    re.IGNORECASE,
)


class Redactor:
    """Replaces secrets in texts by `MASK`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if secret}
        self._parts = {
            secret[start : start + _PART]
            for secret in known
            for start in range(len(secret) - _PART + 1)
        }
        short = sorted((one for one in known if len(one) < _PART), key=len, reverse=True)
        self._short = (
            re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, short))})(?![\w-])")
            if short
            else None
        )

    def redact(self, text: str) -> str:
        """The text without the secrets; cut, where it is very long."""
        text = text[:_SEARCHED]
        if self._parts:
            text = self._without_parts(text)
        return self._short.sub(MASK, text) if self._short is not None else text

    def _without_parts(self, text: str) -> str:
        out: list[str] = []
        kept = 0
        at = 0
        while at <= len(text) - _PART:
            if text[at : at + _PART] not in self._parts:
                at += 1
                continue
            out += (text[kept:at], MASK)
            at += 1
            while text[at : at + _PART] in self._parts:
                at += 1
            kept = at = at + _PART - 1
        out.append(text[kept:])
        return "".join(out)


def secrets_of(value: Any, name: str = "") -> Iterator[str]:
    """The secrets in a request's body: by the names of fields, and in URLs."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_of(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from secrets_of(inner, name)
    elif isinstance(value, str):
        if _SECRET_NAME.search(name):
            yield value
        elif "://" in value:
            yield from _secrets_of_url(value)


def _secrets_of_url(url: str) -> Iterator[str]:
    """What a URL may sign itself with: its query, and a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        yield parts.password
    if len(parts.query) >= _PART:
        yield parts.query
