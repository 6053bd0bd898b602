"""The engine over Agora's own Python SDK (`pip install "akool-async-agora[sdk]"`).

Written against the Python layer of `agora-python-server-sdk` 2.4.10. Importing it is in
`sdk_package`, its service in `sdk_service`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from akool_agora.engine import EngineError, EngineEvents, Room
from akool_agora.errors import LOST, NOT_IN_CHANNEL, TOKEN_EXPIRED
from akool_agora.sdk_media import SDKMedia
from akool_agora.sdk_package import SDK, load
from akool_agora.sdk_service import SERVICE
from akool_async.media import MediaKind
from akool_async.transport.native import call_in_thread

__all__ = ["SDKEngine"]

logger = logging.getLogger("akool_async.transport.agora")

#: Seconds to wait for `on_disconnected` after `disconnect()`.
GOODBYE_TIMEOUT: Final = 3.0
#: Seconds before its expiry that Agora announces a token's.
TOKEN_NOTICE: Final = 30.0
_BAD_ARGUMENT: Final = -2
#: `on_user_info_updated`: sound, picture. States of a track: starting, decoding.
_MEDIA: Final[dict[int, MediaKind]] = {0: "audio", 1: "video"}
_FLOWING: Final = frozenset({1, 2})


class SDKEngine:
    """An `Engine` over the SDK: one connection, used once for each join."""

    def __init__(self) -> None:
        self.media = SDKMedia()
        self._stay: _Stay | None = None

    async def join(self, room: Room, events: EngineEvents) -> None:
        """Loads the SDK, connects, and waits for `on_connected`. See `Engine.join`.

        The connection of a refused join is left and released before this raises.
        """
        await self.leave()
        stay = self._stay = _Stay(events, self.media)
        try:
            sdk = await call_in_thread(load)
            if self._stay is not stay:
                raise EngineError(NOT_IN_CHANNEL, "leave() was called while joining")
            observers = _observers(sdk, stay)
            # Not cancelled half-way: the connection would be lost. `leave` waits for it instead.
            stay.opening = call_in_thread(stay.open, sdk, room, *observers)
            await asyncio.shield(stay.opening)
            reason = await stay.joined
            if reason is not None:
                raise EngineError(reason)
            self.media.joined(stay.opening.result(), lambda take: _audio_observer(sdk, stay, take))
        except Exception:
            await self._leave(stay)
            raise

    async def send(self, packet: bytes) -> None:
        """Hands a packet to the SDK, which returns at once. See `Engine.send`."""
        connection = self._connection()
        if not packet:
            # The SDK returns 0 and sends nothing.
            raise EngineError(_BAD_ARGUMENT, "an empty packet")
        # Bytes, never str: of a str the SDK counts the characters and sends as many bytes.
        if code := connection.send_stream_message(bytes(packet)):
            raise EngineError(code)

    async def renew_token(self, token: str) -> None:
        """Gives the SDK a new token. See `Engine.renew_token`."""
        await call_in_thread(SERVICE.renew_token, self._connection(), token)

    async def leave(self) -> None:
        """`disconnect()`, wait for `on_disconnected`, `release()` once. See `Engine.leave`."""
        if self._stay is not None:
            await self._leave(self._stay)

    async def _leave(self, stay: _Stay) -> None:
        if self._stay is stay:
            self._stay = None
            self.media.left()
        opening, stay.opening = stay.opening, None
        stay.silence()
        if opening is None:
            return
        try:
            connection = await asyncio.shield(opening)
        except asyncio.CancelledError:
            stay.abandon()
            raise
        except Exception:  # noqa: BLE001 - join() raises it; nothing was opened
            return
        try:
            await asyncio.shield(call_in_thread(SERVICE.disconnect, connection))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_TIMEOUT):
                    await stay.gone.wait()
        finally:
            # Also when cancelled: a connection that isn't released keeps the service alive. The
            # thread finishes it even if the caller doesn't wait any longer.
            await asyncio.shield(call_in_thread(SERVICE.release, connection))

    def _connection(self) -> Any:
        stay = self._stay
        opening = stay.opening if stay is not None else None
        if opening is None or not opening.done() or opening.cancelled() or opening.exception():
            raise EngineError(NOT_IN_CHANNEL)
        return opening.result()


class _Stay:
    """From one join to its end: what the observers hand over to the event loop.

    The SDK's callbacks come on its native threads, where nothing of the SDK may be called and an
    exception disappears without a trace. So they hand over and do nothing else.
    """

    def __init__(self, events: EngineEvents, media: SDKMedia) -> None:
        self._media = media
        self.opening: asyncio.Future[Any] | None = None
        self._lock = threading.Lock()
        self._connection: Any = None
        self._abandoned = False
        self.gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        #: `None`: in the channel; else the reason for not being.
        self.joined: asyncio.Future[int | None] = self._loop.create_future()
        self._events: EngineEvents | None = events

    def open(self, sdk: SDK, room: Room, connection_observer: Any, user_observer: Any) -> Any:
        """Opens the connection, in a thread. Abandoned meanwhile, it is dropped here at once.

        Raises:
            EngineError, JoinError: see `SharedService.open`.
        """
        connection = SERVICE.open(sdk, room, connection_observer, user_observer)
        with self._lock:
            self._connection = connection
            abandoned = self._abandoned
        if abandoned:
            SERVICE.drop(connection)
            raise EngineError(NOT_IN_CHANNEL, "the join was given up")
        return connection

    def abandon(self) -> None:
        """`leave` was cancelled while `open` runs; also after the event loop has ended, the
        connection is freed as soon as there is one.
        """
        with self._lock:
            self._abandoned = True
            connection = self._connection
        if connection is not None:
            call_in_thread(SERVICE.drop, connection)

    def hand_over(self, call: Callable[..., None], *args: Any) -> None:
        """Called on a native thread: has `call` called on the loop."""
        with contextlib.suppress(RuntimeError):  # the loop was closed: the event has no receiver
            self._loop.call_soon_threadsafe(call, *args)

    def silence(self) -> None:
        """No event from now on; `gone` is still set."""
        self._events = None

    def report(self, name: str, *args: Any) -> None:
        """Reports an event, unless silenced."""
        if self._events is not None:
            getattr(self._events, name)(*args)

    def muted(self, uid: str, info: int, muted: bool) -> None:
        """A user's sound (`info` 0) or picture (1) is or isn't muted, which is how Agora announces
        that it is or isn't published.
        """
        if info in _MEDIA:
            self.report("user_unpublished" if muted else "user_published", uid)
            self._publishes(uid, _MEDIA[info], on=not muted)

    def track_state(self, uid: str, kind: MediaKind, state: int) -> None:
        """The state of a user's track."""
        if state in _FLOWING:
            self.report("user_published", uid)
            self._publishes(uid, kind, on=True)

    def user_left(self, uid: str) -> None:
        """A user is gone, with all its tracks."""
        self.report("user_left", uid)
        for kind in _MEDIA.values():
            self._publishes(uid, kind, on=False)

    def sound(self, take: Callable[[str, bytes, int, int], None], uid: str, *frame: Any) -> None:
        """A piece of a user's sound."""
        if self._events is not None:
            take(uid, *frame)

    def _publishes(self, uid: str, kind: MediaKind, *, on: bool) -> None:
        if self._events is not None:
            self._media.published(uid, kind, on=on)

    def connected(self) -> None:
        """In the channel."""
        if not self.joined.done():
            self.joined.set_result(None)

    def left(self, reason: int) -> None:
        """Out of the channel, or never in; the SDK says nothing more about it."""
        self.gone.set()
        self.ended(reason)

    def ended(self, reason: int) -> None:
        """The stay is over for the program."""
        if not self.joined.done():
            self.joined.set_result(reason)
        elif self._events is not None:
            events, self._events = self._events, None
            events.disconnected(reason)


def _observers(sdk: SDK, stay: _Stay) -> tuple[Any, Any]:
    """The SDK's two observers. It calls every method of its base classes, so those are needed."""
    hand_over, report, left = stay.hand_over, stay.report, stay.left
    connection: dict[str, Callable[..., None]] = {
        "on_connected": lambda _, _conn, _info, _reason: hand_over(stay.connected),
        "on_disconnected": lambda _, _conn, _info, reason: hand_over(left, reason),
        "on_connection_failure": lambda _, _conn, _info, reason: hand_over(left, reason),
        "on_reconnecting": lambda _, _conn, _info, reason: hand_over(
            report, "reconnecting", reason
        ),
        # It goes on trying after this one.
        "on_connection_lost": lambda _, _conn, _info: hand_over(report, "reconnecting", LOST),
        "on_reconnected": lambda _, _conn, _info, reason: hand_over(report, "reconnected", reason),
        "on_token_privilege_will_expire": lambda _, _conn, _token: hand_over(
            report, "token_will_expire", TOKEN_NOTICE
        ),
        "on_token_privilege_did_expire": lambda _, _conn: hand_over(stay.ended, TOKEN_EXPIRED),
        "on_user_joined": lambda _, _conn, uid: hand_over(report, "user_joined", uid),
        "on_user_left": lambda _, _conn, uid, _reason: hand_over(stay.user_left, uid),
    }
    user: dict[str, Callable[..., None]] = {
        "on_stream_message": lambda _, _user, uid, _stream, data, length: hand_over(
            report, "packet", _real_part(data, length), uid
        ),
        # Which of these the SDK calls for tracks that aren't subscribed to isn't known for
        # sure: each of them says that the user publishes.
        "on_user_info_updated": lambda _, _user, uid, info, muted, *_more: hand_over(
            stay.muted, uid, info, muted
        ),
        "on_user_audio_track_state_changed": lambda _, _user, uid, _track, state, *_more: hand_over(
            stay.track_state, uid, "audio", state
        ),
        "on_user_video_track_state_changed": lambda _, _user, uid, _track, state, *_more: hand_over(
            stay.track_state, uid, "video", state
        ),
    }
    return (
        type("ConnectionObserver", (sdk.connection_observer.IRTCConnectionObserver,), connection)(),
        type("UserObserver", (sdk.local_user_observer.IRTCLocalUserObserver,), user)(),
    )


def _audio_observer(sdk: SDK, stay: _Stay, take: Callable[[str, bytes, int, int], None]) -> Any:
    """The SDK's observer of sound: every user's, before it is mixed."""

    def piece(_: Any, _user: Any, _channel: str, uid: str, frame: Any, *_voice: Any) -> int:
        data = bytes(frame.buffer)
        stay.hand_over(stay.sound, take, uid, data, frame.samples_per_sec, frame.channels)
        return 1

    base = sdk.audio_frame_observer.IAudioFrameObserver
    return type("AudioObserver", (base,), {"on_playback_audio_frame_before_mixing": piece})()


def _real_part(data: bytes, length: int) -> bytes:
    """What was really received.

    The SDK takes a payload for a C string, which ends at the first NUL, and then reads as many
    bytes as were sent all the same: after a NUL comes whatever lies in memory there. Our JSON has
    none, so nothing of it is lost by cutting; another user's binary message comes out as one
    that isn't understood.
    """
    return data[:length].partition(b"\0")[0]
