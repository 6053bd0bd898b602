"""Voices and languages (docs/protocol.md §1)."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Final, Literal, get_args

from pydantic import Field

from akool_async.errors import InvalidParameterError
from akool_async.models.base import Answer, Many
from akool_async.validation import choice, is_left_out, text, url

__all__ = ["Language", "Voice", "VoiceModel", "VoiceStatus", "clone_body"]

#: The models that a cloned voice can have. Voices of "Akool Multilingual 2" can't stream.
VoiceModel = Literal["Akool Multilingual 1", "Akool Multilingual 3", "Akool Multilingual 4"]


class VoiceStatus(enum.IntEnum):
    """How far cloning a voice has come."""

    QUEUEING = 1
    PROCESSING = 2
    READY = 3
    FAILED = 4


class Voice(Answer):
    """A voice. While it is being cloned, `voice_id` and `preview` are missing.

    Attributes:
        id: the record's `_id`.
        voice_id: what a session takes.
        language: a name ("English"); `locale` is the code.
        duration: of the preview, in milliseconds.
        status: `VoiceStatus`.
        support_stream: whether a session can use it.
        create_time, update_time: milliseconds since 1970.
    """

    id: str | None = Field(default=None, alias="_id")
    uid: int | None = None
    team_id: str | None = None
    voice_id: str | None = None
    gender: str | None = None
    language: str | None = None
    locale: str | None = None
    name: str | None = None
    preview: str | None = None
    text: str | None = None
    duration: float | None = None
    status: int | None = None
    create_time: int | None = None
    update_time: int | None = None
    style: Many[str] = ()
    scenario: Many[str] = ()
    age: Many[str] = ()
    deduction_credit: float | None = None
    voice_model_name: str | None = None
    support_stream: bool | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be used: its status says so, and it has a `voice_id`."""
        return self.status == VoiceStatus.READY and bool(self.voice_id)

    @property
    def failed(self) -> bool:
        """Whether cloning it failed."""
        return self.status == VoiceStatus.FAILED


class Language(Answer):
    """A language of the service's own list.

    Its codes are regional (`af-ZA`) while sessions take `en`: sessions aren't checked against them.
    """

    code: str | None = Field(default=None, alias="lang_code")
    name: str | None = Field(default=None, alias="lang_name")
    url: str | None = None


_TEXTS: Final = ("text", "gender", "clone_prompt")
_LISTS: Final = ("style", "scenario", "age")


def clone_body(link: object, *, name: object, **optional: Any) -> dict[str, Any]:
    """The body of voice/clone; raises `InvalidParameterError`."""
    body: dict[str, Any] = {
        "source_voice_file": url("source_voice_file", link),
        "name": text("name", name),
    }
    given = {field: value for field, value in optional.items() if not is_left_out(value)}
    for field in _TEXTS:
        if field in given:
            body[field] = text(field, given[field])
    for field in _LISTS:
        if field in given:
            body[field] = _texts(field, given[field])
    if "voice_model_name" in given:
        body["voice_model_name"] = choice(
            "voice_model_name", given["voice_model_name"], get_args(VoiceModel)
        )
    if "webhook_url" in given:
        body["webhookUrl"] = url("webhook_url", given["webhook_url"])
    return body


def _texts(field: str, value: object) -> list[str]:
    if isinstance(value, str):
        return [text(field, value)]
    if not isinstance(value, Iterable):
        raise InvalidParameterError(field, "isn't a string or a list of them")
    return [text(f"{field}[{place}]", one) for place, one in enumerate(value)]
