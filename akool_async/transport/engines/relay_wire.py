"""The wire of a simulator's relay, both directions: rooms of Agora and TRTC on this machine.

Neither vendor's server can run here. The simulator relays their rooms over a websocket instead,
`GET <simulator>/loopback/<kind>`, and refuses what the vendor would refuse, with the vendor's
codes. The simulator and the plugins' loopback engines (`relay_client`) both use this module.

Text frames are JSON objects, binary frames are packets. In this order:

1. Member: `JoinRequest.to_dict()`: the room, the member's identity, its credential (token or
   signature) and the vendor's own fields.
2. Relay: `joined(…)`, who is in the room; or `refused(…)`, and the connection ends.
3. Then, in any order:

| from | frame | meaning |
|---|---|---|
| member | binary, `pack_sent` | a packet, with the member's clock and a command id |
| relay | `{"ack": code}` | the verdict on the oldest packet without one; 0: accepted |
| member | `{"do": "renew", "token": …}` | (Agora) a new token |
| relay | `{"event": "renewed", "code": …}` | the verdict on it; 0: accepted |
| member | `{"do": "leave"}` | it leaves; the connection ends |
| relay | binary, `pack_relayed` | a packet of another member, with its identity |
| relay | `{"event": "user_joined", "identity": …}`, `"user_left"` | another member came, left |
| relay | `{"event": "user_published", "identity": …}` | it publishes audio or video |
| relay | `{"event": "user_unpublished", "identity": …}` | it publishes neither any more |
| relay | `{"event": "token_will_expire", "seconds": …}` | (Agora) a new token is due |
| relay | `{"event": "disconnected", "code": …}` | the member is out; the connection ends |

## Audio and video

A relay that carries them adds `tracks` to `joined`: by identity a list of `{"id", "kind", "name",
"muted", "width", "height"}`. They go over further websockets, `GET
<simulator>/loopback/<kind>/media`, one for each stream, opened on demand: a room of packets costs
what it costs without them, and packets never wait behind pictures. In this order:

1. Member: its `JoinRequest.to_dict()` again and what it wants: `{"do": "hear", "of": identity,
   "sample_rate", "channels"}`, `{"do": "see", "of": identity, "format"}` with "i420", "rgb24" or
   "rgba", `{"do": "speak", "sample_rate", "channels"}` or `{"do": "show"}`.
2. Relay: `{"event": "accepted"}`; or `unsupported(…)`, and the connection ends. It also ends
   where the member isn't in the room.
3. Then, until either end closes it:

| from | frame | meaning |
|---|---|---|
| relay | `{"event": "started"}` | a track begins, to hear or to see |
| relay | binary | to hear: s16le samples, interleaved; to see: `pack_picture` |
| member | binary | to speak: s16le samples, interleaved, at their pace; to show: `pack_shown` |

Who reads too slowly loses the oldest. On the first websocket the relay sends `{"event": "tracks",
"identity": …, "tracks": […]}` after each change.

Unknown events and fields are ignored, so either end may be older than the other.

The credentials of such a room have `akool_simulator_url`, the simulator's base URL, beside the
vendor's fields. By it a client knows that the relay is the way into the room.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from akool_async.media.frames import PixelFormat

__all__ = [
    "MAX_FRAME",
    "MAX_IDENTITY",
    "MAX_MEDIA_FRAME",
    "STARTED",
    "JoinRequest",
    "Relayed",
    "Seen",
    "Sent",
    "Shown",
    "joined",
    "media_url",
    "pack_picture",
    "pack_relayed",
    "pack_sent",
    "pack_shown",
    "read_object",
    "refused",
    "unpack_picture",
    "unpack_relayed",
    "unpack_sent",
    "unpack_shown",
    "unsupported",
    "url",
]

#: Bytes of an identity: its length is one byte in a relayed packet.
MAX_IDENTITY: Final = 255
#: Bytes of a frame.
MAX_FRAME: Final = 1 << 20
#: Bytes of a frame with a picture: 1920x1080 with four bytes a pixel, and some.
MAX_MEDIA_FRAME: Final = 1 << 24
#: A track begins.
STARTED: Final = '{"event": "started"}'

_SENT: Final = struct.Struct(">dB")
_RELAYED: Final = struct.Struct(">BB")
_PICTURE: Final = struct.Struct(">dHH")
_SHOWN: Final = struct.Struct(">BBHH")
#: The formats of what is shown, by their number on the wire.
_FORMATS: Final[tuple[PixelFormat, ...]] = ("i420", "rgb24", "rgba")


def url(base_url: str, kind: str) -> str:
    """Where the relay of `kind` is, at the simulator's `base_url`."""
    return f"{base_url.rstrip('/')}/loopback/{kind}"


def media_url(base_url: str, kind: str) -> str:
    """Where its audio and video are."""
    return f"{url(base_url, kind)}/media"


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """What a member joins with.

    Attributes:
        channel: the room.
        identity: the member's.
        credential: its token or signature.
        fields: the vendor's own fields.
    """

    channel: str
    identity: str
    credential: str = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The member's first frame."""
        return {
            **self.fields,
            "channel": self.channel,
            "identity": self.identity,
            "credential": self.credential,
        }


def joined(
    members: Iterable[str],
    publishing: Iterable[str] | None = None,
    tracks: Mapping[str, list[dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """The relay lets a member in: who else is there, and who of them publishes.

    `publishing` is `None` where the relay doesn't report who publishes, `tracks` where it carries
    neither audio nor video.
    """
    answer: dict[str, Any] = {"event": "joined", "members": list(members)}
    if publishing is not None:
        answer["publishing"] = list(publishing)
    if tracks is not None:
        answer["tracks"] = dict(tracks)
    return answer


def refused(code: int | str, message: str) -> dict[str, Any]:
    """The relay doesn't let a member in; `code` is the vendor's."""
    return {"event": "refused", "code": code, "message": message}


def unsupported(message: str) -> dict[str, Any]:
    """The relay doesn't carry such a stream, and never will."""
    return {"event": "unsupported", "message": message}


@dataclass(frozen=True, slots=True)
class Sent:
    """A member's packet; `clock` in seconds since it joined."""

    clock: float
    command: int
    payload: bytes


def pack_sent(clock: float, command: int, payload: bytes) -> bytes:
    """The frame of a member's packet."""
    return _SENT.pack(clock, command) + payload


def unpack_sent(frame: bytes) -> Sent:
    """Reads the frame of a member's packet.

    Raises:
        ValueError: it is too short.
    """
    if len(frame) < _SENT.size:
        raise ValueError(f"a packet's frame of {len(frame)} bytes")
    clock, command = _SENT.unpack_from(frame)
    return Sent(clock, command, frame[_SENT.size :])


@dataclass(frozen=True, slots=True)
class Relayed:
    """A packet on its way from one member to another."""

    command: int
    sender: str
    payload: bytes


def pack_relayed(command: int, sender: str, payload: bytes) -> bytes:
    """The frame of a packet on its way to a member."""
    name = sender.encode()
    return _RELAYED.pack(command, len(name)) + name + payload


def unpack_relayed(frame: bytes) -> Relayed:
    """Reads the frame of a packet of another member.

    Raises:
        ValueError: it is too short, or the sender isn't UTF-8.
    """
    if len(frame) < _RELAYED.size or len(frame) < _RELAYED.size + frame[1]:
        raise ValueError(f"a relayed packet's frame of {len(frame)} bytes")
    command, length = _RELAYED.unpack_from(frame)
    start = _RELAYED.size + length
    return Relayed(command, frame[_RELAYED.size : start].decode(), frame[start:])


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture; `captured` in seconds of the sender's steady clock."""

    captured: float
    width: int
    height: int
    data: memoryview


def pack_picture(captured: float, width: int, height: int, data: bytes) -> bytes:
    """The frame of a picture."""
    return _PICTURE.pack(captured, width, height) + data


def unpack_picture(frame: bytes) -> Seen:
    """Reads the frame of a picture.

    Raises:
        ValueError: it is too short.
    """
    if len(frame) < _PICTURE.size:
        raise ValueError(f"a picture's frame of {len(frame)} bytes")
    captured, width, height = _PICTURE.unpack_from(frame)
    return Seen(captured, width, height, memoryview(frame)[_PICTURE.size :])


@dataclass(frozen=True, slots=True)
class Shown:
    """A member's picture; `rotation` in degrees."""

    format: PixelFormat
    rotation: int
    width: int
    height: int
    data: memoryview


def pack_shown(shown: Shown) -> bytes:
    """The frame of a picture that a member shows."""
    turned = shown.rotation // 90
    head = _SHOWN.pack(_FORMATS.index(shown.format), turned, shown.width, shown.height)
    return head + shown.data


def unpack_shown(frame: bytes) -> Shown:
    """Reads the frame of a picture that a member shows.

    Raises:
        ValueError: it is too short, or of no known format.
    """
    if len(frame) < _SHOWN.size:
        raise ValueError(f"a shown picture's frame of {len(frame)} bytes")
    number, turned, width, height = _SHOWN.unpack_from(frame)
    if number >= len(_FORMATS):
        raise ValueError(f"a shown picture of format {number}")
    data = memoryview(frame)[_SHOWN.size :]
    return Shown(_FORMATS[number], 90 * turned, width, height, data)


def read_object(text: str) -> dict[str, Any]:
    """A text frame; empty where it isn't a JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
