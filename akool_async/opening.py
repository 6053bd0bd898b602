"""From an avatar's name, or a session made elsewhere, to an `AvatarSession` in its room.

The order is fixed, so that nothing is paid for that can't work, and nothing stays open: check every
value, find the transport, ask it whether joining can work at all, create the session by REST, join,
have a command answered; then hand it out, and close both whatever happens.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Generic, Literal, TypeVar, cast

from akool_async.concurrency import Uncancellable
from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.conversation.params import Params
from akool_async.conversation.responder import ResponderFunction, RespondWith
from akool_async.errors import ConfigurationError, InvalidParameterError, JoinError
from akool_async.models.addresses import is_loopback_url
from akool_async.models.credentials import Credentials, read_credentials
from akool_async.models.session import LegacySession, Session
from akool_async.models.session_fields import SessionFields
from akool_async.models.voice_params import VoiceParams
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.polling import Progress
from akool_async.resources.sessions import Sessions
from akool_async.rest.base_url import normalise_base_url
from akool_async.rooms.room import OwnRoom, PreparedRoom
from akool_async.stream.limits import Dialect
from akool_async.transport import JoinTarget, Transport, load_transport
from akool_async.validation import choice, number, text, url

__all__ = ["SessionOpener", "SessionOpening", "join"]

S = TypeVar("S", Session, LegacySession)
Renew = Callable[[], Awaitable[Credentials]]
OnCreated = Callable[[Session | LegacySession], Awaitable[object] | object]

#: Fields of session/create that version 3 doesn't know.
_VERSION_4_ONLY: Final = (
    "duration", "knowledge_id", "scene_mode", "e2e_type", "voice_params", "extra",
)  # fmt: skip


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
        by = _JoinBy(
            transport,
            transport_options,
            engine,
            options,
            renew_credentials,
            on_created,
            respond_with,
        )
        if legacy:

            async def start() -> AvatarSession:
                plan = _Version3(
                    self._executor, avatar_id, stream_type, fields, on_progress, running_timeout
                )
                return await _open(self._executor, plan, fields, room, by)
        else:

            async def start() -> AvatarSession:
                plan = _Version4(self._executor, avatar_id, stream_type, fields)
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
    by = _JoinBy(transport, transport_options, engine, options, renew_credentials)

    async def start() -> AvatarSession:
        known = _read(session)
        credentials = _credentials(known)
        found = by.find(credentials.kind)
        settings = by.settings(found, _home(credentials))
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
        return await AvatarSession(found(target, settings), info=info, options=options).open()

    return SessionOpening(start)


@dataclass(frozen=True, slots=True)
class _JoinBy:
    """How a room is joined, as the caller wants it."""

    transport: str | type[Transport] | None
    transport_options: Mapping[str, Any] | None
    engine: Any
    options: ConversationOptions | None
    renew_credentials: Renew | None
    on_created: OnCreated | None = None
    respond_with: ResponderFunction | RespondWith | None = None

    def responder(self, mode: int | None, dialect: Dialect) -> RespondWith | None:
        """The responder to install, checked."""
        given = self.respond_with
        if given is None:
            return None
        if dialect == "v3":
            raise InvalidParameterError(
                "respond_with", "needs a version 4 session: the v3 chat room reports no speech"
            )
        if mode == 2:
            raise InvalidParameterError(
                "mode", "2 (dialogue) lets the service answer; leave it out with respond_with"
            )
        if isinstance(given, RespondWith):
            return given
        if not callable(given):
            raise InvalidParameterError(
                "respond_with", f"{type(given).__name__} is neither a function nor a RespondWith(…)"
            )
        return RespondWith(given)

    def find(self, kind: str) -> type[Transport]:
        """The transport, `kind` by default. All that was given is checked first."""
        if not isinstance(self.options, ConversationOptions | None):
            raise InvalidParameterError(
                "options", f"{type(self.options).__name__} isn't a ConversationOptions(…)"
            )
        if not isinstance(self.transport_options, Mapping | None):
            raise InvalidParameterError(
                "transport_options", f"{type(self.transport_options).__name__} isn't a mapping"
            )
        for name in ("renew_credentials", "on_created"):
            if not callable(getattr(self, name) or len):
                raise InvalidParameterError(name, "can't be called")
        transport = kind if self.transport is None else self.transport
        if isinstance(transport, str):
            return load_transport(transport)
        if isinstance(transport, type) and issubclass(transport, Transport):
            return transport
        raise InvalidParameterError("transport", f"{transport!r} is neither a name nor a Transport")

    def settings(self, transport: type[Transport], base_url: str) -> dict[str, Any]:
        """The transport's options."""
        settings: dict[str, Any] = {}
        if base_url and is_loopback_url(base_url):
            settings.update(transport.loopback_options(base_url))
        settings.update(self.transport_options or {})
        if self.engine is not None:
            settings["engine"] = self.engine
        return settings


class _Plan(Generic[S]):
    """What creating, readying and ending a session is, in either version of the API."""

    kind: str
    sessions: Sessions | LegacySessions

    def creation(self, own: PreparedRoom | None) -> Creation[S]:
        """The call that creates it; every value is checked."""
        raise NotImplementedError

    async def ready(self, session: S) -> S:
        """Waits until it can be joined."""
        return session

    def closing(self, session: S, timeout: float | None = None) -> Uncancellable[None]:
        """Begins to close it."""
        return self.sessions.closing(session.id, timeout=timeout)

    def pause(self, session: S) -> Callable[[], Awaitable[None]] | None:
        """What pauses it, where it can be paused."""
        del session
        return None


class _Version4(_Plan[Session]):
    def __init__(
        self, executor: APIExecutor, avatar_id: str, stream_type: str, fields: SessionFields
    ) -> None:
        self.kind = stream_type
        self.sessions: Sessions = Sessions(executor)
        self._avatar_id = avatar_id
        self._fields = {**fields, "stream_type": stream_type}

    def creation(self, own: PreparedRoom | None) -> Creation[Session]:
        credentials = None if own is None else own.avatar_credentials
        return self.sessions.creation(self._avatar_id, {**self._fields, "credentials": credentials})


class _Version3(_Plan[LegacySession]):
    kind = "chatroom"

    def __init__(
        self,
        executor: APIExecutor,
        avatar_id: str,
        stream_type: str,
        fields: SessionFields,
        on_progress: Progress[LegacySession] | None,
        timeout: float,
    ) -> None:
        self.sessions: LegacySessions = LegacySessions(executor)
        self._open_sessions = executor.open_sessions
        self._avatar_id = avatar_id
        # "livekit" is the default of a parameter that means something else in version 3.
        self._video: Any = None if stream_type == "livekit" else stream_type
        self._fields = fields
        self._on_progress = on_progress
        self._timeout = timeout

    def creation(self, own: PreparedRoom | None) -> Creation[LegacySession]:
        del own
        fields = self._fields
        for name in _VERSION_4_ONLY:
            if fields.get(name) is not None:
                raise InvalidParameterError(name, "isn't known to version 3 sessions")
        if fields["mode"] is not None:
            choice("mode", fields["mode"], (1, 2))
        if fields["language"] is not None:
            text("language", fields["language"])
        if fields["voice_id"] is not None:
            text("voice_id", fields["voice_id"])
        if fields["voice_url"] is not None:
            url("voice_url", fields["voice_url"])
        number("running_timeout", self._timeout, 0.001, 86_400.0)
        if self._on_progress is not None and not callable(self._on_progress):
            raise InvalidParameterError("on_progress", "can't be called")
        return self.sessions.creation(
            self._avatar_id, stream_type=self._video, background_url=fields["background_url"]
        )

    async def ready(self, session: LegacySession) -> LegacySession:
        def seen(found: LegacySession) -> Any:
            self._open_sessions.check()  # ends the waiting when the client is closed
            return None if self._on_progress is None else self._on_progress(found)

        return await self.sessions.wait_until_running(
            session, timeout=self._timeout, on_progress=seen
        )

    def pause(self, session: LegacySession) -> Callable[[], Awaitable[None]]:
        return lambda: self.sessions.pause(session)


def _chosen(value: str | None) -> str | None:
    # Forms and the vendor's own web demo have "" for what isn't chosen.
    return None if isinstance(value, str) and not value else value


async def _open(
    executor: APIExecutor, plan: _Plan[S], fields: SessionFields, room: OwnRoom | None, by: _JoinBy
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
                pull_url=_pull_url(session),
            )
            target = JoinTarget(
                own.bot_credentials if own is not None else _credentials(session),
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
    return await avatar.open()


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


def _home(credentials: Credentials) -> str:
    """The base URL of the service that made them: a simulator names its own, else the
    environment's.
    """
    named = (credentials.model_extra or {}).get("akool_simulator_url")
    url = named if isinstance(named, str) else os.environ.get("AKOOL_API_URL", "").strip()
    return normalise_base_url(url) if url else ""


def _read(session: object) -> Session | LegacySession:
    if isinstance(session, Session | LegacySession):
        return session
    if not isinstance(session, Mapping):
        raise InvalidParameterError("session", f"{type(session).__name__} isn't a session")
    if "code" in session and "credentials" not in session:
        # The whole answer of create.
        if not isinstance(session.get("data"), Mapping):
            raise InvalidParameterError(
                "session", f"is an answer with code {session['code']!r} and no data"
            )
        session = cast("Mapping[str, Any]", session["data"])
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
