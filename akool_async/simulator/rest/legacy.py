"""Live sessions, version 3: a chat room, and video by a stream URL (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any, Final

from akool_async.simulator import checks
from akool_async.simulator.avatar.replayed import new_avatar
from akool_async.simulator.catalogue import LEGACY_AVATAR_IDS
from akool_async.simulator.checks import Refusal
from akool_async.simulator.rest.api import Call, Routes
from akool_async.simulator.rest.sessions import asked_session_id, check_avatar_is_ready
from akool_async.simulator.service import Service
from akool_async.simulator.sessions import SimSession
from akool_async.simulator.store import UID

__all__ = ["ROUTES"]


async def create(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v3/liveAvatar/session/create`."""
    body = checks.without_empty(call.body)
    avatar_id = checks.required_text(body, "avatar_id")
    stream_type = checks.choice(body, "stream_type", ("flv", "agora")) or "flv"
    checks.link(body, "background_url")
    record = service.store.find_avatar(avatar_id)
    if record is None or not (avatar_id in LEGACY_AVATAR_IDS or service.store.is_upload(record)):
        raise Refusal(1008, "avatar_id does not exist")
    check_avatar_is_ready(service, record)
    now = service.clock.now()
    session = SimSession(
        api="v3",
        avatar_id=avatar_id,
        stream_type=stream_type,
        room_kind="chatroom",
        body=body,
        duration=service.default_duration,
        created=now,
        running_at=now + service.book.queue_time,
    )
    avatar = new_avatar(
        session.id,
        service.settings,
        params={"mode": 1},
        # No chat is taken before the session runs (docs/protocol.md §1 "Session statuses").
        ready=lambda: session.status(service.clock.now()) == 2,
        on_chat=lambda: service.resume(session),
    )
    await service.book.begin(session, lambda its: service.open_room(its, None, avatar))
    return _session_object(service, session, session.access) | {
        "status": 1,
        "app_name": "openapi_live",
        "stream_name": _stream_name(session),
    }


async def detail(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v3/liveAvatar/session/detail`; of the URLs only the one to watch by."""
    session_id = checks.required_text(call.query, "id")
    session = service.book.find(session_id, "v3")
    return _session_object(service, session, _picked(session, "client_pull_stream_url"))


async def listing(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v3/liveAvatar/session/list`: POST, with query parameters."""
    part = checks.page(call.query, size=100, largest=None)
    status = checks.query_integer(call.query, "status", None, 1, 4)
    found = service.book.sessions("v3", status)
    urls = ("client_pull_stream_url", "client_push_stream_url")
    return {
        "count": len(found),
        "result": [_session_object(service, s, _picked(s, *urls)) for s in found[part]],
    }


async def close(service: Service, call: Call) -> None:
    """`POST /api/open/v3/liveAvatar/session/close`."""
    await service.close_session(service.book.find(asked_session_id(call), "v3"))


async def pause(service: Service, call: Call) -> None:
    """`POST /api/open/v3/liveAvatar/session/pause`; the next chat resumes."""
    service.pause(service.book.find(asked_session_id(call), "v3"))


def _picked(session: SimSession, *names: str) -> dict[str, Any]:
    return {name: session.access[name] for name in names if name in session.access}


def _stream_name(session: SimSession) -> str:
    pull = str(session.access.get("client_pull_stream_url", session.id))
    return pull.rsplit("/", 1)[-1].removesuffix(".flv")


def _session_object(service: Service, session: SimSession, urls: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "_id": session.id,
        "uid": UID,
        "type": 1,
        "status": session.status(service.clock.now()),
        "task_id": session.task_id,
        "stream_urls": urls,
    }
    if service.settings.behavior.answers_avatar_id:
        answer["avatar_id"] = session.avatar_id
    return answer


ROUTES: Final[Routes] = {
    "/api/open/v3/liveAvatar/session/create": {"POST": create},
    "/api/open/v3/liveAvatar/session/detail": {"GET": detail},
    "/api/open/v3/liveAvatar/session/list": {"POST": listing},
    "/api/open/v3/liveAvatar/session/close": {"POST": close},
    "/api/open/v3/liveAvatar/session/pause": {"POST": pause},
}
