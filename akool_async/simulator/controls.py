"""What a test looks at and does to a running simulator."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from akool_async.media.frames import AudioFrame
from akool_async.simulator.access import Access
from akool_async.simulator.avatar.avatar import SimulatedAvatar
from akool_async.simulator.avatar.replayed import ReplayedAvatar
from akool_async.simulator.capture import Capture
from akool_async.simulator.clock import Clock
from akool_async.simulator.faults import Fault
from akool_async.simulator.media.sight import SeenVideo
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.rooms.room import SimRoom
from akool_async.simulator.service import Service
from akool_async.simulator.sessions import SimSession
from akool_async.simulator.store import Store
from akool_async.simulator.webhooks import send_webhook

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["SimulatorControls"]


class SimulatorControls:
    """The part of `Simulator` that doesn't serve: looking at sessions, and acting in them."""

    clock: Clock
    _service: Service

    # -- looking

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end.

        Raises:
            RuntimeError: it wasn't started.
        """
        if not self._service.base_url:
            raise RuntimeError("the simulator isn't running; use `async with`")
        return self._service.base_url

    @property
    def sessions(self) -> Mapping[str, SimSession]:
        """Every session that was made, by id, in that order."""
        return self._service.book.by_id

    @property
    def open_sessions(self) -> list[SimSession]:
        """Sessions that were not closed and didn't run out: they cost money."""
        return self._service.book.open_sessions

    @property
    def credits_taken(self) -> float:
        """Credits taken by now: an open session's whole duration, what an ended one used."""
        return self._service.book.taken

    @property
    def credits_left(self) -> float | None:
        """Credits that the account still has; `None`: no end of them."""
        return self._service.book.left

    @property
    def store(self) -> Store:
        """Avatars, voices and knowledge bases, to add to and look at."""
        return self._service.store

    @property
    def access(self) -> Access:
        """Keys and tokens: `issue_token()`, `expire_tokens()`."""
        return self._service.access

    @property
    def errors(self) -> list[Exception]:
        """What `reply=` raised, and what else went wrong inside, so far."""
        return self._service.settings.errors

    def room(self, session: str | SimSession) -> SimRoom:
        """The room of a session.

        Raises:
            KeyError: no such session, or its room is closed.
        """
        room = self._session(session).room
        if room is None:
            raise KeyError("the session's room is closed")
        return room

    def avatar(self, session: str | SimSession) -> SimulatedAvatar:
        """The avatar of a session.

        Raises:
            KeyError: no such session.
        """
        avatar = self._session(session).avatar
        if avatar is None:
            raise KeyError("the session has no avatar")
        return avatar

    def said(self, session: str | SimSession) -> list[str]:
        """Texts that the avatar has spoken, in order; an interrupted one as far as it came.

        Raises:
            KeyError: no such session.
        """
        return list(self.avatar(session).said)

    def asked(self, session: str | SimSession) -> list[str]:
        """Texts of the chat messages that the avatar received, in order.

        Raises:
            KeyError: no such session.
        """
        return list(self.avatar(session).asked)

    def meeting(self, session: str | SimSession) -> MeetingPlayer:
        """What the avatar of a session with `scene_mode="meeting"` was sent and played.

        Raises:
            KeyError: no such session, or it has another scene_mode.
        """
        player = self._session(session).meeting
        if player is None:
            raise KeyError("the session isn't a meeting")
        return player

    def heard_audio(self, session: str | SimSession, identity: str | None = None) -> AudioFrame:
        """The last minute of what the avatar heard in a microphone: 48 kHz, mono.

        Empty as long as it has heard nothing.

        Args:
            session: the session or its id.
            identity: the participant's; `None`: of whom it heard first.

        Raises:
            KeyError: no such session, its room is closed, or nothing was heard of `identity`.
            RuntimeError: the room carries no media; `Simulator(media=Media())` has it do so.
        """
        return self._media(session).hearing.heard(identity)

    def seen_video(self, session: str | SimSession, identity: str | None = None) -> SeenVideo:
        """What the avatar saw in a camera: how many pictures, and the newest one.

        No pictures as long as it has seen nothing.

        Args:
            session: the session or its id.
            identity: the participant's; `None`: of whom it saw first.

        Raises:
            KeyError: no such session, its room is closed, or nothing was seen of `identity`.
            RuntimeError: the room carries no media; `Simulator(media=Media())` has it do so.
        """
        return self._media(session).sight.seen(identity)

    def _media(self, session: str | SimSession) -> AvatarMedia:
        media = self.room(session).media
        if media is None:
            raise RuntimeError("the room carries no media; give Simulator(media=Media())")
        return media

    def differences(self, session: str | SimSession) -> list[str]:
        """(`replay`) What the client sent otherwise than captured, or hasn't sent (yet).

        Raises:
            KeyError: no such session.
            RuntimeError: the simulator doesn't replay anything.
        """
        avatar = self.avatar(session)
        if not isinstance(avatar, ReplayedAvatar):
            message = "the simulator replays no capture; make it by Simulator.replay"
            raise RuntimeError(message)  # noqa: TRY004 - the simulator was made another way
        return [*avatar.differences, *(f"not sent: {sent}" for sent in avatar.remaining)]

    def capture(self, session: str | SimSession, *, texts: bool = True) -> Capture:
        """A session's packets so far, as its client saw them.

        Args:
            session: the session or its id.
            texts: with what was said; otherwise `write` keeps only its length.
        """
        found = self._session(session)
        capture = Capture(dialect="v3" if found.api == "v3" else "v2", texts=texts)
        for packet in self._service.settings.packets:
            if packet.session_id == found.id:
                direction: Literal["sent", "received"] = (
                    "sent" if packet.direction == "in" else "received"
                )
                capture.add(packet.at - found.created, direction, packet.data)
        return capture

    def _session(self, session: str | SimSession) -> SimSession:
        return self.sessions[session] if isinstance(session, str) else session

    # -- doing

    async def until_ready(
        self, session: str | SimSession | None = None, *, timeout: float = 10.0
    ) -> SimSession:
        """Waits until a client is in a session's room and has set up the avatar; the session.

        Args:
            session: the session or its id; `None`: the newest open one, once there is one.
            timeout: seconds.

        Raises:
            KeyError: no such session.
            TimeoutError: not in time; says what is missing.
        """
        found = None if session is None else self._session(session)
        try:
            async with asyncio.timeout(timeout):
                found = found or await self._service.book.wait_open()
                await self.avatar(found).wait_ready()
        except TimeoutError:
            if found is None:
                missing = "no session was opened"
            elif not self.avatar(found).present:
                missing = f"no client joined the room of session {found.id}"
            else:
                missing = f"the client of session {found.id} sent no command"
            raise TimeoutError(f"not ready within {timeout:g} s: {missing}") from None
        return found

    async def new_sessions(self) -> AsyncIterator[SimSession]:
        """Every session that is made from now on, for ever: `async for session in …`."""
        for number in itertools.count(len(self.sessions)):
            yield await self._service.book.wait_made(number)

    def fail_next(self, fault: Fault | None = None, /, **what: Any) -> Fault:
        """Makes the next REST call go wrong; `what` are the fields of `Fault`.

        Returns it, for `clear_faults`.

        Raises:
            ValueError: a fault that does nothing, or a wrong number of times.
        """
        return self._service.faults.add(fault if fault is not None else Fault(**what))

    def clear_faults(self, fault: Fault | None = None) -> None:
        """Takes a fault back; without one, all of them."""
        if fault is None:
            self._service.faults.clear()
        else:
            self._service.faults.remove(fault)

    async def user_says(self, session: str | SimSession, text: str) -> None:
        """A visitor says `text` in a session's room: the avatar reports it and answers it.

        Returns when it was reported. In retelling mode there is no answer.

        Raises:
            KeyError: no such session.
            RuntimeError: the session's avatar has left, or its room is a v3 one.
        """
        await self.avatar(session).user_says(text)

    async def inject(self, session: str | SimSession, packet: bytes) -> None:
        """The avatar sends any bytes at all: what isn't JSON, what isn't a message, what is.

        Raises:
            KeyError: no such session.
        """
        await self.avatar(session).send_raw(packet)

    async def fault(self, session: str | SimSession, name: str, **options: Any) -> None:
        """Makes something go wrong in a session's room; the room's class says what it knows.

        Raises:
            ValueError: it doesn't know that fault.
        """
        await self.room(session).fault(name, **options)

    async def fail_session(self, session: str | SimSession) -> None:
        """Makes a session fail: status 4, its room closes."""
        await self._service.fail_session(self._session(session))

    async def send_webhook(
        self, url: str, event: Mapping[str, Any], *, client_id: str, client_secret: str
    ) -> int | None:
        """Sends a webhook as the service does, again until it is answered with 200.

        Args:
            url: where to.
            event: what it reports: `_id`, `status`, `type`, `url`.
            client_id: the account's, 16 characters.
            client_secret: the account's, 24 characters.

        Returns:
            The last answer's HTTP status, `None` where there was no answer.

        Raises:
            MissingDependencyError: `cryptography` isn't installed.
        """
        return await send_webhook(
            url, event, client_id=client_id, client_secret=client_secret, clock=self.clock
        )

    async def advance(self, seconds: float) -> None:
        """Moves the simulator's time forward; returns when sessions that ran out have ended."""
        self.clock.advance(seconds)
        await asyncio.sleep(0)
        await self._service.book.wait_settled()
