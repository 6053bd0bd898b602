"""Measurements as spans and metrics of OpenTelemetry (extra `otel`: its API package only)."""

from __future__ import annotations

import time
from typing import Any

from akool_async.errors import MissingDependencyError
from akool_async.telemetry.measurements import Attributes, Measurements, SessionMeasurements

__all__ = ["open_telemetry"]

_SCOPE = "akool_async"


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
        self.record("http.client.request.duration", seconds, {**_error(error), **attributes})
        self.ended_span(operation, seconds, attributes, error, self.trace.SpanKind.CLIENT, None)

    def record(self, name: str, seconds: float, attributes: Attributes) -> None:
        """A value of a histogram, which is made at its first one."""
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._meter.create_histogram(name, unit="s")
            self._histograms[name] = histogram
        histogram.record(seconds, dict(attributes))

    def add(self, name: str, amount: int, attributes: Attributes) -> None:
        """Adds to a counter, which is made at its first use."""
        counter = self._counters.get(name)
        if counter is None:
            counter = self._counters[name] = self._meter.create_counter(name)
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
        self._telemetry = telemetry
        trace = telemetry.trace
        self._span = telemetry.tracer.start_span(
            "akool.session", kind=trace.SpanKind.CLIENT, attributes=dict(attributes)
        )
        self._context = trace.set_span_in_context(self._span)
        self._common: dict[str, str | int | float | bool] = {}
        self.identify(attributes)

    def identify(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))
        # A session's id would make a series of its own for each session.
        self._common |= {
            name: value for name, value in attributes.items() if name != "gen_ai.conversation.id"
        }

    def duration(self, name: str, seconds: float, attributes: Attributes) -> None:
        self._telemetry.record(name, seconds, {**self._common, **attributes})

    def span(self, name: str, seconds: float, attributes: Attributes, error: str) -> None:
        kind = self._telemetry.trace.SpanKind.INTERNAL
        self._telemetry.ended_span(name, seconds, attributes, error, kind, self._context)

    def count(self, name: str, amount: int, attributes: Attributes) -> None:
        self._telemetry.add(name, amount, {**self._common, **attributes})

    def end(self, error: str) -> None:
        if error:
            self._span.set_attributes(_error(error))
            self._span.set_status(self._telemetry.trace.StatusCode.ERROR, error)
        self._span.end()


def _error(name: str) -> dict[str, str | int | float | bool]:
    return {"error.type": name} if name else {}
