"""From an avatar's name, or a session made elsewhere, to an `AvatarSession` in its room.

The order is fixed, so that nothing is paid for that can't work, and nothing stays open: check every
value, find the transport, ask it whether joining can work at all, create the session by REST, join,
have a command answered; then hand it out, and close both whatever happens.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

from akool_async import avatar_claim as claim
from akool_async.avatar_suggestions import suggestion
from akool_async.candidates import Candidates, OnProgress, OpeningProgress
from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.conversation.meter import Meter
from akool_async.conversation.options import ConversationStats
from akool_async.conversation.renewal import NextSessions
from akool_async.conversation.responder import ResponderFunction, RespondWith
from akool_async.conversation.standby import Connection
from akool_async.errors import (
    APIError,
    ConfigurationError,
    InvalidParameterError,
    NotFoundError,
    RequestError,
)
from akool_async.joining import (
    JoinBy,
    OnCreated,
    Renew,
    credentials_of,
    home_of,
    pull_url_of,
    read_session,
)
from akool_async.misuse import refused
from akool_async.models.session import LegacySession, Session
from akool_async.models.session_fields import MAX_DURATION, SessionFields
from akool_async.models.voice_params import VoiceParams
from akool_async.opening_attempt import Attempt, with_voice
from akool_async.resources.executor import APIExecutor
from akool_async.rooms.room import OwnRoom
from akool_async.rooms.viewers import links_of_credentials
from akool_async.session_versions import SessionPlan, Version3, Version4
from akool_async.transport import JoinTarget, Transport
from akool_async.validation import choice, seconds

__all__ = ["SessionOpener", "SessionOpening", "join"]

_HOW: Final = (
    "write `async with akool.open_session(…) as avatar:`, or "
    "`avatar = await akool.open_session(…)` and at the end `await avatar.aclose()`"
)
_VOICES: Final[tuple[Literal["account", "avatar"], ...]] = ("account", "avatar")


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

    if not TYPE_CHECKING:

        def __enter__(self) -> NoReturn:
            self._start = None  # this says it all
            raise TypeError(f"a session is opened asynchronously: {_HOW}")

        __exit__ = refused("it wasn't entered")

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            self._start = None
            raise AttributeError(f"the session isn't open yet, so it has no {name!r}: {_HOW}")

    def __del__(self) -> None:
        if self.__dict__.get("_start") is not None:
            warnings.warn(
                f"a session was never opened: {_HOW}", RuntimeWarning, stacklevel=2, source=self
            )

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
        try:
            return await start()
        except (APIError, RequestError) as error:
            raise error.with_traceback(None)  # noqa: B904 - the same error; see `APIExecutor`


class SessionOpener:
    """`AkoolClient.open_session`, of which this is the only definition."""

    _executor: APIExecutor

    def open_session(
        self,
        avatar_id: str | Sequence[str],
        *,
        stream_type: Literal["livekit", "agora", "trtc", "flv"] = "livekit",
        duration: int | None = None,
        mode: Literal[1, 2] | None = None,
        language: str | None = None,
        voice_id: str | None = None,
        voice_url: str | None = None,
        voice: Literal["avatar", "account"] = "avatar",
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
        renew: Literal["quiet"] | None = None,
        renew_credentials: Renew | None = None,
        on_created: OnCreated | None = None,
        wait_for_slot: float | None = None,
        take_over: bool = False,
        on_progress: OnProgress | None = None,
        legacy: bool = False,
        running_timeout: float = 60.0,
    ) -> SessionOpening:
        """Creates a session, joins its room, and closes both whatever happens.

            async with akool.open_session("dvp_Tristan_cloth2_1080P") as avatar:
                reply = await avatar.ask("Hello")

        Awaited instead of entered, it returns the open session, and `avatar.aclose()` closes it.

        Args:
            avatar_id: a streaming avatar's id; or several in the order of preference: the next one
                is tried when one is in use, still processing, or can't be used (codes 1214, 1215,
                1237, 1008, 1010, 1220). `avatar.info.avatar_id` says which it is.
            stream_type: the room, "livekit", "agora" or "trtc"; (legacy) the video, "flv" or
                "agora".
            duration: whole seconds, 1..3600, of which all are taken from the credits at once; what
                isn't used comes back when the session ends.
            mode: 1 retelling (says your text), 2 dialogue (answers it), the default.
            language: a code, "en".
            voice_id: another voice than the avatar's own.
            voice_url: a voice of your own.
            voice: whose voice speaks where neither `voice_id` nor `voice_url` is given: "avatar",
                the avatar's own where it has one, or "account", the account's default voice. The
                avatar's is read first, by one call for each avatar; where it can't be read within
                5 s, the account's speaks, and a warning says so. Not with fast_dialogue, and not
                in version 3, where the account's speaks.
            background_url: an image or a video.
            knowledge_id: a knowledge base's id.
            scene_mode: "fast_dialogue" (for spoken input) or "meeting" (lip-syncs audio that you
                give to `play_audio`, and neither answers nor says text).
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
            idle_timeout: seconds after which a session that is not used is closed; see
                `AvatarSession.close_when_idle`.
            renew: "quiet": a conversation without end. A minute before the session's end another
                one is opened with the same arguments, and takes over when no one speaks, at the
                latest 20 s before the end; in a session of less than two minutes, in its second
                half, and before its last eighth. The `AvatarSession`, its handlers, readers,
                responder and transcript stay; what is asked or said meanwhile waits, and is sent
                once. Two sessions are open until then; where the account or the room can have only
                one (1215, 1237; an own room with ready tokens), the old one is closed first.
                Events: `SessionRenewing`, `SessionRenewed`, `SessionNotRenewed`.
            renew_credentials: called for credentials with a new token, when the room needs one.
            on_created: called with the session, which has an id and is paid for, before anything
                else is done with it; plain or async. What it raises is raised, and the session
                closed. With `renew`, for every session.
            wait_for_slot: seconds for which creating is tried again, with growing pauses, while
                every avatar given is in use.
            take_over: first closes what the account has open with the avatar, as a program that
                died leaves it; not what this client has open itself by `open_session`. A session
                whose avatar the service doesn't answer stays open, and a warning says so.
            on_progress: called with an `OpeningProgress` before each avatar is tried, when it is
                refused, before a pause, and (legacy) at every look until the session runs; plain or
                async.
            legacy: a version 3 session; its messages go through the chat room. Of the session's
                fields it takes `background_url`, and what every question carries: `mode`,
                `language`, `voice_id`, `voice_url`.
            running_timeout: (legacy) seconds until it must run.

        Raises: when it is entered or awaited,
            MissingDependencyError, ConfigurationError: no such transport, or it can't work here, or
                the client is closed; nothing was created.
            InvalidParameterError: a wrong value; nothing was created.
            BusyError: every avatar given is in use, also after `wait_for_slot`.
            APIError, RequestError: the session couldn't be created; says so where one may be open.
            SessionFailedError, WaitTimeoutError: (legacy) it didn't get to run.
            JoinError: its room couldn't be joined; the session is closed again.
            SessionLeftOpenError: when leaving; the session couldn't be closed within
                `session_close_timeout`. During another exception that one gets a note instead.
        """
        if respond_with is not None:
            mode = mode or 1
        if renew is not None:
            choice("renew", renew, ("quiet",))
            if legacy:
                raise InvalidParameterError("renew", "isn't known to version 3 sessions")
            if renew_credentials is not None:
                raise InvalidParameterError(
                    "renew_credentials", "is for one session, leave it out with renew"
                )
            duration = duration or MAX_DURATION
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

        async def start() -> AvatarSession:
            executor = self._executor
            candidates = Candidates(avatar_id, wait_for_slot, on_progress)
            wants_voice = _wants_voice(choice("voice", voice, _VOICES), fields) and not legacy
            if not candidates.plain:
                executor = replace(executor, retry=replace(executor.retry, busy=False))
            voices: dict[str, claim.AvatarVoice] = {}

            async def planned(
                candidate: str, place: OwnRoom | None, executor: APIExecutor = executor
            ) -> Attempt:
                def plan(fields: SessionFields) -> SessionPlan[Any]:
                    if not legacy:
                        return Version4(executor, candidate, stream_type, fields)

                    def seen(session: LegacySession) -> Awaitable[None]:
                        return candidates.report(
                            OpeningProgress("starting", candidate, session=session)
                        )

                    return Version3(executor, candidate, stream_type, fields, seen, running_timeout)

                attempt = Attempt(executor, plan(fields), fields, place, by)
                if take_over and place is room:
                    await claim.take_over(executor, attempt.plan.sessions, candidate)
                if wants_voice:
                    if candidate not in voices:
                        voices[candidate] = await claim.avatars_voice(executor, candidate)
                    attempt = with_voice(attempt, voices[candidate], plan)
                return attempt

            meter: Meter | None = None

            async def opens(candidate: str) -> AvatarSession:
                nonlocal meter
                attempt = await planned(candidate, room)
                measured = meter = meter or attempt.begin()

                def follow(first: Connection) -> NextSessions:
                    return _follow(first, executor, candidates, room, planned, measured)

                return await attempt.run(measured, None if renew is None else follow)

            try:
                return await candidates.first(opens, executor.open_sessions)
            except BaseException as error:
                if meter is not None:  # the session has ended it, if there was one
                    meter.end(ConversationStats(), type(error).__name__)
                if isinstance(error, NotFoundError) and candidates.plain:
                    [unknown] = candidates.avatar_ids
                    error.add_note(await suggestion(executor, unknown, legacy=legacy))
                raise

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
    scene_mode: Literal["fast_dialogue", "meeting"] | None = None,
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
        scene_mode: as the session was created with; "meeting" is needed for `play_audio`.

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
            pull_url=pull_url_of(known),
        )
        info = SessionInfo(
            session_id=known.id or None,
            transport=found.name,
            dialect=found.dialect,
            scene_mode=choice("scene_mode", scene_mode, (None, "fast_dialogue", "meeting")),
            pull_url=pull_url_of(known),
            links=links_of_credentials(credentials),
        )
        return await AvatarSession(found(target, settings), info=info, options=options).open()

    return SessionOpening(start)


def _follow(
    first: Connection,
    executor: APIExecutor,
    candidates: Candidates,
    room: OwnRoom | None,
    planned: Callable[[str, OwnRoom | None, APIExecutor], Awaitable[Attempt]],
    meter: Meter,
) -> NextSessions:
    """The sessions that take over from the first one, the avatar that people know first of all."""
    # A refusal may be due to the session that is open, so it is answered at once.
    executor = replace(executor, retry=replace(executor.retry, busy=False))
    numbers = itertools.count(2)
    overlaps = room is None or room.another(1) is not None

    async def opens() -> Connection:
        number = next(numbers)
        place = room if room is None or not overlaps else room.another(number)

        async def connects(candidate: str) -> Connection:
            return await (await planned(candidate, place, executor)).connection(meter)

        return await candidates.again(first.info.avatar_id).first(connects, executor.open_sessions)

    return NextSessions(first, opens, overlap=overlaps)


def _chosen(value: str | None) -> str | None:
    # Forms and the vendor's own web demo have "" for what isn't chosen.
    return None if isinstance(value, str) and not value else value


def _wants_voice(default: Literal["account", "avatar"], fields: SessionFields) -> bool:
    """Whether the avatar's own voice is to be sent."""
    given = fields.get("voice_id") or fields.get("voice_url")
    return default == "avatar" and not given and fields.get("scene_mode") != "fast_dialogue"
