"""Spans and metrics as the real OpenTelemetry SDK exports them, of a conversation in a room."""

from __future__ import annotations

import json
import sys

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from recorded_room import stage

from akool_async import AkoolClient, ConversationOptions, telemetry
from akool_async.errors import MissingDependencyError, NotFoundError
from akool_async.simulator import Simulator

AVATAR = "dvp_Tristan_cloth2_1080P"
KEY = "sk-telemetry-secret"


class Exported:
    """What an SDK in memory was given."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        tracer_provider = TracerProvider()
        tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self._metrics = InMemoryMetricReader()
        self.telemetry = telemetry.open_telemetry(
            tracer_provider=tracer_provider,
            meter_provider=MeterProvider(metric_readers=[self._metrics]),
        )

    @property
    def spans(self):
        return self._spans.get_finished_spans()

    def metrics(self):
        data = self._metrics.get_metrics_data()
        return {
            metric.name: metric.data.data_points
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


async def test_a_conversation_is_a_span_with_its_parts_below_it_and_histograms_in_seconds():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
    ):
        async with akool.open_session(AVATAR, stream_type="trtc") as avatar:
            reply = await avatar.ask("What is the capital of France?")
            session_id = avatar.info.session_id
        with pytest.raises(NotFoundError):
            await akool.sessions.get("507f1f77bcf86cd799439011")
    spans = exported.spans
    [session] = [span for span in spans if span.name == "akool.session"]
    assert session.attributes["gen_ai.provider.name"] == "akool"
    assert session.attributes["gen_ai.conversation.id"] == session_id
    assert session.attributes["akool.transport"] == "trtc"
    assert session.status.status_code is StatusCode.UNSET
    below = {
        span.name
        for span in spans
        if span.parent and span.parent.span_id == session.context.span_id
    }
    assert below >= {"akool.create", "akool.join", "akool.ready", "akool.question", "akool.close"}
    [question] = [span for span in spans if span.name == "akool.question"]
    [refused] = [span for span in spans if span.attributes.get("error.type") == "NotFoundError"]
    assert refused.status.status_code is StatusCode.ERROR
    assert session_id not in refused.name
    metrics = exported.metrics()
    [whole] = metrics["akool.question"]
    assert question.end_time - question.start_time == pytest.approx(whole.sum * 1e9, abs=2)
    assert whole.sum >= reply.took
    [first_word] = metrics["akool.question.first_word"]
    assert first_word.count == 1
    assert first_word.sum == pytest.approx(reply.first_after, abs=1e-6)
    assert sum(point.value for point in metrics["akool.packets_sent"]) > 0
    # A series for each session would never end.
    assert all("gen_ai.conversation.id" not in point.attributes for point in metrics["akool.join"])


async def test_nothing_that_is_secret_or_was_said_is_exported():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
        akool.open_session(AVATAR, stream_type="trtc") as avatar,
    ):
        reply = await avatar.ask("A very private question?")
    everything = json.dumps([json.loads(span.to_json()) for span in exported.spans])
    everything += repr(exported.metrics())
    for secret in (KEY, "private question", reply.text):
        assert secret not in everything


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingDependencyError, match=r"akool-async\[otel\]"):
        telemetry.open_telemetry()


async def test_subscriptions_and_recordings_are_spans_and_their_frames_durations(tmp_path):
    exported = Exported()
    async with (
        stage(options=ConversationOptions(telemetry=exported.telemetry)) as one,
        one.avatar.record(tmp_path / "call.wav", subtitles=False),
        one.avatar.video_frames(max_waiting=1) as pictures,
    ):
        await anext(pictures)
        one.media.picture()
        one.media.picture()
    kinds = {
        span.attributes["akool.media.kind"]
        for span in exported.spans
        if span.name == "akool.media.subscription"
    }
    assert kinds == {"audio", "video"}
    assert [span.name for span in exported.spans].count("akool.recording") == 1
    metrics = exported.metrics()
    assert {"akool.media.first_frame", "akool.recording"} <= metrics.keys()
    [dropped] = metrics["akool.frames_dropped"]
    assert dropped.value >= 1
