"""The contract of a transport, finding transports by name, and what several of them share.

A transport carries packets of one room: bytes in, bytes out, limits, connection changes, one
close. It knows no JSON and keeps no pace; both are done above it, by the codec and by the limits
that it declares. Audio and video are no part of it: a transport that offers them has a
`akool_async.media.MediaTransport` as its property `media`.

A transport is found through the entry-point group `akool_async.transports`: an entry's name is
what `stream_type=` and `transport=` take, its value a subclass of `Transport`.

Optional for a transport: `reconnect`, `loopback_options`, `participants` with the change
`PARTICIPANTS`, by which a caller knows who is in the room, and `avatar_publishing` with the change
`AVATAR_PUBLISHED`, by which it can wait until the avatar publishes audio or video. The conformance
suite (`akool_async.testing.conformance`) tests them where the room can show them.

`akool_async.transport.engines` is for transports over a vendor's SDK that not everybody has.
"""

from akool_async.stream.limits import PacketLimits
from akool_async.transport.contract import (
    ConnectionChange,
    ConnectionState,
    JoinTarget,
    Transport,
    TransportStats,
)
from akool_async.transport.discovery import available_transports, load_transport
from akool_async.transport.inbox import Inbox
from akool_async.transport.people import Participant
from akool_async.transport.tap import tapped

__all__ = [
    "ConnectionChange",
    "ConnectionState",
    "Inbox",
    "JoinTarget",
    "PacketLimits",
    "Participant",
    "Transport",
    "TransportStats",
    "available_transports",
    "load_transport",
    "tapped",
]
