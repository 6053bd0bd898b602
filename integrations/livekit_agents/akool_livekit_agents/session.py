"""AvatarSession, the avatar of an agent: a paid session for as long as the job lasts."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Sequence
from typing import Any, Final

from akool_livekit import JoinedRoomTransport
from livekit import rtc
from livekit.agents import AgentSession, AgentStateChangedEvent, get_job_context
from livekit.agents.voice import avatar as agents

import akool_async
from akool_async import AkoolClient, ConversationOptions, Disconnected, OwnLiveKitRoom
from akool_livekit_agents.output import AvatarAudioOutput

__all__ = ["AvatarSession"]

logger = logging.getLogger(__name__)

#: Seconds before a session's end: another one is opened, to take over when the agent is silent; it
#: takes over whether the agent speaks or not. Short sessions have half and an eighth of themselves.
_RENEW_BEFORE: Final = 60.0
_RENEW_AT_LAST: Final = 5.0
#: Seconds for which the next session is tried for while the one before, already closed, may still
#: be what keeps the avatar busy.
_SLOT_WAIT: Final = 20.0
#: Seconds between two tries to renew a session, growing to the longest.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 15.0


class _End:
    """When a session ends, on the loop's clock."""

    def __init__(self, at: float, duration: float) -> None:
        self.begin = at - min(_RENEW_BEFORE, duration / 2)
        self.latest = at - min(_RENEW_AT_LAST, duration / 8)


class AvatarSession(agents.AvatarSession[Any]):
    """An AKOOL avatar in the agent's room; it speaks what the agent says.

    The session at the service costs credits while it is open. It is closed when the job ends,
    whatever ends it, when `start` fails, and by `aclose`. Sessions last an hour at most: in the
    last minute another avatar joins, and takes over when the agent is silent. Speech that goes on
    until 5 s before the end is cut there: what was sent and not heard is lost, and reported as
    interrupted; what is generated after that goes to the next avatar.
    """

    def __init__(
        self,
        avatar_id: str | Sequence[str],
        *,
        client: AkoolClient | None = None,
        duration: int = 3600,
        renew: bool = True,
        wait_for_slot: float | None = None,
        take_over: bool = False,
        background_url: str | None = None,
        identity: str = "akool-avatar-agent",
        livekit_url: str | None = None,
        livekit_api_key: str | None = None,
        livekit_api_secret: str | None = None,
        reports_start: bool = False,
        report_margin: float = 5.0,
        options: ConversationOptions | None = None,
    ) -> None:
        """Opens nothing.

        Args:
            avatar_id: the avatar, or several: the next is taken where one is in use.
            client: stays open; one of the environment's credentials by default, closed at the end.
            duration: whole seconds of one session, 1..3600.
            renew: another session takes over before one ends.
            wait_for_slot: seconds for which creating is tried again while every avatar is in use.
            take_over: first closes what the account has open with the avatar, as a job that was
                killed leaves it.
            background_url: an image or a video.
            identity: of the avatar in the room; later sessions append a number.
            livekit_url: of the server that the agent is on, by default `LIVEKIT_URL`.
            livekit_api_key: the avatar's token is made with it; by default `LIVEKIT_API_KEY`.
            livekit_api_secret: the same, by default `LIVEKIT_API_SECRET`.
            reports_start: the avatar reports when it begins to speak; until then the agent counts
                its speech as not begun.
            report_margin: seconds that the report of a segment's end may be late.
            options: limits of the avatar's conversation.
        """
        super().__init__()
        self._avatar_id = avatar_id
        self._client = client
        self._own_client: AkoolClient | None = None
        self._renews = renew
        self._identity = identity
        self._livekit = (livekit_url, livekit_api_key, livekit_api_secret)
        self._reports_start = reports_start
        self._margin = report_margin
        self._fields: dict[str, Any] = {
            "duration": duration,
            "wait_for_slot": wait_for_slot,
            "background_url": background_url,
            "options": options or ConversationOptions(opening_timeout=2.0),
        }
        self._take_over = take_over
        self._current: akool_async.AvatarSession | None = None
        #: Open, and not the agent's voice yet.
        self._next: akool_async.AvatarSession | None = None
        self._output: AvatarAudioOutput | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        #: Set while the agent doesn't speak.
        self._silent = asyncio.Event()
        self._silent.set()
        self._count = 0
        self._joined_as = identity
        self._seen: str | None = None
        self._closed = False

    @property
    def avatar_identity(self) -> str:
        """The avatar's name in the room; another one after each renewal."""
        return self._joined_as

    @property
    def provider(self) -> str:
        """In metrics."""
        return "akool"

    @property
    def session(self) -> akool_async.AvatarSession:
        """The conversation with the avatar that speaks now: its events, `act`, `info`.

        Raises:
            RuntimeError: not started, or closed.
        """
        if self._current is None:
            raise RuntimeError("the avatar isn't started")
        return self._current

    async def start(self, agent_session: AgentSession[Any], room: rtc.Room) -> None:
        """Opens a session, waits until the avatar is in the room, and gives it the agent's voice.

        Called before or after `agent_session.start`. Failed or cancelled, it leaves nothing open.

        Raises:
            akool_async.AkoolError: as `AkoolClient.open_session`.
            RuntimeError: the room isn't connected and there is no job to connect it; or started
                before.
        """
        if self._room is not None or self._closed:
            raise RuntimeError("an avatar is started once")
        job = get_job_context(required=False)
        if not room.isconnected():
            if job is None:
                raise RuntimeError("connect the room before the avatar is started")
            await job.connect()
        await super().start(agent_session, room)
        agent_session.on("agent_state_changed", self._state_changed)
        try:
            if self._client is None:
                self._client = self._own_client = AkoolClient()
            await self._open(room, self._identity, take_over=self._take_over)
            await self._give_voice(room, self._identity)
        except BaseException:
            await self.aclose()
            raise
        self._keeping = asyncio.create_task(self._keep(room), name="akool-avatar-session")

    async def aclose(self) -> None:
        """Closes the session at the service, and takes the avatar out of the room; twice is fine.

        Raises:
            akool_async.SessionLeftOpenError: the session couldn't be closed.
        """
        self._closed = True
        try:
            keeping, self._keeping = self._keeping, None
            if keeping is not None and keeping is not asyncio.current_task():
                keeping.cancel()
                await asyncio.wait([keeping])
        finally:
            try:
                await self._close_paid()
            finally:
                output, self._output = self._output, None
                if output is not None:
                    await output.aclose()
                if self._agent_session is not None:
                    self._agent_session.off("agent_state_changed", self._state_changed)
                await super().aclose()

    async def _close_paid(self) -> None:
        sessions = [one for one in (self._current, self._next) if one is not None]
        self._current = self._next = None
        client, self._own_client = self._own_client, None
        try:
            closing = (one.aclose() for one in sessions)
            failed = [e for e in await asyncio.gather(*closing, return_exceptions=True) if e]
            if failed:
                raise failed[0]
        finally:
            if client is not None:
                await client.aclose()

    def _own_room(self, room: rtc.Room, identity: str) -> OwnLiveKitRoom:
        url, key, secret = self._livekit
        job = get_job_context(required=False)
        return OwnLiveKitRoom(
            name=room.name,
            api_key=key,
            api_secret=secret,
            avatar_identity=identity,
            bot_identity=(
                room.local_participant.identity if job is None else job.local_participant_identity
            ),
            audio_only_from_data_stream=True,
            **({} if url is None else {"url": url}),
        )

    async def _open(self, room: rtc.Room, identity: str, **how: Any) -> None:
        """Opens the next session, whose avatar joins under this name. It is silent yet."""
        assert self._client is not None
        ids = self._avatar_id
        if self._seen is not None and not isinstance(ids, str):
            # The avatar that people know.
            ids = [self._seen, *(one for one in ids if one != self._seen)]
        opened = self._next = await self._client.open_session(
            ids,
            room=self._own_room(room, identity),
            transport=JoinedRoomTransport,
            transport_options={"room": room},
            scene_mode="meeting",
            **{**self._fields, **how},
        )
        logger.info("the avatar %s joined, session %s", identity, opened.info.session_id)
        opened.on(Disconnected)(functools.partial(self._disconnected, opened))

    async def _give_voice(self, room: rtc.Room, identity: str) -> None:
        """The next session's avatar speaks from now on; the one before leaves."""
        assert self._next is not None
        before, self._current, self._next = self._current, self._next, None
        self._joined_as, self._seen = identity, self._current.info.avatar_id
        self._ended.clear()
        if self._output is None or self._output.identity != identity:
            await self._speak_by(room, identity)
        if before is not None:
            await before.aclose()

    async def _speak_by(self, room: rtc.Room, identity: str) -> None:
        """What the agent says goes to this avatar; speech waits while it isn't in the room yet."""
        output = AvatarAudioOutput(room, identity, started=self._reports_start, margin=self._margin)
        last, self._output = self._output, output
        if self._agent_session is not None:
            self._agent_session.output.replace_audio_tail(output)
        if last is not None:
            await last.aclose()

    def _disconnected(self, session: akool_async.AvatarSession, event: Disconnected) -> None:
        """A session is over, before its time or with it."""
        if self._closed or event.reason == "closed" or session is not self._current:
            return
        logger.warning("the avatar's session ended: %s", event.reason)
        if self._output is not None:
            self._output.give_up()
        self._ended.set()

    async def _keep(self, room: rtc.Room) -> None:
        """Opens another session before, or when, one ends."""
        try:
            await self._renew_until_closed(room)
        except asyncio.CancelledError:
            if not self._closed:
                # Not by `aclose`: the worker was killed, and the job's loop ends without its
                # callbacks.
                await self.aclose()
            raise

    async def _renew_until_closed(self, room: rtc.Room) -> None:
        pause = _FIRST_PAUSE
        while True:
            await self._until_due()
            if not self._renews or not room.isconnected():
                await asyncio.Event().wait()  # until it is cancelled
            try:
                await self._renew(room)
                pause = _FIRST_PAUSE
            except akool_async.AkoolError as error:
                logger.warning("the avatar's session couldn't be renewed: %s", error)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, 2 * pause)

    async def _until_due(self) -> None:
        """Returns when it is time for another session, or there is none."""
        if self._current is None:
            return
        end = self._end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(None if end is None else end.begin):
                await self._ended.wait()

    async def _until_silent(self) -> None:
        """Returns when the agent is silent, or there is no more time."""
        end = self._end()
        loop = asyncio.get_running_loop()
        waits = [asyncio.ensure_future(event.wait()) for event in (self._silent, self._ended)]
        try:
            await asyncio.wait(
                waits,
                timeout=None if end is None else max(0.0, end.latest - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)

    def _end(self) -> _End | None:
        """When the current session ends; `None`: it isn't known."""
        if self._current is None:
            return None
        info = self._current.info
        if info.duration is None or info.created is None:
            return None
        return _End(info.created + info.duration, info.duration)

    def _state_changed(self, event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._silent.clear()
        else:
            self._silent.set()

    async def _renew(self, room: rtc.Room) -> None:
        """Opens another session, and has it take over.

        Raises:
            AkoolError: none can be had at the moment.
        """
        if self._current is not None and not self._ended.is_set():
            self._count += 1
            identity = f"{self._identity}-{self._count}"
            try:
                await self._open(room, identity, wait_for_slot=None)
            except akool_async.BusyError:
                # Our own session may be what keeps the avatar busy.
                await self._until_silent()
            else:
                await self._until_silent()
                if self._next is None or self._next.closed:
                    await self._drop_next()
                    text = "the next avatar left before it had spoken"
                    raise akool_async.DisconnectedError(text, reason="failed")
                await self._give_voice(room, identity)
                return
        await self._replace(room)

    async def _replace(self, room: rtc.Room) -> None:
        """Closes the session before another one is opened. What is said meanwhile waits."""
        if self._current is not None or self._output is None:
            self._count += 1
            await self._speak_by(room, f"{self._identity}-{self._count}")
            current, self._current = self._current, None
            if current is not None:
                await current.aclose()
        identity = f"{self._identity}-{self._count}"
        await self._open(room, identity, wait_for_slot=_SLOT_WAIT)
        await self._give_voice(room, identity)

    async def _drop_next(self) -> None:
        dropped, self._next = self._next, None
        if dropped is not None:
            await dropped.aclose()
