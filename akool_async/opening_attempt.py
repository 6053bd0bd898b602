"""One try to open a session: everything checked, then created, joined, and closed if that fails."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from akool_async.avatar_claim import AvatarVoice
from akool_async.candidates import CandidateRefusedError, unavailable
from akool_async.concurrency import running_user_code
from akool_async.conversation import AvatarSession, ConversationOptions, SessionInfo
from akool_async.conversation.meter import Meter
from akool_async.conversation.params import Params
from akool_async.conversation.renewal import NextSessions
from akool_async.conversation.standby import Connection
from akool_async.errors import APIError, InvalidParameterError
from akool_async.joining import JoinBy, Renew, credentials_of, pull_url_of
from akool_async.models.credentials import Credentials
from akool_async.models.session_fields import SessionFields
from akool_async.resources.creating import Creation
from akool_async.resources.executor import APIExecutor
from akool_async.rooms.room import OwnRoom, PreparedRoom
from akool_async.rooms.viewers import links_of_credentials
from akool_async.session_versions import SessionPlan
from akool_async.telemetry.measurements import CONVERSATION_ID
from akool_async.transport import JoinTarget

__all__ = ["Attempt", "RenewedBy", "with_voice"]

logger = logging.getLogger(__name__)

T = TypeVar("T")
#: What follows a session, whose connection it is given.
RenewedBy: TypeAlias = Callable[[Connection], NextSessions]


class Attempt:
    """One try to open a session. Making it checks everything, and sends nothing."""

    def __init__(
        self,
        executor: APIExecutor,
        plan: SessionPlan[Any],
        fields: SessionFields,
        room: OwnRoom | None,
        by: JoinBy,
    ) -> None:
        self.executor = executor
        self.plan = plan
        self.fields = fields
        self.room = room
        self.by = by
        self._warnings: list[str] = []
        self._transport = found = by.find(plan.kind)
        if by.respond_with is not None and fields.get("scene_mode") == "meeting":
            raise InvalidParameterError(
                "respond_with",
                'can\'t work with scene_mode="meeting": the avatar says no text there',
            )
        self._responder = by.responder(fields.get("mode"), found.dialect)
        plan.creation(None)  # refuses wrong values, before a room makes tokens by them
        self._own = own = _own_room(room, plan.kind, fields.get("duration"))
        self._settings = by.settings(found, executor.pool.base_url)
        if own is not None:
            _check_scene(own, fields.get("scene_mode"))
            self._settings = {**own.transport_options, **self._settings}
        self._creation: Creation[Any] = plan.creation(own)
        found.preflight(self._settings)
        options = by.options or ConversationOptions()
        if options.telemetry is None:
            options = replace(options, telemetry=executor.telemetry)
        self._options = options
        self._info = SessionInfo(
            avatar_id=self._creation.avatar_id,
            transport=found.name,
            dialect=found.dialect,
            mode=fields.get("mode"),
            scene_mode=fields.get("scene_mode"),
            language=fields.get("language"),
            voice_id=fields.get("voice_id"),
            voice_url=fields.get("voice_url"),
            background_url=None if found.dialect == "v3" else fields.get("background_url"),
        )
        Params.from_info(self._info)  # what the conversation refuses is refused before it is paid

    def begin(self) -> Meter:
        """What measures the opening that this is the first try of, and its session."""
        return Meter(asyncio.get_running_loop().time, self._options.telemetry)

    def warn_later(self, text: str) -> None:
        """Logs a warning once the session is created: what prevents that may be its reason."""
        self._warnings.append(text)

    async def run(self, meter: Meter, renewed_by: RenewedBy | None = None) -> AvatarSession:
        """Creates the session, and joins its room; `renewed_by` knows the sessions that follow it.

        `meter` measures it; the session ends it once there is one.

        Raises:
            CandidateRefusedError: the service has no session with this avatar now.
        """
        open_sessions = self.executor.open_sessions

        def opened(connection: Connection, session: Any) -> AvatarSession:
            async def close() -> None:
                try:
                    if renewed_by is None:
                        await connection.close()
                finally:
                    open_sessions.discard(avatar)

            avatar: AvatarSession = AvatarSession(
                connection.transport,
                info=connection.info,
                options=self._options,
                close=close,
                pause=self.plan.pause(session),
                renew=None if renewed_by is None else renewed_by(connection),
                meter=meter,
            )
            if self._responder is not None:
                avatar.install(self._responder)
            open_sessions.add(avatar)
            return avatar

        avatar = await self._create(opened, meter, meter.identify)
        await avatar.open()
        # A room that is lost at this very moment is the program's to notice, as any later loss.
        if self.by.idle_timeout is not None and not avatar.closed:
            avatar.close_when_idle(self.by.idle_timeout)
        return avatar

    async def connection(self, meter: Meter) -> Connection:
        """Creates the session, and leaves joining its room to the caller.

        `meter` is the conversation's that it is for.

        Raises:
            CandidateRefusedError: as `run`.
        """
        return await self._create(lambda connection, _: connection, meter)

    async def _create(
        self,
        opened: Callable[[Connection, Any], T],
        meter: Meter,
        identify: Callable[[SessionInfo], None] = lambda _: None,
    ) -> T:
        """Creates the session, and gives it to `opened`: from then on it has an owner."""
        open_sessions, by, own = self.executor.open_sessions, self.by, self._own
        with open_sessions.opening():
            try:
                with meter.measured("create") as attributes:
                    session = await self._creation.session()
                    session_id: str = session.id
                    attributes[CONVERSATION_ID] = session_id
                    identify(replace(self._info, session_id=session_id))
            except APIError as error:
                if unavailable(error):
                    raise CandidateRefusedError(error) from error
                raise
            took = asyncio.get_running_loop().time() - self._creation.began
            open_sessions.ids.add(session_id)
            limit = self._options.session_close_timeout
            try:
                for warning in self._warnings:
                    logger.warning("%s", warning)
                with running_user_code():
                    if by.on_created is not None:
                        result = by.on_created(session)
                        if inspect.isawaitable(result):
                            async with open_sessions.waiting():
                                await result
                    ready = await self.plan.ready(session)  # calls on_progress
                info = replace(
                    self._info,
                    session_id=session_id,
                    duration=ready.duration,
                    created=self._creation.began,
                    create_time=took,
                    pull_url=pull_url_of(session),
                    estimated_credits=self._price(ready.duration),
                )
                credentials = own.bot_credentials if own is not None else credentials_of(session)
                links = self.room.links if self.room else links_of_credentials(credentials)
                info = replace(info, links=links)
                target = JoinTarget(
                    credentials,
                    session_id=session_id,
                    own_room=own is not None,
                    renew_credentials=by.renew_credentials or _renewal(self.room, info.duration),
                    pull_url=info.pull_url,
                )

                async def close() -> None:
                    try:
                        await self.plan.closing(session, limit).wait()
                    finally:
                        open_sessions.ids.discard(session_id)

                open_sessions.check()
                return opened(
                    Connection(
                        self._transport(target, self._settings),
                        info,
                        close,
                        credentials.to_dict(include_secrets=True) if own is None else {},
                        own is not None,
                    ),
                    session,
                )
            except BaseException as error:
                await self.plan.closing(session, limit).settle(error)
                open_sessions.ids.discard(session_id)
                raise

    def _price(self, duration: float | None) -> float | None:
        """What the whole duration costs, where the client's user said what a minute does."""
        per_minute = self.executor.credits_per_minute
        return None if per_minute is None or duration is None else per_minute * duration / 60


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


def _check_scene(own: PreparedRoom, scene_mode: str | None) -> None:
    streams = getattr(own.bot_credentials, "audio_only_from_data_stream", None)
    if streams and scene_mode != "meeting":
        raise InvalidParameterError(
            "scene_mode",
            'has to be "meeting" with a room whose audio_only_from_data_stream is set: without it '
            "the avatar speaks no audio",
        )


def _renewal(room: OwnRoom | None, duration: float | None) -> Renew | None:
    if room is None or not room.can_renew:
        return None

    async def renew() -> Credentials:
        return room.renew(duration=duration)

    return renew


def with_voice(
    opening: Attempt, voice: AvatarVoice, planned: Callable[[SessionFields], SessionPlan[Any]]
) -> Attempt:
    """The same with the avatar's voice; without, where it has none that can be sent."""
    problem = voice.problem
    if voice.voice_id is not None:
        fields: SessionFields = {**opening.fields, "voice_id": voice.voice_id}
        try:
            return Attempt(opening.executor, planned(fields), fields, opening.room, opening.by)
        except InvalidParameterError as error:
            problem = f"the avatar's own voice can't be used ({error})"
    if problem:
        opening.warn_later(f"{problem}: the account's speaks")
    return opening
