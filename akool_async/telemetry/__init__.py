"""Numbers of sessions that a program can alert on: durations, spans and counts.

Give `telemetry=` to `AkoolClient`, or to `ConversationOptions` for one session:

    AkoolClient(telemetry=telemetry.open_telemetry())

Unused, it costs a comparison with `None` for each event.
"""

from akool_async.telemetry.logs import log
from akool_async.telemetry.measurements import Attributes, Measurements, SessionMeasurements
from akool_async.telemetry.open_telemetry import open_telemetry

__all__ = ["Attributes", "Measurements", "SessionMeasurements", "log", "open_telemetry"]
