"""From an avatar's name, or a session made elsewhere, to an `AvatarSession` in its room.

The order is fixed, so that nothing is paid for that can't work, and nothing stays open: check every
value, find the transport, ask it whether joining can work at all, create the session by REST, join,
have a command answered; then hand it out, and close both whatever happens.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, TypeVar

from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.conversation.params import Params
from akool_async.conversation.responder import ResponderFunction, RespondWith
from akool_async.errors import ConfigurationError, InvalidParameterError
from akool_async.joining import (
    JoinBy,
    OnCreated,
    Renew,
    credentials_of,
    home_of,
    pull_url_of,
    read_session,
)
from akool_async.models.credentials import Credentials
from akool_async.models.session import LegacySession, Session
from akool_async.models.session_fields import SessionFields
from akool_async.models.voice_params import VoiceParams
from akool_async.resources.executor import APIExecutor
from akool_async.resources.polling import Progress
from akool_async.rooms.room import OwnRoom, PreparedRoom
from akool_async.session_versions import SessionPlan, Version3, Version4
from akool_async.transport import JoinTarget, Transport
from akool_async.validation import seconds

__all__ = ["SessionOpener", "SessionOpening", "join"]

S = TypeVar("S", Session, LegacySession)


class SessionOpening:
    """A session that is about to be opened: enter it, or await it and close the session yourself.

        async with akool.open_session("dvp_Tristan_cloth2_1080P") as avatar: ...

        avatar = await akool.open_session("dvp_Tristan_cloth2_1080P")
        await avatar.aclose()

    Nothing happens before that. Once only.
    """

    def __init__(self, start: Callable[[], Coroutine[Any, Any, AvatarSession]]) -> None:
        self._start: Callable[[], Coroutine[Any, Any, AvatarSession]] | None = start
        self._avatar: AvatarSession | None = None

    def __await__(self) -> Generator[Any, None, AvatarSession]:
        return self._open().__await__()

    async def __aenter__(self) -> AvatarSession:
        self._avatar = await self._open()
        return self._avatar

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._avatar is not None, "entered before"
        await self._avatar.__aexit__(kind, error, traceback)

    async def _open(self) -> AvatarSession:
        start, self._start = self._start, None
        if start is None:
            raise ConfigurationError("used already: each open_session() and join() opens once")
        return await start()


class SessionOpener:
    """`AkoolClient.open_session`, of which this is the only definition."""

    _executor: APIExecutor

    def open_session(
        self,
        avatar_id: str,
        *,
        stream_type: Literal["livekit", "agora", "trtc", "flv"] = "livekit",
        duration: int | None = None,
        mode: Literal[1, 2] | None = None,
        language: str | None = None,
        voice_id: str | None = None,
        voice_url: str | None = None,
        background_url: str | None = None,
        knowledge_id: str | None = None,
        scene_mode: Literal["fast_dialogue", "meeting"] | None = None,
        e2e_type: Literal["openai"] | None = None,
        voice_params: VoiceParams | Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        room: OwnRoom | None = None,
        transport: str | type[Transport] | None = None,
        transport_options: Mapping[str, Any] | None = None,
        engine: Any = None,
        options: ConversationOptions | None = None,
        respond_with: ResponderFunction | RespondWith | None = None,
        idle_timeout: float | None = None,
        renew_credentials: Renew | None = None,
        on_created: OnCreated | None = None,
        legacy: bool = False,
        on_progress: Progress[LegacySession] | None = None,
        running_timeout: float = 60.0,
    ) -> SessionOpening:
        """Creates a session, joins its room, and closes both whatever happens.

            async with akool.open_session("dvp_Tristan_cloth2_1080P") as avatar:
                reply = await avatar.ask("Hello")

        Awaited instead of entered, it returns the open session, and `avatar.aclose()` closes it.

        Args:
            avatar_id: a streaming avatar's id.
            stream_type: the room, "livekit", "agora" or "trtc"; (legacy) the video, "flv" or
                "agora".
            duration: whole seconds, 1..3600, of which all are taken from the credits at once; what
                isn't used comes back when the session ends.
            mode: 1 retelling (says your text), 2 dialogue (answers it), the default.
            language: a code, "en".
            voice_id: another voice than the avatar's own.
            voice_url: a voice of your own.
            background_url: an image or a video.
            knowledge_id: a knowledge base's id.
            scene_mode: "fast_dialogue" (for spoken input) or "meeting" (lip-syncs audio that you
                stream into the room).
            e2e_type: "openai", with fast_dialogue.
            voice_params: `VoiceParams`, or a mapping of its fields.
            extra: fields of session/create that no document names, sent as they are.
            room: a room of your own for the avatar to join: `OwnLiveKitRoom`, `OwnAgoraRoom`,
                `OwnTRTCRoom`, of the kind that `stream_type` says.
            transport: another transport than the one named like the room: a name or a class.
            transport_options: for the transport; its own documentation names them.
            engine: shorthand for `transport_options={"engine": …}`.
            options: every time limit and bound of the conversation.
            respond_with: your own language model answers what people say: the function of
                `AvatarSession.respond_with`, or a `RespondWith`. It is in place before the room
                is joined, and the session is in retelling mode from the start.
            idle_timeout: seconds after which a session that nobody uses is closed; see
                `AvatarSession.close_when_idle`.
            renew_credentials: called for credentials with a new token, when the room needs one.
            on_created: called with the session, which has an id and is paid for, before anything
                else is done with it; plain or async. What it raises is raised, and the session
                closed.
            legacy: a version 3 session; its messages go through the chat room. Of the session's
                fields it takes `background_url`, and what every question carries: `mode`,
                `language`, `voice_id`, `voice_url`.
            on_progress: (legacy) called with the session at every look until it runs.
            running_timeout: (legacy) seconds until it must run.

        Raises: when it is entered or awaited,
            MissingDependencyError, ConfigurationError: no such transport, or it can't work here, or
                the client is closed; nothing was created.
            InvalidParameterError: a wrong value; nothing was created.
            APIError, RequestError: the session couldn't be created; says so where one may be open.
            SessionFailedError, WaitTimeoutError: (legacy) it didn't get to run.
            JoinError: its room couldn't be joined; the session is closed again.
            SessionLeftOpenError: when leaving; the session couldn't be closed within
                `session_close_timeout`. During another exception that one gets a note instead.
        """
        if respond_with is not None:
            mode = mode or 1
        fields: SessionFields = {
            "duration": duration,
            # Without one, the service's choice is unpredictable (docs/protocol.md §2); version 3
            # documents its default.
            "mode": mode or (None if legacy else 2),
            "language": _chosen(language),
            "voice_id": _chosen(voice_id),
            "voice_url": _chosen(voice_url),
            "background_url": _chosen(background_url),
            "knowledge_id": _chosen(knowledge_id),
            "scene_mode": scene_mode,
            "e2e_type": e2e_type,
            "voice_params": voice_params,
            "extra": extra,
        }
        by = JoinBy(
            transport,
            transport_options,
            engine,
            options,
            renew_credentials,
            on_created,
            respond_with,
            None if idle_timeout is None else seconds("idle_timeout", idle_timeout),
        )
        if legacy:

            async def start() -> AvatarSession:
                plan = Version3(
                    self._executor, avatar_id, stream_type, fields, on_progress, running_timeout
                )
                return await _open(self._executor, plan, fields, room, by)
        else:

            async def start() -> AvatarSession:
                plan = Version4(self._executor, avatar_id, stream_type, fields)
                return await _open(self._executor, plan, fields, room, by)

        return SessionOpening(start)


def join(
    session: Session | LegacySession | Mapping[str, Any],
    *,
    transport: str | type[Transport] | None = None,
    transport_options: Mapping[str, Any] | None = None,
    engine: Any = None,
    options: ConversationOptions | None = None,
    renew_credentials: Renew | None = None,
    own_room: bool = False,
) -> SessionOpening:
    """Joins a session made elsewhere, and leaves closing it to its owner.

    Args:
        session: as `sessions.create` returned it, or what a backend handed on: the dictionary of
            its `to_dict(include_secrets=True)`, create's whole answer or the `data` of it, or the
            credentials alone.
        transport: another transport than the one its credentials are for.
        transport_options: for the transport.
        engine: shorthand for `transport_options={"engine": …}`.
        options: every time limit and bound of the conversation.
        renew_credentials: called for credentials with a new token, when the room needs one.
        own_room: the room is the user's own, so strangers may be in it.

    Raises: when it is entered or awaited,
        InvalidParameterError: a wrong value.
        MissingDependencyError, ConfigurationError: no such transport, or it can't work here.
        JoinError: the room couldn't be joined, or the session holds no credentials with a token,
            as in the answer of `sessions.get`.
    """
    by = JoinBy(transport, transport_options, engine, options, renew_credentials)

    async def start() -> AvatarSession:
        known = read_session(session)
        credentials = credentials_of(known)
        found = by.find(credentials.kind)
        settings = by.settings(found, home_of(credentials))
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
            pull_url=pull_url_of(known),
        )
        return await AvatarSession(found(target, settings), info=info, options=options).open()

    return SessionOpening(start)


def _chosen(value: str | None) -> str | None:
    # Forms and the vendor's own web demo have "" for what isn't chosen.
    return None if isinstance(value, str) and not value else value


async def _open(
    executor: APIExecutor,
    plan: SessionPlan[S],
    fields: SessionFields,
    room: OwnRoom | None,
    by: JoinBy,
) -> AvatarSession:
    found = by.find(plan.kind)
    responder = by.responder(fields["mode"], found.dialect)
    plan.creation(None)  # refuses wrong values, before a room makes tokens by them
    own = _own_room(room, plan.kind, fields["duration"])
    settings = by.settings(found, executor.pool.base_url)
    if own is not None:
        settings = {**own.transport_options, **settings}
    creation = plan.creation(own)
    found.preflight(settings)
    options = by.options or ConversationOptions()
    info = SessionInfo(
        avatar_id=creation.avatar_id,
        transport=found.name,
        dialect=found.dialect,
        mode=fields["mode"],
        language=fields["language"],
        voice_id=fields["voice_id"],
        voice_url=fields["voice_url"],
        background_url=None if found.dialect == "v3" else fields["background_url"],
    )
    Params.from_info(info)  # what the conversation refuses is refused before it is paid for
    open_sessions = executor.open_sessions
    with open_sessions.opening():
        session = await creation.session()
        try:
            if by.on_created is not None:
                result = by.on_created(session)
                if inspect.isawaitable(result):
                    await result
            ready = await plan.ready(session)
            info = replace(
                info,
                session_id=session.id,
                duration=ready.duration,
                created=creation.began,
                pull_url=pull_url_of(session),
            )
            target = JoinTarget(
                own.bot_credentials if own is not None else credentials_of(session),
                session_id=session.id,
                own_room=own is not None,
                renew_credentials=by.renew_credentials or _renewal(room, info.duration),
            )

            async def close() -> None:
                try:
                    await plan.closing(session, options.session_close_timeout).wait()
                finally:
                    open_sessions.discard(avatar)

            avatar: AvatarSession = AvatarSession(
                found(target, settings),
                info=info,
                options=options,
                close=close,
                pause=plan.pause(session),
            )
            if responder is not None:
                avatar.install(responder)
            open_sessions.check()
        except BaseException as error:
            await plan.closing(session, options.session_close_timeout).settle(error)
            raise
        open_sessions.add(avatar)
    await avatar.open()
    if by.idle_timeout is not None:
        avatar.close_when_idle(by.idle_timeout)
    return avatar


def _own_room(room: OwnRoom | None, kind: str, duration: int | None) -> PreparedRoom | None:
    if room is None:
        return None
    if not isinstance(room, OwnRoom):
        raise InvalidParameterError("room", f"{type(room).__name__} isn't a room of one's own")
    if room.stream_type != kind:
        raise InvalidParameterError(
            "room", f"is for stream_type={room.stream_type!r}, not for {kind!r}"
        )
    return room.prepare(duration=duration)


def _renewal(room: OwnRoom | None, duration: float | None) -> Renew | None:
    if room is None or not room.can_renew:
        return None

    async def renew() -> Credentials:
        return room.renew(duration=duration)

    return renew
