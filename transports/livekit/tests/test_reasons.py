"""`akool_livekit.reasons`: LiveKit's words in ours."""

from __future__ import annotations

import time

import pytest
from akool_livekit.reasons import ended_text, expiry, is_refusal, reason_name
from livekit import rtc

from akool_async.simulator.rooms.livekit.tokens import Grants, mint


@pytest.mark.parametrize(
    ("vendor", "reason"),
    [
        ("CLIENT_INITIATED", "closed"),
        ("DUPLICATE_IDENTITY", "same_identity"),
        ("PARTICIPANT_REMOVED", "removed"),
        ("ROOM_DELETED", "room_closed"),
        ("ROOM_CLOSED", "room_closed"),
        ("UNKNOWN_REASON", "connection_lost"),
        ("SERVER_SHUTDOWN", "server_shutdown"),
    ],
)
def test_reasons(vendor: str, reason: str) -> None:
    assert vendor in rtc.DisconnectReason.keys()  # noqa: SIM118 - an enum wrapper isn't a mapping
    assert reason_name(vendor, "") == reason


def test_every_reason_has_a_sentence() -> None:
    for vendor in rtc.DisconnectReason.keys():  # noqa: SIM118
        assert " " in ended_text(reason_name(vendor, ""))


@pytest.mark.parametrize(("lifetime", "reason"), [(0, "token_expired"), (60, "join_failure")])
def test_a_join_failure_is_explained_by_the_tokens_age(lifetime: float, reason: str) -> None:
    token = mint(Grants("me", "room"), lifetime=lifetime)
    assert reason_name("JOIN_FAILURE", token) == reason


def test_expiry() -> None:
    token = mint(Grants("me", "room"), lifetime=60)
    assert expiry(token) == pytest.approx(time.time() + 60, abs=5)
    for bad in ("", "x", "a.b.c", "a.e30.c"):
        assert expiry(bad) is None


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("engine: signal failure: client error: 401 Unauthorized - invalid token", True),
        ("engine: signal failure: client error: 403 Forbidden", True),
        ("engine: signal failure: server error: 503 Service Unavailable", False),
        ("engine: signal failure: client error: 404 Not Found - port 14013", False),
        ("engine: signal failure: timeout", False),
    ],
)
def test_refusals_are_known_by_the_text(text: str, refused: bool) -> None:
    assert is_refusal(text) is refused
