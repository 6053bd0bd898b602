"""From an avatar's name, or a session made elsewhere, to an `AvatarSession` in its room.

The order is fixed, so that nothing is paid for that can't work, and nothing stays open: find the
transport, ask it whether joining can work at all, create the session by REST, join, have a command
answered; then hand it out, and close both whatever happens.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from akool_async.client import AkoolClient
from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.conversation.closing import finish
from akool_async.errors import AkoolError, InvalidParameterError, JoinError
from akool_async.models.addresses import is_loopback_url
from akool_async.models.credentials import Credentials, read_credentials
from akool_async.models.session import LegacySession, Session
from akool_async.rest.base_url import normalise_base_url
from akool_async.rest.session_create import session_create_body
from akool_async.rooms.room import OwnRoom, PreparedRoom
from akool_async.transport import JoinTarget, Transport, load_transport

__all__ = ["join", "open_session"]

T = TypeVar("T")
Renew = Callable[[], Awaitable[Credentials]]

#: What v3 doesn't know at create, but carries with every question.
_ASKED_WITH: Final = ("language", "voice_id", "voice_url", "mode_type")
#: Closing a session whose creation was cancelled half-way waits this long for its id.
_CREATION: Final = 60.0


@asynccontextmanager
async def open_session(
    client: AkoolClient,
    avatar_id: str,
    *,
    stream_type: str = "livekit",
    legacy: bool = False,
    transport: str | type[Transport] | None = None,
    transport_options: Mapping[str, Any] | None = None,
    engine: Any = None,
    options: ConversationOptions | None = None,
    room: OwnRoom | None = None,
    renew_credentials: Renew | None = None,
    on_progress: Callable[[LegacySession], object] | None = None,
    running_timeout: float = 60.0,
    **fields: Any,
) -> AsyncIterator[AvatarSession]:
    """Creates a session, joins its room, and closes both whatever happens.

    Args:
        client: whose account pays.
        avatar_id: a streaming avatar's id.
        stream_type: the room, "livekit", "agora" or "trtc"; (legacy) the video, "flv" or "agora".
        legacy: a version 3 session; its messages go through the chat room (docs/protocol.md §3).
        transport: another transport than the one named like the room: a name or a class.
        transport_options: for the transport; its own documentation names them.
        engine: shorthand for `transport_options={"engine": …}`.
        options: every time limit and bound of the conversation.
        room: a room of your own for the avatar to join: `OwnLiveKitRoom`, `OwnAgoraRoom`,
            `OwnTRTCRoom`, of the kind that `stream_type` says.
        renew_credentials: asked for credentials with a new token, when the room needs one.
        on_progress: (legacy) called with the session at every look until it runs.
        running_timeout: (legacy) seconds until it must run.
        **fields: of session/create, `SessionFields` without `credentials`; (legacy)
            `background_url`, and what every question carries: `language`, `voice_id`,
            `voice_url`, `mode_type`.

    Raises:
        MissingDependencyError, ConfigurationError: no such transport, or it can't work here;
            nothing was created.
        InvalidParameterError: a wrong value; nothing was created.
        APIError, RequestError: the session couldn't be created.
        SessionFailedError, WaitTimeoutError: (legacy) it didn't get to run.
        JoinError: its room couldn't be joined; the session is closed again.
    """
    kind = "chatroom" if legacy else stream_type
    found = _find(transport or kind)
    if not legacy:
        session_create_body(avatar_id, {**fields, "stream_type": stream_type})
    own = _own_room(room, kind, fields)
    settings = _settings(found, transport_options, engine, client.base_url)
    if own is not None:
        settings = {**own.transport_options, **settings}
        fields["credentials"] = own.avatar_credentials
    found.preflight(settings)
    created = asyncio.get_running_loop().time()
    if legacy:
        plan = _legacy_plan(client, avatar_id, stream_type, fields, on_progress, running_timeout)
    else:
        plan = _plan(client, avatar_id, stream_type, fields)
    session = await _create(plan)
    try:
        ready = await plan.ready(session)
        info = SessionInfo(
            session_id=session.id,
            avatar_id=avatar_id,
            transport=found.name,
            dialect=found.dialect,
            duration=ready.duration,
            created=created,
            # Without one, the service's choice is unpredictable (docs/protocol.md §2); version 3
            # documents its default.
            mode=fields.get("mode_type") or (None if legacy else 2),
            language=fields.get("language"),
            voice_id=fields.get("voice_id"),
            voice_url=fields.get("voice_url"),
            background_url=None if legacy else fields.get("background_url"),
            pull_url=_pull_url(session),
        )
        target = JoinTarget(
            own.bot_credentials if own is not None else _credentials(session),
            session_id=session.id,
            own_room=own is not None,
            renew_credentials=renew_credentials or _renewal(room, info),
        )
        avatar = AvatarSession(
            found(target, settings),
            info=info,
            options=options,
            close=lambda: plan.close(session),
            pause=(lambda: plan.pause(session)) if plan.pause else None,  # type: ignore[misc]
        )
    except BaseException:
        await finish(plan.close(session), timeout=_CREATION, name="closing the session")
        raise
    async with avatar:
        yield avatar


@asynccontextmanager
async def join(
    session: Session | LegacySession | Mapping[str, Any],
    *,
    transport: str | type[Transport] | None = None,
    transport_options: Mapping[str, Any] | None = None,
    engine: Any = None,
    options: ConversationOptions | None = None,
    renew_credentials: Renew | None = None,
    own_room: bool = False,
) -> AsyncIterator[AvatarSession]:
    """Joins a session made elsewhere, and leaves closing it to its owner.

    Args:
        session: as `sessions.create` returned it, or the dictionary that its
            `to_dict(include_secrets=True)` or a backend gave: its credentials are what counts.
        transport: another transport than the one its credentials are for.
        transport_options: for the transport.
        engine: shorthand for `transport_options={"engine": …}`.
        options: every time limit and bound of the conversation.
        renew_credentials: asked for credentials with a new token, when the room needs one.
        own_room: the room is the user's own, so strangers may be in it.

    Raises:
        InvalidParameterError: no credentials with a token, as in the answer of `sessions.get`.
        MissingDependencyError, ConfigurationError: no such transport, or it can't work here.
        JoinError: the room couldn't be joined.
    """
    known = _read(session)
    credentials = _credentials(known)
    found = _find(transport or credentials.kind)
    settings = _settings(found, transport_options, engine, _home(credentials))
    found.preflight(settings)
    target = JoinTarget(
        credentials,
        session_id=known.id or None,
        own_room=own_room,
        renew_credentials=renew_credentials,
    )
    info = SessionInfo(
        session_id=known.id or None,
        transport=found.name,
        dialect=found.dialect,
        pull_url=_pull_url(known),
    )
    async with AvatarSession(found(target, settings), info=info, options=options) as avatar:
        yield avatar


@dataclass(frozen=True, slots=True)
class _Plan:
    """What making, readying and ending a session is, in either version."""

    create: Callable[[], Coroutine[Any, Any, Any]]
    ready: Callable[[Any], Awaitable[Any]]
    close: Callable[[Any], Coroutine[Any, Any, None]]
    pause: Callable[[Any], Awaitable[None]] | None = None


def _plan(
    client: AkoolClient, avatar_id: str, stream_type: str, fields: Mapping[str, Any]
) -> _Plan:
    async def create() -> Session:
        return await client.sessions.create(
            avatar_id,
            stream_type=stream_type,  # type: ignore[arg-type]  # checked by create
            **fields,
        )

    async def ready(session: Session) -> Session:
        return session

    return _Plan(create, ready, client.sessions.close)


def _legacy_plan(
    client: AkoolClient,
    avatar_id: str,
    stream_type: str,
    fields: Mapping[str, Any],
    on_progress: Callable[[LegacySession], object] | None,
    running_timeout: float,
) -> _Plan:
    for name in fields:
        if name not in (*_ASKED_WITH, "background_url"):
            raise InvalidParameterError(name, "isn't known to version 3 sessions")
    sessions = client.legacy_sessions

    async def create() -> LegacySession:
        # "livekit" is the default of a parameter that means something else in version 3.
        video: Any = None if stream_type == "livekit" else stream_type
        return await sessions.create(
            avatar_id, stream_type=video, background_url=fields.get("background_url")
        )

    async def ready(session: LegacySession) -> LegacySession:
        return await sessions.wait_until_running(
            session, timeout=running_timeout, on_progress=on_progress
        )

    return _Plan(create, ready, sessions.close, sessions.pause)


async def _create(plan: _Plan) -> Any:
    """Creates; cancelled meanwhile, it waits to learn what was created and closes it."""
    creating = asyncio.ensure_future(plan.create())
    try:
        return await asyncio.shield(creating)
    except asyncio.CancelledError:

        async def undo() -> None:
            try:
                session = await creating
            except AkoolError:
                return  # nothing was created
            await plan.close(session)

        await finish(undo(), timeout=_CREATION, name="closing the session that was being created")
        raise


def _own_room(room: OwnRoom | None, kind: str, fields: Mapping[str, Any]) -> PreparedRoom | None:
    if fields.get("credentials") is not None:
        raise InvalidParameterError(
            "credentials",
            "are the avatar's, and this program needs its own to join: give room=OwnLiveKitRoom(…) "
            "or the like, or use sessions.create() and join()",
        )
    if room is None:
        return None
    if not isinstance(room, OwnRoom):
        raise InvalidParameterError("room", f"{type(room).__name__} isn't a room of one's own")
    if room.stream_type != kind:
        raise InvalidParameterError(
            "room", f"is for stream_type={room.stream_type!r}, not for {kind!r}"
        )
    return room.prepare(duration=fields.get("duration"))


def _renewal(room: OwnRoom | None, info: SessionInfo) -> Renew | None:
    if room is None or not room.can_renew:
        return None

    async def renew() -> Credentials:
        return room.renew(duration=info.duration)

    return renew


def _find(transport: str | type[Transport]) -> type[Transport]:
    if isinstance(transport, str):
        return load_transport(transport)
    if isinstance(transport, type) and issubclass(transport, Transport):
        return transport
    raise InvalidParameterError("transport", f"{transport!r} is neither a name nor a Transport")


def _settings(
    transport: type[Transport],
    given: Mapping[str, Any] | None,
    engine: Any,
    base_url: str,
) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if base_url and is_loopback_url(base_url):
        settings.update(transport.loopback_options(base_url))
    settings.update(given or {})
    if engine is not None:
        settings["engine"] = engine
    return settings


def _home(credentials: Credentials) -> str:
    """The base URL of the service that made them: a simulator's say so, else the environment."""
    told = (credentials.model_extra or {}).get("akool_simulator_url")
    url = told if isinstance(told, str) else os.environ.get("AKOOL_API_URL", "").strip()
    return normalise_base_url(url) if url else ""


def _read(session: object) -> Session | LegacySession:
    if isinstance(session, Session | LegacySession):
        return session
    if not isinstance(session, Mapping):
        raise InvalidParameterError("session", f"{type(session).__name__} isn't a session")
    try:
        if "stream_urls" in session:
            return LegacySession.read(session)
        if "credentials" in session:
            return Session.read(session)
        # The credentials alone, as a backend may hand them on.
        return Session(credentials=read_credentials(dict(session)))
    except ValueError:
        # From None: the cause's text may quote a token.
        raise InvalidParameterError("session", "can't be read as a session") from None


def _pull_url(session: Session | LegacySession) -> str | None:
    return session.pull_url if isinstance(session, LegacySession) else None


def _credentials(session: Session | LegacySession) -> Credentials:
    if session.credentials is None:
        raise JoinError(
            "The session has no credentials to join with: only create's answer holds them "
            "(docs/protocol.md §4, 1).",
            retryable=False,
        )
    return session.credentials
