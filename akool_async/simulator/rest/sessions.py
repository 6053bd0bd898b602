"""Live sessions, version 4 (docs/protocol.md §1)."""

from __future__ import annotations

from typing import Any, Final

from akool_async.simulator import checks
from akool_async.simulator.avatar.replayed import new_avatar
from akool_async.simulator.checks import Refusal
from akool_async.simulator.rest.api import Call, Routes
from akool_async.simulator.service import Service
from akool_async.simulator.sessions import SimSession
from akool_async.simulator.store import UID
from akool_async.simulator.voice_checks import check_voice_params

__all__ = ["ROUTES", "asked_session_id", "check_avatar_is_ready"]

_LONGEST: Final = 3600
#: A token appears in create's answer only (docs/protocol.md §4, 1).
_SECRET_ENDINGS: Final = ("_token", "_sig")
#: The fields of an own room, and for texts whether they are required.
_CREDENTIALS: Final[dict[str, dict[str, bool | None]]] = {
    "agora": {
        "agora_uid": None,
        "agora_channel": True,
        "agora_token": True,
        "agora_app_id": False,
    },
    "livekit": {
        "livekit_url": None,
        "livekit_token": True,
        "livekit_room_name": False,
        "livekit_server_identity": False,
        "livekit_client_identity": False,
        "audio_only_from_data_stream": None,
    },
    "trtc": {
        "trtc_sdk_app_id": None,
        "trtc_sdk_room_id": True,
        "trtc_sdk_user_id": True,
        "trtc_sdk_user_sig": True,
    },
}
#: The fields of a room that the service makes.
_ANSWERED: Final = {
    "agora": ("agora_uid", "agora_app_id", "agora_channel", "agora_token"),
    "livekit": tuple(name for name in _CREDENTIALS["livekit"] if name.startswith("livekit_")),
    "trtc": ("trtc_app_id", "trtc_room_id", "trtc_user_id", "trtc_user_sig"),
}


async def create(service: Service, call: Call) -> dict[str, Any]:
    """`POST /api/open/v4/liveAvatar/session/create`."""
    body = checks.without_empty(call.body)
    avatar_id = checks.required_text(body, "avatar_id")
    duration = _check_duration(body, service.default_duration)
    stream_type = checks.choice(body, "stream_type", ("agora", "livekit", "trtc")) or "agora"
    _check_speech(service, body)
    own_room = _check_credentials(body, stream_type)
    _check_avatar(service, avatar_id)
    now = service.clock.now()
    session = SimSession(
        api="v4",
        avatar_id=avatar_id,
        stream_type=stream_type,
        room_kind=stream_type,
        body=body,
        duration=duration,
        created=now,
        running_at=now + service.book.queue_time,
    )
    avatar = new_avatar(
        session.id,
        service.settings,
        params=_first_params(body),
        typed_chat="scene_mode" not in body,
    )
    await service.book.begin(session, lambda its: service.open_room(its, own_room, avatar))
    return _created(service, session)


async def detail(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/liveAvatar/session/detail`."""
    session_id = checks.required_text(call.query, "id")
    return _session_object(service, service.book.find(session_id, "v4"))


async def listing(service: Service, call: Call) -> dict[str, Any]:
    """`GET /api/open/v4/liveAvatar/session/list`."""
    part = checks.page(call.query, size=100, largest=None)
    status = checks.query_integer(call.query, "status", None, 1, 4)
    found = service.book.sessions("v4", status)
    return {
        "count": len(found),
        "result": [_session_object(service, session) for session in found[part]],
    }


async def close(service: Service, call: Call) -> None:
    """`POST /api/open/v4/liveAvatar/session/close`."""
    await service.close_session(service.book.find(asked_session_id(call), "v4"))


def asked_session_id(call: Call) -> str:
    """`id`; the vendor's samples and plugin send `session_id`: either is accepted."""
    body = checks.without_empty(call.body)
    name = "session_id" if "id" not in body and "session_id" in body else "id"
    return checks.required_text(body, name)


def _check_duration(body: dict[str, Any], default: float) -> float:
    # The schema allows fractions.
    duration = checks.number(body, "duration", 0, _LONGEST)
    if duration is None:
        return default
    if duration < 1:
        raise Refusal(1003, f"duration must be 1 to {_LONGEST}")
    return duration


def _check_speech(service: Service, body: dict[str, Any]) -> None:
    knowledge_id = checks.text(body, "knowledge_id")
    if knowledge_id is not None:
        service.store.find_knowledge(knowledge_id)
    voice_id = checks.text(body, "voice_id")
    for voice in service.store.voices:
        if voice_id is not None and voice["voice_id"] == voice_id and not voice["support_stream"]:
            raise Refusal(1003, "voice_id is of a model that can not stream")
    checks.link(body, "voice_url")
    checks.language(body, "language")
    checks.choice(body, "mode_type", (1, 2))
    checks.link(body, "background_url")
    scene = checks.choice(body, "scene_mode", ("fast_dialogue", "meeting"))
    fast = scene == "fast_dialogue"
    if checks.choice(body, "e2e_type", ("openai",)) is not None and not fast:
        raise Refusal(1003, "e2e_type goes with scene_mode fast_dialogue")
    if fast and "voice_url" in body:
        raise Refusal(1003, "voice_url is not for fast_dialogue")
    voice_params = checks.section(body, "voice_params")
    if voice_params is not None:
        check_voice_params(voice_params, fast_dialogue=fast)


def _check_credentials(body: dict[str, Any], stream_type: str) -> dict[str, Any] | None:
    """The user's own room; for TRTC in the spelling of what is sent (docs/protocol.md §1).

    Fields of another stream type are refused; unknown ones are ignored and not answered.
    """
    given = checks.section(body, "credentials")
    if not given:
        return None
    for name in given:
        kind = name.split("_", 1)[0]
        if kind != stream_type and kind in _CREDENTIALS:
            raise Refusal(1003, f"credentials.{name} is not for stream_type {stream_type}")
    if stream_type == "agora":
        checks.integer(given, "agora_uid", 0, required=True)
    elif stream_type == "livekit":
        checks.link(given, "livekit_url", required=True, schemes=("ws", "wss", "http", "https"))
        checks.boolean(given, "audio_only_from_data_stream")
    else:
        checks.integer(given, "trtc_sdk_app_id", 1, required=True)
    known = _CREDENTIALS[stream_type]
    for name, required in known.items():
        if required is not None:
            checks.text(given, name, required=required)
    return {name: value for name, value in given.items() if name in known}


def _check_avatar(service: Service, avatar_id: str) -> None:
    record = service.store.find_avatar(avatar_id)
    if record is None or record not in service.store.v4_avatars():
        raise Refusal(1008, "avatar_id does not exist")
    check_avatar_is_ready(service, record)


def check_avatar_is_ready(service: Service, record: dict[str, Any]) -> None:
    """Refuses an avatar that no session can be made with now.

    Raises:
        Refusal: still processing (1214), failed (1220), disabled (1010), in use (1237).
    """
    status = service.store.status(record)
    if status == 4:
        raise Refusal(1220, "the avatar's upload failed")
    if status != 3:
        raise Refusal(1214, "the avatar is still processing")
    if record.get("disabled"):
        raise Refusal(1010, "the avatar can not be operated")
    if service.avatar_in_use(record["avatar_id"]):
        raise Refusal(1237, "the avatar is in use by another session")


def _first_params(body: dict[str, Any]) -> dict[str, Any]:
    """What create says, by the names of set-params."""
    names = {"language": "lang", "mode_type": "mode", "background_url": "bgurl"}
    params = {new: body[old] for old, new in names.items() if old in body}
    voice = dict(body.get("voice_params", {}))
    for old, new in (("voice_id", "vid"), ("voice_url", "vurl")):
        if old in body:
            voice[new] = body[old]
    if voice:
        params["vparams"] = voice
    return params


def _created(service: Service, session: SimSession) -> dict[str, Any]:
    """Create's answer, in the behaviour's variant."""
    answer = _session_object(service, session, secrets=True)
    behavior = service.settings.behavior
    if behavior.all_credentials:
        empty = {name: "" for kind in _ANSWERED.values() for name in kind}
        answer["credentials"] = empty | answer["credentials"]
    if behavior.no_stream_type:
        del answer["stream_type"]
    return answer


def _session_object(
    service: Service, session: SimSession, *, secrets: bool = False
) -> dict[str, Any]:
    credentials = {
        name: value
        for name, value in session.access.items()
        if secrets or not name.endswith(_SECRET_ENDINGS)
    }
    answer = {
        "_id": session.id,
        "uid": UID,
        "type": 1,
        "status": 1 if secrets else session.status(service.clock.now()),
        "stream_type": session.stream_type,
        "credentials": credentials,
    }
    if service.settings.behavior.answers_avatar_id:
        answer["avatar_id"] = session.avatar_id
    return answer


ROUTES: Final[Routes] = {
    "/api/open/v4/liveAvatar/session/create": {"POST": create},
    "/api/open/v4/liveAvatar/session/detail": {"GET": detail},
    "/api/open/v4/liveAvatar/session/list": {"GET": listing},
    "/api/open/v4/liveAvatar/session/close": {"POST": close},
}
