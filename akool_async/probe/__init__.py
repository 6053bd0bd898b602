"""Looks how the live service behaves where documents leave it open (`akool probe`).

    report = await Probe(akool, stream_type="livekit").run()
    report.write("behavior.json")  # for Simulator(behavior="behavior.json")

It opens paid sessions, of `MOST_SECONDS` seconds in all at most, and closes them.
"""

from akool_async.probe.probe import MOST_SECONDS, Probe, ProbeReport
from akool_async.probe.rows import Row

__all__ = ["MOST_SECONDS", "Probe", "ProbeReport", "Row"]
