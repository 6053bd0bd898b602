"""From credentials to a room that takes packets: tries, pauses, refusals, new tokens."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from akool_async.concurrency import Backoff
from akool_async.errors import (
    InvalidParameterError,
    JoinError,
    JoinRefusedError,
    JoinTimeoutError,
    MessageTooLargeError,
    SendError,
)
from akool_async.models.addresses import can_be_looked_up
from akool_async.models.credentials import Credentials, LiveKitCredentials
from akool_async.stream.limits import LIVEKIT
from akool_async.transport import JoinTarget
from akool_async.transport.file_limit import check_file_limit
from akool_async.transport.native import settle_at_exit
from akool_async.transport.renewal import renewed_credentials
from akool_livekit.fork_check import check_process
from akool_livekit.join_limiter import JOIN_LIMITER, join_room, leave_room
from akool_livekit.logs import hide_tokens, without_tokens
from akool_livekit.participants import ParticipantTracker
from akool_livekit.reasons import is_refusal

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["FILES_PER_JOIN", "Joiner", "await_end", "check_size", "publish"]

#: Tries to join, and the pauses between them in seconds; the client makes several attempts within
#: each, without a pause.
_TRIES: Final = 5
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 4.0
_LEAVE_TIMEOUT: Final = 5.0
#: After something was refused the end of the room may still be on its way, in seconds.
_END_DELAY: Final = 0.5
#: File descriptors that one room takes while it is being joined; afterwards about 15 stay.
FILES_PER_JOIN: Final = 80
#: The first publish opens our way to the room; this one is addressed to ourselves, and a room
#: never returns a packet to its sender.
_WARM_UP: Final = b"\0"
_WARM_UP_TOPIC: Final = "akool-async.warm-up"


class Joiner:
    """Joins the room of one target, as often as it is asked to."""

    def __init__(self, target: JoinTarget) -> None:
        """Raises `InvalidParameterError` for credentials that can't work."""
        self._renewal = target.renew_credentials
        self.credentials = _checked(target.credentials)

    @property
    def token(self) -> str:
        """The token that is joined with."""
        token = self.credentials.livekit_token
        return token.get_secret_value() if token is not None else ""

    @property
    def can_renew(self) -> bool:
        """Whether the owner of the session can be asked for a new token (rule 10)."""
        return self._renewal is not None

    async def join(self, presence: ParticipantTracker, until: float) -> rtc.Room:
        """A room that is joined and takes packets; `until` in the loop's time.

        Raises:
            JoinRefusedError, JoinTimeoutError, JoinError: as `Transport.connect` says.
        """
        from livekit import rtc

        check_process()
        hide_tokens()
        settle_at_exit()
        loop = asyncio.get_running_loop()
        backoff, renewed = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE), False
        attempt = 1
        while True:
            try:
                return await self._try(presence, until)
            except rtc.ConnectError as error:
                problem = self.without_secrets(str(error))
            except TimeoutError as error:
                text = f"the LiveKit room wasn't joined in time: {error}"
                raise JoinTimeoutError(text) from error
            if is_refusal(problem):
                if renewed or not self.can_renew:
                    raise JoinRefusedError(f"the LiveKit room refused the token: {problem}")
                await self.renew(until)
                renewed = True
                continue
            wait = backoff.pause()
            if attempt == _TRIES or loop.time() + wait >= until:
                raise JoinError(f"the LiveKit room couldn't be joined: {problem}")
            await asyncio.sleep(wait)
            attempt += 1

    async def renew(self, until: float) -> None:
        """Asks the session's owner for credentials with a new token.

        Raises:
            JoinTimeoutError, JoinRefusedError: there are none.
        """
        if self._renewal is None:
            raise JoinRefusedError(
                "the LiveKit token needs to be replaced, and no renew_credentials was given"
            )
        left = max(0.0, until - asyncio.get_running_loop().time())
        credentials = await renewed_credentials(self._renewal, timeout=left, room="LiveKit room")
        try:
            self.credentials = _checked(credentials)
        except InvalidParameterError as error:
            raise JoinRefusedError(f"renew_credentials returned unusable ones: {error}") from error

    def without_secrets(self, text: str) -> str:
        """The client's text may hold the URL it asked, and that the token."""
        return without_tokens(text.replace(self.token, "<token>") if self.token else text)

    async def _try(self, presence: ParticipantTracker, until: float) -> rtc.Room:
        from livekit import rtc

        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(until):
                permit = await JOIN_LIMITER.acquire()
        except TimeoutError:
            raise TimeoutError("other rooms of this process are being joined") from None
        room: rtc.Room | None = None
        try:
            check_file_limit(FILES_PER_JOIN, "LiveKit room")
            room = rtc.Room()  # a fresh one for every try
            presence.listen(room)
            left = max(until - loop.time(), 0.0)
            url = self.credentials.livekit_url
            await join_room(room, url, self.token, timeout=left, permit=permit)
            for participant in list(room.remote_participants.values()):
                presence.announced(participant)
            await _open_publisher(room, until)
        except BaseException:
            presence.forget_room()
            if room is not None and room.isconnected():
                await leave_room(room, timeout=_LEAVE_TIMEOUT)
            raise
        finally:
            # Held until the first publish went out: only then the sockets settle.
            permit.release()
        return room


async def publish(
    room: rtc.Room, packet: bytes, *, topic: str = "", to: list[str] | None = None
) -> None:
    """Publishes a reliable packet; may be cancelled, the packet can go out all the same.

    Raises:
        SendError: the client refused it.
    """
    from livekit.rtc.participant import PublishDataError

    try:
        await room.local_participant.publish_data(
            packet, reliable=True, topic=topic, destination_identities=to or []
        )
    except PublishDataError as error:
        raise SendError(f"LiveKit refused a packet: {error}", retryable=True) from error


async def _open_publisher(room: rtc.Room, until: float) -> None:
    if not room.local_participant.permissions.can_publish_data:
        # The room would take our packets and deliver none of them.
        raise JoinRefusedError("the LiveKit token lets us in, but we may not send data")
    try:
        async with asyncio.timeout_at(until):
            own = room.local_participant.identity
            await publish(room, _WARM_UP, topic=_WARM_UP_TOPIC, to=[own])
    except TimeoutError:
        raise TimeoutError("it was joined, but takes no packets") from None
    except SendError as error:
        raise JoinError(f"the LiveKit room was joined, but takes no packets: {error}") from error


def _checked(credentials: Credentials) -> LiveKitCredentials:
    if not isinstance(credentials, LiveKitCredentials):
        raise InvalidParameterError(
            "credentials", f"are for {credentials.kind}, a LiveKit room needs LiveKit ones"
        )
    _check_url(credentials.livekit_url)
    if credentials.livekit_token is None or not credentials.livekit_token.get_secret_value():
        raise InvalidParameterError(
            "livekit_token", "is missing; only session/create answers it, detail never does"
        )
    return credentials


def _check_url(url: str) -> None:
    # The URL isn't quoted: it may hold a password.
    if not url.startswith(("ws://", "wss://")):
        raise InvalidParameterError("livekit_url", "isn't a ws:// or wss:// URL")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidParameterError("livekit_url", "can't be read as a URL") from None
    if not url.isprintable() or not can_be_looked_up(host):
        raise InvalidParameterError(
            "livekit_url", "has a host that can't be a name or an address, or control characters"
        )


def check_size(packet: bytes) -> None:
    """Raises `MessageTooLargeError` for more than a LiveKit packet holds."""
    size, limit = len(packet), LIVEKIT.max_bytes
    if size > limit:
        problem = f"{size} bytes, a LiveKit packet holds {limit}"
        raise MessageTooLargeError("packet", problem, size=size, limit=limit)


async def await_end(over: asyncio.Event) -> None:
    """After a refusal: a room that ends refuses what it is given a moment before it reports that it
    ended, and why.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_DELAY):
            await over.wait()
