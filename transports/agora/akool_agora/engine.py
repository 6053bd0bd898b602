"""What an engine is: the part that really talks to Agora, behind a protocol narrow enough to write.

Everything else (limits, pace, who the avatar is, tokens, errors) is done above it. To write one,
implement `Engine`, and give an object or the class as `transport_options={"engine": …}`.

`EngineError.code` is Agora's own number. A negative one is an error of the SDK (-113: not in the
channel), a positive one a connection reason (8: the token is bad). `akool_agora.errors` turns both
into this library's exceptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from akool_async.transport.engines.engine import EngineError

__all__ = ["Engine", "EngineError", "EngineEvents", "Room"]


@dataclass(frozen=True, slots=True)
class Room:
    """Which channel to join, and as whom: the credentials of session/create."""

    app_id: str
    channel: str
    uid: int
    token: str = field(repr=False)


class EngineEvents(Protocol):
    """The events of an engine, called on the loop that called `join`. They never block or raise."""

    def packet(self, data: bytes, sender: str) -> None:
        """A stream message from the user with the uid `sender`, whole and as it was sent."""

    def user_joined(self, uid: str) -> None:
        """Another user is in the channel; also for those who were there first."""

    def user_left(self, uid: str) -> None:
        """They left, or Agora gave up on them."""

    def user_published(self, uid: str) -> None:
        """They publish audio or video."""

    def user_unpublished(self, uid: str) -> None:
        """They publish neither any more."""

    def reconnecting(self, reason: int) -> None:
        """The connection broke, and the engine tries to get it back by itself."""

    def reconnected(self, reason: int) -> None:
        """It is back. What was sent and received meanwhile may be lost."""

    def disconnected(self, reason: int) -> None:
        """Out of the channel for good, without having been asked to leave. The last event."""

    def token_will_expire(self, seconds_left: float | None) -> None:
        """The token expires soon; unless renewed, the end is `disconnected(9)`."""


@runtime_checkable
class Engine(Protocol):
    """One participant in one channel, with one data stream.

    All methods are called on one event loop, and all events are reported on it: a native thread
    uses `loop.call_soon_threadsafe`. An engine needn't be made on the loop. It enforces
    Agora's limits, or leaves it to the SDK, by refusing with the SDK's codes; it keeps no pace and
    sends nothing again.

    Optional: an attribute `reports_tracks` that is true says that `user_published` is called for
    everybody who publishes audio or video, also for those who did so before `join`. The program can
    then wait until the avatar publishes. An engine without it needn't call it at all.

    Also optional: an attribute `media`, a `transport.engines.media.EngineMedia`. The program hears
    and sees the avatar by it, and speaks. An engine without it carries packets only.
    """

    async def join(self, room: Room, events: EngineEvents) -> None:
        """Joins and returns once in the channel (reason 1), able to send and receive.

        Events may come before it returns. The caller bounds the time by cancelling; cancelled or
        failed, it leaves nothing behind, and `leave` is called all the same. After `leave` it may
        be called again, with other credentials.

        Raises:
            EngineError: Agora refused, with its connection reason or error code.
            MissingDependencyError: a package that the engine needs isn't there.
        """

    async def send(self, packet: bytes) -> None:
        """Hands one packet to the data stream: taken, not delivered.

        Raises:
            EngineError: -2 bad argument, -12 too often, -113 not in the channel, -114 too large,
                -115 too many bytes per second. The packet was surely not sent.
        """

    async def renew_token(self, token: str) -> None:
        """Gives Agora a new token, without leaving.

        Raises:
            EngineError: it wasn't taken.
        """

    async def leave(self) -> None:
        """Leaves and frees everything; no event after it. Twice, before and during `join` is fine.

        Cancelled, it frees at once what it can free without waiting for Agora.
        """
