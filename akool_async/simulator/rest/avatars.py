"""Avatars: uploading, details, the two lists (docs/protocol.md §1)."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from akool_async.simulator import checks
from akool_async.simulator.checks import Refusal
from akool_async.simulator.rest.api import Call, Routes
from akool_async.simulator.service import Service

__all__ = ["ROUTES"]

_ID: Final = re.compile(r"[A-Za-z0-9]+")
#: Where links with `url_from` 2 may point to.
_THIRD_PARTIES: Final = (
    "youtube.com",
    "youtu.be",
    "tiktok.com",
    "x.com",
    "twitter.com",
    "drive.google.com",
)


async def create(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v3/avatar/create`: every field is required."""
    body = call.body
    url = checks.link(body, "url", required=True)
    avatar_id = checks.required_text(body, "avatar_id")
    name = checks.required_text(body, "name")
    checks.choice(body, "type", (2,), required=True)
    source = checks.choice(body, "url_from", (1, 2), required=True)
    assert url is not None
    if not _ID.fullmatch(avatar_id):
        raise Refusal(1003, "avatar_id can only contain a-zA-Z0-9")
    if source == 2 and not _from_third_party(url):
        raise Refusal(1003, "url must be of YouTube, TikTok, X or Google Drive")
    record = service.store.upload_avatar(avatar_id, name, url)
    return _avatar_object(service, record, status=True)


async def detail(service: Service, call: Call) -> list[dict[str, Any]]:
    """`GET /api/open/v3/avatar/detail`, by `_id`: an array."""
    record_id = checks.required_text(call.query, "id")
    for record in service.store.avatars:
        if record["_id"] == record_id:
            return [_avatar_object(service, record, status=True)]
    raise Refusal(1008, "the content you get does not exist")


async def listing(service: Service, call: Call) -> list[dict[str, Any]]:
    """`GET /api/open/v3/avatar/list`: an array, the general catalogue."""
    source = checks.query_choice(call.query, "from", ("2", "3"))
    kind = checks.query_choice(call.query, "type", ("1", "2"))
    part = checks.page(call.query, size=100)
    found = [
        record
        for record in service.store.avatars
        if (source is None or (str(record["from"]) == "2") == (source == "2"))
        and (kind is None or str(record["type"]) == kind)
    ]
    return [_avatar_object(service, record, status=False) for record in found[part]]


async def live_detail(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/liveAvatar/avatar/detail`, by `avatar_id`: one object."""
    avatar_id = checks.required_text(call.query, "avatar_id")
    for record in service.store.v4_avatars():
        if record["avatar_id"] == avatar_id:
            return _avatar_object(service, record, status=False) | {"platform": "open"}
    raise Refusal(1008, "the content you get does not exist")


async def live_listing(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/liveAvatar/avatar/list`."""
    part = checks.page(call.query, size=100)
    platform = checks.query_choice(call.query, "platform", ("open", "aigc"), "open")
    found = service.store.v4_avatars() if platform == "open" else []
    return {
        "count": len(found),
        "result": [_avatar_object(service, record, status=False) for record in found[part]],
    }


def _from_third_party(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in _THIRD_PARTIES)


def _avatar_object(service: Service, record: dict[str, Any], *, status: bool) -> dict[str, Any]:
    """Only create and the v3 detail are documented to answer `status` (docs/protocol.md §1)."""
    answer = {name: value for name, value in record.items() if name != "status"}
    if record["type"] == 2:
        answer["available"] = service.available(record)
    if status:
        answer["status"] = service.store.status(record)
    return answer


ROUTES: Final[Routes] = {
    "/api/open/v3/avatar/create": {"POST": create},
    "/api/open/v3/avatar/detail": {"GET": detail},
    "/api/open/v3/avatar/list": {"GET": listing},
    "/api/open/v4/liveAvatar/avatar/detail": {"GET": live_detail},
    "/api/open/v4/liveAvatar/avatar/list": {"GET": live_listing},
}
