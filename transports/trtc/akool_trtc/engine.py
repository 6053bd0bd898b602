"""What an engine is: the part that really talks to TRTC, behind a protocol narrow enough to write.

No engine comes with this package, because Tencent has no SDK for Python that could be one. To
write your own (over the web SDK in a headless browser, over the native SDK, over a relay of
yours), implement `Engine`, and give an object or the class as `transport_options={"engine": …}`.
`examples/trtc_engine.py` is a whole one.

`EngineError.code` is the web SDK's. 5000: bad parameter; 5100: not allowed now (not in the room,
not an anchor, too often); 5400: the server refused (a bad user signature among others); 5500: it
failed. An engine over another SDK turns that SDK's codes into these.

What TRTC asks for, and an engine has to see to:

- The room id of an AKOOL session is a *string* room id: join with `strRoomId` (web) or
  `strRoomId` of `TRTCParams` (native), never with the numeric `roomId`.
- Only an *anchor* may send custom messages: scene LIVE with role anchor, or scene RTC.
- Custom messages go out on `cmdId` 1, reliable and ordered, which are both the web SDK's default
  and two arguments of the native `sendCustomCmdMsg`. Avatar messages come on `cmdId` 1 as well;
  other ids are other people's and not handed on.
- A message has 1000 bytes at most; 8 KB and 30 calls in a second. The adapter and the sender above
  it keep to that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from akool_async.transport.engines.engine import EngineError

__all__ = ["CMD_ID", "Engine", "EngineError", "EngineEvents", "Room"]

#: The `cmdId` of AKOOL's messages.
CMD_ID: Final = 1


@dataclass(frozen=True, slots=True)
class Room:
    """Which room to join, and as whom: the credentials of session/create.

    Attributes:
        sdk_app_id: the application, a number.
        room_id: a string room id.
        user_id: ours.
        user_sig: our signature; the room's password, never to be logged.
    """

    sdk_app_id: int
    room_id: str
    user_id: str
    user_sig: str = field(repr=False)


class EngineEvents(Protocol):
    """The events of an engine, called on the loop that called `join`. They never block or raise."""

    def packet(self, data: bytes, sender: str) -> None:
        """A custom message on `CMD_ID` from the user `sender`, whole and as it was sent."""

    def user_joined(self, user_id: str) -> None:
        """Another user is in the room; also for those who were there first."""

    def user_left(self, user_id: str) -> None:
        """They left, or TRTC gave up on them."""

    def user_published(self, user_id: str) -> None:
        """They publish audio or video."""

    def user_unpublished(self, user_id: str) -> None:
        """They publish neither any more."""

    def reconnecting(self) -> None:
        """The connection broke, and the engine tries to get it back by itself."""

    def reconnected(self) -> None:
        """It is back. What was sent and received meanwhile may be lost."""

    def disconnected(self, reason: str) -> None:
        """Out of the room for good, without having been asked to leave. The last event.

        `reason` is what the web SDK gives with `KICKED_OUT`: "kick" (the same user joined from
        elsewhere), "banned" (removed by a server's call), "room_disband" (dissolved); "network"
        where the connection didn't come back; or another word of TRTC's.
        """


@runtime_checkable
class Engine(Protocol):
    """One participant in one room.

    All methods are called on one event loop, and all events are reported on it: a native thread
    uses `loop.call_soon_threadsafe`. An engine needn't be made on the loop. It keeps no pace
    and sends nothing again; what TRTC refuses it raises.

    Optional: an attribute `reports_tracks` that is true says that `user_published` is called for
    everybody who publishes audio or video, also for those who did so before `join`. The program can
    then wait until the avatar publishes. An engine without it needn't call it at all.

    Also optional: an attribute `media`, a `transport.engines.media.EngineMedia`. The program hears
    and sees the avatar by it, and speaks. An engine without it carries packets only.
    """

    async def join(self, room: Room, events: EngineEvents) -> None:
        """Enters as an anchor and returns once able to send and receive.

        Events may come before it returns. The caller bounds the time by cancelling; cancelled or
        failed, it leaves nothing behind, and `leave` is called all the same. After `leave` it may
        be called again.

        Raises:
            EngineError: TRTC refused.
            MissingDependencyError: a package that the engine needs isn't there.
        """

    async def send(self, packet: bytes) -> None:
        """Sends one custom message on `CMD_ID`, reliable and ordered: taken, not delivered.

        Raises:
            EngineError: 5000 empty or too large, 5100 not in the room or too often (both surely
                not sent), 5400 or 5500 the server or the connection failed.
        """

    async def leave(self) -> None:
        """Leaves and frees everything; no event after it. Twice, before and during `join` is fine.

        Cancelled, it frees at once what it can free without waiting for TRTC.
        """
