"""Voices and languages (docs/protocol.md §1)."""

from __future__ import annotations

from pydantic import Field

from akool_async.models.base import Answer, Many

__all__ = ["Language", "Voice"]


class Voice(Answer):
    """A voice. While it is being cloned, `voice_id` and `preview` are missing.

    Attributes:
        id: the record's `_id`.
        voice_id: what a session takes.
        language: a name ("English"); `locale` is the code.
        duration: of the preview, in milliseconds.
        status: 1 queueing, 2 processing, 3 ready, 4 failed.
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


class Language(Answer):
    """A language of the service's own list.

    Its codes are regional (`af-ZA`) while sessions take `en`: these aren't checked against it.
    """

    code: str | None = Field(default=None, alias="lang_code")
    name: str | None = Field(default=None, alias="lang_name")
    url: str | None = None
