"""A local AKOOL, for programs and tests that need no account, no credits and no network.

`Simulator` is a server on loopback with the REST calls of versions 3 and 4, sessions that cost
credits and run out, and rooms in which an avatar answers. Any program that speaks to the service
can speak to it.
"""

from akool_async.simulator.behavior import ServiceBehavior
from akool_async.simulator.clock import Clock
from akool_async.simulator.faults import Fault
from akool_async.simulator.media.settings import Media
from akool_async.simulator.media.sight import SeenVideo
from akool_async.simulator.network import NetworkConditions
from akool_async.simulator.recording import RequestRecord, StreamRecord
from akool_async.simulator.rooms.livekit_server.server import LiveKitServer
from akool_async.simulator.server import Simulator
from akool_async.simulator.sessions import SimSession

__all__ = [
    "Clock",
    "Fault",
    "LiveKitServer",
    "Media",
    "NetworkConditions",
    "RequestRecord",
    "SeenVideo",
    "ServiceBehavior",
    "SimSession",
    "Simulator",
    "StreamRecord",
]
