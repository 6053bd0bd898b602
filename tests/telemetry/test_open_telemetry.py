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
from opentelemetry.trace import SpanKind, StatusCode
from recorded_room import stage

from akool_async import AkoolClient, ConversationOptions, telemetry
from akool_async.errors import (
    JoinError,
    MissingDependencyError,
    NotFoundError,
    SessionLeftOpenError,
)
from akool_async.simulator import Fault, Simulator

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

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def parts(self):
        """The one session's span, and the names of its children with the error each ended with."""
        [session] = self.named("akool.session")
        children = [
            s for s in self.spans if s.parent and s.parent.span_id == session.context.span_id
        ]
        for child in children:  # but for what the wall clock was set by meanwhile
            assert session.start_time - 50_000_000 <= child.start_time <= child.end_time
            assert child.end_time <= session.end_time + 50_000_000
        return session, [
            (s.name, s.attributes.get("error.type"))
            for s in children
            if s.name.startswith("akool.")
        ]

    def instruments(self):
        data = self._metrics.get_metrics_data()
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def metrics(self):
        return {name: metric.data.data_points for name, metric in self.instruments().items()}

    def failures(self):
        return {
            (point.attributes["akool.span"], point.attributes["error.type"]): point.value
            for point in self.metrics()["akool.failures"]
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
    # The calls that were made for it, too; none of others.
    base = "/api/open/v4/liveAvatar/session"
    assert {name for name in below if name.startswith(("GET", "POST"))} == {
        f"POST {base}/create",
        f"POST {base}/close",
    }
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
    points = [point for points in metrics.values() for point in points]
    assert session_id not in repr([point.attributes for point in points])
    assert "akool.failures" not in metrics


async def test_units_are_ucum_and_a_second_is_divided_into_buckets():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(
            KEY, base_url=service.url, telemetry=exported.telemetry, credits_per_minute=2
        ) as akool,
        akool.open_session(AVATAR, stream_type="trtc", duration=300) as avatar,
    ):
        await avatar.ask("What is the capital of France?")
    instruments = exported.instruments()
    for metric in instruments.values():
        [*points] = metric.data.data_points
        if hasattr(points[0], "explicit_bounds"):
            assert metric.unit == "s"
            # By OpenTelemetry's default, which is for milliseconds, 0 to 5 s would be one bucket.
            assert sum(bound < 1.0 for bound in points[0].explicit_bounds) >= 8
    assert instruments["akool.packets_sent"].unit == "{packet}"
    assert instruments["akool.bytes_sent"].unit == "By"
    [credits_] = instruments["akool.credits_estimated"].data.data_points
    assert credits_.value == 10


async def test_a_session_that_can_t_be_created_is_a_span_with_its_error():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
    ):
        with pytest.raises(NotFoundError):
            await akool.open_session("no_such_avatar", stream_type="trtc", voice="account")
    session, parts = exported.parts()
    assert (session.status.status_code, parts) == (
        StatusCode.ERROR,
        [("akool.create", "NotFoundError")],
    )
    assert exported.failures() == {
        ("akool.create", "NotFoundError"): 1,
        ("akool.session", "NotFoundError"): 1,
    }


async def test_every_try_to_have_an_avatar_is_part_of_the_one_session():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
        akool.open_session(["no_such_avatar", AVATAR], stream_type="trtc", voice="account"),
    ):
        pass
    session, parts = exported.parts()
    assert session.status.status_code is StatusCode.UNSET
    assert session.attributes["akool.avatar.id"] == AVATAR
    assert [part for part in parts if part[0] == "akool.create"] == [
        ("akool.create", "NotFoundError"),
        ("akool.create", None),
    ]


async def test_a_session_whose_room_can_t_be_joined_failed():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
    ):

        async def gone(session):
            await akool.sessions.close(session.id)

        with pytest.raises(JoinError):
            await akool.open_session(AVATAR, stream_type="trtc", on_created=gone)
    session, parts = exported.parts()
    assert session.status.status_code is StatusCode.ERROR
    assert parts == [
        ("akool.create", None),
        ("akool.join", "JoinRefusedError"),
        ("akool.close", None),
    ]


async def test_a_session_that_stays_open_at_the_service_failed():
    exported = Exported()
    options = ConversationOptions(session_close_timeout=0.2)
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
    ):
        avatar = await akool.open_session(AVATAR, stream_type="trtc", options=options)
        service.fail_next(Fault(status=503, path="*/session/close", times=None))
        with pytest.raises(SessionLeftOpenError):
            await avatar.aclose()
        service.clear_faults()
        await akool.sessions.close(avatar.info.session_id)
    session, parts = exported.parts()
    assert session.status.status_code is StatusCode.ERROR
    assert parts[-1] == ("akool.close", "SessionLeftOpenError")


async def test_a_call_that_is_repeated_is_one_span_and_its_repetitions_are_counted():
    exported = Exported()
    async with (
        Simulator(queue_time=0.0) as service,
        AkoolClient(KEY, base_url=service.url, telemetry=exported.telemetry) as akool,
    ):
        service.fail_next(Fault(status=503, path="*/avatar/detail", times=2))
        await akool.avatars.get(AVATAR)
    [call] = exported.spans
    assert call.kind is SpanKind.CLIENT
    assert call.attributes["http.request.resend_count"] == 2
    assert call.attributes["server.address"] == "127.0.0.1"
    metrics = exported.metrics()
    [repeated] = metrics["akool.requests_repeated"]
    [took] = metrics["http.client.request.duration"]
    assert (repeated.value, took.count) == (2, 1)
    assert took.attributes["url.template"] == "/api/open/v4/liveAvatar/avatar/detail"
    assert "http.request.resend_count" not in took.attributes


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
