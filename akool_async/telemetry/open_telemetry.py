"""Measurements as spans and metrics of OpenTelemetry (extra `otel`: its API package only)."""

from __future__ import annotations

import time
from typing import Any, Final

from akool_async.errors import MissingDependencyError
from akool_async.telemetry.measurements import (
    CONVERSATION_ID,
    MEASURED_SESSION,
    Attributes,
    Measurements,
    SessionMeasurements,
)

__all__ = ["open_telemetry"]

_SCOPE = "akool_async"

#: Seconds: from a command over a local network to an hour's recording. OpenTelemetry's own default
#: is for milliseconds: all that takes up to 5 s would be in one bucket.
_BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0, 3600.0),
)
#: As the conventions for HTTP have it.
_REQUEST_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
_REQUEST: Final = "http.client.request.duration"
#: UCUM; what isn't named counts what its last part says.
_UNITS: Final = {
    "akool.packets_sent": "{packet}",
    "akool.packets_received": "{packet}",
    "akool.bytes_sent": "By",
    "akool.bytes_received": "By",
    "akool.commands_resent": "{command}",
    "akool.reconnects": "{reconnect}",
    "akool.probes": "{probe}",
    "akool.late_parts": "{part}",
    "akool.echoes": "{echo}",
    "akool.events_lost": "{event}",
    "akool.frames_dropped": "{frame}",
    "akool.unknown_packets": "{packet}",
    "akool.dropped": "{packet}",
    "akool.credits_estimated": "{credit}",
    "akool.requests_repeated": "{request}",
    "akool.failures": "{failure}",
}
#: Attributes of a call's span that its metrics don't have.
_RESENT: Final = "http.request.resend_count"


def open_telemetry(*, tracer_provider: Any = None, meter_provider: Any = None) -> Measurements:
    """Reports to OpenTelemetry; where no SDK is set up, that does nothing.

    A session is a span, and what happens in it are its children. Durations are histograms in
    seconds, counts are counters; docs/telemetry.md lists both. Attributes follow the conventions
    for generative AI where there is one.

    Args:
        tracer_provider: the global one by default.
        meter_provider: the global one by default.

    Raises:
        MissingDependencyError: `opentelemetry-api` isn't installed.
    """
    try:
        from opentelemetry import metrics, trace
    except ImportError as error:
        raise MissingDependencyError(
            "open_telemetry() needs the package opentelemetry-api, which isn't installed.",
            install='pip install "akool-async[otel]"',
        ) from error
    return _OpenTelemetry(
        trace,
        trace.get_tracer(_SCOPE, tracer_provider=tracer_provider),
        metrics.get_meter(_SCOPE, meter_provider=meter_provider),
    )


class _OpenTelemetry:
    """Implements `Measurements`. `trace` is the API's module."""

    def __init__(self, trace: Any, tracer: Any, meter: Any) -> None:
        self.trace = trace
        self.tracer = tracer
        self._meter = meter
        self._histograms: dict[str, Any] = {}
        self._counters: dict[str, Any] = {}

    def begin(self, attributes: Attributes) -> SessionMeasurements:
        return _Session(self, attributes)

    def request(self, operation: str, seconds: float, attributes: Attributes, error: str) -> None:
        session = MEASURED_SESSION.get()
        context = None  # the program's own span is its parent, if there is one
        if isinstance(session, _Session) and session.telemetry is self:
            context = session.context
        self.ended_span(operation, seconds, attributes, error, self.trace.SpanKind.CLIENT, context)
        counted = {name: value for name, value in attributes.items() if name != _RESENT}
        self.record(_REQUEST, seconds, {**_error(error), **counted})
        if again := attributes.get(_RESENT):
            self.add("akool.requests_repeated", int(again), counted)

    def record(self, name: str, seconds: float, attributes: Attributes) -> None:
        """A value of a histogram, which is made at its first one."""
        histogram = self._histograms.get(name)
        if histogram is None:
            buckets = _REQUEST_BUCKETS if name == _REQUEST else _BUCKETS
            histogram = self._histograms[name] = self._meter.create_histogram(
                name, unit="s", explicit_bucket_boundaries_advisory=buckets
            )
        histogram.record(seconds, dict(attributes))

    def add(self, name: str, amount: float, attributes: Attributes) -> None:
        """Adds to a counter, which is made at its first use."""
        counter = self._counters.get(name)
        if counter is None:
            counter = self._counters[name] = self._meter.create_counter(
                name, unit=_UNITS.get(name, "1")
            )
        counter.add(amount, dict(attributes))

    def ended_span(
        self,
        name: str,
        seconds: float,
        attributes: Attributes,
        error: str,
        kind: Any,
        context: Any,
    ) -> None:
        """A span that ended now."""
        now = time.time_ns()
        span = self.tracer.start_span(
            name,
            context=context,
            kind=kind,
            attributes={**_error(error), **attributes},
            start_time=now - round(seconds * 1e9),
        )
        if error:
            span.set_status(self.trace.StatusCode.ERROR, error)
        span.end(end_time=now)


class _Session:
    """Implements `SessionMeasurements`."""

    def __init__(self, telemetry: _OpenTelemetry, attributes: Attributes) -> None:
        self.telemetry = telemetry
        trace = telemetry.trace
        self._span = telemetry.tracer.start_span(
            "akool.session", kind=trace.SpanKind.CLIENT, attributes=dict(attributes)
        )
        self.context = trace.set_span_in_context(self._span)
        self._common: dict[str, str | int | float | bool] = {}
        self._id: dict[str, str | int | float | bool] = {}
        self.identify(attributes)

    def identify(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))
        # A session's id would make a series of its own for each session.
        for name, value in attributes.items():
            (self._id if name == CONVERSATION_ID else self._common)[name] = value

    def duration(self, name: str, seconds: float, attributes: Attributes) -> None:
        own = {name: value for name, value in attributes.items() if name != CONVERSATION_ID}
        self.telemetry.record(name, seconds, {**self._common, **own})

    def span(self, name: str, seconds: float, attributes: Attributes, error: str) -> None:
        telemetry = self.telemetry
        kind = telemetry.trace.SpanKind.INTERNAL
        # A renewed conversation has several sessions: each part has the id of its own.
        telemetry.ended_span(name, seconds, {**self._id, **attributes}, error, kind, self.context)
        if error:
            self._failed(name, error)

    def count(self, name: str, amount: float, attributes: Attributes) -> None:
        self.telemetry.add(name, amount, {**self._common, **attributes})

    def end(self, error: str) -> None:
        if error:
            self._span.set_attributes(_error(error))
            self._span.set_status(self.telemetry.trace.StatusCode.ERROR, error)
            self._failed("akool.session", error)
        self._span.end()

    def _failed(self, name: str, error: str) -> None:
        attributes = {**self._common, "akool.span": name, **_error(error)}
        self.telemetry.add("akool.failures", 1, attributes)


def _error(name: str) -> dict[str, str | int | float | bool]:
    return {"error.type": name} if name else {}
