"""The state behind the REST calls, and opening and ending the rooms of sessions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from akool_async.errors import InvalidParameterError, MissingDependencyError
from akool_async.simulator.access import Access
from akool_async.simulator.avatar.avatar import SimulatedAvatar
from akool_async.simulator.avatar.dialect import Dialect
from akool_async.simulator.avatar.dialect_v2 import DialectV2
from akool_async.simulator.avatar.dialect_v3 import DialectV3
from akool_async.simulator.avatar.settings import AvatarSettings
from akool_async.simulator.checks import Refusal
from akool_async.simulator.clock import Clock
from akool_async.simulator.faults import FaultPlan
from akool_async.simulator.media.threads import MediaThreads
from akool_async.simulator.meeting.player import MeetingPlayer
from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.recording import Recording, RequestRecord
from akool_async.simulator.rooms.kinds import RoomKinds
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.simulator.rooms.room import RoomDirectory, RoomRequest, SimRoom
from akool_async.simulator.sessions import SessionBook, SimSession
from akool_async.simulator.store import Store

if TYPE_CHECKING:
    from akool_async.simulator.media.avatar_media import AvatarMedia

__all__ = ["Service", "last_segment"]

logger = logging.getLogger(__name__)

#: Seconds that closing a room may take before it is left to itself.
_ROOM_CLOSE_LIMIT: Final = 5.0


@dataclass(slots=True)
class Service:
    """Everything that a REST call may need.

    Attributes:
        default_duration: seconds for a session that asks for none.
        pause_timeout: (v3) seconds of silence after which a paused session times out.
        slots_per_avatar: how many open sessions one avatar can have; `None`: any number.
        wrap_knowledge_list: answers the knowledge list as older versions did.
        loose_answers: answers as they are seen in the wild (`loosened`).
        livekit: a real LiveKit server for sessions with `stream_type` livekit.
    """

    clock: Clock
    store: Store
    access: Access
    faults: FaultPlan
    requests: Recording[RequestRecord]
    settings: AvatarSettings
    conditions: NetworkConditions
    rooms: RoomDirectory
    kinds: RoomKinds
    default_duration: float
    pause_timeout: float
    slots_per_avatar: int | None
    wrap_knowledge_list: bool
    loose_answers: bool
    livekit: LiveKitServer | None
    base_url: str = ""
    threads: MediaThreads = field(default_factory=MediaThreads)
    book: SessionBook = field(init=False)

    # -- avatars

    def available(self, record: Mapping[str, Any]) -> bool:
        """Whether a session with this avatar can be made now."""
        return (
            self.store.status(dict(record)) == 3
            and not record.get("disabled")
            and not self.book.busy
            and not self.avatar_in_use(record["avatar_id"])
        )

    def avatar_in_use(self, avatar_id: str) -> bool:
        """Whether an avatar has as many sessions as it can have."""
        slots = 1 if self.settings.behavior.one_session_per_avatar else self.slots_per_avatar
        if slots is None:
            return False
        return sum(s.avatar_id == avatar_id for s in self.book.open_sessions) >= slots

    # -- sessions

    async def prepare(self, kind: str) -> None:
        """Imports what rooms of a kind need."""
        try:
            await self.kinds.load(self._room_name(kind, None))
        except KeyError:
            raise InvalidParameterError("kind", f"there are no rooms named {kind!r}") from None

    def _room_name(self, kind: str, own_room: Mapping[str, Any] | None) -> str:
        """Under which name the class of a session's room is found."""
        server = kind == "livekit" and (self.livekit is not None or self._elsewhere(own_room))
        return "livekit-server" if server else kind

    async def open_room(
        self, session: SimSession, own_room: Mapping[str, Any] | None, avatar: SimulatedAvatar
    ) -> None:
        """Opens the session's room with its avatar in it.

        Raises:
            Refusal: the room couldn't be opened (1218).
        """
        request = RoomRequest(
            session.id,
            session.duration,
            session.stream_type,
            self.base_url,
            self.conditions,
            own_room,
        )
        try:
            name = self._room_name(session.room_kind, own_room)
            room_class = await self.kinds.load(name)
            extra = {"server": self.livekit} if name == "livekit-server" else {}
            room = room_class(request, avatar, **extra)
            room.media = self._new_media(room)
            access = await self._entered(room)
            if session.body.get("scene_mode") == "meeting":
                session.meeting = await self._meet(room)
            dialect = self._dialect(room, access)
        except MissingDependencyError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message says it all
            raise Refusal(1218, f"the simulator can't make this room: {error}") from error
        except Exception as error:
            logger.exception("the room of session %s couldn't be opened", session.id)
            raise Refusal(1218, "the live avatar could not enter the room") from error
        session.room = room
        session.access = access
        session.avatar = avatar
        self.rooms.add(room)
        avatar.start(room, dialect)

    async def _meet(self, room: SimRoom) -> MeetingPlayer:
        """Has the avatar of a meeting play what it is sent."""
        player = MeetingPlayer(self.clock)
        try:
            await room.meet(player)
        except BaseException:
            await _bounded(_close(room, "failed"), room.request.session_id)
            raise
        return player

    def _new_media(self, room: SimRoom) -> AvatarMedia | None:
        settings = self.settings.media
        if settings is None or not room.carries_media:
            return None
        from akool_async.simulator.media.avatar_media import AvatarMedia

        return AvatarMedia(settings, self.threads, failed=self.settings.errors.append)

    async def _entered(self, room: SimRoom) -> dict[str, Any]:
        try:
            return await room.open()
        except BaseException:
            if room.media is not None:
                await room.media.close()
            raise

    def _elsewhere(self, own_room: Mapping[str, Any] | None) -> bool:
        """Whether the user's own LiveKit room is on a server other than this one."""
        if own_room is None:
            return False
        url = urlsplit(str(own_room["livekit_url"]))
        here = urlsplit(self.base_url)
        return (url.hostname, url.port) != (here.hostname, here.port)

    def _dialect(self, room: SimRoom, access: Mapping[str, Any]) -> Dialect:
        behavior = self.settings.behavior
        if room.dialect == "v3":
            return DialectV3(
                behavior,
                own_id=last_segment(str(access["server_chat_room_url"])),
                peer_id=last_segment(str(access["client_chat_room_url"])),
            )
        return DialectV2(behavior)

    async def close_session(self, session: SimSession) -> None:
        """Answers close.

        Raises:
            Refusal: it ended already: it ran out (1216), or was closed (1219).
        """
        if not self.book.settle(session, "closed"):
            if session.end_reason == "closed":
                raise Refusal(1219, "the live session is closed")
            raise Refusal(1216, "the live session does not exist")
        await self.release(session, "closed")

    async def fail_session(self, session: SimSession) -> None:
        """Makes a session fail: status 4, and its room closes."""
        if self.book.settle(session, "failed"):
            await self.release(session, "failed")

    async def end_expired(self, session: SimSession) -> None:
        """Ends the room of a session whose duration is up, in the behavior's way."""
        way = self.settings.behavior.room_end
        if way == "room_closes" or session.room is None:
            await self.release(session, "expired")
            return
        if session.avatar is not None:
            await session.avatar.stop()
        if way == "avatar_leaves":
            session.room.publish(on=False)
            await _bounded(session.room.leave(), session.id)

    async def release(self, session: SimSession, reason: str) -> None:
        """Takes the avatar out of its room and closes the room."""
        if session.avatar is not None:
            await session.avatar.stop()
        room, session.room = session.room, None
        if room is not None:
            self.rooms.remove(room)
            await _bounded(_close(room, reason), session.id)

    # -- pausing a v3 session

    def pause(self, session: SimSession) -> None:
        """Stops streaming until the next chat; a long silence times the session out.

        Raises:
            Refusal: it has ended (1219).
        """
        if not session.open:
            raise Refusal(1219, "the live session is closed")
        if session.pause_ends is None:
            session.pause_ends = self.clock.now() + self.pause_timeout
            session.pause = asyncio.create_task(
                self._time_out(session), name=f"simulator-pause-{session.id}"
            )

    def resume(self, session: SimSession) -> None:
        """A chat came."""
        session.pause_ends = None
        if session.pause is not None:
            session.pause.cancel()

    async def _time_out(self, session: SimSession) -> None:
        await self.clock.sleep(self.pause_timeout)
        if self.book.settle(session, "expired"):
            logger.debug("session %s timed out while paused", session.id)
            await self.release(session, "expired")

    # -- the end

    async def stop(self) -> None:
        """Ends every task and closes every room; open sessions stay open in the book."""
        await self.book.stop()
        left = [session for session in self.book.by_id.values() if session.room is not None]
        await asyncio.gather(*(self.release(session, "closed") for session in left))
        await self.threads.close()


async def _close(room: SimRoom, reason: str) -> None:
    try:
        await room.close(reason)
    finally:
        if room.media is not None:
            await room.media.close()


async def _bounded(closing: Any, session_id: str) -> None:
    try:
        async with asyncio.timeout(_ROOM_CLOSE_LIMIT):
            await closing
    except TimeoutError:
        logger.warning(
            "the room of session %s didn't close within %g s", session_id, _ROOM_CLOSE_LIMIT
        )
    except Exception:
        logger.exception("the room of session %s didn't close well", session_id)


def last_segment(url: str) -> str:
    """An id in the chat room: the last path segment of its URL, without `.chat`."""
    return url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".chat")
