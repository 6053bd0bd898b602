"""A probe: sessions that are opened, looked at by a fixed script, and closed whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from akool_async.client import AkoolClient
from akool_async.errors import AkoolError, APIError, BusyError
from akool_async.joining import JoinBy, credentials_of
from akool_async.models.avatar import OFFICIAL_AVATARS
from akool_async.models.session import LEGACY_AVATARS, LegacySession, Session
from akool_async.probe.findings import Findings
from akool_async.probe.legacy_script import LegacyScript
from akool_async.probe.room import ProbeRoom
from akool_async.probe.rows import Row, table
from akool_async.probe.script import SPEECH_ROWS, Script, Speak
from akool_async.resources.legacy_sessions import LegacySessions
from akool_async.resources.sessions import Sessions
from akool_async.transport import ConnectionState, JoinTarget, Transport
from akool_async.validation import choice, text

__all__ = ["MOST_SECONDS", "Probe", "ProbeReport", "StreamType"]

StreamType: TypeAlias = Literal["livekit", "agora", "trtc"]

#: Seconds of the session that the script runs in; of the one that is refused where an avatar can
#: have one session only; and of the one whose end is waited for.
MAIN: Final = 70
SECOND: Final = 10
ENDING: Final = 10
#: Seconds of sessions that are paid for at most.
MOST_SECONDS: Final = MAIN + SECOND + ENDING

#: Seconds of the main session that are kept for closing it.
_RESERVE: Final = 2.0
#: Seconds after its time in which a session ends.
_END_WITHIN: Final = 5.0
_OVER: Final = "the session whose end was to be seen couldn't be opened"
_NO_SPEECH: Final = "nothing was spoken to the avatar; give it speech to hear"


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What a probe saw.

    Attributes:
        rows: a table for a person.
        behavior: switches of `ServiceBehavior`, those that could be seen.
    """

    rows: tuple[Row, ...]
    behavior: dict[str, Any]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes `behavior` as a JSON file that `Simulator(behavior=path)` loads.

        Raises:
            OSError: it can't be written.
        """
        found = json.dumps(self.behavior, indent=2, sort_keys=True)
        Path(path).write_text(found + "\n", encoding="utf-8")


class Probe:
    """Looks how the service behaves. Making it checks everything, and sends nothing.

    Args:
        akool: the account, which pays for `MOST_SECONDS` of sessions at most.
        avatar_id: the avatar's; a public one by default.
        stream_type: the kind of room.
        legacy: a version 3 session in its chat room, which has no duration: it is closed within
            `MAIN` seconds.
        speak: has the avatar hear something (`akool_async.probe.speech`); without, nothing is
            found out about recognised speech.
        on_step: called with what is being done, for a person.

    Raises:
        InvalidParameterError: a value that isn't known.
        MissingDependencyError: the room can't be joined on this machine.
    """

    def __init__(
        self,
        akool: AkoolClient,
        *,
        avatar_id: str | None = None,
        stream_type: StreamType = "livekit",
        legacy: bool = False,
        speak: Speak | None = None,
        on_step: Callable[[str], None] | None = None,
    ) -> None:
        self._akool = akool
        self._legacy = legacy
        usual = LEGACY_AVATARS[0] if legacy else OFFICIAL_AVATARS[0]
        self._avatar_id = usual if avatar_id is None else text("avatar_id", avatar_id)
        self._stream_type = choice("stream_type", stream_type, ("livekit", "agora", "trtc"))
        self._speak = speak
        self._on_step = on_step or (lambda _: None)
        join = JoinBy(None, None, None, None, None)
        self._transport = join.find("chatroom" if legacy else self._stream_type)
        self._settings = join.settings(self._transport, akool.base_url)
        self._transport.preflight(self._settings)
        self._findings = Findings(self._transport.name)

    async def run(self) -> ProbeReport:
        """Opens the sessions, one after another, and closes each, also when it is cancelled.

        Raises:
            APIError, RequestError: no session could be created.
            JoinError: the first session's room couldn't be joined.
            SessionLeftOpenError: a session couldn't be closed.
        """
        findings = self._findings
        await self._look_at_avatar()
        before = await self._credits()
        unheard = _NO_SPEECH if self._speak is None else None
        if self._legacy:
            await self._run_legacy()
            findings.missed("refund", "a legacy session has no duration")
            unheard = "version 3 doesn't report speech"
        else:
            await self._run_main(before)
            await self._run_ending()
        if unheard is not None:
            for row in SPEECH_ROWS:
                findings.missed(row, unheard)
        return ProbeReport(table(findings), dict(findings.switches))

    # Sessions.

    async def _run_main(self, before: float | None) -> None:
        findings = self._findings
        clock = asyncio.get_running_loop().time
        self._on_step("creating a session without a mode")
        began = clock()
        async with self._session(MAIN, self._read_created) as session:
            during = await self._credits()
            async with self._room(session) as room:
                script = Script(
                    room,
                    findings,
                    speak=self._speak,
                    on_step=self._on_step,
                    ends=began + MAIN - _RESERVE,
                )
                await script.run()
            await self._look_for_second()
            self._on_step("closing the session early")
        used = clock() - began
        findings.seen["refund"] = _refund(before, during, await self._credits(), used)

    async def _look_for_second(self) -> None:
        """Whether the avatar can have another session."""
        self._on_step(f"a second session of {SECOND} s with the same avatar")
        try:
            async with self._session(SECOND):
                self._findings.found("one_session_per_avatar", False)
        except BusyError as error:
            if error.code == 1237:
                self._findings.found("one_session_per_avatar", True, "refused with 1237")
            else:
                self._findings.missed("one_session_per_avatar", f"refused with {error.code}")
        except APIError as error:
            self._findings.missed("one_session_per_avatar", f"refused with {error.code}")

    async def _run_ending(self) -> None:
        """How a session ends whose duration is up."""
        self._on_step(f"a session of {ENDING} s that runs to its end")
        clock = asyncio.get_running_loop().time
        began = clock()
        findings = self._findings
        try:
            async with self._session(ENDING) as session, self._room(session) as room:

                def left() -> bool:
                    return room.ended is not None or room.changed(ConnectionState.AVATAR_LEFT)

                await room.until(left, began + ENDING + _END_WITHIN - clock())
                seconds = clock() - began
                if seconds < ENDING * 0.8 and left():
                    findings.missed("room_end", f"it ended after {seconds:.0f} of {ENDING} s")
                    return
                if room.changed(ConnectionState.AVATAR_LEFT):
                    # Does the room close, too?
                    await room.until(lambda: room.ended is not None, 1.0)
                closed = room.ended is not None
                way = "room_closes" if closed else "avatar_leaves" if left() else "silence"
                findings.found("room_end", way, f"after {seconds:.1f} s")
        except AkoolError as error:
            findings.missed("room_end", f"{_OVER} ({type(error).__name__})")

    async def _run_legacy(self) -> None:
        clock = asyncio.get_running_loop().time
        self._on_step("creating a legacy session")
        async with self._legacy_session() as session:
            ends = clock() + MAIN - _RESERVE
            async with self._room(session) as room:
                script = LegacyScript(room, self._findings, on_step=self._on_step, ends=ends)
                await script.run()
            self._on_step("closing the session")

    @asynccontextmanager
    async def _session(
        self, seconds: int, seen: Callable[[object], object] | None = None
    ) -> AsyncIterator[Session]:
        # Not tried again: that an avatar is busy is what is asked.
        sessions: Sessions = self._akool.with_options(max_retries=0).sessions
        fields = {"duration": seconds, "stream_type": self._stream_type}
        session = await sessions.creation(self._avatar_id, fields, seen=seen).session()
        try:
            yield session
        except BaseException as error:
            await sessions.closing(session).settle(error)
            raise
        await sessions.closing(session).wait()

    @asynccontextmanager
    async def _legacy_session(self) -> AsyncIterator[LegacySession]:
        sessions: LegacySessions = self._akool.legacy_sessions
        session = await sessions.create(self._avatar_id)
        try:
            # It answers the session without what its room is joined with.
            await sessions.wait_until_running(session, timeout=MOST_SECONDS - MAIN)
            yield session
        except BaseException as error:
            await sessions.closing(session).settle(error)
            raise
        await sessions.closing(session).wait()

    def _room(self, session: Session | LegacySession) -> ProbeRoom:
        target = JoinTarget(credentials_of(session), session_id=session.id)
        transport: Transport = self._transport(target, self._settings)
        return ProbeRoom(transport)

    # REST.

    def _read_created(self, data: object) -> None:
        """What create's answer holds; its values aren't kept."""
        if isinstance(data, list) and data:
            data = data[0]
        if not isinstance(data, Mapping):
            return
        findings = self._findings
        findings.found("no_stream_type", not data.get("stream_type"))
        findings.found("answers_avatar_id", bool(data.get("avatar_id")))
        credentials = data.get("credentials")
        if isinstance(credentials, Mapping):
            kinds = {name.partition("_")[0] for name in credentials}
            others = {"agora", "livekit", "trtc"} - {self._stream_type}
            findings.found("all_credentials", bool(kinds & others))

    async def _look_at_avatar(self) -> None:
        if self._legacy:
            return
        try:
            avatar = await self._akool.avatars.get(self._avatar_id)
        except AkoolError as error:
            self._findings.missed("voice", f"the avatar can't be read: {type(error).__name__}")
            return
        self._findings.seen["voice"] = "yes" if avatar.voice_id else "no"

    async def _credits(self) -> float | None:
        try:
            return await self._akool.account.credits()
        except AkoolError:
            return None


def _refund(before: float | None, during: float | None, after: float | None, seconds: float) -> str:
    if before is None or during is None or after is None:
        return "the balance isn't answered"
    return (
        f"{before - during:,.1f} credits were taken for {MAIN} s, {after - during:,.1f} came back "
        f"after {seconds:.0f} s"
    )
