"""How long things take in one conversation: kept for `stats`, and passed on to the program's own
measurements (docs/telemetry.md).
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from akool_async.conversation.latencies import Latencies
from akool_async.conversation.options import ConversationStats, SessionInfo, Timing
from akool_async.media.measuring import SoundWatch
from akool_async.telemetry.measurements import (
    CONVERSATION_ID,
    MEASURED_SESSION,
    Attributes,
    Measurements,
    SessionMeasurements,
)

__all__ = ["Meter", "name_of_end"]

logger = logging.getLogger("akool_async.telemetry")

_COMMON: Final = {"gen_ai.provider.name": "akool", "gen_ai.operation.name": "chat"}
#: The newest values of each duration are kept for its percentiles.
_KEPT: Final = 1000
#: The counts of `ConversationStats` that are reported when a session ends.
_COUNTS: Final = (
    "packets_sent",
    "bytes_sent",
    "packets_received",
    "bytes_received",
    "commands_resent",
    "reconnects",
    "probes",
    "late_parts",
    "echoes",
    "events_lost",
    "frames_dropped",
    "unknown_packets",
)


def name_of_end(future: asyncio.Future[Any]) -> str:
    """What a span's `error` says of a future that is done: "" for a result."""
    if future.cancelled():
        return "CancelledError"
    error = future.exception()
    return "" if error is None else type(error).__name__


class Meter:
    """The durations of one conversation. Names are without the `akool.` that they have outside.

    Args:
        clock: seconds of the event loop's clock.
        telemetry: the program's measurements, `None`: it has none.
    """

    def __init__(self, clock: Callable[[], float], telemetry: Measurements | None) -> None:
        self._clock = clock
        self._began = clock()
        self._session = None if telemetry is None else _begun(telemetry)
        self._kept: defaultdict[str, _Newest] = defaultdict(_Newest)
        #: Measures by the avatar's sound, where that is read.
        self.sound = SoundWatch(clock, self)
        #: Is given what happens in the conversation.
        self.latencies = Latencies(clock, self, self.sound)

    # What a part measures itself.

    def duration(self, name: str, seconds: float, **attributes: str | float | bool) -> None:
        """Something took `seconds`."""
        self._kept[name].add(seconds)
        if self._session is not None:
            self._report(lambda to: to.duration(f"akool.{name}", seconds, attributes))

    def span(
        self, name: str, seconds: float, error: str = "", /, **attributes: str | float | bool
    ) -> None:
        """Something that took `seconds` ended now. Only what succeeded counts for percentiles."""
        if not error:
            self.duration(name, seconds, **attributes)
        if self._session is not None:
            self._report(lambda to: to.span(f"akool.{name}", seconds, attributes, error))

    @contextmanager
    def measured(self, name: str) -> Iterator[dict[str, str | float | bool]]:
        """A span around a block, which may add attributes; an exception ends it with its name."""
        began = self._clock()
        outer = MEASURED_SESSION.get()
        MEASURED_SESSION.set(self._session)
        error, attributes = "", dict[str, str | float | bool]()
        try:
            yield attributes
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            MEASURED_SESSION.set(outer)  # `reset` fails for a task that ended with its loop
            self.span(name, self._clock() - began, error, **attributes)

    # The session.

    def identify(self, info: SessionInfo) -> None:
        """What the session is about."""
        found = {
            CONVERSATION_ID: info.session_id,
            "akool.avatar.id": info.avatar_id,
            "akool.transport": info.transport or None,
        }
        attributes: Attributes = {name: value for name, value in found.items() if value}
        self._report(lambda to: to.identify(attributes))
        if (price := info.estimated_credits) is not None:
            self._report(lambda to: to.count("akool.credits_estimated", price, {}))

    def end(self, stats: ConversationStats, error: str) -> None:
        """The conversation is over, or was never opened: reports the counts. Twice is fine."""
        if self._session is None:
            return
        if not error:
            self.duration("session", self._clock() - self._began)

        def report(to: SessionMeasurements) -> None:
            for name in _COUNTS:
                if amount := getattr(stats, name):
                    to.count(f"akool.{name}", amount, {})
            for reason, amount in stats.dropped.items():
                to.count("akool.dropped", amount, {"akool.reason": reason})
            to.end(error)

        self._report(report)
        self._session = None

    def timings(self) -> dict[str, Timing]:
        """The percentiles of what was measured so far."""
        return {name: _timing(sorted(kept.values)) for name, kept in self._kept.items()}

    def _report(self, call: Callable[[SessionMeasurements], None]) -> None:
        if self._session is None:
            return
        try:
            call(self._session)
        except (Exception, asyncio.CancelledError):
            # A conversation is paid for; the program's measurements must not end it.
            logger.exception("telemetry= failed; this session reports nothing more")
            self._session = None


class _Newest:
    """The newest values, in any order."""

    __slots__ = ("_oldest", "values")

    def __init__(self) -> None:
        self.values = array("d")
        self._oldest = 0

    def add(self, value: float) -> None:
        if len(self.values) < _KEPT:
            self.values.append(value)
        else:
            self.values[self._oldest] = value
            self._oldest = (self._oldest + 1) % _KEPT


def _begun(telemetry: Measurements) -> SessionMeasurements | None:
    try:
        return telemetry.begin(_COMMON)
    except (Exception, asyncio.CancelledError):
        logger.exception("telemetry= failed; this session reports nothing")
        return None


def _timing(values: list[float]) -> Timing:
    last = len(values) - 1
    return Timing(
        count=len(values),
        p50=values[round(last * 0.5)],
        p90=values[round(last * 0.9)],
        p99=values[round(last * 0.99)],
        longest=values[-1],
    )
