"""Knowledge bases: what they answer, and what creating and changing one takes.

See docs/protocol.md §1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field

from akool_async.errors import InvalidParameterError
from akool_async.models.base import Answer, Many
from akool_async.validation import known_keys, text, url, whole

__all__ = [
    "MAX_ALL_DOCS_BYTES",
    "MAX_DOC_BYTES",
    "MAX_NAME",
    "MAX_PROLOGUE",
    "MAX_PROMPT",
    "Knowledge",
    "KnowledgeDoc",
    "KnowledgeFile",
    "knowledge_body",
]

MAX_NAME: Final = 100
MAX_PROLOGUE: Final = 2000
MAX_PROMPT: Final = 10_000
MAX_DOC_BYTES: Final = 104_857_600
MAX_ALL_DOCS_BYTES: Final = 524_288_000

_TYPES: Final = ("pdf", "doc", "docx", "txt", "md", "json", "xml", "csv")


class KnowledgeFile(Answer):
    """A document as the service answers it; `size` in bytes."""

    name: str | None = None
    url: str | None = None
    size: int | None = None


class Knowledge(Answer):
    """A knowledge base; an item of the list holds only some of the fields.

    Attributes:
        id: the record's `_id`, which a session takes as `knowledge_id`.
        user_type: 1 internal, 2 external.
        source: `from`: 1 system, 2 user.
        prologue: the avatar's first words.
        prompt: instructions about its role.
        create_time, update_time: milliseconds since 1970.
    """

    id: str = Field(default="", alias="_id")
    team_id: str | None = None
    uid: int | None = None
    user_type: int | None = None
    source: int | None = Field(default=None, alias="from")
    name: str | None = None
    prologue: str | None = None
    prompt: str | None = None
    docs: Many[KnowledgeFile] = ()
    urls: Many[str] = ()
    create_time: int | None = None
    update_time: int | None = None


@dataclass(frozen=True, slots=True)
class KnowledgeDoc:
    """A document to add: PDF, DOC, DOCX, TXT, MD, JSON, XML or CSV.

    Attributes:
        name: the file's name.
        url: where the service can fetch it.
        size: in bytes, at most 104,857,600; all of a knowledge base at most 524,288,000.
    """

    name: str
    url: str
    size: int


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower().lstrip(".")


def _doc(field: str, given: object) -> dict[str, Any]:
    if isinstance(given, KnowledgeDoc):
        values: dict[str, Any] = {"name": given.name, "url": given.url, "size": given.size}
    else:
        values = known_keys(field, given, ("name", "url", "size"))
    name = text(f"{field}.name", values.get("name"))
    address = url(f"{field}.url", values.get("url"))
    size = whole(f"{field}.size", values.get("size"), 1, MAX_DOC_BYTES, unit="bytes")
    if not {_suffix(name), _suffix(unquote(urlsplit(address).path))} & set(_TYPES):
        raise InvalidParameterError(
            f"{field}.name",
            f"{name!r} isn't of a known type, use one of: {', '.join(_TYPES).upper()}",
        )
    return {"name": name, "url": address, "size": size}


def _docs(given: object) -> list[dict[str, Any]]:
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise InvalidParameterError("docs", "isn't a list of documents")
    docs = [_doc(f"docs[{place}]", one) for place, one in enumerate(given)]
    total = sum(doc["size"] for doc in docs)
    if total > MAX_ALL_DOCS_BYTES:
        raise InvalidParameterError(
            "docs", f"have {total} bytes together, at most {MAX_ALL_DOCS_BYTES} are allowed"
        )
    return docs


def _urls(given: object) -> list[str]:
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise InvalidParameterError("urls", "isn't a list of URLs")
    return [url(f"urls[{place}]", one) for place, one in enumerate(given)]


def knowledge_body(
    *,
    name: object = None,
    prologue: object = None,
    prompt: object = None,
    docs: object = None,
    urls: object = None,
) -> dict[str, Any]:
    """The body of knowledge/create and /update without the id; `None` leaves a field out.

    Raises:
        InvalidParameterError: a field is too long, a file too large or of another type, …
    """
    body: dict[str, Any] = {}
    if name is not None:
        body["name"] = text("name", name, max_length=MAX_NAME)
    if prologue is not None:
        body["prologue"] = text("prologue", prologue, max_length=MAX_PROLOGUE, empty=True)
    if prompt is not None:
        body["prompt"] = text("prompt", prompt, max_length=MAX_PROMPT, empty=True)
    if docs is not None:
        body["docs"] = _docs(docs)
    if urls is not None:
        body["urls"] = _urls(urls)
    return body
