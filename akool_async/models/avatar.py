"""Avatars: the object of every avatar call, and what an upload takes (docs/protocol.md §1)."""

from __future__ import annotations

import enum
import re
from typing import Any, Final, Literal

from pydantic import Field

from akool_async.errors import InvalidParameterError
from akool_async.models.base import Answer, Many
from akool_async.validation import choice, text, url

__all__ = ["OFFICIAL_AVATARS", "Avatar", "AvatarStatus", "UrlFrom", "upload_body"]

#: Official avatars that sessions of version 4 know.
OFFICIAL_AVATARS: Final = ("dvp_Tristan_cloth2_1080P", "dvp_Alinna_realisticbg_20241224")

#: Where an upload's link leads: 1 akool or any other link, 2 YouTube, TikTok, X or Google Drive.
UrlFrom = Literal[1, 2]


class AvatarStatus(enum.IntEnum):
    """How far processing an uploaded avatar has come."""

    QUEUEING = 1
    PROCESSING = 2
    READY = 3
    FAILED = 4


class Avatar(Answer):
    """An avatar. Any field may be missing.

    Attributes:
        id: the record's `_id`, by which an upload is followed.
        avatar_id: what a session is created with.
        type: 2 for streaming avatars.
        source: `from`: 2 official, 3 and 4 the user's own.
        status: `AvatarStatus`; only upload and the record's detail answer it.
        available: False where it is in use or not ready.
        url: a preview; media links live 7 days.
        create_time: milliseconds since 1970.
    """

    id: str | None = Field(default=None, alias="_id")
    uid: int | None = None
    type: int | None = None
    source: int | None = Field(default=None, alias="from")
    avatar_id: str | None = None
    voice_id: str | None = None
    name: str | None = None
    url: str | None = None
    modify_url: str | None = None
    thumbnail_url: str | None = Field(default=None, alias="thumbnailUrl")
    gender: str | None = None
    available: bool | None = None
    status: int | None = None
    disabled: bool | None = None
    sort: float | None = None
    create_time: int | None = None
    crop_arr: Many[Any] = ()
    platform: str | None = None

    @property
    def ready(self) -> bool:
        """Whether its status says that it can be used; False where no status was answered."""
        return self.status == AvatarStatus.READY

    @property
    def failed(self) -> bool:
        """Whether processing it failed."""
        return self.status == AvatarStatus.FAILED


_AVATAR_ID: Final = re.compile(r"[A-Za-z0-9]+")


def upload_body(link: object, avatar_id: object, name: object, url_from: object) -> dict[str, Any]:
    """The body of avatar/create; raises `InvalidParameterError`."""
    own_id = text("avatar_id", avatar_id)
    if not _AVATAR_ID.fullmatch(own_id):
        raise InvalidParameterError(
            "avatar_id", f"{own_id!r} may hold ASCII letters and digits only (a-z, A-Z, 0-9)"
        )
    return {
        "url": url("url", link),
        "avatar_id": own_id,
        "name": text("name", name),
        "type": 2,
        "url_from": choice("url_from", url_from, (1, 2)),
    }
